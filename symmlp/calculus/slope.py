"""The derivative of a function of numbers, kinks included, with the steps that lead to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import sympy as sp
from sympy.codegen.cfunctions import Cbrt
from sympy.utilities.iterables import sift

from symmlp.calculus.kinks import KINKED, Branches, Kink, Policy, first_switch, share_of, smallest_subgradient, split


@dataclass(frozen=True)
class Slope:
    """∂value/∂wrt as calculus gives it, and the kinks where it is a choice."""

    value: sp.Expr
    wrt: sp.Symbol
    derivative: sp.Expr
    kinks: tuple[Kink, ...]

    @property
    def switches(self) -> tuple[sp.Expr, ...]:
        """The expressions that are zero at the kinks."""
        return tuple(dict.fromkeys(kink.switch for kink in self.kinks))


def slope(value: sp.Expr, wrt: sp.Symbol, policy: Policy = "smallest") -> Slope:
    """Return the derivative of `value`; where two smooth branches of max, min or abs meet, `policy` decides.

    At the border of a `where` the branch that holds decides, whatever the policy.
    """
    found = _Differentiation(wrt, policy)
    derivative = _tidied(found.of(value))
    return Slope(value, wrt, derivative, tuple(dict.fromkeys(found.kinks)))


class _cube_root(sp.Function):  # noqa: N801 - named as SymPy names functions
    """The real cube root while it is differentiated: SymPy gives its own the slope x^(-2/3)/3, not real for x < 0."""

    nargs = 1

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        """Return the slope 1/(3 ∛u²)."""
        return 1 / (3 * _cube_root(self.args[0]) ** 2)


def _smooth_derivative(value: sp.Expr, wrt: sp.Symbol) -> sp.Expr:
    if not value.has(Cbrt):
        return sp.diff(value, wrt)
    roots = value.replace(
        Cbrt, lambda u: _cube_root(u.base) ** u.exp if u.is_Pow and u.exp.is_Integer else _cube_root(u)
    )
    return sp.diff(roots, wrt).replace(_cube_root, Cbrt)


def _tidied(derivative: sp.Expr) -> sp.Expr:
    """Return the derivative with powers of one base joined, and rational functions of one variable as one fraction."""
    if isinstance(derivative, sp.Piecewise):
        return sp.Piecewise(*((_tidied(value), condition) for value, condition in derivative.args), evaluate=False)
    derivative = _multiplied_out(derivative)
    if len(derivative.free_symbols) == 1 and derivative.is_rational_function() and not derivative.is_polynomial():
        fraction = sp.factor(derivative)
        return fraction if sp.count_ops(fraction) <= sp.count_ops(derivative) else derivative
    return (
        sp.powsimp(derivative, combine="exp") if derivative.has(sp.Pow) and not derivative.has(sp.exp) else derivative
    )


def _multiplied_out(derivative: sp.Expr) -> sp.Expr:
    """Return a product with a sum multiplied out, if that is shorter.

    x (cosh(x)/x - sinh(x)/x²)/sinh(x)  =>  cosh(x)/sinh(x) - 1/x
    """
    if not isinstance(derivative, sp.Mul) or sum(factor.is_Add for factor in derivative.args) != 1:
        return derivative
    expanded = sp.expand_mul(derivative, deep=False)
    return expanded if sp.count_ops(expanded) < sp.count_ops(derivative) else derivative


@dataclass
class _Differentiation:
    """One differentiation: what it is with respect to, what decides at kinks, and the kinks met."""

    wrt: sp.Symbol
    policy: Policy
    kinks: list[Kink] = field(default_factory=list)

    def of(self, value: sp.Expr) -> sp.Expr:
        """Return the derivative of `value`."""
        if self.wrt not in value.free_symbols:
            return sp.Integer(0)
        if isinstance(value, sp.Piecewise):
            return self._by_branch(value)
        if value.has(sp.Piecewise):
            part = _piecewise_in_kink(value)
            return self._through_parts(value) if part is None else self._by_branch(_branched(value, part))
        if not value.has(*KINKED):
            return _smooth_derivative(value, self.wrt)
        if isinstance(value, sp.Add):
            smooth, kinked = (sp.Add(*terms) for terms in sift(value.args, _is_smooth, binary=True))
            if smooth != 0:
                return self.of(smooth) + self.of(kinked)
        return self._at_switch(value)

    def _by_branch(self, value: sp.Piecewise) -> sp.Expr:
        """Return the derivative of each branch under its own condition: at the border the branch that holds decides."""
        branches = [(self.of(branch), condition) for branch, condition in value.args]
        for (chosen, condition), (other, _) in pairwise(branches):
            if isinstance(condition, sp.core.relational.Relational):
                self._note_border(condition, chosen, other)
        slopes = {slope for slope, _ in branches}
        return slopes.pop() if len(slopes) == 1 else sp.Piecewise(*branches, evaluate=False)

    def _note_border(self, condition: sp.Basic, chosen: sp.Expr, other: sp.Expr) -> None:
        switch = condition.lhs - condition.rhs
        here, there = (_at_root(branch, switch, self.wrt) for branch in (chosen, other))
        if sp.simplify(here - there) != 0 if here.is_number and there.is_number else here != there:
            holds = condition.func in (sp.GreaterThan, sp.LessThan)
            above, below = (here, there) if condition.func in (sp.GreaterThan, sp.StrictGreaterThan) else (there, here)
            self.kinks.append(Kink(switch, below, above, here if holds else there))

    def _through_parts(self, value: sp.Expr) -> sp.Expr:
        """Return the derivative by the chain rule through the piecewise parts, each standing as one variable."""
        pieces = value.atoms(sp.Piecewise)
        inner = {part for piece in pieces for part in piece.atoms(sp.Piecewise) - {piece}}
        parts = sorted(pieces - inner, key=sp.default_sort_key)
        names = {part: sp.Dummy(f"u{number}", real=True) for number, part in enumerate(parts)}
        outer, back = value.xreplace(names), {name: part for part, name in names.items()}
        total = self.of(outer)
        for part, name in names.items():
            total += _Differentiation(name, self.policy, self.kinks).of(outer) * self._by_branch(part)
        return total.xreplace(back)

    def _at_switch(self, value: sp.Expr) -> sp.Expr:
        switch = first_switch(value)
        if switch is None:
            return _smooth_derivative(value, self.wrt)
        branches = split(value, switch)
        if value in (branches.above, branches.below):
            return _smooth_derivative(value, self.wrt)
        above, below = (self.of(branch) for branch in (branches.above, branches.below))
        return above if above == below else self._meeting(branches, above, below)

    def _meeting(self, branches: Branches, above: sp.Expr, below: sp.Expr) -> sp.Expr:
        """Return the two slopes joined at the switch."""
        switch = branches.switch
        here_above, here_below = (_at_root(branch, switch, self.wrt) for branch in (above, below))
        chosen = self._chosen(branches, here_below, here_above)
        if self.wrt in switch.free_symbols and here_above != here_below:
            self.kinks.append(Kink(switch, here_below, here_above, chosen))
        if chosen == 0 and above.is_number and sp.expand(above + below) == 0:
            return above * sp.sign(switch)
        if chosen == here_below:
            return sp.Piecewise((above, switch > 0), (below, True), evaluate=False)
        if chosen == here_above:
            return sp.Piecewise((above, switch >= 0), (below, True), evaluate=False)
        return sp.Piecewise((above, switch > 0), (below, switch < 0), (chosen, True), evaluate=False)

    def _chosen(self, branches: Branches, below: sp.Expr, above: sp.Expr) -> sp.Expr:
        """Return the slope at the switch: `below` is the one where the switch is negative, `above` where positive."""
        if self.policy == "smallest":
            nearest = self._nearest_to_zero(branches) if self.wrt in branches.switch.free_symbols else None
            return smallest_subgradient(below, above) if nearest is None else nearest
        rising = not sp.diff(branches.switch, self.wrt).could_extract_minus_sign()
        left, right = (below, above) if rising else (above, below)
        return left + share_of(self.policy) * (right - left)

    def _nearest_to_zero(self, branches: Branches) -> sp.Expr | None:
        """Return the component in `wrt` of the smallest vector between the gradients in all variables of the switch.

        So max(x, y) shares its slope where x = y; None unless there are several variables and constant gradients.
        """
        symbols = sorted(branches.switch.free_symbols, key=sp.default_sort_key)
        above, below = (
            sp.Matrix([_Differentiation(symbol, self.policy).of(branch) for symbol in symbols])
            for branch in (branches.above, branches.below)
        )
        difference = above - below
        if len(symbols) < 2 or not all(each.is_Rational for each in (*above, *below)) or difference.is_zero_matrix:
            return None
        share = -below.dot(difference) / difference.dot(difference)
        return (below + min(max(share, sp.Integer(0)), sp.Integer(1)) * difference)[symbols.index(self.wrt)]


def _piecewise_in_kink(expr: sp.Basic, *, in_kink: bool = False) -> sp.Piecewise | None:
    """Return a piecewise part that a max, min, abs or sign is taken of, or None."""
    if isinstance(expr, sp.Piecewise):
        return expr if in_kink else None
    inside = (_piecewise_in_kink(argument, in_kink=in_kink or isinstance(expr, KINKED)) for argument in expr.args)
    return next((part for part in inside if part is not None), None)


def _branched(value: sp.Expr, part: sp.Piecewise) -> sp.Piecewise:
    """Return `value` with the branches of its part taken outside.

    max(where(c, a, b), 0)  =>  where(c, max(a, 0), max(b, 0))
    """
    branches = ((value.xreplace({part: branch}), condition) for branch, condition in part.args)
    return sp.Piecewise(*branches, evaluate=False)


def _is_smooth(term: sp.Expr) -> bool:
    return not term.has(*KINKED)


def _at_root(branch: sp.Expr, switch: sp.Expr, wrt: sp.Symbol) -> sp.Expr:
    """Return `branch` where the switch is zero, if it is linear in `wrt` or another variable; else `branch` itself."""
    coefficient = sp.diff(switch, wrt)
    if coefficient == 0 and switch.is_Symbol:
        wrt, coefficient = switch, sp.Integer(1)
    if coefficient == 0 or wrt in coefficient.free_symbols:
        return branch
    here = _substituted(branch, wrt, sp.cancel(wrt - switch / coefficient))
    return branch if here.has(sp.nan, sp.zoo) else here


def _substituted(expr: sp.Expr, wrt: sp.Symbol, by: sp.Expr) -> sp.Expr:
    """Return `expr` with `by` for `wrt`, every `otherwise` kept: SymPy drops one after the branches y < 0 and y > 0."""
    if not expr.has(sp.Piecewise):
        return expr.subs(wrt, by)
    if not isinstance(expr, sp.Piecewise):
        return expr.func(*(_substituted(argument, wrt, by) for argument in expr.args))
    pairs: list[tuple[sp.Expr, sp.Basic]] = []
    for branch, condition in expr.args:
        holds = condition.subs(wrt, by)
        if holds != sp.false:
            pairs.append((_substituted(branch, wrt, by), holds))
        if holds == sp.true:
            break
    return pairs[0][0] if pairs[0][1] == sp.true else sp.Piecewise(*pairs, evaluate=False)
