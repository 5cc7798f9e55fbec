"""From a network and samples to a module, fitted parameters and a record: all the files, or none."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from rich.console import Console

from symmlp.errors import OutputError, SymmlpError, did_you_mean, shown
from symmlp.files import PathText, check_directory, check_output, output_directory, write_all
from symmlp.generation import generate
from symmlp.samples import Samples
from symmlp.showing import html_table
from symmlp.spec import Network
from symmlp.training.fitting import Trained, fit
from symmlp.training.generated import load
from symmlp.training.settings import Settings


@dataclass(frozen=True)
class TrainResult:
    """What training wrote, and how well the parameters do: `score` is called `score_name`.

    `history` is the mean loss of every epoch; `loss` is that of the samples which the score was measured on.
    """

    module_path: Path
    parameters_path: Path
    record_path: Path
    formulas_path: Path | None
    history: tuple[float, ...]
    score: float
    score_name: str
    loss: float

    def _repr_html_(self) -> str:
        numbers = [(self.score_name, f"{self.score:.6g}"), ("loss", f"{self.loss:.6g}"), ("epochs", len(self.history))]
        files = [("module", self.module_path), ("parameters", self.parameters_path), ("record", self.record_path)]
        return html_table("trained", ("what", "value"), [*numbers, *files])


@dataclass(frozen=True)
class Outputs:
    """The files of one run, named after the network."""

    directory: Path
    name: str

    @property
    def module(self) -> Path:
        """The generated module."""
        return self.directory / f"{self.name}.py"

    @property
    def parameters(self) -> Path:
        """The fitted parameters."""
        return self.directory / f"{self.name}_parameters.npz"

    @property
    def record(self) -> Path:
        """How the parameters came about, and what columns and classes are called."""
        return self.directory / f"{self.name}_training.json"

    @property
    def formulas(self) -> Path:
        """The derivation."""
        return self.directory / f"{self.name}_formulas.txt"


def train(
    network: Network,
    samples: Samples,
    *,
    out_dir: PathText,
    force: bool = False,
    console: Console | None = None,
    progress: bool = False,
    generate: Callable[..., str] = generate,
    **settings: Any,
) -> TrainResult:
    """Return what training `network` on `samples` wrote to `out_dir`, and how well it does on held-out samples.

    `settings` are the fields of `Settings`: epochs, batch_size, optimizer, lr, seed, held_out, dtype, standardize. An
    optimizer that is given, as in "lion(lr=1e-4)", takes the place of the network's.
    Three files are written, named after the network: the generated module; the parameters, as the module's own `load`
    reads them, for inputs and predictions as they are in `samples`; and a JSON record with the settings, the names of
    columns and classes, the scaling that the parameters have absorbed, the history and the score. A progress bar is
    shown on `console`, or on standard error if `progress` is True.

    Raises:
        SymmlpError: samples, settings or files are refused, or training diverged; nothing has been written.
        KeyboardInterrupt: with a message that says how far training came; nothing has been written.
    """
    network = network.with_optimizer(settings.get("optimizer"))
    chosen = settings_of({**settings, "optimizer": network.optimizer})
    outputs = check_outputs(out_dir, network, force)
    source = generate(network, dtype=chosen.dtype)
    told = console or (Console(stderr=True) if progress else None)
    trained = fit(network, samples, chosen, load(source), told)
    return write(outputs, source, trained, force)


def settings_of(values: dict[str, Any]) -> Settings:
    """Return the settings with these fields.

    Raises:
        SymmlpError: a field does not exist, or its value is out of range.
    """
    known = [field.name for field in fields(Settings)]
    for name in values:
        if name not in known:
            hint = did_you_mean(name, known) or f"; expected some of {', '.join(known)}"
            raise SymmlpError(f"settings: unknown {shown(name)}{hint}")
    return Settings(**values)


def check_outputs(out_dir: PathText, network: Network, force: bool, with_formulas: bool = False) -> Outputs:
    """Return the files of a run, checked early, so that a name that is refused costs no training.

    Raises:
        OutputError: a file or the directory is refused.
    """
    outputs = Outputs(check_directory(out_dir), network.name)
    if network.name in sys.stdlib_module_names or network.name == "numpy":
        raise OutputError(
            f"output: a file {shown(outputs.module.name)} would hide the module of that name; "
            "expected another name of the network"
        )
    if outputs.directory.is_dir():
        formulas = (outputs.formulas,) if with_formulas else ()
        for path in (outputs.module, outputs.parameters, outputs.record, *formulas):
            check_output(path, force)
    return outputs


def write(outputs: Outputs, source: str, trained: Trained, force: bool, formulas: str | None = None) -> TrainResult:
    """Return the result, once all its files are on the disk.

    Raises:
        OutputError: a file cannot be written; then none is.
    """
    contents: dict[PathText, str | bytes] = {
        outputs.module: source,
        outputs.parameters: trained.parameters,
        outputs.record: trained.record(),
    }
    if formulas is not None:
        contents[outputs.formulas] = formulas
    with output_directory(outputs.directory):
        write_all(contents, force=force)
    return TrainResult(
        outputs.module,
        outputs.parameters,
        outputs.record,
        None if formulas is None else outputs.formulas,
        trained.history,
        trained.score,
        trained.score_name,
        trained.loss,
    )
