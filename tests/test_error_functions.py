"""erf, erfc and erfcx of generated modules: their promise in units in the last place, measured against mpmath."""

from __future__ import annotations

import math
from collections.abc import Callable
from types import ModuleType
from typing import Any

import mpmath
import numpy as np
import pytest

from symmlp.calculus import error_functions
from symmlp.spec import Network
from tests.generated_modules import Array, module_of

PROMISES = {"erf": 2.0, "erfc": 4.0, "erfcx": 4.0}
"""Units in the last place that the docstrings in the module promise."""

NETWORK = Network.parse("3 -> 4 {erf(x)} -> 4 {erfc(x)} -> 4 gelu -> 2 | mse")

POINTS = {
    "middle": np.linspace(-6, 6, 1201),
    "right tail": np.linspace(0, 26.5, 1061),
    "tiny": np.concatenate([sign * 10.0 ** np.linspace(-300, -1, 150) for sign in (1, -1)]),
    "seams": np.array(
        [sign * (at + k * 2.0**-52) for at in (0.5, 1, 2, 28) for k in range(-9, 10) for sign in (1, -1)]
    ),
}


@pytest.fixture(scope="module")
def module() -> ModuleType:
    return module_of(NETWORK)


def points(name: str, where: str) -> Array:
    """Return points at which a function is asked; erfcx is one of the right half-line."""
    chosen = POINTS[where]
    return np.abs(chosen) if name == "erfcx" else chosen


def exact(name: str, points: Array) -> list[Any]:
    """Return the values to 40 digits."""
    with mpmath.workdps(40):
        if name == "erfcx":
            return [mpmath.exp(mpmath.mpf(x) ** 2) * mpmath.erfc(mpmath.mpf(x)) for x in map(float, points)]
        return [getattr(mpmath, name)(mpmath.mpf(float(point))) for point in points]


def errors_in_ulp(found: Array, expected: list[Any]) -> Array:
    """Return the errors in units in the last place of the expected values; below the normal numbers, in their unit."""
    unit = [max(math.ulp(float(value)), float(np.finfo(np.float64).smallest_subnormal)) for value in expected]
    with mpmath.workdps(40):
        return np.array(
            [float(abs(mpmath.mpf(float(a)) - e) / u) for a, e, u in zip(found, expected, unit, strict=True)]
        )


def normal(values: Array, expected: list[Any]) -> Array:
    """Return the errors where the value is a normal number; what is smaller has lost digits by its format."""
    keep = [abs(value) >= float(np.finfo(np.float64).tiny) for value in expected]
    return errors_in_ulp(values, expected)[keep]


@pytest.mark.parametrize("where", POINTS)
@pytest.mark.parametrize("name", PROMISES)
def test_the_error_stays_below_its_promise(name: str, where: str, module: ModuleType) -> None:
    found = getattr(module, name)(points(name, where))
    worst = normal(found, exact(name, points(name, where))).max()
    assert worst <= PROMISES[name]


def test_a_wrong_digit_is_seen(module: ModuleType) -> None:
    middle = POINTS["middle"]
    found = module.erfc(middle) * (1 + 1e-15)
    assert normal(found, exact("erfc", middle)).max() > PROMISES["erfc"]


@pytest.mark.parametrize("where", POINTS)
@pytest.mark.parametrize("name", PROMISES)
def test_the_package_computes_the_same_bits_as_its_modules(name: str, where: str, module: ModuleType) -> None:
    own: Callable[[Array], Array] = getattr(error_functions, name)
    assert np.array_equal(own(points(name, where)), getattr(module, name)(points(name, where)))


def test_the_ends_are_exact(module: ModuleType) -> None:
    ends = np.array([-np.inf, -30.0, 0.0, 30.0, np.inf])
    assert module.erf(ends).tolist() == [-1, -1, 0, 1, 1]
    assert module.erfc(ends).tolist() == [2, 2, 1, 0, 0]
    assert np.signbit(module.erf(np.array([-0.0])))[0]


@pytest.mark.parametrize("name", PROMISES)
def test_nan_stays_nan(name: str, module: ModuleType) -> None:
    assert np.isnan(getattr(module, name)(np.array([np.nan]))).all()


@pytest.mark.parametrize("name", PROMISES)
def test_no_floating_point_flag_is_raised(name: str, module: ModuleType) -> None:
    points = np.array([0, 1e-300, -1e-8, 1, -20, 27, 88, -700, 745, 1e4, -1e30, 1.7e308, np.inf, -np.inf])
    points = np.abs(points[:-2]) if name == "erfcx" else points
    with np.errstate(all="raise", under="ignore"):
        getattr(module, name)(points)


@pytest.mark.parametrize("name", PROMISES)
def test_float32_is_right_to_its_last_digit_and_stays_float32(name: str) -> None:
    module, points = module_of(NETWORK, "float32"), np.linspace(-6, 9, 1001, dtype=np.float32)
    points = np.abs(points) if name == "erfcx" else points
    found = getattr(module, name)(points)
    expected = np.array([float(value) for value in exact(name, points)])
    units = np.spacing(np.abs(expected).astype(np.float32)).astype(float)
    assert found.dtype == np.float32
    assert (np.abs(found - expected) <= 0.5001 * units).all()


def test_erf_is_odd_to_the_bit(module: ModuleType) -> None:
    points = np.abs(POINTS["middle"])
    assert np.array_equal(module.erf(-points), -module.erf(points))


@pytest.mark.parametrize("name", PROMISES)
def test_the_shape_is_that_of_the_argument(name: str, module: ModuleType) -> None:
    assert getattr(module, name)(np.zeros((2, 3))).shape == (2, 3)


def test_erfcx_falls_like_one_over_x(module: ModuleType) -> None:
    far = np.array([1e8, 1e30, 1e200, 1e308])
    assert np.all(np.abs(module.erfcx(far) * far * math.sqrt(math.pi) - 1) < 1e-15)
