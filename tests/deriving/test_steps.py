"""The steps of a derivation: each side has the value of its equation, and none is missing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import accumulate, pairwise
from typing import Any

import pytest
import sympy as sp
from mpmath import mp, mpf

from symmlp.derivation import Derivation, Equation, Step
from symmlp.deriving import derive
from symmlp.graph import Layout
from symmlp.matrix import Node, Number, Product
from symmlp.printing.formula import FormulaPrinter
from symmlp.printing.text import TextStyle
from symmlp.spec import Network
from tests.calculus.networks import Steps, Values, definitions_of
from tests.deriving.by_hand import BY_HAND, LAYOUTS
from tests.deriving.drawn import DRAWN, OF_ONE_ARGUMENT
from tests.strategies import Case


def on_entries(step: Step) -> bool:
    """Return whether a step is about the equation's entries, not about the slope of a function of numbers."""
    content = step.before.content
    if isinstance(content, Node) or content.atoms(sp.Indexed):
        return True
    return any(symbol.name in step.before.names for symbol in content.free_symbols)


def wrong_sides(derivation: Derivation, case: Case, equations: Iterable[Equation] | None = None) -> list[str]:
    """Return the steps, of some or of all equations, whose sides differ from each other or from the equation's value.

    Every array has the value that the derivation's own equations give it.
    """
    with mp.workdps(40):
        values = Values.of(derivation, case).everything()
        definitions = definitions_of(derivation)
        return [
            step
            for equation in (derivation.backward if equations is None else equations)
            for step in wrong_sides_of(equation, values, Steps(values, equation, definitions))
        ]


def wrong_sides_of(equation: Equation, values: Values, steps: Steps) -> Iterator[str]:
    """Yield the steps of one equation whose sides are wrong."""
    whole = steps.entry(values.arrays[equation.target])
    for step, expected in zip(equation.steps, entries_proven(equation, steps, whole), strict=True):
        sides = [side for side in map(steps.side, (step.before, step.after)) if side is not None]
        wanted = [expected] if on_entries(step) else sides[:1]
        if any(not abs(side - each) <= mpf("1e-30") * max(1, abs(each)) for side in sides for each in wanted):
            yield step.id


def entries_proven(equation: Equation, steps: Steps, whole: Any) -> list[Any]:
    """Return what each step is about: the whole, or one term of it where the array is used several times.

    A term is what its steps come to; the last of them is taken from the whole less the others.
    """
    if len(equation.sources) < 3:
        return [whole for _ in equation.steps]
    first, *terms, last = equation.sources
    places = list(accumulate((len(source.steps) for source in equation.sources), initial=0))
    found = [
        next(steps.side(step.after) for step in reversed(equation.steps[start:stop]) if on_entries(step))
        for start, stop in pairwise(places[1:-1])
    ]
    found[-1] = whole - sum(found[:-1])
    counts = [len(first.steps), *(len(term.steps) for term in terms), len(last.steps)]
    return [entry for entry, count in zip([whole, *found, whole], counts, strict=True) for _ in range(count)]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", BY_HAND)
def test_every_side_of_every_step_has_the_value_of_its_equation(name: str, layout: Layout) -> None:
    case = BY_HAND[name]
    assert not wrong_sides(derive(case.network, layout=layout), case)


@pytest.mark.slow
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("number", OF_ONE_ARGUMENT)
def test_every_side_of_every_step_of_a_drawn_network_has_the_value_of_its_equation(number: int, layout: Layout) -> None:
    assert not wrong_sides(derive(DRAWN[number].network, layout=layout), DRAWN[number])


def with_first_step_doubled(equation: Equation, place: int) -> Equation:
    """Return the equation with the result of one step of its first source doubled."""
    (source, *others) = equation.sources
    step = source.steps[place]
    doubled: Any = Product((Number(Fraction(2)), step.after)) if isinstance(step.after, Node) else 2 * step.after
    steps = (*source.steps[:place], replace(step, after=doubled), *source.steps[place + 1 :])
    return replace(equation, sources=(replace(source, steps=steps), *others))


def test_a_wrong_result_of_any_step_is_noticed() -> None:
    case = BY_HAND["softmax with cross entropy"]
    derivation = derive(case.network)
    broken = {
        f"{equation.id}.{number + 1}": with_first_step_doubled(equation, number)
        for equation in derivation.backward[:3]
        for number in range(1, len(equation.sources[0].steps))
    }
    assert wrong_sides(derivation, case, broken.values()) == [*broken]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_steps_of_an_array_that_is_read_several_times_are_worth_the_sum_or_a_term_of_it(layout: Layout) -> None:
    case = Case(Network.parse("3 -> 2 sigmoid | tversky"), 4, 5)
    derivation = derive(case.network, layout=layout)
    shared = next(each for each in derivation.backward if len(each.sources) > 2)
    assert not wrong_sides(derivation, case, [shared])
    first, term, *rest = shared.sources
    for place in range(len(term.steps)):
        (broken,) = with_first_step_doubled(replace(shared, sources=(term,)), place).sources
        assert wrong_sides(derivation, case, [replace(shared, sources=(first, broken, *rest))]), place


def breaks(derivation: Derivation) -> list[str]:
    """Return the steps that do not start where the one before ended, nothing about a slope standing between."""
    printer = FormulaPrinter(TextStyle())
    return [
        after.id
        for equation in derivation.backward
        for before, after in pairwise(equation.steps)
        if on_entries(before)
        and on_entries(after)
        and printer.formula(before.after) != printer.formula(after.before)
        # A finished value may be rewritten for code; that starts from its entries again.
        and not after.rule.startswith("stable form")
    ]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(
    "short",
    [
        "4 -> 5 tanh -> 3 softmax | cross_entropy",
        "4 -> 5 relu -> 3 | mae",
        "4 -> 5 softmax -> 3 softmax | mse",
        "4 -> 3 | bce_with_logits",
        "4 -> 3 sigmoid | bce",
        "4 -> 3 exponential | poisson",
    ],
)
def test_every_step_starts_where_the_one_before_ended(short: str, layout: Layout) -> None:
    assert breaks(derive(Network.parse(short), layout=layout)) == []


def test_a_step_that_is_left_out_is_noticed() -> None:
    derivation = derive(Network.parse("4 -> 3 tanh | mse"))
    (equation,) = (each for each in derivation.backward if each.target == "dW1")
    (source,) = equation.sources
    short = replace(equation, sources=(replace(source, steps=(*source.steps[:1], *source.steps[2:])),))
    assert breaks(replace(derivation, backward=(short,))) == [f"{equation.id}.2"]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(
    "short", ["4 -> 5 tanh -> 3 softmax | cross_entropy", "4 -> 3 sigmoid | bce", "3 -> 2 relu | mae"]
)
def test_the_matrix_form_of_an_equation_is_its_value(short: str, layout: Layout) -> None:
    printer = FormulaPrinter(TextStyle())
    derivation = derive(Network.parse(short), layout=layout)
    for equation in derivation.backward:
        (last,) = (step for step in equation.steps if step.rule == "matrix form")
        assert printer.formula(last.after) == printer.node(equation.value)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_no_step_leaves_its_formula_as_it_was(layout: Layout) -> None:
    derivation = derive(Network.parse("4 -> 5 tanh -> 3 | mse"), layout=layout)
    assert [step.id for step in derivation.steps if step.before == step.after] == []
