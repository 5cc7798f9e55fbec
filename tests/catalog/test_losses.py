"""The catalogue of losses: values, slopes at kinks, and the targets that each accepts."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from symmlp.calculus.exact import exact
from symmlp.calculus.functions import ElementFunction
from symmlp.catalog.losses import ALIASES, TABLE, loss, p, y
from symmlp.errors import DataError, SpecError
from symmlp.notation import n
from symmlp.samples.checks import check_targets
from symmlp.spec import Network
from tests.generated_modules import module_of

VALUES: list[tuple[str, float, float, float]] = [
    ("half_mse", 3, 1, 2),
    ("huber(delta=2)", 4, 1, 2 * (3 - 1)),
    ("huber(delta=2)", 2, 1, 0.5),
    ("smooth_l1(beta=2)", 2, 1, 0.25),
    ("smooth_l1(beta=2)", 4, 1, 2),
    ("log_cosh", 3, 1, math.log(math.cosh(2))),
    ("mape", 3, 4, 25),
    ("msle", 3, 1, math.log(2) ** 2),
    ("pinball(quantile=0.9)", 1, 3, 1.8),
    ("pinball(quantile=0.9)", 3, 1, 0.2),
    ("expectile(tau=0.9)", 1, 3, 3.6),
    ("expectile(tau=0.9)", 3, 1, 0.4),
    ("gaussian_nll(var=4)", 3, 1, (math.log(4) + 1) / 2),
    ("poisson_nll", 2, 3, math.exp(2) - 6),
    ("poisson", 2, 3, 2 - 3 * math.log(2)),
    ("tweedie(power=1.5)", 4, 3, 4 + 3),
    ("kl_div", 0.25, 0.5, 0.5 * math.log(2)),
    ("kl_div", 0.25, 0, 0),
    ("bce_with_logits(pos_weight=3)", 0, 1, 3 * math.log(2)),
    ("focal", 0.5, 1, 0.25 * 0.25 * math.log(2)),
    ("focal(alpha=0.75, gamma=1)", 0.5, 0, 0.25 * 0.5 * math.log(2)),
    ("focal_with_logits", 0, 1, 0.25 * 0.25 * math.log(2)),
    ("hinge", 0.25, -1, 1.25),
    ("squared_hinge", 0.25, -1, 1.5625),
    ("soft_margin", 2, -1, math.log1p(math.exp(2))),
]


@pytest.mark.parametrize(("text", "prediction", "target", "expected"), VALUES)
def test_the_value_of_an_entry_is_that_of_the_formula(
    text: str, prediction: float, target: float, expected: float
) -> None:
    found = float(exact(loss(text).value, {"p": prediction, "y": target}))
    assert math.isclose(found, expected, rel_tol=1e-14)


KINKS: list[tuple[str, float, float, float]] = [
    ("mae", 2, 2, 0),
    ("pinball(quantile=0.9)", 2, 2, 0),
    ("mape", 2, 2, 0),
    ("hinge", 2, 0.5, 0),
    ("hinge", -2, -0.5, 0),
    ("squared_hinge", 2, 0.5, 0),
    ("huber(delta=2)", 5, 3, 2),
    ("huber(delta=2)", 3, 3, 0),
    ("smooth_l1(beta=2)", 5, 3, 1),
]


@pytest.mark.parametrize(("text", "prediction", "target", "expected"), KINKS)
def test_the_slope_at_a_kink_is_the_smallest_subgradient(
    text: str, prediction: float, target: float, expected: float
) -> None:
    function = ElementFunction.derive("loss", loss(text).value, (p, y), care="quick")
    assert float(exact(function.stable_derivative, {"p": prediction, "y": target})) == expected


@pytest.mark.parametrize("alias", ALIASES)
def test_every_alias_leads_to_an_entry_and_is_none_itself(alias: str) -> None:
    assert loss(alias) == loss(ALIASES[alias])
    assert alias not in TABLE


@pytest.mark.parametrize("name", [name for name, entry in TABLE.items() if entry.parameters])
def test_a_definition_depends_on_each_of_its_parameters(name: str) -> None:
    family = TABLE[name].family
    assert family is not None
    parts = [family.definition, TABLE[name].target, *(each.term for each in TABLE[name].totals)]
    own = {p, y, n, *(each.symbol for each in TABLE[name].totals)}
    assert {each.symbol for each in family.parameters} == {
        symbol for part in parts for symbol in part.free_symbols
    } - own


WRONG_TARGETS: list[tuple[str, float, str]] = [
    ("4 -> 3 softplus | poisson", -0.5, "Y: -0.5 at row 2, column 3 is negative; the loss 'poisson' expects"),
    ("4 -> 3 | mape", 0.0, "Y: 0.0 at row 2, column 3 is zero; the loss 'mape' divides by it"),
    ("4 -> 3 | hinge", 0.0, "Y: 0.0 at row 2, column 3 is no sign; the loss 'hinge' expects -1 or 1"),
    ("4 -> 3 sigmoid | focal", 1.5, "Y: 1.5 at row 2, column 3 is outside [0, 1]"),
]


def targets_with(wrong: float) -> np.ndarray[Any, Any]:
    targets = np.ones((5, 3))
    targets[1, 2] = wrong
    return targets


@pytest.mark.parametrize(("spec", "wrong", "message"), WRONG_TARGETS)
def test_a_target_that_the_loss_is_not_defined_for_is_named(spec: str, wrong: float, message: str) -> None:
    with pytest.raises(DataError) as refused:
        check_targets(targets_with(wrong), Network.parse(spec))
    assert str(refused.value).startswith(message)


@pytest.mark.parametrize(("spec", "wrong", "message"), WRONG_TARGETS)
def test_a_generated_module_refuses_the_same_target(spec: str, wrong: float, message: str) -> None:
    module: Any = module_of(Network.parse(spec))
    with pytest.raises(ValueError, match=f"^Y: {wrong} at row 1, column 2 "):
        module.loss(module.init_params(), np.ones((5, 4)), targets_with(wrong))


@pytest.mark.parametrize(("spec", "wrong", "message"), WRONG_TARGETS)
def test_a_target_that_the_loss_is_defined_for_is_accepted(spec: str, wrong: float, message: str) -> None:
    assert np.array_equal(check_targets(targets_with(1.0), Network.parse(spec)), np.ones((5, 3)))


OUTPUTS: list[tuple[str, str]] = [
    ("4 -> 3 | poisson", "softplus or exponential, or the loss poisson_nll"),
    ("4 -> 3 relu | tweedie", "softplus or exponential"),
    ("4 -> 3 tanh | msle", "relu, softplus or exponential"),
    ("4 -> 3 | focal", "sigmoid, or the loss focal_with_logits"),
    ("4 -> 3 sigmoid | focal_with_logits", "identity, or the loss focal"),
    ("4 -> 3 | cross_entropy", "softmax as the last activation, or the loss cross_entropy_with_logits"),
    ("4 -> 3 softmax | cross_entropy_with_logits", "identity, or the loss cross_entropy"),
    ("4 -> 3 | dice", "sigmoid"),
    ("4 -> 3 softmax | multi_margin", "a real or nonnegative or positive or unknown output"),
]


@pytest.mark.parametrize(("spec", "remedy"), OUTPUTS)
def test_an_output_that_the_loss_is_not_defined_for_is_refused_with_a_remedy(spec: str, remedy: str) -> None:
    with pytest.raises(SpecError, match=f"does not fit the output activation .* expected {remedy}$"):
        Network.parse(spec)


@pytest.mark.parametrize(
    ("spec", "target"),
    [
        ("4 -> 3 softmax | kl_div", 0.0),
        ("4 -> 3 softplus | poisson", 0.0),
    ],
)
def test_a_target_of_zero_has_a_finite_loss_and_gradient(spec: str, target: float) -> None:
    module: Any = module_of(Network.parse(spec))
    X = np.random.default_rng(2).normal(size=(5, 4))
    with np.errstate(all="raise", under="ignore"):
        value, gradient = module.loss_and_grad(module.init_params(1), X, np.full((5, 3), target))
    assert np.isfinite(value)
    assert np.isfinite(gradient).all()


def of_row(text: str, predictions: list[float], targets: list[float]) -> float:
    """Return the loss of one row by what the module of `predictions -> predictions` computes."""
    network = Network.parse(text)
    module: Any = module_of(network)
    theta = np.concatenate([np.zeros(network.inputs * network.outputs), predictions])
    return float(module.loss(theta, np.ones((1, network.inputs)), np.array([targets])))


ROWS: list[tuple[str, list[float], list[float], float]] = [
    ("2 -> 3 | cosine_similarity", [3, 0, 4], [0, 5, 12], -48 / 65),
    ("2 -> 3 | cosine_similarity", [0, 0, 0], [1, 2, 3], 0.0),
    ("2 -> 3 | cosine_similarity(epsilon=10)", [3, 0, 4], [0, 5, 12], -48 / 130),
    ("2 -> 3 | multi_margin", [0.5, 2, 1], [0, 0, 1], (0.5 + 2) / 3),
    ("2 -> 3 | multi_margin(margin=2, power=2)", [0.5, 2, 1], [0, 0, 1], (1.5**2 + 3**2) / 3),
    ("2 -> 2 sigmoid | dice(smooth=1, epsilon=1e-30)", [0, 0], [1, 0], 1 - 2 / 3),
    (
        "2 -> 2 sigmoid | tversky(alpha=0.25, beta=1, smooth=1, epsilon=1e-30)",
        [0, 0],
        [1, 0],
        1 - 1.5 / (0.5 + 0.125 + 0.5 + 1),
    ),
    ("2 -> 2 | hinge_embedding(margin=3)", [0.5, 0.5], [1, -1], (0.5 + 2.5) / 2),
    ("2 -> 1 sigmoid | bce(label_smoothing=0.5)", [0], [1], math.log(2)),
    ("2 -> 2 softmax | categorical_focal(alpha=1, gamma=1)", [0, 0], [1, 0], math.log(2) / 2),
]


@pytest.mark.parametrize(("text", "predictions", "targets", "expected"), ROWS)
def test_the_value_of_a_row_is_that_of_the_formula(
    text: str, predictions: list[float], targets: list[float], expected: float
) -> None:
    assert math.isclose(of_row(text, predictions, targets), expected, rel_tol=1e-14)


def test_a_prediction_of_zeros_has_no_gradient_of_its_cosine() -> None:
    module: Any = module_of(Network.parse("2 -> 3 | cosine_similarity"))
    _, gradient = module.loss_and_grad(np.zeros(9), np.ones((1, 2)), np.ones((1, 3)))
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize("loss_text", ["multi_margin", "cross_entropy_with_logits"])
def test_a_loss_of_classes_needs_two_outputs(loss_text: str) -> None:
    with pytest.raises(
        SpecError, match=f"^loss: '{loss_text}' tells classes apart; expected at least 2 outputs, got 1$"
    ):
        Network.parse(f"4 -> 1 | {loss_text}")
