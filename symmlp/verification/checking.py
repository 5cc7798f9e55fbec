"""`check_module`: one sample of each kind of targets, every oracle on it, one report."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from types import MappingProxyType

from symmlp.errors import UnsupportedError
from symmlp.spec import Network
from symmlp.verification.complex_step import check_complex_step
from symmlp.verification.contract import check_contract
from symmlp.verification.differences import check_differences
from symmlp.verification.directions import check_directions
from symmlp.verification.evaluation import NotRealError
from symmlp.verification.high_precision import check_high_precision, in_double
from symmlp.verification.report import Check, Report
from symmlp.verification.running import check_running
from symmlp.verification.sample import Sample, draw_sample
from symmlp.verification.second_order import check_second_order
from symmlp.verification.subject import CallFailedError, Subject, quiet
from symmlp.verification.symbolic import MatrixEquation, check_equations
from symmlp.verification.symbolic_beyond import Groups, check_beyond


def check_module(
    source: str,
    network: Network,
    *,
    equations: Sequence[MatrixEquation] = (),
    beyond: Groups = MappingProxyType({}),
    seed: int = 0,
) -> Report:
    """Return what the oracles say about the module of text `source`, generated for `network`.

    The text is executed; see `load_module`. `equations` are the derivation's, forward and backward in order: with them
    the report says whether they are exact, too; `beyond` are those beyond the gradient, by what they give. The same
    arguments give the same report.

    Raises:
        ModuleTextError: the text is no generated module.
    """
    subject = Subject.of(source, network)
    with quiet():
        checks = (
            *_of_module(subject, seed),
            *_decided("symbolic", lambda: check_equations(network, equations, seed)),
            *_decided("symbolic, second order", lambda: check_beyond(network, equations, beyond, seed)),
        )
    gradient_compared = any(check.ok and check.name != "contract" for check in checks)
    return Report(gradient_compared and not any(check.ok is False for check in checks), checks)


def _of_module(subject: Subject, seed: int) -> Iterator[Check]:
    try:
        sample = draw_sample(subject.network, seed)
    except (NotRealError, UnsupportedError) as error:
        yield Check("sample", ok=None, note=str(error))
        return
    yield check_contract(subject, sample)
    double = in_double(subject, sample)
    yield from _decided("differences", lambda: [check_differences(double, sample, "differences", seed)])
    samples = _by_targets(sample)
    for kind, each in samples.items():
        yield from _of_loss_derivatives(double, each, kind, seed)
    yield from _decided("running statistics", lambda: check_running(subject, sample, seed))
    yield from _decided("high precision", lambda: check_high_precision(subject, samples, seed))
    yield from _decided("second order", lambda: check_second_order(double, sample, seed))


def _by_targets(sample: Sample) -> dict[str, Sample]:
    """Return the sample, for classes with labels and with probabilities, by what is added to the checks' names."""
    if sample.kind != "probabilities":
        return {"": sample}
    return {", labels": sample.as_labels(), ", probabilities": sample}


def _of_loss_derivatives(double: Subject, sample: Sample, kind: str, seed: int) -> Iterator[Check]:
    step, along = f"complex step{kind}", f"direction{kind}"
    yield from _decided(step, lambda: [check_complex_step(double, sample, step, seed)])
    yield from _decided(along, lambda: [check_directions(double, sample, along, seed)])


def _decided(name: str, oracle: Callable[[], Iterable[Check]]) -> Sequence[Check]:
    """Return an oracle's checks; a module that raises has failed, a definition without arithmetic is not decided."""
    checks: list[Check] = []
    try:
        checks.extend(oracle())
    except CallFailedError as error:
        checks.append(Check(name, ok=False, note=str(error)))
    except (NotRealError, UnsupportedError) as error:
        checks.append(Check(name, ok=None, note=str(error)))
    return checks
