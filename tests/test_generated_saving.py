"""Files of parameters: whole or not there at all, and read only if they are this network's, undamaged and finite."""

from __future__ import annotations

import io
import json
import os
import pickle
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from symmlp.spec import Network
from tests.generated_modules import Array, module_of

NETWORK = Network.parse("4 -> 5 tanh -> 3 softmax | cross_entropy")
Members = dict[str, bytes]


@pytest.fixture
def module() -> ModuleType:
    return module_of(NETWORK)


@pytest.fixture
def theta(module: ModuleType) -> Array:
    drawn: Array = module.init_params(3)
    return drawn


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "net.npz"


def _names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_what_is_saved_is_loaded_bit_by_bit(module: ModuleType, theta: Array, path: Path) -> None:
    theta[:3] = 1e-310, np.nextafter(1, 2), -0.0
    module.save(path, theta)
    loaded = module.load(path)
    assert loaded.tobytes() == theta.tobytes()
    assert loaded.dtype == module.DTYPE
    assert loaded.flags.writeable


def test_float32_parameters_are_loaded_as_float32(path: Path) -> None:
    module = module_of(NETWORK, "float32")
    module.save(path, module.init_params())
    assert module.load(path).dtype == np.float32
    assert np.array_equal(module.load(path), module.init_params())


def test_numpy_reads_the_file_without_pickle(module: ModuleType, theta: Array, path: Path) -> None:
    module.save(path, theta)
    with np.load(path, allow_pickle=False) as archive:
        for name, values in module.unpack(theta)._asdict().items():
            assert np.array_equal(archive[name], values)


def test_the_same_parameters_give_the_same_bytes(module: ModuleType, theta: Array, tmp_path: Path) -> None:
    module.save(tmp_path / "a.npz", theta)
    module.save(tmp_path / "b.npz", theta)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_the_name_is_taken_as_it_is(module: ModuleType, theta: Array, tmp_path: Path) -> None:
    module.save(str(tmp_path / "weights"), theta)
    assert _names(tmp_path) == ["weights"]


def test_a_relative_name_is_taken_from_the_working_directory(
    module: ModuleType, theta: Array, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    module.save("net.npz", theta)
    assert np.array_equal(module.load("net.npz"), theta)


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
def test_the_file_has_the_permissions_of_any_new_file(module: ModuleType, theta: Array, path: Path) -> None:
    module.save(path, theta)
    other = path.with_name("other")
    other.touch()
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE(other.stat().st_mode)


@pytest.mark.parametrize(
    "broken",
    [
        lambda theta: theta[1:],
        lambda theta: theta[None],
        lambda theta: theta.astype(np.float32),
        lambda theta: theta + 0j,
        lambda theta: theta.astype(object),
        lambda theta: np.where(np.arange(theta.size) == 7, np.nan, theta),
        lambda theta: np.where(np.arange(theta.size) == 7, np.inf, theta),
    ],
    ids=["short", "matrix", "float32", "complex", "object", "nan", "inf"],
)
def test_what_is_no_vector_of_finite_parameters_is_not_saved(
    broken: Callable[[Array], Array], module: ModuleType, theta: Array, path: Path
) -> None:
    with pytest.raises(ValueError, match=r"^theta: (expected \(43,\) float64, got|(nan|inf) at row 7)"):
        module.save(path, broken(theta))
    assert _names(path.parent) == []


def _raising(error: BaseException) -> Callable[..., Any]:
    def fail(*_: Any, **__: Any) -> Any:
        raise error

    return fail


@pytest.mark.parametrize("function", ["os.replace", "os.fsync", "np.lib.format.write_array"])
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()], ids=["disk", "ctrl-c"])
@pytest.mark.parametrize("exists", [True, False])
def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    function: str,
    error: BaseException,
    exists: bool,
    module: ModuleType,
    theta: Array,
    path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if exists:
        module.save(path, theta)
    before = {entry.name: entry.read_bytes() for entry in path.parent.iterdir()}
    owner: Any = module
    *owners, name = function.split(".")
    for each in owners:
        owner = getattr(owner, each)
    monkeypatch.setattr(owner, name, _raising(error))
    with pytest.raises(type(error)):
        module.save(path, theta + 1)
    assert {entry.name: entry.read_bytes() for entry in path.parent.iterdir()} == before


def test_a_reader_never_meets_half_a_file(
    module: ModuleType, theta: Array, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module.save(path, theta)
    write = np.lib.format.write_array

    def read_meanwhile(*arguments: Any, **options: Any) -> None:
        assert np.array_equal(module.load(path), theta)
        write(*arguments, **options)

    monkeypatch.setattr(np.lib.format, "write_array", read_meanwhile)
    module.save(path, theta + 1)
    assert np.array_equal(module.load(path), theta + 1)


def test_a_folder_that_is_missing_is_an_error_of_the_system(module: ModuleType, theta: Array, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        module.save(tmp_path / "missing" / "net.npz", theta)
    assert _names(tmp_path) == []


def test_a_directory_is_not_replaced(module: ModuleType, theta: Array, path: Path) -> None:
    path.mkdir()
    with pytest.raises(OSError):
        module.save(path, theta)
    assert _names(path.parent) == ["net.npz"]


def _npy(values: Any, *, pickled: bool = False, version: tuple[int, int] | None = None) -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array(file, np.asanyarray(values), allow_pickle=pickled, version=version)
    return file.getvalue()


def _header(text: str, content: bytes = b"") -> bytes:
    """Return an array file of format 1.0 with a header of one's own."""
    padded = text.encode("latin1") + b"\n"
    return b"\x93NUMPY\x01\x00" + len(padded).to_bytes(2, "little") + padded + content


def _zipped(members: list[tuple[str, bytes]], compression: int = zipfile.ZIP_STORED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return file.getvalue()


@pytest.fixture
def members(module: ModuleType, theta: Array, path: Path) -> Members:
    """The members of a file that is as it should be."""
    module.save(path, theta)
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


W1 = np.ones((5, 4))
ABOUT = {"format": 1, "spec": NETWORK.digest()}
BOMB = _header("{'descr': '<f8', 'fortran_order': False, 'shape': (10000000000,), }")

BAD_MEMBERS: dict[str, tuple[dict[str, bytes | None], str]] = {
    "missing member": ({"b2.npy": None}, r"b2\.npy: 0 members, expected one"),
    "extra member": ({"W3.npy": _npy(W1)}, r"unexpected member 'W3\.npy'"),
    "climbing member": ({"../x.npy": _npy(W1)}, r"unexpected member '\.\./x\.npy'"),
    "member with a line end": ({"a\nb.npy": _npy(W1)}, r"unexpected member 'a\\nb\.npy'"),
    "no record": ({"symmlp.json": None}, "not a file of parameters that symmlp's modules save"),
    "wrong shape": ({"W1.npy": _npy(np.ones((5, 3)))}, r"W1: expected \(5, 4\) float64, got \(5, 3\) float64"),
    "transposed": ({"W1.npy": _npy(W1.T.copy())}, r"W1: expected \(5, 4\) float64, got \(4, 5\) float64"),
    "broadcastable": ({"b1.npy": _npy(np.ones((1, 5)))}, r"b1: expected \(5,\) float64, got \(1, 5\) float64"),
    "column order": ({"W1.npy": _npy(np.asfortranarray(W1))}, r"W1: expected .* got \(5, 4\) float64 in column order"),
    "wrong dtype": ({"W1.npy": _npy(W1.astype(np.float32))}, r"W1: expected .* got \(5, 4\) float32"),
    "integers": ({"W1.npy": _npy(W1.astype(int))}, r"W1: expected .* got \(5, 4\) int64"),
    "other byte order": ({"W1.npy": _npy(W1.astype(">f8"))}, r"W1: expected .* got \(5, 4\) >f8"),
    "complex": ({"W1.npy": _npy(W1.astype(np.complex64))}, r"W1: expected .* got \(5, 4\) complex64"),
    "structured": ({"W1.npy": _npy(np.zeros((5, 4), "f4,f4"))}, r"W1: expected .* got \(5, 4\) \[\('f0'"),
    "texts": ({"W1.npy": _npy(np.full((5, 4), "a"))}, r"W1: expected .* got \(5, 4\) <U1"),
    "objects": ({"W1.npy": _npy(W1.astype(object), pickled=True)}, r"W1: expected .* got \(5, 4\) object"),
    "no array": ({"W1.npy": b"W1 = 3"}, "magic string"),
    "empty member": ({"W1.npy": b""}, "."),
    "header cut short": ({"W1.npy": _npy(W1)[:40]}, "."),
    "header of nonsense": ({"W1.npy": _header("{'descr': __import__('os'), }")}, "."),
    "header of one line too many": ({"W1.npy": _header("\n\n{}\n'")}, "."),
    "claims 80 GB": ({"W1.npy": BOMB}, r"W1: expected \(5, 4\) float64, got \(10000000000,\) float64"),
    "values cut short": ({"W1.npy": _npy(W1)[:-8]}, r"W1: 152 bytes, expected float64 \(5, 4\)"),
    "values too many": ({"W1.npy": _npy(W1) + bytes(8)}, r"W1: 168 bytes, expected float64 \(5, 4\)"),
    "later array format": ({"W1.npy": _npy(W1, version=(2, 0))}, r"W1: array format \(2, 0\) is not supported"),
    "large member": ({"W1.npy": _npy(W1) + bytes(4000)}, r"W1\.npy: 4288 bytes, expected 160 and a header"),
    "NaN": ({"W1.npy": _npy(np.where(W1 * range(4) == 2, np.nan, W1))}, "W1: nan at row 0, column 2"),
    "infinity": ({"b2.npy": _npy(np.array([0, 1, -np.inf]))}, "b2: -inf at row 2"),
    "another network": (
        {"symmlp.json": json.dumps({**ABOUT, "spec": "ab12" * 16}).encode()},
        "the parameters belong to a network with hash 'ab12ab12ab12', this is '[0-9a-f]{12}'",
    ),
    "later format": (
        {"symmlp.json": json.dumps({**ABOUT, "format": 3}).encode()},
        r"format version 3 is not supported \(newest known: 1\)",
    ),
    "record without hash": ({"symmlp.json": b'{"format": 1}'}, "symmlp.json: expected the keys format and spec"),
    "record of another kind": ({"symmlp.json": b"[1, 2]"}, "symmlp.json: expected the keys format and spec"),
    "record that is no JSON": ({"symmlp.json": b"format: 1"}, "."),
    "record that is no text": ({"symmlp.json": b"\xff\xfe\xfd"}, "."),
    "record nested deeply": ({"symmlp.json": b"[" * 1000}, "."),
    "record too long": ({"symmlp.json": b" " * 2000}, "not a file of parameters"),
}


def _refused(module: ModuleType, path: Path, content: bytes, message: str = ".") -> None:
    """Check that a file is refused with one line that names it."""
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message) as caught:
        module.load(path)
    assert str(caught.value).startswith(f"{str(path)!r} holds no usable parameters: ")
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("name", BAD_MEMBERS)
def test_a_file_with_a_bad_member_is_refused(name: str, module: ModuleType, members: Members, path: Path) -> None:
    changes, message = BAD_MEMBERS[name]
    changed = {**members, **changes}
    _refused(module, path, _zipped([(key, value) for key, value in changed.items() if value is not None]), message)


def test_a_file_put_together_again_unchanged_is_accepted(
    module: ModuleType, theta: Array, members: Members, path: Path
) -> None:
    path.write_bytes(_zipped(list(members.items())))
    assert np.array_equal(module.load(path), theta)


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("name", ["W1.npy", "symmlp.json"])
def test_a_member_that_is_there_twice_is_refused(name: str, module: ModuleType, members: Members, path: Path) -> None:
    _refused(module, path, _zipped([*members.items(), (name, members[name])]))


def test_a_compressed_file_is_refused(module: ModuleType, members: Members, path: Path) -> None:
    _refused(module, path, _zipped(list(members.items()), zipfile.ZIP_DEFLATED), "compressed")


def test_a_compression_bomb_is_refused_by_its_size(module: ModuleType, members: Members, path: Path) -> None:
    bomb = {**members, "W1.npy": _npy(W1) + bytes(50_000_000)}
    _refused(module, path, _zipped(list(bomb.items()), zipfile.ZIP_DEFLATED))


class _Attack:
    def __reduce__(self) -> tuple[Any, ...]:
        return (open, ("attacked", "w"))


@pytest.mark.parametrize(
    "content",
    [b"", b"PK", b"PK\x05\x06" + bytes(18), b"not a zip file", _npy(W1), pickle.dumps(_Attack()), bytes(1000)],
    ids=["empty", "two bytes", "empty archive", "text", "npy", "pickle", "zeros"],
)
def test_what_is_no_archive_of_parameters_is_refused(
    content: bytes, module: ModuleType, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(path.parent)
    _refused(module, path, content)
    assert _names(path.parent) == ["net.npz"]


def test_a_pickled_attack_inside_an_array_is_not_run(
    module: ModuleType, members: Members, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(path.parent)
    attack = np.empty((5, 4), dtype=object)
    attack[0, 0] = _Attack()
    _refused(module, path, _zipped([*{**members, "W1.npy": _npy(attack, pickled=True)}.items()]))
    assert _names(path.parent) == ["net.npz"]


def test_a_file_of_numpy_s_own_savez_is_refused(module: ModuleType, theta: Array, path: Path) -> None:
    np.savez(path, **module.unpack(theta)._asdict())
    _refused(module, path, path.read_bytes(), "not a file of parameters that symmlp's modules save")


def test_the_file_of_another_network_is_refused(module: ModuleType, path: Path) -> None:
    other = module_of(Network.parse("4 -> 5 relu -> 3 softmax | cross_entropy"))
    other.save(path, other.init_params())
    _refused(module, path, path.read_bytes(), "the parameters belong to a network with hash")


def test_a_float32_file_is_refused_by_the_float64_module(module: ModuleType, path: Path) -> None:
    other = module_of(NETWORK, "float32")
    other.save(path, other.init_params())
    _refused(module, path, path.read_bytes(), r"W1: expected \(5, 4\) float64, got \(5, 4\) float32")


def test_a_file_that_ends_anywhere_is_refused(module: ModuleType, theta: Array, path: Path) -> None:
    module.save(path, theta)
    whole = path.read_bytes()
    for length in range(0, len(whole), 11):
        _refused(module, path, whole[:length])


def test_a_flipped_bit_is_refused_or_changes_nothing(module: ModuleType, theta: Array, path: Path) -> None:
    module.save(path, theta)
    whole, refused = path.read_bytes(), 0
    for place in range(0, len(whole), 3):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ (1 << place % 8)]) + whole[place + 1 :])
        try:
            loaded = module.load(path)
        except ValueError as error:
            refused += 1
            assert str(error).isprintable()
        else:
            assert np.array_equal(loaded, theta)
    assert refused > len(whole) / 6


def test_every_bit_of_the_parameters_is_guarded(module: ModuleType, theta: Array, path: Path) -> None:
    module.save(path, theta)
    whole = path.read_bytes()
    for values in module.unpack(theta):
        place = whole.index(values.tobytes())
        _refused(module, path, whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :], "Bad CRC-32")


def test_a_file_that_is_missing_is_an_error_of_the_system(module: ModuleType, path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        module.load(path)
