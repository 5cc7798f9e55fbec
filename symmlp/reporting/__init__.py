"""The explorer: formulas, generated code and computational tree on one page, tied by the ids of the equations."""

from symmlp.reporting.page import report

__all__ = ["report"]
