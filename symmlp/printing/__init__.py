"""Formulas and programs as text, LaTeX and NumPy."""
