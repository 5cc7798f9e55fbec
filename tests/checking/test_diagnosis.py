"""The mistakes that people make are told by their names; how often is measured, and the misses are printed."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

import pytest

from symmlp.checking import FormulaCheck, check_formula
from symmlp.spec import Network
from tests.checking.breaking import WAYS, Broken, broken, broken_twice
from tests.checking.networks import SOLE, SPECS, derivation, is_same, network, values, worth, written_out

SHARE = 0.95
CASES = 360
LONGEST = 300


@dataclass(frozen=True)
class Case:
    """A broken formula for an array's gradient."""

    spec: str
    array: str
    broken: Broken


def all_cases() -> Iterator[Case]:
    """Yield every formula that differs from the right one in value, by Python's own evaluation."""
    seen = set[tuple[str, str, str]]()
    for spec in (*SPECS, *SOLE):
        for equation in derivation(spec).backward:
            array = equation.target[1:]
            texts = dict.fromkeys(written_out(spec, array, depth) for depth in (0, 1, 3))
            for text in (text for text in texts if len(text) <= LONGEST):
                for made in chain(broken(text), broken_twice(text)):
                    if (spec, array, made.text) not in seen and _is_asked(spec, array, made.text):
                        seen.add((spec, array, made.text))
                        yield Case(spec, array, made)


def _is_asked(spec: str, array: str, text: str) -> bool:
    """Return whether a text reads arrays that there are, and not the one that it should make."""
    names = set(re.findall(r"\b[A-Za-z]\w*\b", text)) - {"np", "T", "sum", "mean", "axis", "keepdims", "True"}
    return names <= set(values(spec)) and f"d{array}" not in names


def is_named(case: Case, result: FormulaCheck) -> bool:
    """Return whether the mistakes that were made are told, or others that lead to the same numbers."""
    told = [{mistake.kind for mistake in each} for each in (result.mistakes, *result.alternatives)]
    return any(all(part & kinds for part in case.broken.parts) for kinds in told)


def drawn_cases() -> list[Case]:
    """Return a draw of all cases: of each way to break a formula about the same number."""
    by_way = dict[str, list[Case]]()
    for case in all_cases():
        by_way.setdefault(case.broken.done, []).append(case)
    rng = random.Random(5)
    for cases in by_way.values():
        rng.shuffle(cases)
    return _round_robin(list(by_way.values()), CASES)


def _round_robin(groups: list[list[Case]], count: int) -> list[Case]:
    found = list[Case]()
    while groups and len(found) < count:
        groups = [group for group in groups if group]
        found += [group.pop() for group in groups]
    return found[:count]


@pytest.mark.slow
def test_the_right_mistake_is_named_and_no_verdict_is_wrong() -> None:
    missed, wrong, told = list[str](), list[str](), 0
    for case in drawn_cases():
        right = is_same(worth(case.broken.text, values(case.spec)), values(case.spec)[f"d{case.array}"])
        result = check_formula(network(case.spec), case.array, case.broken.text)
        line = f"{case.spec}: {case.array}: {case.broken.text} ({case.broken.done}): told {result.kinds}"
        if right is not result.ok:
            wrong.append(line)
        elif not right:
            told += 1
            missed += [] if is_named(case, result) else [line]
    print(f"{told} mistakes, {len(missed)} missed:", *missed, sep="\n")  # noqa: T201 - what the test measures
    assert wrong == []
    assert told >= 200
    assert len(missed) <= (1 - SHARE) * told


def test_every_way_to_break_a_formula_breaks_one() -> None:
    found = {case.broken.done for case in all_cases()}
    assert len(found) >= 30
    assert len(WAYS) >= 40


NET = "4 -> 6 tanh -> 3 softmax | cross_entropy"


@pytest.mark.parametrize(
    ("wrt", "formula", "kinds", "where"),
    [
        ("W2", "dZ2.T @ A1 / N", ("mean_extra",), "B3"),
        ("W2", "(P - Y).T @ A1", ("mean_missing",), "B2"),
        ("W2", "(Y - P).T @ A1 / N", ("sign",), "B2"),
        ("W2", "(Y - P).T @ A1", ("sign", "mean_missing"), "B2"),
        ("W2", "A1.T @ dZ2", ("transposed",), "B3"),
        ("W2", "A1.T @ (P - Y)", ("transposed", "mean_missing"), "B3"),
        ("W2", "dZ2 @ A1", ("shapes_clash", "operand_transposed"), ""),
        ("W2", "dZ2.T @ Z1", ("pre_activation_for_activation",), "B3"),
        ("W2", "dZ2.T @ X", ("activation_of_other_layer",), "B3"),
        ("W1", "(dZ2 @ W2).T @ X", ("slope_forgotten",), "B6"),
        ("W1", "((P - Y) @ W2).T @ X", ("slope_forgotten", "mean_missing"), "B6"),
        ("W1", "(dZ1 * tanh_slope(Z1)).T @ X", ("slope_repeated",), "B7"),
        ("Z1", "dA1 * tanh_slope(A1)", ("slope_at_activation",), "B6"),
        ("Z1", "dA1 * (1 - Z1**2)", ("slope_in_value_at_pre_activation",), "B6"),
        ("Z1", "dA1 * tanh(Z1)", ("activation_for_slope",), "B6"),
        ("Z1", "dA1 * (Z1 > 0)", ("slope_of_other_activation",), "B6"),
        ("Z1", "dA1 * (1 - tanh(X @ W1.T)**2)", ("bias_forgotten",), "F1"),
        ("Z1", "dA1", ("slope_forgotten",), "B6"),
        ("Z2", "dP", ("slope_forgotten",), "B2"),
        ("Z2", "dP * P * (1 - P)", ("diagonal_only",), "B2"),
        ("Z2", "(P - Y) * P * (1 - P) / N", ("slope_repeated",), "B2"),
        ("b1", "dZ1", ("sum_forgotten",), "B8"),
        ("b1", "dZ1.sum(axis=1)", ("wrong_axis",), "B8"),
        ("b1", "3 * dZ1.sum(axis=0)", ("scale",), "B8"),
        ("P", "Y / P / N", ("sign",), "B1"),
        ("Z2", "0 * Y", ("zero",), ""),
        ("Z2", "log(-P)", ("not_finite",), ""),
        ("P", "P - Y", ("other_gradient", "mean_missing"), "B2"),
    ],
)
def test_a_mistake_is_told_with_the_equation_it_is_made_in(
    wrt: str, formula: str, kinds: tuple[str, ...], where: str
) -> None:
    result = check_formula(network(NET), wrt, formula)
    assert not result.ok
    assert result.kinds == kinds, result.text()
    assert result.mistakes[0].where == where


@pytest.mark.parametrize(
    ("spec", "wrt", "formula", "kind"),
    [
        ("3 -> 7 sigmoid -> 2 | mse", "P", "(P - Y) / N", None),
        ("3 -> 7 sigmoid -> 3 | mse", "P", "(P - Y) / (3*N)", "two_missing"),
        ("3 -> 7 sigmoid -> 3 | mse", "P", "2 * (P - Y) / N", "outputs_missing"),
        ("3 -> 7 sigmoid -> 3 | mse", "P", "2 * (P - Y)", "mean_missing"),
        ("5 -> 4 tanh -> 4 tanh -> 4 tanh -> 3 | mse", "A1", "dZ2 @ W3", "weights_of_other_layer"),
        ("5 -> 4 tanh -> 4 tanh -> 4 tanh -> 3 | mse", "A1", "dZ2 @ W2.T", "operand_transposed"),
        ("5 -> 4 tanh -> 4 tanh -> 4 tanh -> 3 | mse", "Z2", "dA2 @ tanh_slope(Z2).T", None),
        ("sum", "Z2", "(P - Y) / N", "mean_extra"),
    ],
)
def test_sizes_and_reductions_of_the_network_are_told_apart(
    spec: str, wrt: str, formula: str, kind: str | None
) -> None:
    result = check_formula(network(spec), wrt, formula)
    assert result.ok or kind is None or kind in result.kinds, result.text()
    assert result.ok is (spec == "3 -> 7 sigmoid -> 2 | mse")


def test_a_function_s_mistake_is_told_too() -> None:
    result = check_formula(network(NET), "W1", lambda dZ2, W2, X: (dZ2 @ W2).T @ X)
    assert result.kinds == ("slope_forgotten",)
    assert "the slope tanh′(Z1) of layer 1 is missing" in result.text()


def test_the_worst_entry_is_named_with_both_values() -> None:
    result = check_formula(network(NET), "b2", "dZ2.sum(axis=0) + np.where(b2 == b2, 0, 1) + 0.5")
    assert result.worst is not None
    assert result.worst.found == pytest.approx(result.worst.expected + 0.5)
    assert result.kinds == ("term_extra",)


def test_where_no_mistake_explains_it_nothing_is_made_up() -> None:
    result = check_formula(network(NET), "b2", "np.sin(dZ2.sum(axis=0)) + np.exp(b2)")
    assert result.kinds == ("unexplained",)
    assert "B4  ∂L/∂b2 = dZ2ᵀ 1" in result.text()


def test_in_the_one_sample_layout_there_is_no_mean() -> None:
    net = Network.parse(NET)
    assert check_formula(net, "W2", "do2 y1ᵀ", layout="sample").ok
    assert check_formula(net, "W2", "y1 @ do2.T", layout="sample").kinds == ("transposed",)
    assert check_formula(net, "o1", "W2.T @ do2", layout="sample").kinds == ("slope_forgotten",)
