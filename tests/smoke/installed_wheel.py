"""Installs the built wheel into an environment of its own, away from the checkout, and uses it as a newcomer would.

    python tests/smoke/installed_wheel.py dist

An editable install finds its templates beside the package; only an installed wheel shows that they travel with it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tempfile
import venv
import zipfile
from pathlib import Path

SPEC = "4 -> 3 tanh -> 2 softmax | cross_entropy"

IN_WHEEL = ("symmlp/py.typed", "symmlp/cli.py", "symmlp/_templates/", "symmlp/datasets/")
IN_SDIST = ("symmlp/cli.py", "templates/", "generated/", "tests/conftest.py", "Makefile", "LICENSE", "README.md")

BLOCKED = ("sympy", "mpmath", "jinja2", "pydantic", "typer", "rich", "symmlp")
"""Not importable in the process that uses a generated module: it needs NumPy and the standard library only."""

USE_GENERATED = f"""
import sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {BLOCKED!r}:
            raise ModuleNotFoundError(f"{{name}} is blocked", name=name)

sys.meta_path.insert(0, Refuse())
try:
    import sympy
except ModuleNotFoundError:
    pass
else:
    raise SystemExit("the block does not work")

sys.path.insert(0, ".")
import numpy as np
import net

rng = np.random.default_rng(0)
X, Y = rng.normal(size=(50, 4)), rng.integers(2, size=50)
theta = net.init_params(seed=0)
loss, gradient = net.loss_and_grad(theta, X, Y)
assert np.isfinite(loss) and gradient.shape == (net.N_PARAMS,), (loss, gradient.shape)
net.check_gradients(seed=0)
result = net.fit(X, Y, epochs=20, batch_size=10)
assert result.history[-1] < result.history[0], result.history
assert net.predict(result.theta, X).shape == (50,)
"""


def main() -> int:
    """Return 0 if the wheel in the folder given on the command line works, else 1."""
    dist = Path(sys.argv[1]).resolve()
    wheel, sdist = only(dist, "*.whl"), only(dist, "*.tar.gz")
    with zipfile.ZipFile(wheel) as archive:
        check_content(wheel.name, archive.namelist(), IN_WHEEL)
    with tarfile.open(sdist) as files:
        check_content(sdist.name, [name.partition("/")[2] for name in files.getnames()], IN_SDIST)
    with tempfile.TemporaryDirectory(prefix="symmlp-smoke-") as folder:
        use(install(wheel, Path(folder)), Path(folder))
    print("the installed wheel works")
    return 0


def only(folder: Path, pattern: str) -> Path:
    """Return the one file in `folder` that matches."""
    found = sorted(folder.glob(pattern))
    if len(found) != 1:
        raise SystemExit(f"expected one {pattern} in {folder}, found {[path.name for path in found]}")
    return found[0]


def check_content(archive: str, names: list[str], wanted: tuple[str, ...]) -> None:
    """Exit unless every wanted file, or a file in every wanted folder, is among `names`."""
    missing = [want for want in wanted if not any(name == want or name.startswith(want) for name in names)]
    if missing:
        raise SystemExit(f"{archive} lacks {', '.join(missing)}")
    print(f"{archive}: {len(names)} entries, all expected ones among them")


def install(wheel: Path, folder: Path) -> Path:
    """Return the folder of the programs of a new environment in which `wheel` is installed."""
    venv.create(folder / "venv", with_pip=True)
    programs = folder / "venv" / ("Scripts" if os.name == "nt" else "bin")
    run([programs / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", wheel], folder)
    return programs


def use(programs: Path, folder: Path) -> None:
    """Run the main commands of the installed program, then the generated module without any of its packages."""
    symmlp = programs / "symmlp"
    expect(run([symmlp, "--help"], folder), "derive")
    expect(run([symmlp, "derive", SPEC], folder), "∂L/∂W1 = dZ1ᵀ X")
    run([symmlp, "generate", SPEC, "-o", "net.py"], folder)
    run([symmlp, "verify", "net.py"], folder)
    run([symmlp, "report", SPEC, "-o", "net.html"], folder)
    run([symmlp, "generate", "4 -> | nothing", "-o", "broken.py"], folder, status=2)
    if (folder / "broken.py").exists():
        raise SystemExit("a refused spec left a file behind")
    run([symmlp, "demo"], folder)
    run([programs / "python", "-I", "-W", "error", "-c", USE_GENERATED], folder)


def expect(output: str, word: str) -> None:
    """Exit unless `word` is in the output."""
    if word not in output:
        raise SystemExit(f"expected {word!r} in the output, got:\n{output}")


def run(command: list[str | Path], folder: Path, status: int = 0) -> str:
    """Return what `command` prints when started in `folder`; exit unless it ends with `status`."""
    words = [str(word) for word in command]
    shown = " ".join(word if "\n" not in word else "<script>" for word in [Path(words[0]).name, *words[1:]])
    print(f"  $ {shown}", flush=True)
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
    done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, encoding="utf-8", timeout=300)
    if done.returncode != status:
        raise SystemExit(f"{shown}: ended with {done.returncode}, expected {status}\n{done.stdout}{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    raise SystemExit(main())
