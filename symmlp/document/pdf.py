"""A LaTeX document as a PDF, by whatever LaTeX is installed; nothing that it could run is enabled."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from symmlp.errors import OutputError

COMPILERS: dict[str, tuple[str, ...]] = {
    "tectonic": ("--untrusted", "--chatter", "minimal"),
    "latexmk": ("-pdf", "-norc", "-interaction=nonstopmode", "-halt-on-error", "-latexoption=-no-shell-escape"),
    "pdflatex": ("-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape"),
}
"""The compilers that are tried, in this order, with their options."""

SECONDS = 300


def pdf(document: str) -> bytes:
    """Return the PDF of a LaTeX document.

    Raises:
        OutputError: no compiler is installed, or it fails.
    """
    with tempfile.TemporaryDirectory(prefix="symmlp-") as folder:
        compiled(document, Path(folder))
        return (Path(folder) / "derivation.pdf").read_bytes()


def compiled(document: str, folder: Path) -> str:
    """Return the log of compiling `document` to derivation.pdf in `folder`.

    Raises:
        OutputError: no compiler is installed, or it fails.
    """
    compiler = next((name for name in COMPILERS if shutil.which(name)), None)
    if compiler is None:
        known = " or ".join(COMPILERS)
        raise OutputError(f"pdf: no LaTeX found; install {known}, or write --format latex --standalone")
    (folder / "derivation.tex").write_text(document, encoding="utf-8")
    # Labels are known from the second run on.
    for _ in range(2 if compiler == "pdflatex" else 1):
        _run(compiler, folder)
    log = folder / "derivation.log"
    return log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""


def _run(compiler: str, folder: Path) -> None:
    # The epoch makes the bytes the same on any day.
    environment = {**os.environ, "SOURCE_DATE_EPOCH": "0", "FORCE_SOURCE_DATE": "1"}
    command = [shutil.which(compiler) or compiler, *COMPILERS[compiler], "derivation.tex"]
    try:
        subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True, timeout=SECONDS)  # noqa: S603 - a fixed command without a shell
    except (OSError, subprocess.SubprocessError) as error:
        raise OutputError(f"pdf: {compiler} failed: {type(error).__name__}") from error
