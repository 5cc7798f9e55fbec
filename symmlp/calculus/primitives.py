"""Functions that stable forms call and that SymPy has under other names, or not at all."""

from __future__ import annotations

import sympy as sp


class complementary_error(sp.Function):  # noqa: N801 - named as SymPy names functions
    """erfc, left as it is: SymPy's own turns erfc(-v) into 2 - erfc(v), which cancels for large v."""

    nargs = 1


class erfcx(sp.Function):  # noqa: N801 - named as MATLAB and SciPy name it
    """exp(x²)·erfc(x) for x >= 0, which falls like 1/x."""

    nargs = 1


class outside(sp.Function):  # noqa: N801 - named as SymPy names functions
    """x where |x| >= r, and r elsewhere: keeps a form away from the interval in which another one is used."""

    nargs = 2
