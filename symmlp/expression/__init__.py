"""The expression language: a user's text becomes a SymPy expression of real symbols, and nothing is evaluated."""

from symmlp.expression.branches import require_real_branches
from symmlp.expression.reading import names_in, parse
from symmlp.expression.real import require_real

__all__ = ["names_in", "parse", "require_real", "require_real_branches"]
