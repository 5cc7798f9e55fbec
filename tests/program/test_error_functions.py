"""erf, erfc and erfcx written out as instructions, against mpmath."""

from __future__ import annotations

from typing import Any, Literal

import mpmath
import numpy as np
import pytest

from symmlp.matrix import Call, Var
from symmlp.printing.numpy_out import OutPrinter
from symmlp.program.error_functions import error_functions
from symmlp.program.instructions import Instruction, sequence_functions

Dtype = Literal["float64", "float32"]
LARGEST = {"float64": 26.5, "float32": 9.1}
"""Beyond these, erfc is subnormal."""


EXACT = {
    "erf": mpmath.erf,
    "erfc": mpmath.erfc,
    "erfcx": lambda x: mpmath.exp(x * x) * mpmath.erfc(x),
}


def computed(name: str, dtype: Dtype, x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    instructions = sequence_functions(Call(name, (Var("x", ("N",)),)), Var("y", ("N",)), error_functions(dtype))
    arrays: dict[str, Any] = {"np": np, "x": x}
    for each in instructions:
        arrays[each.target.name] = np.empty(len(x), bool if each.is_condition else x.dtype)
        exec(OutPrinter(str).line(each), arrays)
    return arrays["y"]  # type: ignore[no-any-return]


def points(dtype: Dtype) -> np.ndarray[Any, Any]:
    parts = (np.linspace(-6, 6, 801), np.linspace(6, LARGEST[dtype], 201), 10.0 ** np.linspace(-12, -1, 101))
    return np.concatenate(parts).astype(dtype)


def worst_ulps(name: str, dtype: Dtype, found: np.ndarray[Any, Any], x: np.ndarray[Any, Any]) -> float:
    with mpmath.workdps(40):
        exact = [EXACT[name](mpmath.mpf(float(each))) for each in x]
        spacing = [float(np.spacing(np.abs(np.asarray(float(each), dtype)))) for each in exact]
        return max(
            float(abs(mpmath.mpf(float(one)) - true) / ulp)
            for one, true, ulp in zip(found, exact, spacing, strict=True)
        )


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", ["erf", "erfc", "erfcx"])
def test_it_is_right_to_five_units_in_the_last_place(name: str, dtype: Dtype) -> None:
    x = np.abs(points(dtype)) if name == "erfcx" else points(dtype)
    assert worst_ulps(name, dtype, computed(name, dtype, x), x) <= 5


def test_a_relative_error_of_a_millionth_is_seen() -> None:
    x = points("float64")
    assert worst_ulps("erfc", "float64", computed("erfc", "float64", x) * (1 + 1e-6), x) > 1e6


def test_no_choice_is_needed_for_erfc() -> None:
    target = Var("y", ("N",))
    instructions = sequence_functions(Call("erfc", (Var("x", ("N",)),)), target, error_functions("float64"))
    assert "where" not in [each.operation for each in instructions]
    assert all(isinstance(each, Instruction) for each in instructions)
