"""The arrays X and Y of an npz file, checked before anything is allocated, and never unpickled.

`numpy.load` trusts what a member's header claims: 177 bytes can ask for 80 GB, a small compressed file can unfold into
gigabytes, a duplicate member silently wins. Here the archive's directory and every header are read first.
"""

from __future__ import annotations

import math
import zipfile
import zlib
from typing import IO, Any, BinaryIO, NoReturn

import numpy as np
import numpy.typing as npt

from symmlp.errors import DataError, shown

MEMBERS = ("X", "Y")
MAX_ARRAY_BYTES = 4 * 2**30
FREELY_COMPRESSED_BYTES = 64 * 2**20
"""Up to this size any compression is believed; above it, a ratio over MAX_RATIO is taken for a decompression bomb."""
MAX_RATIO = 200


def read_arrays(file: BinaryIO, label: str) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Return the arrays X and Y of an open npz file; `label` is what errors call it.

    Raises:
        DataError: it is no npz file, is corrupt, has other members, pickled data, or sizes that contradict each other.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            _check_members(archive, label)
            for name in MEMBERS:
                _check_header(archive, name, label)
            X, Y = (_array(archive, name) for name in MEMBERS)
    except DataError:
        raise
    except zipfile.BadZipFile as error:
        _refuse(label, "is not an npz file, or is corrupt or truncated", error)
    except (EOFError, OSError, ValueError, RuntimeError, NotImplementedError, zlib.error) as error:
        _refuse(label, "is corrupt", error)
    return X, Y


def _refuse(label: str, fault: str, error: Exception) -> NoReturn:
    reason = shown(str(error), limit=80)
    raise DataError(f"{label}: {fault} ({reason}); expected a zip archive of X.npy and Y.npy") from None


def _check_members(archive: zipfile.ZipFile, label: str) -> None:
    found = [entry.filename.removesuffix(".npy") for entry in archive.infolist()]
    for name in found:
        if name not in MEMBERS:
            raise DataError(f"{label}: unknown array {shown(name)}; expected X and Y")
        if found.count(name) > 1:
            raise DataError(f"{label}: array {name} occurs twice; expected X and Y once each")
    for name in MEMBERS:
        if f"{name}.npy" not in archive.namelist():
            raise DataError(f"{label}: missing array {name}; expected X and Y, found {', '.join(found) or 'none'}")


def _check_header(archive: zipfile.ZipFile, name: str, label: str) -> None:
    """Raise DataError unless the array's header asks for exactly the bytes that its member holds."""
    entry = archive.getinfo(f"{name}.npy")
    with archive.open(entry) as member:
        shape, dtype = _header(member, f"{label}: array {name}")
        header = member.tell()
    if dtype.hasobject:
        raise DataError(f"{label}: array {name} holds pickled objects, which are refused; expected numbers")
    if dtype.kind not in "fiu":
        raise DataError(
            f"{label}: array {name} has unsupported dtype {shown(str(dtype))[1:-1]}; expected integers or floats"
        )
    if any(size < 0 for size in shape):
        raise DataError(f"{label}: array {name} has the shape {shown(shape)}; expected sizes from 0")
    claimed = math.prod(shape) * dtype.itemsize
    if claimed != entry.file_size - header:
        raise DataError(
            f"{label}: array {name} holds {entry.file_size - header} bytes, but its header claims {claimed}"
        )
    _check_size(entry, name, label)


def _header(member: IO[bytes], label: str) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Return the shape and dtype that an npy file claims to have."""
    try:
        major, _ = np.lib.format.read_magic(member)
        read = np.lib.format.read_array_header_1_0 if major == 1 else np.lib.format.read_array_header_2_0
        shape, _, dtype = read(member)
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile):
        raise
    except Exception as error:  # NumPy parses the header as Python: tokenizer, parser and recursion errors come through
        raise DataError(
            f"{label} has no readable header ({shown(str(error), limit=80)}); expected an npy file"
        ) from None
    return shape, dtype


def _check_size(entry: zipfile.ZipInfo, name: str, label: str) -> None:
    if entry.file_size > MAX_ARRAY_BYTES:
        raise DataError(f"{label}: array {name} has {entry.file_size} bytes; expected at most {MAX_ARRAY_BYTES}")
    if entry.file_size > max(FREELY_COMPRESSED_BYTES, MAX_RATIO * entry.compress_size):
        raise DataError(
            f"{label}: array {name} unfolds from {entry.compress_size} to {entry.file_size} bytes; "
            f"expected at most {MAX_RATIO} times as many"
        )


def _array(archive: zipfile.ZipFile, name: str) -> npt.NDArray[Any]:
    with archive.open(f"{name}.npy") as member:
        # The header claims every byte of the member, so reading it to its end makes zipfile compare the checksum.
        values: npt.NDArray[Any] = np.lib.format.read_array(member, allow_pickle=False)
    return values
