"""Which mistake it is: every hypothesis is computed at the points and compared with the candidate.

A candidate may be off by a constant and transposed besides; both are read off the comparison, so that they cost
nothing. Single mistakes are tried before pairs, pairs before changes of the candidate's own text.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from symmlp.checking.candidate import Candidate
from symmlp.checking.evaluating import Array, Evaluator, ShapesClash
from symmlp.checking.hypotheses import Hypothesis, further, hypotheses
from symmlp.checking.points import Point
from symmlp.checking.repairs import repairs
from symmlp.checking.replacing import ARRAY_KINDS
from symmlp.checking.scale import Scale, is_zero, ratio, scale_of
from symmlp.checking.subject import Subject, equation_text
from symmlp.checking.told import at, is_simple, scale_mistakes
from symmlp.checking.verdict import Mistake
from symmlp.errors import SymmlpError
from symmlp.matrix import Node

MAX_PAIRS = 4000
"""Pairs of mistakes that are tried."""

MAX_WORK = 2_000_000_000
"""Entries, roughly, that trying pairs may compute; large networks try fewer."""

ALTERNATIVES = 2

Explanation = tuple[Mistake, ...]
At = Callable[[Point], Array]


@dataclass(frozen=True)
class Likeness:
    """How a candidate is like an array: it is `scale` times the array, or its transpose."""

    scale: Scale
    transposed: bool

    @property
    def is_equal(self) -> bool:
        """Whether the two are the same."""
        return self.scale.is_one and not self.transposed


@dataclass(frozen=True)
class Diagnosis:
    """Looks for the mistakes that turn the right gradient into the candidate."""

    subject: Subject
    candidate: Candidate

    def explanations(self) -> list[Explanation]:
        """Return the mistakes that explain the candidate, and others that lead to the same numbers; or none."""
        searches = (
            self.scaled_or_single,
            self.same_gradients,
            self.scaled_single,
            self.repaired,
            self.pairs,
            self.other_gradients,
        )
        for search in searches:
            found = _distinct(search())
            if found:
                return [found[0], *_worth_telling(found)][: 1 + ALTERNATIVES]
        return []

    def vanishing(self) -> Explanation:
        """Return the wrong sum by which the gradient becomes zero, as a row of P − Y does; or none."""
        sums = (each for each in hypotheses(self.subject) if each.kind == "wrong_axis")
        return next(((told(each),) for each in sums if self._vanishes(each)), ())

    def _vanishes(self, hypothesis: Hypothesis) -> bool:
        for value, point in zip(self.candidate.values, self.subject.points, strict=True):
            try:
                made = self.subject.value(hypothesis.changes, point)
            except (ShapesClash, SymmlpError):
                return False
            if made.shape != value.shape or not is_zero(made, point.arrays[self.subject.gradient]):
                return False
        return True

    def scaled_or_single(self) -> Iterator[Explanation]:
        """Yield a scale of the right gradient, and each single mistake that gives the candidate exactly."""
        yield from self.scaled()
        yield from self.single()

    def scaled(self) -> Iterator[Explanation]:
        """Yield what explains a multiple of the gradient or of its transpose."""
        right = self._like_array(self.subject.gradient)
        if right is not None:
            yield from self._with(right, ())

    def single(self) -> Iterator[Explanation]:
        """Yield each mistake that gives the candidate exactly."""
        yield from ((told(hypothesis),) for hypothesis, likeness in self._singles if likeness.is_equal)

    def scaled_single(self) -> Iterator[Explanation]:
        """Yield each mistake that gives a simple multiple of the candidate."""
        likely = [pair for pair in self._singles if is_simple(self.subject, pair[1].scale)]
        for hypothesis, likeness in likely:
            yield from self._with(likeness, (told(hypothesis),))

    @cached_property
    def _singles(self) -> list[tuple[Hypothesis, Likeness]]:
        return list(self._alike(hypotheses(self.subject)))

    def pairs(self) -> Iterator[Explanation]:
        """Yield two mistakes that give the candidate together, up to a simple multiple.

        A single number is not looked at: too many sums come to the same one.
        """
        if any(value.size == 1 for value in self.candidate.values):
            return
        for first, second in itertools.islice(self._all_pairs(), self._affordable):
            likeness = self._like_changed(second)
            if likeness is not None and is_simple(self.subject, likeness.scale):
                yield from self._with(likeness, (told(first), told(second)))
                return

    def _all_pairs(self) -> Iterator[tuple[Hypothesis, Hypothesis]]:
        for first in hypotheses(self.subject):
            yield from ((first, second) for second in further(self.subject, first))

    @property
    def _affordable(self) -> int:
        entries = sum(array.size for array in self.subject.points[0].arrays.values())
        return min(MAX_PAIRS, MAX_WORK // (entries * 20))

    def repaired(self) -> Iterator[Explanation]:
        """Yield a change of the candidate's text that makes it right, up to a simple multiple."""
        if self.candidate.node is None:
            return
        for kind, sentence, node in repairs(self.subject, self.candidate.node):
            scale = self._scale_to_right(node)
            if scale is not None and is_simple(self.subject, scale):
                equation = self.subject.equation
                mistake = Mistake(kind, sentence, equation.id, equation_text(equation))
                for others in scale_mistakes(self.subject, scale):
                    yield (mistake, *others)

    def _scale_to_right(self, node: Node) -> Scale | None:
        ratios = []
        for point in self.subject.points:
            try:
                found = Evaluator(point.arrays, point.samples, self.subject.functions).value(node)
            except (ShapesClash, SymmlpError):
                return None
            number = ratio(found, point.arrays[self.subject.gradient])
            if number is None:
                return None
            ratios.append(number)
        return scale_of(ratios, [point.samples for point in self.subject.points])

    def same_gradients(self) -> Iterator[Explanation]:
        """Yield the other array whose gradient the candidate is exactly."""
        yield from (each for each in self.other_gradients() if len(each) == 1)

    def other_gradients(self) -> Iterator[Explanation]:
        """Yield the other array whose gradient the candidate is, up to a multiple."""
        for equation in self.subject.derivation.backward:
            likeness = self._like_array(equation.target)
            if equation.target != self.subject.gradient and likeness is not None:
                message = f"this is {equation.subject}, another gradient"
                yield from self._with(likeness, (at(equation, "other_gradient", message),))

    def _like_array(self, name: str) -> Likeness | None:
        return self.like(lambda point: point.arrays[name])

    def _alike(self, tried: Iterable[Hypothesis]) -> Iterator[tuple[Hypothesis, Likeness]]:
        """Yield the hypotheses that the candidate is like; of those that change the same, the first."""
        seen = set[frozenset[tuple[str, Node]]]()
        for hypothesis in tried:
            key = frozenset(hypothesis.changes.items())
            likeness = None if key in seen else self._like_changed(hypothesis)
            seen.add(key)
            if likeness is not None:
                yield hypothesis, likeness

    def _like_changed(self, hypothesis: Hypothesis) -> Likeness | None:
        return self.like(lambda point: self.subject.value(hypothesis.changes, point))

    def _with(self, likeness: Likeness, mistakes: Explanation) -> Iterator[Explanation]:
        """Yield the mistakes together with a transpose and each way to tell the scale."""
        turned = (self._transposed(),) if likeness.transposed else ()
        for others in scale_mistakes(self.subject, likeness.scale):
            if mistakes or turned or others:
                yield (*mistakes, *turned, *others)

    def _transposed(self) -> Mistake:
        subject = self.subject
        message = (
            f"it is the transpose of {subject.equation.subject} (numerator layout); "
            f"here d{subject.array} has the shape of {subject.array} (denominator layout)"
        )
        return at(subject.equation, "transposed", message)

    def like(self, made: At) -> Likeness | None:
        """Return how the candidate is like what `made` gives at every point, or None."""
        arrays: list[Array] = []
        if not self.candidate.values or not self._made(made, self.subject.points[0], arrays):
            return None
        for transposed in (False, True):
            scale = self._scale(made, arrays, transposed=transposed)
            if scale is not None:
                return Likeness(scale, transposed)
        return None

    def _scale(self, made: At, arrays: list[Array], *, transposed: bool) -> Scale | None:
        """Return the candidate's scale, `arrays` keeping what was made at the first points."""
        ratios = []
        for place, (value, point) in enumerate(zip(self.candidate.values, self.subject.points, strict=False)):
            if place == len(arrays) and not self._made(made, point, arrays):
                return None
            number = self._ratio(value, arrays[place], transposed=transposed)
            if number is None:
                return None
            ratios.append(number)
        return scale_of(ratios, [point.samples for point in self.subject.points])

    def _made(self, made: At, point: Point, arrays: list[Array]) -> bool:
        try:
            arrays.append(made(point))
        except (ShapesClash, SymmlpError):
            return False
        return True

    def _ratio(self, value: Array, array: Array, *, transposed: bool) -> float | None:
        if transposed and (value.ndim != 2 or value.shape == (1, 1)):
            return None
        return ratio(value, np.transpose(array) if transposed else array)


def told(hypothesis: Hypothesis) -> Mistake:
    """Return a hypothesis as a mistake."""
    return at(hypothesis.equation, hypothesis.kind, hypothesis.sentence)


def _worth_telling(explanations: list[Explanation]) -> list[Explanation]:
    """Return the alternatives, without arrays that by chance stand for another where a nearer reason is told."""
    first, *others = explanations
    by_array = any(mistake.kind in ARRAY_KINDS for mistake in first)
    return [each for each in others if by_array or not any(mistake.kind in ARRAY_KINDS for mistake in each)]


def _distinct(explanations: Iterable[Explanation]) -> list[Explanation]:
    """Return the explanations, of those with the same kinds the first, shorter ones before longer ones."""
    found: dict[tuple[str, ...], Explanation] = {}
    for explanation in explanations:
        found.setdefault(tuple(mistake.kind for mistake in explanation), explanation)
    return sorted(found.values(), key=len)
