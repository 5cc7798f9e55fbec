"""Loading a module's text: inspected before it runs, readable in tracebacks, gone when nobody holds it."""

from __future__ import annotations

import linecache
import sys
import traceback

import numpy as np
import pytest

from symmlp.errors import SymmlpError
from symmlp.verification import ModuleTextError, check_module
from symmlp.verification.loading import load_module
from tests.verification.modules import REGRESSION, REGRESSION_MODULE, replaced


def test_a_module_is_loaded_with_its_names() -> None:
    assert load_module(REGRESSION_MODULE).N_PARAMS == 23


@pytest.mark.parametrize(
    "line",
    [
        "import torch",
        "import numpy, torch.nn",
        "from scipy import special",
        "from . import secrets",
        "import symmlp.spec",
    ],
)
def test_an_import_beyond_numpy_and_the_standard_library_is_refused(line: str) -> None:
    expected = "expected numpy, numba or the standard library"
    with pytest.raises(ModuleTextError, match=rf"^module: line 2 imports '.*'; {expected}$"):
        load_module("x = 1\n" + line)


def test_an_import_inside_a_function_is_refused() -> None:
    with pytest.raises(ModuleTextError, match="line 2 imports 'torch'"):
        load_module("def f():\n    import torch")


def test_nothing_runs_before_the_inspection(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ModuleTextError):
        load_module("print('ran')\nimport torch")
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x = = 1", "module: line 1: 'invalid syntax'; expected Python text"),
        ("raise SystemExit('bye')", "module: running it raised SystemExit: 'bye'"),
        ("1 / 0", "module: running it raised ZeroDivisionError: 'division by zero'"),
        ("raise ValueError('a\\nb')", "module: running it raised ValueError: 'a\\nb'"),
        ("", "module: no 'SPEC'; expected the names SPEC, N_PARAMS, SHAPES, DTYPE, loss, loss_and_grad"),
    ],
)
def test_a_text_that_is_no_module_is_refused_in_one_line(text: str, expected: str) -> None:
    with pytest.raises(ModuleTextError) as caught:
        load_module(text)
    assert str(caught.value) == expected


def test_null_bytes_are_refused_in_one_line() -> None:
    with pytest.raises(ModuleTextError, match=r"^module: .*null bytes'; expected Python text$"):
        load_module("x = 1\0")


def test_a_text_nested_beyond_the_parser_is_refused() -> None:
    with pytest.raises(ModuleTextError):
        load_module("(" * 100_000)


@pytest.mark.parametrize("dtype", ["np.float16", "np.complex128", "'float64'", "None"])
def test_a_precision_other_than_float64_and_float32_is_refused(dtype: str) -> None:
    with pytest.raises(ModuleTextError, match=r"^module: DTYPE is .*; expected np\.float64 or np\.float32$"):
        check_module(replaced(REGRESSION_MODULE, ("DTYPE = np.float64", f"DTYPE = {dtype}")), REGRESSION)


def test_the_errors_are_children_of_the_package_s_own() -> None:
    assert issubclass(ModuleTextError, SymmlpError)


def test_a_traceback_shows_the_lines_of_the_text() -> None:
    module = load_module(REGRESSION_MODULE)
    with pytest.raises(ValueError, match="wrong shape") as caught:
        module.forward(np.zeros(3), np.zeros((2, 4)))
    shown = "".join(traceback.format_exception(caught.value))
    assert 'raise ValueError("wrong shape")' in shown
    assert module.forward.__code__.co_filename in linecache.cache


def test_a_loaded_module_does_not_stay_registered() -> None:
    assert load_module(REGRESSION_MODULE).__name__ not in sys.modules


def test_dataclasses_with_annotations_as_texts_can_be_defined() -> None:
    text = (
        "from __future__ import annotations\nfrom dataclasses import dataclass\n@dataclass\nclass A:\n    x: int = 1\n"
    )
    lines = REGRESSION_MODULE.split("\n", 1)
    assert load_module(lines[0] + "\n" + text + lines[1]).A().x == 1


def test_numpy_can_be_replaced() -> None:
    proxy = object()
    assert load_module(REGRESSION_MODULE, numpy=proxy).np is proxy


def test_two_loads_share_nothing() -> None:
    first, second = load_module(REGRESSION_MODULE), load_module(REGRESSION_MODULE)
    vars(first)["N_PARAMS"] = 0
    assert vars(second)["N_PARAMS"] == 23
