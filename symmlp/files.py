"""Files that are whole or not there at all: checked names, atomic writes, several files or none.

A write goes to a temporary file in the directory of its target, is flushed to the disk and then renamed over the
target, so that a reader, a full disk, an exception or a killed process never meets half a file.
"""

from __future__ import annotations

import os
import platform
import re
import secrets
import shutil
import stat
import unicodedata
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from symmlp.errors import OutputError, shown

MAX_NAME_BYTES = 200

# Windows opens these as devices, with any extension and on any drive.
_DEVICES = frozenset(
    {"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"}
    | {f"{port}{digit}" for port in ("COM", "LPT") for digit in "0123456789¹²³"}
)
# Control characters, invisible direction marks, lone surrogates, and the two separators that are not a line feed.
_UNSAFE_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_HOST = re.sub(r"[^A-Za-z0-9]", "", platform.node())[:32] or "local"

PathText = str | os.PathLike[str]


def check_output(path: PathText, force: bool = False) -> Path:
    """Return `path` if a file may be written there.

    The directory must exist and be writable. An existing file is refused unless `force`; a symbolic link, a directory
    and a device are always refused, as are names that are dangerous or broken on some system.

    Raises:
        OutputError: naming what was found and what was expected.
    """
    target = Path(_checked_text(path))
    _check_basename(target.name, str(target))
    _check_target(target, force)
    _check_directory_is_writable(target.parent)
    return target


def check_directory(path: PathText) -> Path:
    """Return `path` if it is a writable directory, or can be created as one, with its parents.

    Raises:
        OutputError: naming what was found and what was expected.
    """
    directory = Path(_checked_text(path, separator_may_end=True))
    for place in (directory, *directory.parents):
        if os.path.lexists(place):
            _check_directory_is_writable(place)
            break
        _check_basename(place.name, str(directory))
    return directory


def write_text(path: PathText, text: str, *, force: bool = False) -> Path:
    """Return the path of a file that now holds `text` in UTF-8, line ends unchanged.

    Raises:
        OutputError: the file may not or cannot be written; what was there before is unchanged.
    """
    return write_all({path: text}, force=force)[0]


def write_bytes(path: PathText, content: bytes, *, force: bool = False) -> Path:
    """Return the path of a file that now holds `content`.

    Raises:
        OutputError: the file may not or cannot be written; what was there before is unchanged.
    """
    return write_all({path: content}, force=force)[0]


def write_all(contents: Mapping[PathText, str | bytes], *, force: bool = False) -> tuple[Path, ...]:
    """Return the paths of several files that now hold `contents`: either all were written, or none.

    Every name is checked and every content is on the disk before the first file appears; if a later step fails, files
    that had appeared are taken back and overwritten ones restored. (A process killed between two renames can leave
    some files new and some old, each of them whole.)

    Raises:
        OutputError: one of the files may not or cannot be written.
    """
    encoded = [(check_output(path, force), _encoded(content, path)) for path, content in contents.items()]
    _check_all_different([target for target, _ in encoded])
    for directory in {target.parent for target, _ in encoded}:
        _remove_stale(directory)
    with ExitStack() as temporaries:
        staged = []
        for target, content in encoded:
            temporary = _temporary_beside(target)
            temporaries.callback(_remove, temporary)
            with _errors_naming(target):
                _write(temporary, content, _mode_of(target))
            staged.append((target, temporary))
        _commit(staged, force)
    return tuple(target for target, _ in encoded)


@contextmanager
def output_directory(path: PathText) -> Iterator[Path]:
    """Yield the directory `path`, created with its parents if missing; a failing block leaves no new directory behind.

    Raises:
        OutputError: it is no directory, or cannot be created or written to.
    """
    directory = check_directory(path)
    created: list[Path] = []
    try:
        with _errors_naming(directory):
            for place in (*reversed(directory.parents), directory):
                if not os.path.isdir(place):
                    place.mkdir()
                    created.append(place)
        yield directory
    except BaseException:
        for place in reversed(created):
            with suppress(OSError):
                place.rmdir()
        raise


def _checked_text(path: PathText, *, separator_may_end: bool = False) -> str:
    text = os.fspath(path) if isinstance(path, (str, os.PathLike)) else path
    if not isinstance(text, str):
        raise OutputError(f"output: expected a file name, got {shown(path)}")
    if not text:
        raise OutputError("output: is empty; expected a file name")
    if text.startswith("-"):
        raise OutputError(f"output: {_quoted(text)} starts with '-'; expected a file name, not an option")
    if ".." in re.split(r"[/\\]", text):
        raise OutputError(f"output: {_quoted(text)} contains '..'; expected a path without it")
    if "\0" in text or not _is_encodable(text):
        raise OutputError(f"output: {_quoted(text)} contains a character that no path can hold; expected a file name")
    if not separator_may_end and (text.endswith(("/", os.sep)) or os.path.basename(text) == "."):
        raise OutputError(f"output: {_quoted(text)} is a directory; expected a file name")
    return text


def _quoted(path: PathText) -> str:
    return shown(os.fspath(path), limit=300)


def _is_encodable(text: str) -> bool:
    try:
        os.fsencode(text)
    except UnicodeEncodeError:
        return False
    return True


def _check_basename(name: str, path: str) -> None:
    """Raise OutputError if `name` is dangerous in a shell, hidden from a reader, or no file name on some system."""
    if any(unicodedata.category(character) in _UNSAFE_CATEGORIES for character in name):
        raise OutputError(f"output: {_quoted(path)} contains a control character; expected a plain file name")
    if name.startswith("-"):
        raise OutputError(f"output: {_quoted(path)} has a name that starts with '-'; expected a plain file name")
    if re.search(r"[\\:]", name):
        raise OutputError(f"output: {_quoted(path)} contains a backslash or a colon; expected a plain file name")
    if name.split(".")[0].rstrip().upper() in _DEVICES:
        raise OutputError(f"output: {_quoted(path)} is a reserved device name on Windows; expected another name")
    if len(name.encode()) > MAX_NAME_BYTES:
        raise OutputError(f"output: name of {len(name.encode())} bytes is too long; expected at most {MAX_NAME_BYTES}")


def _check_target(target: Path, force: bool) -> None:
    try:
        mode = target.lstat().st_mode
    except OSError:
        return  # nothing there, or a missing directory, which has a check and a message of its own
    if stat.S_ISLNK(mode):
        raise OutputError(f"output: {_quoted(target)} is a symbolic link; expected a regular or a new file")
    if stat.S_ISDIR(mode):
        raise OutputError(f"output: {_quoted(target)} is a directory; expected a file name")
    if not stat.S_ISREG(mode):
        raise OutputError(f"output: {_quoted(target)} is a device or a pipe; expected a regular or a new file")
    if not force:
        raise OutputError(f"output: {_quoted(target)} already exists; use --force to overwrite it")


def _check_directory_is_writable(directory: Path) -> None:
    place = _quoted(directory)
    if not os.path.lexists(directory):
        raise OutputError(f"output: directory {place} does not exist; expected an existing directory")
    if not os.path.isdir(directory):
        raise OutputError(f"output: {place} is not a directory; expected an existing directory")
    if not os.access(directory, os.W_OK | os.X_OK):
        raise OutputError(f"output: directory {place} is read-only; expected a directory that can be written to")


def _check_all_different(targets: list[Path]) -> None:
    seen: set[str] = set()
    for target in targets:
        # Folded, because "A.py" and "a.py" are one file on disks that ignore case.
        place = os.path.join(os.path.realpath(target.parent), target.name).casefold()
        if place in seen:
            raise OutputError(f"output: {_quoted(target)} is asked for twice; expected different files")
        seen.add(place)


def _encoded(content: str | bytes, path: PathText) -> bytes:
    if isinstance(content, bytes):
        return content
    try:
        return content.encode()
    except UnicodeEncodeError as error:
        raise OutputError(
            f"output: the text for {_quoted(path)} has {shown(content[error.start])}, which UTF-8 cannot hold"
        ) from None


def _temporary_beside(target: Path) -> Path:
    return target.parent / f".symmlp-{_HOST}-{os.getpid()}-{secrets.token_hex(8)}.tmp"


def _mode_of(target: Path) -> int | None:
    """Return the permissions of the file that will be replaced, or None if there is none."""
    try:
        return stat.S_IMODE(target.stat().st_mode)
    except OSError:
        return None


def _write(temporary: Path, content: bytes, mode: int | None) -> None:
    # 0o666 lets the user's umask decide, as for any new file.
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
    with open(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    if mode is not None:
        os.chmod(temporary, mode)


def _commit(staged: list[tuple[Path, Path]], force: bool) -> None:
    """Rename every temporary file to its target; on any failure put back what was there."""
    with ExitStack() as backups:
        done: list[tuple[Path, Path | None]] = []
        try:
            for target, temporary in staged:
                _check_target(target, force)
                with _errors_naming(target):
                    done.append((target, _backup(target, backups)))
                    os.replace(temporary, target)
            for directory in {target.parent for target, _ in staged}:
                _flush_directory(directory)
        except BaseException:
            for target, backup in reversed(done):
                _put_back(target, backup)
            raise


def _backup(target: Path, backups: ExitStack) -> Path | None:
    if not target.exists():
        return None
    copy = _temporary_beside(target)
    backups.callback(_remove, copy)
    try:
        os.link(target, copy)
    except OSError:
        shutil.copy2(target, copy)  # the file system has no hard links
    return copy


def _put_back(target: Path, backup: Path | None) -> None:
    if backup is None:
        _remove(target)
    else:
        # If the target was never replaced, both names are one file and this changes nothing.
        os.replace(backup, target)


def _flush_directory(directory: Path) -> None:
    """Make the renames in `directory` survive a power failure, where the system can open a directory."""
    if os.name == "nt":
        return
    with suppress(OSError):
        descriptor = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _remove(path: Path) -> None:
    with suppress(OSError):
        path.unlink()


def _remove_stale(directory: Path) -> None:
    """Remove the temporary files that a killed process of this machine left in `directory`."""
    for entry in directory.glob(f".symmlp-{_HOST}-*.tmp"):
        owner = re.fullmatch(rf"\.symmlp-{_HOST}-([0-9]+)-[0-9a-f]+\.tmp", entry.name)
        if owner and not _is_alive(int(owner[1])):
            _remove(entry)


def _is_alive(process: int) -> bool:
    if os.name == "nt":
        return True  # there, os.kill(process, 0) ends the process instead of asking
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


@contextmanager
def _errors_naming(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise OutputError(f"output: cannot write {_quoted(target)}: {reason}") from None
