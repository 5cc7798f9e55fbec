"""Output files: which names are refused, and that a file is whole or not there at all."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from symmlp import files
from symmlp.errors import OutputError
from symmlp.files import check_directory, check_output, output_directory, write_all, write_bytes, write_text

posix = pytest.mark.skipif(os.name == "nt", reason="POSIX permissions, links and signals")


def _names(directory: Path) -> list[str]:
    return sorted(entry.name for entry in directory.iterdir())


def _failing(call: Callable[..., object], at: int, error: BaseException) -> Callable[..., object]:
    """Return `call`, except that its `at`-th use raises `error`."""
    uses = iter(range(1, 1000))

    def wrapped(*arguments: object, **options: object) -> object:
        if next(uses) == at:
            raise error
        return call(*arguments, **options)

    return wrapped


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "is empty"),
        ("a\x00b.py", "no path can hold"),
        ("a\ud800.py", "no path can hold"),
        ("a\nb.py", "control character"),
        ("a\x1b[2J.py", "control character"),
        ("a\u202eyp.py", "control character"),
        ("a\u2028b.py", "control character"),
        ("-o", "starts with '-'"),
        ("-x.py", "starts with '-'"),
        ("CON", "reserved device name"),
        ("con.py", "reserved device name"),
        ("Lpt1.tar.gz", "reserved device name"),
        ("aux .py", "reserved device name"),
        ("C:net.py", "a colon"),
        ("sub\\net.py", "a backslash"),
        ("..", r"contains '\.\.'"),
        (".", "is a directory"),
        ("n" * 198 + ".py", "201 bytes is too long"),
        ("é" * 99 + ".py", "201 bytes is too long"),
    ],
)
def test_a_dangerous_or_broken_name_is_refused(
    name: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OutputError, match=f"^output: .*{message}"):
        check_output(name)
    assert _names(tmp_path) == []


@pytest.mark.parametrize("name", ["x/../net.py", "../net.py", "..\\net.py", "x/.."])
def test_a_path_that_climbs_is_refused(name: str) -> None:
    with pytest.raises(OutputError, match=r"contains '\.\.'"):
        check_output(name)


@pytest.mark.parametrize(
    "name", ["net.py", "n" * 197 + ".py", "réseau.py", "two words.py", ".hidden", "a..b.py", "console"]
)
def test_an_ordinary_name_is_accepted(name: str, tmp_path: Path) -> None:
    assert check_output(tmp_path / name) == tmp_path / name


def test_a_relative_path_into_an_existing_directory_is_accepted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "out").mkdir()
    assert write_text("out/net.py", "x = 1\n") == Path("out/net.py")
    assert (tmp_path / "out" / "net.py").read_bytes() == b"x = 1\n"


def test_a_hostile_name_cannot_reach_the_terminal_through_the_message(tmp_path: Path) -> None:
    with pytest.raises(OutputError) as caught:
        check_output(tmp_path / "a\x1b[31m\nb.py")
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("path", [None, 3, b"net.py"])
def test_a_path_that_is_no_text_is_refused(path: object) -> None:
    with pytest.raises(OutputError, match="expected a file name"):
        check_output(path)  # type: ignore[arg-type]


def test_an_existing_file_is_refused_without_force(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text("old")
    with pytest.raises(OutputError, match=r"net\.py' already exists; use --force to overwrite it$"):
        write_text(tmp_path / "net.py", "new")
    assert (tmp_path / "net.py").read_text() == "old"


def test_force_overwrites_an_existing_file(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text("old and longer")
    write_text(tmp_path / "net.py", "new", force=True)
    assert (tmp_path / "net.py").read_text() == "new"


@posix
@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("target", ["real.py", "nowhere.py"])
def test_a_symbolic_link_is_refused_even_with_force(tmp_path: Path, force: bool, target: str) -> None:
    (tmp_path / "real.py").write_text("old")
    (tmp_path / "net.py").symlink_to(tmp_path / target)
    with pytest.raises(OutputError, match="is a symbolic link"):
        write_text(tmp_path / "net.py", "new", force=force)
    assert (tmp_path / "real.py").read_text() == "old"
    assert _names(tmp_path) == ["net.py", "real.py"]


@pytest.mark.parametrize("force", [False, True])
def test_a_directory_is_refused_even_with_force(tmp_path: Path, force: bool) -> None:
    (tmp_path / "net.py").mkdir()
    with pytest.raises(OutputError, match="is a directory"):
        write_text(tmp_path / "net.py", "new", force=force)


@posix
def test_a_device_is_refused_even_with_force() -> None:
    with pytest.raises(OutputError, match="is a device or a pipe"):
        check_output("/dev/null", force=True)


def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"directory .*nowhere' does not exist"):
        check_output(tmp_path / "nowhere" / "net.py")


def test_a_file_in_place_of_the_directory_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="file' is not a directory"):
        check_output(tmp_path / "file" / "net.py")


def test_a_read_only_directory_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(OutputError, match="is read-only"):
        check_output(tmp_path / "net.py")


def test_bytes_arrive_unchanged(tmp_path: Path) -> None:
    content = bytes(range(256))
    assert write_bytes(tmp_path / "net.npz", content).read_bytes() == content


def test_text_is_utf_8_with_its_own_line_ends(tmp_path: Path) -> None:
    assert write_text(tmp_path / "net.py", "# ∂L/∂θ\n").read_bytes() == "# ∂L/∂θ\n".encode()


def test_nothing_but_the_file_is_left_in_the_directory(tmp_path: Path) -> None:
    write_text(tmp_path / "net.py", "x")
    assert _names(tmp_path) == ["net.py"]


@posix
def test_a_new_file_has_the_permissions_that_the_umask_allows(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        target = write_text(tmp_path / "net.py", "x")
    finally:
        os.umask(before)
    assert stat.S_IMODE(target.stat().st_mode) == 0o640


@posix
def test_an_overwritten_file_keeps_its_permissions(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text("old")
    (tmp_path / "net.py").chmod(0o600)
    target = write_text(tmp_path / "net.py", "new", force=True)
    assert stat.S_IMODE(target.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("function", "error"),
    [
        ("open", PermissionError(errno.EACCES, "Permission denied")),
        ("fsync", OSError(errno.ENOSPC, "No space left on device")),
        ("replace", OSError(errno.EIO, "Input/output error")),
    ],
)
def test_a_failing_write_leaves_the_old_file_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, function: str, error: OSError
) -> None:
    (tmp_path / "net.py").write_text("old")
    with monkeypatch.context() as patch:
        patch.setattr(os, function, _failing(getattr(os, function), 1, error))
        with pytest.raises(OutputError, match=rf"^output: cannot write '.*net\.py': {error.strerror}$"):
            write_text(tmp_path / "net.py", "new", force=True)
    assert (tmp_path / "net.py").read_text() == "old"
    assert _names(tmp_path) == ["net.py"]


@pytest.mark.parametrize("function", ["fsync", "replace"])
def test_an_interrupted_write_leaves_the_old_file_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, function: str
) -> None:
    (tmp_path / "net.py").write_text("old")
    with monkeypatch.context() as patch:
        patch.setattr(os, function, _failing(getattr(os, function), 1, KeyboardInterrupt()))
        with pytest.raises(KeyboardInterrupt):
            write_text(tmp_path / "net.py", "new", force=True)
    assert (tmp_path / "net.py").read_text() == "old"
    assert _names(tmp_path) == ["net.py"]


@posix
def test_a_disk_that_really_fills_up_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text("old")
    script = (
        "import resource, sys\n"
        "from symmlp.errors import OutputError\n"
        "from symmlp.files import write_text\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))\n"
        "try:\n"
        "    write_text(sys.argv[1], 'x' * 20_000, force=True)\n"
        "except OutputError as error:\n"
        "    sys.exit(3)\n"
    )
    ended = subprocess.run([sys.executable, "-B", "-c", script, str(tmp_path / "net.py")], check=False)
    assert ended.returncode == 3
    assert (tmp_path / "net.py").read_text() == "old"
    assert _names(tmp_path) == ["net.py"]


@posix
def test_a_killed_write_leaves_the_old_file_and_the_next_write_clears_the_rest(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text("old")
    script = (
        "import os, signal, sys\n"
        "from symmlp import files\n"
        "os.fsync = lambda descriptor: os.kill(os.getpid(), signal.SIGKILL)\n"
        "files.write_text(sys.argv[1], 'new', force=True)\n"
    )
    ended = subprocess.run([sys.executable, "-c", script, str(tmp_path / "net.py")], check=False)
    assert ended.returncode == -9
    assert (tmp_path / "net.py").read_text() == "old"
    assert len(_names(tmp_path)) == 2
    write_text(tmp_path / "other.py", "x")
    assert _names(tmp_path) == ["net.py", "other.py"]


def test_the_temporary_file_of_a_living_process_is_left_alone(tmp_path: Path) -> None:
    own = files._temporary_beside(tmp_path / "net.py")
    own.write_text("being written")
    write_text(tmp_path / "net.py", "x")
    assert own.exists()


def test_a_text_that_utf_8_cannot_hold_is_refused_before_writing(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="UTF-8 cannot hold"):
        write_text(tmp_path / "net.py", "x = '\ud800'")
    assert _names(tmp_path) == []


def test_several_files_are_written_together(tmp_path: Path) -> None:
    paths = write_all({tmp_path / "net.py": "x", tmp_path / "net.npz": b"y"})
    assert [path.read_bytes() for path in paths] == [b"x", b"y"]
    assert _names(tmp_path) == ["net.npz", "net.py"]


def test_a_later_file_that_is_refused_keeps_the_earlier_ones_from_being_written(tmp_path: Path) -> None:
    (tmp_path / "b.npz").write_text("old")
    with pytest.raises(OutputError, match="already exists"):
        write_all({tmp_path / "a.py": "new", tmp_path / "b.npz": b"new"})
    assert _names(tmp_path) == ["b.npz"]


@pytest.mark.parametrize("at", [1, 2, 3])
@pytest.mark.parametrize("error", [OSError(errno.EIO, "Input/output error"), KeyboardInterrupt()])
@pytest.mark.parametrize("has_hard_links", [True, False])
def test_a_rename_that_fails_takes_back_the_renames_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int, error: BaseException, has_hard_links: bool
) -> None:
    (tmp_path / "a.py").write_text("old a")
    (tmp_path / "c.txt").write_text("old c")
    contents: dict[files.PathText, str | bytes] = {tmp_path / name: "new" for name in ("a.py", "b.npz", "c.txt")}
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", _failing(os.replace, at, error))
        if not has_hard_links:
            patch.setattr(os, "link", _failing(os.link, 1, OSError(errno.EPERM, "Operation not permitted")))
        with pytest.raises((OutputError, KeyboardInterrupt)):
            write_all(contents, force=True)
    assert {name: (tmp_path / name).read_text() for name in _names(tmp_path)} == {"a.py": "old a", "c.txt": "old c"}


def test_a_file_asked_for_twice_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OutputError, match="asked for twice"):
        write_all({"net.py": "a", tmp_path / "net.py": "b"})
    assert _names(tmp_path) == []


def test_a_missing_directory_is_created_with_its_parents(tmp_path: Path) -> None:
    with output_directory(tmp_path / "runs" / "first") as directory:
        write_text(directory / "net.py", "x")
    assert (tmp_path / "runs" / "first" / "net.py").read_text() == "x"


def test_a_directory_created_for_a_failing_block_is_removed(tmp_path: Path) -> None:
    with pytest.raises(OutputError), output_directory(tmp_path / "runs" / "first") as directory:
        write_text(directory / "CON", "x")
    assert _names(tmp_path) == []


def test_a_directory_that_existed_before_a_failing_block_stays(tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    with pytest.raises(OutputError), output_directory(tmp_path / "runs" / "first") as directory:
        write_text(directory / "CON", "x")
    assert _names(tmp_path) == ["runs"]
    assert _names(tmp_path / "runs") == []


def test_checking_a_directory_does_not_create_it(tmp_path: Path) -> None:
    assert check_directory(tmp_path / "runs" / "first") == tmp_path / "runs" / "first"
    assert _names(tmp_path) == []


@pytest.mark.parametrize("name", ["file", "file/first", "a/../b", "nul", "runs/-x", ""])
def test_a_directory_that_cannot_be_is_refused(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"^output: "):
        check_directory(name)
