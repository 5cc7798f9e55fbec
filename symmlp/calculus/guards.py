"""Guards: a product with a factor that is zero is zero, even where another factor is infinite.

y·log p at y = 0, p = 0 is the limit 0 that a loss means, but floating point makes it NaN. A product is guarded only if
it really gives NaN where its weight is zero, which is tried out.
"""

from __future__ import annotations

from itertools import product as grid

import mpmath
import numpy as np
import sympy as sp
from sympy.codegen.cfunctions import log1p

from symmlp.calculus.exact import exact
from symmlp.calculus.matrix_form import MatrixForm
from symmlp.calculus.numeric import evaluate
from symmlp.errors import UnsupportedError
from symmlp.matrix import Var

_TRIED = (0.0, 1.0, -1.0, 1e5, -1e5, np.inf, -np.inf)


def guarded(expr: sp.Expr) -> sp.Expr:
    """Return `expr` with every product guarded that would be 0·∞ or 0/0 where a polynomial factor is zero."""
    if isinstance(expr, sp.Piecewise):
        return sp.Piecewise(*((guarded(value), condition) for value, condition in expr.args), evaluate=False)
    if isinstance(expr, sp.Add):
        return sp.Add(*(guarded(term) for term in expr.args), evaluate=False)
    if isinstance(expr, sp.Mul):
        return _guarded_product(expr)
    return expr


def _vanished(expr: sp.Mul) -> sp.Expr:
    """Return x·e^-|k x| with 0 where the exponential is, as x may be infinite there; tails do it for one variable."""
    for factor in expr.args:
        if isinstance(factor, sp.exp) and isinstance(factor.args[0].as_coeff_Mul()[1], sp.Abs):
            own = factor.free_symbols
            if len(own) > 1 and any(each.is_polynomial() and each.free_symbols & own for each in expr.args):
                gone = sp.Eq(factor, 0, evaluate=False)
                return sp.Piecewise((sp.Integer(0), gone), (expr, True), evaluate=False)
    return expr


def _guarded_product(expr: sp.Mul) -> sp.Expr:
    weight = sp.Mul(*(factor for factor in expr.args if factor.is_polynomial() and factor.free_symbols))
    if weight == expr or not _risky(expr):
        return expr
    vanished = _vanished(expr)
    if vanished is not expr:
        return vanished
    if weight == 1:
        return _without_power_of_zero(expr)
    for factor in sp.Mul.make_args(weight):
        base = factor.as_base_exp()[0]
        if _is_nan_where_zero(expr, base) and not _tends_elsewhere(expr, base):
            expr = sp.Piecewise((sp.Integer(0), sp.Eq(base, 0, evaluate=False)), (expr, True), evaluate=False)
    return expr


def _without_power_of_zero(expr: sp.Mul) -> sp.Expr:
    """Return x^a·log x with the limit 0 at x = 0 for a > 0: the slope of a power in its exponent."""
    for factor in expr.args:
        base, exponent = factor.as_base_exp()
        if base.is_Symbol and exponent.is_Symbol and expr.has(sp.log(base)):
            at_zero = sp.Piecewise((sp.Integer(0), exponent > 0), (expr, True), evaluate=False)
            return sp.Piecewise((at_zero, sp.Eq(base, 0, evaluate=False)), (expr, True), evaluate=False)
    return expr


def _tends_elsewhere(expr: sp.Expr, weight: sp.Expr) -> bool:
    """Return whether a formula of one variable has another limit than 0 where it is 0/0, as x/(e^x - 1) has 1."""
    if not weight.is_Symbol or expr.free_symbols != {weight}:
        return False
    limit = exact(expr, {weight.name: 0.0})
    return bool(mpmath.isfinite(limit) and limit != 0)


def _risky(expr: sp.Mul) -> bool:
    """Return whether some factor can be infinite: a logarithm, a line, a quotient, a growing exponential."""
    return expr.has(sp.log, log1p, sp.Max, sp.Min, sp.exp) or any(
        part.is_Pow and (part.exp.could_extract_minus_sign() or not part.exp.is_number)
        for part in sp.preorder_traversal(expr)
    )


def _is_nan_where_zero(expr: sp.Expr, weight: sp.Expr) -> bool:
    symbols = sorted(expr.free_symbols, key=sp.default_sort_key)
    form = MatrixForm({}, {}, names={symbol: Var(symbol.name, ()) for symbol in symbols})
    points = np.array(list(grid(_TRIED, repeat=len(symbols))))
    arrays = {symbol.name: points[:, at] for at, symbol in enumerate(symbols)}
    try:
        node, zero = form.of(expr, None, None), form.of(weight, None, None)
    except UnsupportedError:
        return False
    with np.errstate(all="ignore"):
        values, weights = evaluate(node, arrays), evaluate(zero, arrays)
    return bool(np.any(np.isnan(values) & (weights == 0)))
