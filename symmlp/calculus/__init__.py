"""Calculus: index notation, backward rules, slopes and kinks, stable forms, measured against exact values."""
