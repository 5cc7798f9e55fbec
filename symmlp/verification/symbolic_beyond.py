"""What lies beyond the gradient, exactly: the printed equations against SymPy's scalar derivatives at small sizes.

The windows, their symbols and their scalar are those of the first-order check. What moves along a direction, an array
V, gets symbols V̇; the change of an expression is its derivative by ε where every moving entry v is v + ε v̇. So the
equations of tangents have to give the change of the forward definitions, those of the Hessian-vector product the change
of SymPy's own derivatives, those of the Gauss-Newton product what is left if the network is linear, those of the
Jacobian the derivatives of ⟨J, A⟩, sample by sample, and the blocks the changes of SymPy's own along a weight.
Where SymPy would take minutes for a second derivative, it is a difference of first ones by a step of 1e-60.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import islice

import numpy as np
import sympy as sp

from symmlp.matrix import Var, sizes_used, walk
from symmlp.spec import Network
from symmlp.verification.claims import PROMISE, Along, Claim, decided, layer_of, spread
from symmlp.verification.comparison import worse
from symmlp.verification.expansion import Entries, Expander, Meaning
from symmlp.verification.report import Check
from symmlp.verification.symbolic import MatrixEquation, expanded, some_windows, within
from symmlp.verification.windows import SAMPLES, Window, free_symbols

Groups = Mapping[str, Sequence[MatrixEquation]]
"""Equations beyond the gradient, by what they give; those of Hessian blocks by `hessian of Z1`, what moves first."""

DOT, HAT, JACOBIAN, BLOCK, HESSIAN = "_dot", "_hat", "J_", "H_", "hessian of "
"""How names of tangents and Gauss-Newton products end, how those of Jacobians and blocks begin, and that of a group."""

MOST_SLOPES = 2
"""Entries of each array that are looked at."""

epsilon = sp.Symbol("eps", real=True)
Places = dict[tuple[int, ...], sp.Expr]


@dataclass(frozen=True)
class Expected:
    """What equations have to give: an array's shape and some of its entries.

    With `along`, for each entry, the entries are derivatives of `places`, which are not carried out.
    """

    shape: tuple[int, ...]
    places: Places
    along: Mapping[tuple[int, ...], Along] | None = None


Wanted = dict[str, Expected]


def check_beyond(network: Network, equations: Sequence[MatrixEquation], groups: Groups, seed: int) -> Iterator[Check]:
    """Yield a check of each kind of equations that there are; `equations` are those up to the gradient.

    Raises:
        UnsupportedError: a node or function has no expansion.
        NotRealError: the loss is not real at any of the points tried.
    """
    given = [Beyond(window, equations, groups) for window in some_windows(network)[0]]
    for name, (needed, wanted) in KINDS.items():
        if needed in groups:
            yield _worst(f"symbolic, {name}", [_checked(name, each, wanted(each), seed) for each in given])
    if any(name.startswith(HESSIAN) for name in groups):
        _, tail, *others = given
        found = _checked("Hessian blocks", tail, tail.blocks(), seed)
        if found is not None:
            left_out = "; blocks of earlier layers left out" if others else ""
            yield replace(found, name="symbolic, Hessian blocks", note=f"{tail.window.name}: {found.note}{left_out}")


def _worst(name: str, checks: Sequence[Check | None]) -> Check:
    """Return the worst check of the windows that have such equations."""
    found = [check for check in checks if check is not None]
    if not found:
        return Check(name, ok=None, note="no window of layers has such equations")
    worst = max(found, key=lambda check: (not check.ok, worse(check.error)))
    return replace(worst, name=name, note=f"{len(found)} windows of layers; {worst.note}")


def _checked(name: str, given: Beyond, sides: tuple[Mapping[str, Entries], Wanted], seed: int) -> Check | None:
    """Return the check of what a window's equations have to give, None if that is nothing."""
    found, wanted = sides
    claims = []
    for target, expected in wanted.items():
        if target not in found:
            if any(value != 0 for value in expected.places.values()):
                return _failed(name, target, f"{given.window.name}: no equation gives {target}")
            continue
        shape = found[target].shape
        if shape != expected.shape:
            return _failed(name, target, f"{target} expands to the shape {shape}; expected {expected.shape}")
        claims.append(Claim.at(target, found[target], expected.places, expected.along))
    if not claims:
        return None
    exprs = (
        expr
        for claim in claims
        for side, along in claim.sides
        for expr in (side, *(() if along is None else (*along.keys(), *along.values())))
    )
    symbols = sorted({symbol for expr in exprs for symbol in expr.free_symbols}, key=lambda symbol: symbol.name)
    return decided(name, claims, symbols, seed)


def _failed(name: str, target: str, note: str) -> Check:
    return Check(name, target, (), layer_of(target), math.inf, PROMISE, False, note)


def _slope(expr: sp.Expr, array: Entries, place: tuple[int, ...]) -> sp.Expr:
    return sp.diff(expr, array[place])


def _slope_by_sample(parts: Entries, array: Entries, place: tuple[int, ...]) -> sp.Expr:
    return sp.diff(parts[place[0]], array.flat[place[1]])


def _slope_by_row(expr: sp.Expr, array: Entries, place: tuple[int, ...]) -> sp.Expr:
    return sp.diff(expr, array.flat[place[0]])


def _is_cotangent(array: Var) -> bool:
    return array.name.startswith(("d", JACOBIAN))


@dataclass(frozen=True)
class Beyond:
    """A window of layers, with symbols for what moves in it."""

    window: Window
    equations: Sequence[MatrixEquation]
    groups: Groups

    @cached_property
    def first(self) -> dict[str, Entries]:
        """The window's arrays up to the gradient, as the equations make them."""
        return expanded(self.window, self.equations)

    @cached_property
    def moving(self) -> dict[str, Entries]:
        """The arrays that move: parameters, activations that the window reads, the cotangent at its end."""
        names = list(self.window.differentiated)
        names += [] if self.window.ends_in_loss else [self.window.cotangent]
        return {name: self.window.given[name] for name in names}

    @cached_property
    def tangents(self) -> dict[str, Entries]:
        """Symbols for the tangents of what moves."""
        return {f"{name}{DOT}": free_symbols(f"{name}{DOT}", *array.shape) for name, array in self.moving.items()}

    def change(self, expr: sp.Expr, along: Mapping[str, Entries] | None = None) -> sp.Expr:
        """Return how an expression changes as the window's arrays, or those `along`, move."""
        pairs = (
            (entry, dot)
            for name, array in (self.moving if along is None else along).items()
            for entry, dot in zip(array.flat, free_symbols(f"{name}{DOT}", *array.shape).flat, strict=True)
        )
        moved = expr.xreplace({entry: entry + epsilon * dot for entry, dot in pairs if isinstance(entry, sp.Symbol)})
        return sp.diff(moved, epsilon).xreplace({epsilon: sp.Integer(0)})

    def expanded(self, group: str, arrays: dict[str, Entries], rows: int | None = None) -> dict[str, Entries]:
        """Return the arrays with what a group's equations make of them; cotangents from outside the window are 0."""
        expander, sizes = Expander(arrays, self.window.sizes, Meaning(self.window.network), rows), self.window.sizes
        names = self.window.differentiated
        wanted = {name for own in names for name in (f"d{own}{DOT}", f"d{own}{HAT}", f"{JACOBIAN}{own}")}
        for equation in self.groups.get(group, ()):
            value = within(equation.value, arrays)
            if equation.target in arrays or not sizes_used(value) <= sizes.keys() | {0, 1}:
                continue
            unknown = [part for part in walk(value) if isinstance(part, Var) and part.name not in arrays]
            is_expandable = equation.target in wanted or all(map(_is_cotangent, unknown))
            if is_expandable and all(set(part.shape) <= sizes.keys() for part in unknown):
                arrays.update({part.name: self._from_outside(part) for part in unknown})
                arrays[equation.target] = expander.of(value)
                for part in unknown:
                    arrays.pop(part.name, None)
        return arrays

    def _from_outside(self, array: Var) -> Entries:
        """Return zeros for a cotangent, free symbols for what stands beside it."""
        shape = [self.window.sizes[size] for size in array.shape]
        return np.full(shape, sp.Integer(0)) if _is_cotangent(array) else free_symbols(array.name, *shape)

    @cached_property
    def along(self) -> dict[str, Entries]:
        """The arrays up to the gradient, and the tangents that the equations make."""
        return self.expanded("jvp", {**self.first, **self.tangents})

    def tangents_wanted(self) -> tuple[Mapping[str, Entries], Wanted]:
        """Return the tangents, and the changes of the forward definitions."""
        wanted = {}
        for layer in self.window.layers:
            name = self.window.activation_name(layer)
            array = self.window.forward[name]
            changes = self._at(array.shape, partial(self._change_at, array))
            wanted[f"{name}{DOT}"] = Expected(array.shape, changes)
        return self.along, wanted

    def _change_at(self, array: Entries, place: tuple[int, ...]) -> sp.Expr:
        return self.change(array[place])

    def product(self) -> tuple[Mapping[str, Entries], Wanted]:
        """Return the cotangents' changes, and those of SymPy's derivatives."""
        found, moving = self.expanded("hvp", dict(self.along)), self._moving()
        wanted = self._gradients(DOT, "hvp", self.window.slope)
        return found, {name: replace(each, along=dict.fromkeys(each.places, moving)) for name, each in wanted.items()}

    def _moving(self) -> Along:
        """Return every symbol that moves, and its tangent."""
        pairs = ((self.moving[name.removesuffix(DOT)], dots) for name, dots in self.tangents.items())
        entries = (pair for array, dots in pairs for pair in zip(array.flat, dots.flat, strict=True))
        return {entry: dot for entry, dot in entries if isinstance(entry, sp.Symbol)}

    def gauss_newton(self) -> tuple[Mapping[str, Entries], Wanted]:
        """Return the Gauss-Newton product, and what the changes are if the network is linear."""
        found, window = dict(self.along), self.window
        if not window.ends_in_loss:
            arriving = free_symbols(f"{window.cotangent}{HAT}", *window.given[window.cotangent].shape)
            found[f"{window.cotangent}{HAT}"] = arriving
            scalar = sp.Add(*(self._final * arriving).flat)
            found = self.expanded("gauss_newton", found)
            return found, self._gradients(HAT, "gauss_newton", lambda name, at: self._handed(scalar, name, at))
        found, split = self.expanded("gauss_newton", found), self._split
        if split is None:
            return found, {}
        own = free_symbols(split, *self._array(split).shape)
        prediction = own if split == window.activation_name(window.last) else self._of_last(own)
        loss = window.loss_of(prediction)
        products = np.array([self.change(sp.diff(loss, entry), {split: own}) for entry in own.flat], dtype=object)
        back = {entry: value for entry, value in zip(own.flat, self._array(split).flat, strict=True) if entry != value}
        ahead = free_symbols(f"{split}{DOT}", *own.shape)
        changes = {dot: self.change(value) for dot, value in zip(ahead.flat, self._array(split).flat, strict=True)}
        inserted = [value.xreplace({**back, **changes}) for value in products]
        hats = free_symbols(f"d{split}{HAT}", *own.shape)
        scalar = sp.Add(*(self._array(split) * hats).flat)
        values = dict(zip(hats.flat, inserted, strict=True))
        return found, self._gradients(
            HAT, "gauss_newton", lambda name, at: self._handed(scalar, name, at).xreplace(values)
        )

    def _handed(self, scalar: sp.Expr, name: str, place: tuple[int, ...]) -> sp.Expr:
        """Return ∂scalar/∂V, and how the penalty's own derivative changes."""
        entry = self.window.given[name][place]
        return sp.diff(scalar, entry) + self.change(sp.diff(self.window.penalty, entry))

    @property
    def _final(self) -> Entries:
        return self.window.forward[self.window.activation_name(self.window.last)]

    @property
    def _split(self) -> str | None:
        """The array at which network and loss are split, None where the window has it not."""
        last = self.window.last
        names = (self.window.activation_name(last), f"Z{last}")
        targets = [each.target.removeprefix("d").removesuffix(HAT) for each in self.groups["gauss_newton"]]
        split = next(name for name in targets if name in names)
        return split if split in {**self.window.given, **self.window.forward} else None

    def _array(self, name: str) -> Entries:
        return {**self.window.given, **self.window.forward}[name]

    def _of_last(self, before: Entries) -> Entries:
        rows = self.window.activated(self.window.last, [[list(row) for row in before]])
        return np.array([list(row) for row in rows], dtype=object)

    def jacobian(self) -> tuple[Mapping[str, Entries], Wanted]:
        """Return the Jacobians, and the derivatives of ⟨J, A⟩, of a parameter sample by sample."""
        window = self.window
        if not window.layers:
            return {}, {}
        last = window.activation_name(window.last)
        rows = free_symbols(f"{JACOBIAN}{last}", *self._final.shape)
        found = self.expanded("jacobian", {**self.first, f"{JACOBIAN}{last}": rows})
        parts, wanted = (self._final * rows).sum(axis=1), {}
        for name in dict.fromkeys((*islice(window.differentiated, None), *self._inputs)):
            array = window.given[name]
            if name[0] in "AXP":
                whole = sp.Add(*parts)
                slopes = self._at(array.shape, partial(_slope, whole, array))
                wanted[f"{JACOBIAN}{name}"] = Expected(array.shape, slopes)
            else:
                shape = (SAMPLES, array.size)
                slopes = self._at(shape, partial(_slope_by_sample, parts, array))
                wanted[f"{JACOBIAN}{name}"] = Expected(shape, slopes)
        return found, wanted

    @property
    def _inputs(self) -> tuple[str, ...]:
        # Inputs that a later layer reads, too, have a term of a size that the window may not have.
        skipped = any(getattr(layer, "layer", None) == 0 for layer in self.window.network.layers)
        return ("X",) if self.window.first == 1 and not skipped else ()

    def blocks(self) -> tuple[Mapping[str, Entries], Wanted]:
        """Return the blocks of the window's parameters, and SymPy's second derivatives of the loss."""
        found: dict[str, Entries] = {}
        for group in self.groups:
            pivot = group.removeprefix(HESSIAN)
            if group.startswith(HESSIAN) and pivot in self.first:
                found |= self._of_group(group, pivot)
        wanted = {}
        for block in (name for name in found if name.startswith(BLOCK)):
            second, _, first = block.removeprefix(BLOCK).partition("__")
            one, other = self.window.given[second], self.window.given[first]
            shape = (one.size, other.size)

            slopes = self._at(shape, partial(_slope_by_row, self.window.scalar, one))
            along = {place: {other.flat[place[1]]: sp.Integer(1)} for place in slopes}
            wanted[block] = Expected(shape, slopes, along)
        return found, wanted

    def _of_group(self, group: str, pivot: str) -> dict[str, Entries]:
        """Return a group's arrays: every sample stands once for each unit of what moves first."""
        units = self.first[pivot].shape[1]
        arrays = {
            name: np.repeat(array, units, axis=0) if array.ndim == 2 and len(array) == SAMPLES else array
            for name, array in self.first.items()
        }
        arrays[f"{pivot}{DOT}"] = np.tile(np.array(sp.eye(units), dtype=object), (SAMPLES, 1))
        own = [each for each in self.groups[group] if self._is_inside(each)]
        return replace(self, groups={group: own}).expanded(group, arrays, SAMPLES * units)

    def _is_inside(self, equation: MatrixEquation) -> bool:
        """Return whether an equation is of the window's own layers."""
        layer = layer_of(equation.target.removeprefix(BLOCK))
        return layer is None or layer in self.window.layers

    def _gradients(self, mark: str, group: str, entry: Callable[[str, tuple[int, ...]], sp.Expr]) -> Wanted:
        """Return what the cotangents of everything that the window reads have to be, where the group gives them."""
        given = {each.target for each in self.groups[group]}
        wanted = {}
        for name in self.window.differentiated:
            target, shape = f"d{name}{mark}", self.window.given[name].shape
            if target in given or name[0] not in "AP":
                wanted[target] = Expected(shape, self._at(shape, partial(entry, name)))
        return wanted

    def _at(self, shape: tuple[int, ...], entry: Callable[[tuple[int, ...]], sp.Expr]) -> Places:
        return {place: entry(place) for place in spread(shape)[:MOST_SLOPES]}


KINDS: dict[str, tuple[str, Callable[[Beyond], tuple[Mapping[str, Entries], Wanted]]]] = {
    "tangents": ("jvp", Beyond.tangents_wanted),
    "Hessian-vector product": ("hvp", Beyond.product),
    "Gauss-Newton product": ("gauss_newton", Beyond.gauss_newton),
    "Jacobian": ("jacobian", Beyond.jacobian),
}
"""Kinds of equations: the group that has them, and what is found and wanted in a window."""
