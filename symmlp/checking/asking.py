"""`check_formula`: a candidate before the derived gradient."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from symmlp.checking.candidate import Candidate, called_candidate
from symmlp.checking.diagnosis import Diagnosis
from symmlp.checking.evaluating import Array, Evaluator, ShapesClash
from symmlp.checking.functions import Functions
from symmlp.checking.letters import Letters
from symmlp.checking.lines import formula_of
from symmlp.checking.points import Drawing, Point, draw_points
from symmlp.checking.reading import Words, read
from symmlp.checking.repairs import code
from symmlp.checking.scale import is_zero
from symmlp.checking.subject import Subject, equation_text, text_of
from symmlp.checking.verdict import PROMISE, FormulaCheck, Mistake, WorstEntry
from symmlp.derivation import Derivation
from symmlp.deriving import derive
from symmlp.document.notation import Notation
from symmlp.errors import SymmlpError, did_you_mean, shown
from symmlp.graph import Layout
from symmlp.matrix import Node, Real, Shape, SizeOf, Var, shape_text, variables
from symmlp.printing.text import TextStyle
from symmlp.spec import Network


def check_formula(
    network: Network,
    wrt: str,
    candidate: str | Callable[..., Any],
    *,
    layout: Layout = "batch",
    notation: Notation | Mapping[str, str] | None = None,
) -> FormulaCheck:
    """Return whether `candidate` is the gradient of the loss with respect to the array `wrt`, and if not, why not.

    `candidate` is a text such as `dZ2.T @ A1` or `dZ2ᵀ A1`, in the names that `derive` prints, where dV is ∂L/∂V. Or it
    is a function: it gets arrays and sizes by the names of its parameters (`lambda dZ2, A1: dZ2.T @ A1`), or, if it has
    one parameter of another name, a namespace of them all (`lambda a: a.dZ2.T @ a.A1`). Both are compared with the
    derived gradient at random points in float64, away from kinks, with two batch sizes. `notation` gives an author's
    letters by role, as for `derive`; a text, `wrt` and the verdict are then in these.

    Raises:
        SymmlpError: `wrt` has no gradient, the candidate is outside the language, or the function fails.

    >>> net = Network.parse("4 -> 5 tanh -> 3 softmax | cross_entropy")
    >>> check_formula(net, "W2", "((P - Y) / N).T @ A1").ok
    True
    >>> check_formula(net, "W1", lambda dZ2, W2, X: (dZ2 @ W2).T @ X).kinds
    ('slope_forgotten',)
    """
    derivation, functions = _derived(network, layout)
    letters = Letters.of(derivation, notation)
    array = _asked_for(derivation, wrt, letters)
    words = _words(derivation, functions, array, letters)
    others = aliases(derivation) | printed_names(derivation) | letters.graph
    text = None if callable(candidate) else formula_of(candidate, array, others)
    node = None if callable(candidate) else read(text, words)
    if callable(candidate):
        # Arrays of its own: a function may change what it is given.
        points = draw_points(Drawing(derivation, functions), f"d{array}")
        found = called_candidate(candidate, words.arrays, functions, points)
        return letters.told(_Check(derivation, functions, array, points, found).verdict())
    assert node is not None
    points = _points(network, layout, array)
    reading = Candidate(" ".join(str(text).split()), (), frozenset(variables(node)), node)
    return letters.told(_Check(derivation, functions, array, points, reading).of_text(node))


@lru_cache(maxsize=16)
def _derived(network: Network, layout: Layout) -> tuple[Derivation, Functions]:
    """Return a network's derivation and its functions: whoever checks one formula of it checks others."""
    derivation = derive(network, layout=layout)
    return derivation, Functions(derivation)


@lru_cache(maxsize=16)
def _drawing(network: Network, layout: Layout) -> Drawing:
    return Drawing(*_derived(network, layout))


@lru_cache(maxsize=64)
def _points(network: Network, layout: Layout, array: str) -> tuple[Point, ...]:
    """Return the points that texts are evaluated at, which change none of their arrays."""
    return draw_points(_drawing(network, layout), f"d{array}")


def aliases(derivation: Derivation) -> dict[str, str]:
    """Return other names of arrays: A0 for the inputs, A2 for the prediction of a network of two layers."""
    graph = derivation.graph
    letter = "A" if derivation.layout == "batch" else "y"
    found = {
        f"{letter}0": graph.inputs,
        f"{letter}{len(derivation.network.layers)}": graph.prediction,
    }
    if derivation.layout == "sample":
        # Whoever has the batch's letters in mind is understood: P − Y, X, A1 and Z1 for p − y, x, y1 and o1.
        single = ("X", graph.inputs), ("P", graph.prediction), ("Y", graph.targets)
        found |= dict(single)
        found |= {_BATCH[name[0]] + name[1:]: name for name in graph.shapes if name[0] in _BATCH and name[1:].isdigit()}
    return {alias: name for alias, name in found.items() if alias not in graph.shapes}


_BATCH = {"o": "Z", "y": "A"}
"""The letters that arrays of a layer have in the batch layout, by those of the one-sample layout."""


def printed_names(derivation: Derivation) -> dict[str, str]:
    """Return the arrays that formulas print in Greek letters, by what they print; δ2 is ∂L/∂Z2."""
    shown_as = {TextStyle().name(name): name for name in derivation.graph.shapes}
    letter = "Z" if derivation.layout == "batch" else "o"
    deltas = {f"δ{name[1:]}": f"d{name}" for name in derivation.graph.shapes if name[0] == letter}
    return deltas | {printed: name for printed, name in shown_as.items() if not printed.isascii()}


def _asked_for(derivation: Derivation, wrt: str, letters: Letters) -> str:
    """Return the array whose gradient is asked for, for `W1`, `dW1`, an alias or an author's name."""
    known = [equation.target.removeprefix("d") for equation in derivation.backward]
    own, other = (letters.read(wrt) if isinstance(wrt, str) else "", aliases(derivation))
    for name in (own, own.removeprefix("d")):
        if other.get(name, name) in known:
            return other.get(name, name)
    called = [letters.author.get(name, name) for name in known]
    hint = did_you_mean(str(wrt), called) or f"; expected one of {', '.join(called)}"
    raise SymmlpError(f"wrt: no gradient for {shown(wrt)}{hint}")


def _words(derivation: Derivation, functions: Functions, array: str, letters: Letters) -> Words:
    """Return what a candidate may read: every array but the one asked for, sizes, and numbers by name."""
    shapes: dict[str, Shape] = {**derivation.graph.shapes}
    shapes |= {equation.target: equation.shape for equation in derivation.backward if equation.target != f"d{array}"}
    arrays: dict[str, Node] = {name: Var(name, shape) for name, shape in shapes.items()}
    if derivation.layout == "batch":
        arrays["N"] = SizeOf("N")
    # An array that the network calls K hides the number of outputs.
    sizes: dict[str, Node] = {"K": SizeOf(derivation.network.outputs), "D": SizeOf(derivation.network.inputs)}
    arrays |= {name: size for name, size in sizes.items() if name not in arrays}
    for alias, name in aliases(derivation).items():
        arrays |= {prefix + alias: arrays[prefix + name] for prefix in ("", "d") if prefix + name in arrays}
    arrays |= {name: Real(value) for name, value in (("pi", math.pi), ("e", math.e))}
    own = {f"d{array}": "is what is asked for; write it in other arrays"}
    own |= {f"d{alias}": own[f"d{array}"] for alias, name in aliases(derivation).items() if name == array}
    if derivation.layout == "sample":
        own["N"] = "is not there: this layout has one sample, and no mean over samples"
    forbidden = own | functions.without_slope()
    printed = printed_names(derivation) | letters.graph
    return Words(arrays, functions.callee, functions.names, forbidden, printed, letters.author)


@dataclass(frozen=True)
class _Check:
    """One candidate, and what it is compared with."""

    derivation: Derivation
    functions: Functions
    array: str
    points: tuple[Point, ...]
    candidate: Candidate

    def of_text(self, node: Node) -> FormulaCheck:
        """Return the verdict on a text, whose values are computed first."""
        values = []
        for point in self.points:
            try:
                value = Evaluator(point.arrays, point.samples, self.functions).value(node)
            except ShapesClash as clash:
                return self._wrong(self._clash(clash, point))
            values.append(self._filled(value, point))
        candidate = Candidate(self.candidate.shown, tuple(values), self.candidate.given, node)
        return _Check(self.derivation, self.functions, self.array, self.points, candidate).verdict()

    def _filled(self, value: Array, point: Point) -> Array:
        """Return the value, repeated over the gradient's shape if it is a multiple of the `1 1ᵀ` of no known size."""
        shape = point.arrays[f"d{self.array}"].shape
        return np.broadcast_to(value, shape) if value.shape == (1, 1) and len(shape) == 2 else value

    def verdict(self) -> FormulaCheck:
        """Return the verdict on a candidate whose values are known."""
        error = max(map(self._error, self.candidate.values, self.points))
        return self._record(error) if error <= PROMISE else self._wrong(None, error)

    def _error(self, value: Array, point: Point) -> float:
        """Return the largest difference, relative to the gradient's largest entry."""
        expected = point.arrays[f"d{self.array}"]
        if value.shape != expected.shape or not np.all(np.isfinite(value)):
            return math.inf
        largest = float(np.max(np.abs(expected)))
        return float(np.max(np.abs(value - expected))) / (largest or 1.0)

    def _wrong(self, clash: Mistake | None, error: float = math.inf) -> FormulaCheck:
        plain = self._without_value() if clash is None else None
        if plain is not None:
            reasons = Diagnosis(self._subject, self.candidate).vanishing() if plain.kind == "zero" else ()
            return self._record(error, (plain, *reasons))
        found, *alternatives = Diagnosis(self._subject, self.candidate).explanations() or [()]
        if clash is not None:
            return self._record(error, (clash, *found), tuple((clash, *each) for each in alternatives))
        return self._record(error, found or (self._unexplained(),), tuple(alternatives))

    @property
    def _subject(self) -> Subject:
        return Subject(self.derivation, self.array, self.functions, self.points, self.candidate.given)

    def _without_value(self) -> Mistake | None:
        """Return the mistake of a formula that is not finite, or zero, at every point."""
        if not all(np.all(np.isfinite(value)) for value in self.candidate.values):
            return Mistake("not_finite", "it is not a finite real number at a random point")
        return (
            Mistake("zero", "it is zero, up to rounding")
            if all(map(self._is_zero, self.candidate.values, self.points))
            else None
        )

    def _is_zero(self, value: Array, point: Point) -> bool:
        return is_zero(value, point.arrays[f"d{self.array}"])

    def _unexplained(self) -> Mistake:
        """Return what can be said of a formula that no known mistake leads to."""
        value, point = self.candidate.values[0], self.points[0]
        expected = point.arrays[f"d{self.array}"]
        if value.shape != expected.shape:
            shapes = f"{self._shape_text(value.shape, point)}, not {self._shape_text(expected.shape, point)}"
            return Mistake("shape", f"it has the shape {shapes}; no known mistake explains it")
        return Mistake("unexplained", "no known mistake, and no two together, lead to it")

    def _clash(self, clash: ShapesClash, point: Point) -> Mistake:
        """Return the mistake of operands that do not fit: what they are, and their shapes."""
        parts = [
            f"{code(operand)} is {self._shape_text(shape, point)}"
            for operand, shape in zip(clash.operands, clash.shapes, strict=True)
            if shape
        ]
        return Mistake("shapes_clash", f"{code(clash.node)} cannot be computed: {', '.join(parts)}")

    def _shape_text(self, shape: tuple[int, ...], point: Point) -> str:
        return shape_text(
            tuple("N" if size == point.samples and self.derivation.layout == "batch" else size for size in shape)
        )

    def _record(
        self, error: float, mistakes: tuple[Mistake, ...] = (), alternatives: tuple[tuple[Mistake, ...], ...] = ()
    ) -> FormulaCheck:
        (equation,) = (each for each in self.derivation.backward if each.target == f"d{self.array}")
        values, point = self.candidate.values, self.points[0]
        return FormulaCheck(
            ok=not mistakes,
            subject=equation.subject,
            formula=self.candidate.shown,
            right=f"{equation.subject} = {text_of(equation.value)}",
            where=equation.id,
            shape=shape_text(equation.shape),
            mistakes=mistakes,
            alternatives=alternatives,
            found_shape=self._shape_text(values[0].shape, point) if values else "",
            worst=self._worst(values[0], point.arrays[equation.target]) if mistakes and values else None,
            error=error,
            points=len(self.points),
            way=() if not mistakes else tuple((each.id, equation_text(each)) for each in self._subject.written),
        )

    def _worst(self, value: Array, expected: Array) -> WorstEntry | None:
        if value.shape != expected.shape:
            return None
        off = np.abs(value - expected)
        place = np.unravel_index(int(np.argmax(np.where(np.isfinite(off), off, np.inf))), off.shape)
        return WorstEntry(tuple(int(at) + 1 for at in place), float(value[place]), float(expected[place]))
