"""NumPy for the complex step: functions that decide on the real part, so that exp(-|x|) and its like stay holomorphic.

A number a + ib of the complex step carries the value in a and a vanishing perturbation in b. |a + ib| is then ±(a + ib)
by the sign of a; NumPy's own absolute value would drop b. Where a is exactly 0 the sign of b decides, as it does in
NumPy's comparison of complex numbers; a step to the other side of a kink then gives another slope, which is how a kink
is found.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Lifted = Callable[..., Any]


def _is_complex(value: object) -> bool:
    return isinstance(value, complex | np.complexfloating) or (
        isinstance(value, np.ndarray) and np.issubdtype(value.dtype, np.complexfloating)
    )


def _absolute(z: Any) -> Any:
    array = np.asarray(z)
    return np.where(array >= 0, array, -array)


def _sign(z: Any) -> Any:
    return np.sign(np.real(z))


def _copysign(magnitude: Any, sign: Any) -> Any:
    absolute = _absolute(magnitude)
    return np.where(np.signbit(np.real(sign)), -absolute, absolute)


def _with_real_part(value: Any, real: Any) -> Any:
    return real + 1j * np.imag(value)


def _log1p(z: Any) -> Any:
    # NumPy's complex log1p loses the real part's last digits near 0, not the imaginary part's.
    return _with_real_part(np.log1p(z), np.log1p(np.real(z)))


def _logaddexp(x: Any, y: Any) -> Any:
    return np.maximum(x, y) + _log1p(np.exp(-_absolute(np.subtract(x, y)) + 0j))


def _hypot(x: Any, y: Any) -> Any:
    larger, smaller = np.maximum(_absolute(x), _absolute(y)), np.minimum(_absolute(x), _absolute(y))
    ratio = smaller / np.where(larger == 0, 1, larger)
    return larger * np.sqrt(1 + ratio * ratio + 0j)


def _cbrt(z: Any) -> Any:
    positive = _absolute(z)
    root = np.exp(np.log(np.where(positive == 0, 1, positive) + 0j) / 3)
    return np.where(positive == 0, 0, np.where(np.real(z) >= 0, root, -root))


def _on_real_part(function: Callable[..., Any]) -> Lifted:
    return lambda *arguments: function(*map(np.real, arguments))


_OF_REAL_PART = ("heaviside", "signbit", "floor", "ceil", "trunc", "rint", "isfinite", "isnan", "isinf")

LIFTED: dict[str, Lifted] = {
    "abs": _absolute,
    "absolute": _absolute,
    "fabs": _absolute,
    "sign": _sign,
    "copysign": _copysign,
    "log1p": _log1p,
    "logaddexp": _logaddexp,
    "hypot": _hypot,
    "cbrt": _cbrt,
    **{name: _on_real_part(getattr(np, name)) for name in _OF_REAL_PART},
}
"""Functions that NumPy lacks for complex numbers, or defines otherwise than the complex step needs."""


class LiftedFunction:
    """A NumPy function that is `lifted` for complex arguments and NumPy's own for all others."""

    def __init__(self, own: Any, lifted: Lifted) -> None:
        self._own, self._lifted = own, lifted

    def __call__(self, *arguments: Any, out: Any = None, where: Any = True, **options: Any) -> Any:
        """Return the function's value, in `out` if given, only at `where`."""
        if not any(map(_is_complex, arguments)):
            return self._own(*arguments, out=out, where=where, **options)
        value = self._lifted(*arguments)
        if out is None and where is True:
            return value
        target = np.empty_like(value) if out is None else out[0] if isinstance(out, tuple) else out
        np.copyto(target, value, where=where)
        return target

    def __getattr__(self, name: str) -> Any:
        return getattr(self._own, name)


class HolomorphicNumPy:
    """NumPy with the functions of LIFTED lifted: what a module's `np` is replaced by for the complex step."""

    def __init__(self) -> None:
        self._lifted = {name: LiftedFunction(getattr(np, name), lifted) for name, lifted in LIFTED.items()}

    def __getattr__(self, name: str) -> Any:
        lifted = self.__dict__["_lifted"]
        return lifted[name] if name in lifted else getattr(np, name)
