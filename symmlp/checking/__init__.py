"""Checking someone's formula: is it the gradient, and if not, which mistake is it?"""

from symmlp.checking.asking import check_formula
from symmlp.checking.verdict import FormulaCheck, Mistake, WorstEntry

__all__ = ["FormulaCheck", "Mistake", "WorstEntry", "check_formula"]
