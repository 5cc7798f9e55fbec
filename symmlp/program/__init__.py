"""The program: single-assignment statements at matrix level, and passes that rewrite it."""
