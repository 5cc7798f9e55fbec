"""Samples from npz: nothing is unpickled or allocated before the archive and its headers agree."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from symmlp.errors import DataError
from symmlp.samples import read_samples
from symmlp.spec import Network

LABELS = Network.parse("4 -> 3 softmax | cross_entropy")

X = np.arange(20.0).reshape(5, 4)
Y = np.array([0, 2, 1, 1, 0])


def _npz(folder: Path, **arrays: Any) -> Path:
    path = folder / "flowers.npz"
    np.savez(path, **arrays)
    return path


def _member(header: str, content: bytes = b"") -> bytes:
    """Return an npy file with any header."""
    line = header.ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(line)) + line.encode() + content


def _zip(folder: Path, members: list[tuple[str, bytes]], compression: int = zipfile.ZIP_STORED) -> Path:
    path = folder / "flowers.npz"
    with pytest.MonkeyPatch.context() as patch, zipfile.ZipFile(path, "w", compression) as archive:
        patch.setattr("warnings.warn", lambda *_, **__: None)  # about the duplicate name that is meant to be there
        for name, content in members:
            archive.writestr(name, content)
    return path


def _npy(array: npt.NDArray[Any]) -> bytes:
    content = io.BytesIO()
    np.lib.format.write_array(content, array)
    return content.getvalue()


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("order", ["C", "F"])
def test_the_arrays_of_an_npz_file_are_read(save: Callable[..., None], order: Any, tmp_path: Path) -> None:
    save(tmp_path / "flowers.npz", X=np.asarray(X, order=order), Y=Y.astype(np.uint8))
    samples = read_samples(tmp_path / "flowers.npz", LABELS)
    np.testing.assert_array_equal(samples.X, X)
    np.testing.assert_array_equal(samples.Y, Y)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"X": X}, "missing array Y; expected X and Y, found X"),
        ({}, "missing array X; expected X and Y, found none"),
        ({"X": X, "Y": Y, "Z": Y}, "unknown array 'Z'; expected X and Y"),
        ({"x": X, "Y": Y}, "unknown array 'x'; expected X and Y"),
        ({"X": X.astype(object), "Y": Y}, "array X holds pickled objects, which are refused"),
        ({"X": X, "Y": Y.astype(object)}, "array Y holds pickled objects, which are refused"),
        ({"X": X.astype(complex), "Y": Y}, "array X has unsupported dtype complex128"),
        ({"X": X.astype(str), "Y": Y}, "array X has unsupported dtype <U32"),
        ({"X": X > 1, "Y": Y}, "array X has unsupported dtype bool"),
        ({"X": np.zeros(5, dtype=[("a", "f8")]), "Y": Y}, "array X has unsupported dtype"),
        ({"X": X[:4], "Y": Y}, ", Y: has 5 samples, expected 4"),
        ({"X": X[:, :2], "Y": Y}, ", X: has 2 features, expected 4"),
        ({"X": np.where(X == 9, np.nan, X), "Y": Y}, ", X: contains NaN at row 3, column 2"),
        ({"X": X, "Y": Y + 1}, ", Y: label 3 at row 2 is out of range"),
    ],
)
def test_a_faulty_npz_file_is_refused(arrays: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=rf"^'.*flowers\.npz'(: )?{message}"):
        read_samples(_npz(tmp_path, **arrays), LABELS)


def test_an_npz_file_takes_no_target_columns(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="^target_columns: "):
        read_samples(_npz(tmp_path, X=X, Y=Y), LABELS, ["species"])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no samples; the file is empty"),
        (b"not a zip archive", "is not an npz file"),
        (_npy(X), "is not an npz file"),
        (b"\x80\x04\x95\x0b\x00\x00\x00\x00\x00\x00\x00cposix\nsystem\n", "is not an npz file"),
    ],
)
def test_a_file_that_is_no_archive_is_refused(content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "flowers.npz").write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_samples(tmp_path / "flowers.npz", LABELS)


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ([("X.npy", _npy(X)), ("Y.npy", _npy(Y)), ("X.npy", _npy(X + 1))], "array X occurs twice"),
        ([("X.npy", _npy(X)), ("X", _npy(X + 1)), ("Y.npy", _npy(Y))], "array X occurs twice"),
        ([("../X.npy", _npy(X)), ("Y.npy", _npy(Y))], r"unknown array '\.\./X'"),
        ([("X", _npy(X)), ("Y.npy", _npy(Y))], "missing array X"),
        ([("X.npy", b"5,1,2"), ("Y.npy", _npy(Y))], "array X has no readable header"),
        ([("X.npy", b""), ("Y.npy", _npy(Y))], "array X has no readable header"),
        (
            [
                ("X.npy", _member("{'descr': '<f8', 'fortran_order': False, 'shape': (10000000000,)}")),
                ("Y.npy", _npy(Y)),
            ],
            "array X holds 0 bytes, but its header claims 80000000000",
        ),
        (
            [
                ("X.npy", _member("{'descr': '<f8', 'fortran_order': False, 'shape': (-2, -4)}", bytes(64))),
                ("Y.npy", _npy(Y)),
            ],
            r"array X has the shape \(-2, -4\)",
        ),
        ([("X.npy", _npy(X) + b"more"), ("Y.npy", _npy(Y))], "array X holds 164 bytes, but its header claims 160"),
        *(
            ([("X.npy", _member(header)), ("Y.npy", _npy(Y))], "array X has no readable header")
            for header in ("{'descr': __import__('os')}", "{" * 100, "(" * 9000, "-" * 9000 + "1", "[]", "\xff")
        ),
    ],
)
def test_an_archive_with_contradicting_members_is_refused(
    members: list[tuple[str, bytes]], message: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=message):
        read_samples(_zip(tmp_path, members), LABELS)


def test_a_decompression_bomb_is_refused_before_it_is_unfolded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = 70 * 2**20 // 32
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': ({rows}, 4)}}"
    path = _zip(tmp_path, [("X.npy", _member(header, bytes(rows * 32))), ("Y.npy", _npy(Y))], zipfile.ZIP_DEFLATED)
    monkeypatch.setattr(np.lib.format, "read_array", lambda *_, **__: pytest.fail("the array was read"))
    with pytest.raises(DataError, match="array X unfolds from [0-9]+ to [0-9]+ bytes"):
        read_samples(path, LABELS)


def test_every_truncated_file_is_refused(tmp_path: Path) -> None:
    content = _npz(tmp_path, X=X, Y=Y).read_bytes()
    for length in range(1, len(content), 7):
        (tmp_path / "cut.npz").write_bytes(content[:length])
        with pytest.raises(DataError):
            read_samples(tmp_path / "cut.npz", LABELS)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_a_flipped_bit_is_refused_or_changes_nothing(save: Callable[..., None], tmp_path: Path) -> None:
    save(tmp_path / "flowers.npz", X=X, Y=Y)
    content = (tmp_path / "flowers.npz").read_bytes()
    for position in range(0, len(content), 5):
        flipped = bytearray(content)
        flipped[position] ^= 1 << (position % 8)
        (tmp_path / "flipped.npz").write_bytes(flipped)
        try:
            samples = read_samples(tmp_path / "flipped.npz", LABELS)
        except DataError:
            continue
        np.testing.assert_array_equal(samples.X, X)
        np.testing.assert_array_equal(samples.Y, Y)
