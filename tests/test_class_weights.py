"""Weights of classes and labels that are ignored: weighted targets, a mean over their weight, as PyTorch has it."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from symmlp.audit import verify
from symmlp.errors import SpecError
from symmlp.generation import generate
from symmlp.spec import Network
from symmlp.verification import check_module
from tests.generated_modules import executed

WEIGHTS = [1.5, 0.25, 3.0]


def network_of(text: str = "4 -> 5 tanh -> 3 softmax | cross_entropy", **fields: object) -> Network:
    return Network.model_validate({**Network.parse(text).as_dict(), **fields})


BOTH = network_of(class_weights=WEIGHTS, ignore_index=-100, loss_parameters={"label_smoothing": 0.1})


@cache
def module_of(network: Network, style: str = "plain", target: str = "numpy") -> ModuleType:
    return executed(generate(network, style=style, target=target))


def test_every_oracle_agrees_and_a_mean_over_samples_is_refused(tmp_path: Path) -> None:
    assert verify(BOTH).ok
    broken = tmp_path / "broken.py"
    source = str(generate(network_of(class_weights=WEIGHTS)))
    assert "S = np.sum(Y * c)" in source
    broken.write_text(source.replace("S = np.sum(Y * c)", "S = np.sum(Y)"), encoding="utf-8")
    assert not verify(broken).ok


@pytest.mark.parametrize("reduction", ["mean", "sum", "batch_mean"])
def test_a_class_of_weight_two_counts_as_two_samples(reduction: str) -> None:
    module = module_of(network_of(class_weights=[1, 2, 1], reduction=reduction))
    plain = module_of(network_of(reduction=reduction))
    rng = np.random.default_rng(0)
    theta, inputs, labels = module.init_params(0), rng.normal(size=(7, 4)), np.array([0, 1, 2, 1, 1, 0, 2])
    twice = np.concatenate([np.arange(7), np.flatnonzero(labels == 1)])
    factor = len(twice) / 7 if reduction == "batch_mean" else 1
    loss, gradient = module.loss_and_grad(theta, inputs, labels)
    expected, slopes = plain.loss_and_grad(theta, inputs[twice], labels[twice])
    assert loss == pytest.approx(expected * factor, rel=1e-14)
    np.testing.assert_allclose(gradient, slopes * factor, rtol=1e-12, atol=1e-16)


@pytest.mark.parametrize(("style", "target"), [("plain", "numpy"), ("buffered", "numpy")])
def test_samples_with_the_ignored_label_count_for_nothing(style: str, target: str) -> None:
    module, rng = module_of(BOTH, style, target), np.random.default_rng(1)
    theta, inputs, labels = module.init_params(0), rng.normal(size=(8, 4)), np.array([0, -100, 2, 1, -100, 1, 0, -100])
    kept = labels >= 0
    with np.errstate(all="raise", under="ignore"):
        loss, gradient = module.loss_and_grad(theta, inputs, labels)
    expected, slopes = module.loss_and_grad(theta, inputs[kept], labels[kept])
    assert loss == pytest.approx(expected, rel=1e-15)
    np.testing.assert_allclose(gradient, slopes, rtol=1e-13, atol=1e-16)
    trained = module.fit(inputs, labels, theta=theta, epochs=3, batch_size=3, shuffle=False)
    assert np.isfinite(trained.history).all()


def test_a_batch_that_is_ignored_as_a_whole_has_loss_and_gradient_zero() -> None:
    module = module_of(BOTH)
    with np.errstate(all="raise", under="ignore"):
        loss, gradient = module.loss_and_grad(module.init_params(0), np.ones((2, 4)), np.array([-100, -100]))
    assert loss == 0
    assert (gradient == 0).all()


def test_logits_far_apart_keep_the_digits_of_the_gradient() -> None:
    module = module_of(network_of("3 -> 3 softmax | cross_entropy", class_weights=WEIGHTS))
    theta = np.concatenate([np.eye(3).ravel(), np.zeros(3)])
    with np.errstate(all="raise", under="ignore"):
        _, gradient = module.loss_and_grad(theta, np.array([[50.0, 0.0, -700.0]]), np.array([0]))
    expected = np.exp(-50.0)
    np.testing.assert_allclose(gradient[9:11], [-expected, expected], rtol=1e-14)


def test_labels_that_are_neither_classes_nor_ignored_are_refused() -> None:
    module = module_of(BOTH)
    with pytest.raises(ValueError, match=r"Y: -1 at row 1 \(1 such\); expected labels 0 to 2, or -100"):
        module.loss(module.init_params(0), np.ones((2, 4)), np.array([0, -1]))


@pytest.mark.parametrize(
    ("text", "fields", "told"),
    [
        ("4 -> 3 | mse", {"class_weights": [1, 1, 1]}, "class_weights: does not fit the loss 'mse'"),
        ("4 -> 3 | multi_margin", {"ignore_index": -1}, "ignore_index: does not fit the loss 'multi_margin'"),
        ("4 -> 3 softmax | cross_entropy", {"class_weights": [1, 1]}, "class_weights: has 2 numbers; expected 3"),
        ("4 -> 2 softmax | cross_entropy", {"class_weights": [1, 0]}, "class_weights[2]: expected a number from 1e-30"),
        ("4 -> 2 softmax | cross_entropy", {"class_weights": 3}, "class_weights: expected a list of numbers, got 3"),
        ("4 -> 3 softmax | cross_entropy", {"ignore_index": 2}, "ignore_index: 2 is a class"),
        ("4 -> 3 softmax | cross_entropy", {"ignore_index": 0.5}, "ignore_index: expected a whole number, got 0.5"),
    ],
)
def test_weights_that_do_not_fit_are_refused_in_one_line(text: str, fields: dict[str, object], told: str) -> None:
    with pytest.raises(SpecError) as caught:
        network_of(text, **fields)
    assert str(caught.value).startswith(told)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["4 -> 3 | multi_margin", "4 -> 3 | categorical_hinge"])
def test_a_loss_of_a_whole_row_is_times_its_classs_weight(text: str) -> None:
    network = network_of(text, class_weights=WEIGHTS)
    source = str(generate(network))
    assert check_module(source, network).ok
    broken = source.replace("S = (Y * c).sum(", "S = Y.sum(")
    assert broken != source
    assert not check_module(broken, network).ok
    buffered = module_of(network, "buffered")
    module, rng = module_of(network), np.random.default_rng(3)
    theta, inputs, labels = module.init_params(0), rng.normal(size=(6, 4)), np.arange(6) % 3
    np.testing.assert_allclose(
        buffered.loss_and_grad(theta, inputs, labels)[1],
        module.loss_and_grad(theta, inputs, labels)[1],
        rtol=1e-12,
        atol=1e-15,
    )
