"""From samples to fitted parameters, in memory: nothing is written here."""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from symmlp.errors import SymmlpError
from symmlp.samples import Samples, check_samples
from symmlp.samples.checks import FloatArray, TargetArray
from symmlp.spec import Network
from symmlp.training.generated import Fitted, GeneratedModule, statistics_of
from symmlp.training.scaling import Scalings
from symmlp.training.scoring import require_two_classes, score, score_name, split
from symmlp.training.settings import Settings

OnEpoch = Callable[[int, float], None]


@dataclass(frozen=True, eq=False)
class Trained:
    """Fitted parameters for inputs and predictions as they are in the file, how well they do, and the record of it.

    `parameters` is the file that the module's own `save` writes; `history` is the mean loss of every epoch; `score` and
    `loss` are those of the held-out samples.
    """

    parameters: bytes
    history: tuple[float, ...]
    score: float
    score_name: str
    loss: float
    circumstances: dict[str, Any]

    def record(self) -> str:
        """Return the record as JSON; a number that is not finite becomes null."""
        content = {
            "format": "symmlp training record 1",
            **self.circumstances,
            "score": {"name": self.score_name, "value": _finite(self.score), "loss": _finite(self.loss)},
            "history": [_finite(loss) for loss in self.history],
        }
        return json.dumps(content, indent=2, allow_nan=False) + "\n"


def fit(
    network: Network, samples: Samples, settings: Settings, module: GeneratedModule, console: Console | None
) -> Trained:
    """Return the parameters that `module`, generated for `network`, finds for `samples`.

    Raises:
        DataError: the samples do not fit the network.
        SymmlpError: training diverged, or the module refused a setting.
        KeyboardInterrupt: with a message that says how far training came.
    """
    X, Y = check_samples(samples.X, samples.Y, network, settings.dtype)
    require_two_classes(Y, network)
    kept, held = split(Y, settings.held_out, settings.seed)
    scalings = Scalings.of(X[kept], Y[kept], network, samples) if settings.standardize else Scalings()
    with _progress(console, settings.epochs, scalings.loss_factor) as on_epoch:
        fitted = _fitted(module, *scalings.apply(X[kept], Y[kept]), settings, on_epoch)
    theta = scalings.folded(fitted.theta, module, network)
    statistics = statistics_of(fitted)
    running = dict(zip(("statistics",), statistics, strict=False))
    return Trained(
        _saved(module, theta, *statistics),
        tuple(float(loss) * scalings.loss_factor for loss in fitted.history),
        score(network, module.predict(theta, X[held], *statistics), Y[held]),
        f"{'held-out' if settings.held_out else 'training'} {score_name(network)}",
        float(module.loss(theta, X[held], Y[held], **running)),
        {
            "network": network.as_dict(),
            "digest": network.digest(),
            "settings": asdict(settings),
            "samples": {"trained on": len(kept), "held out": len(held) if settings.held_out else 0},
            "inputs": {"names": samples.feature_names, **_described(scalings.inputs)},
            "targets": {
                "names": samples.target_names,
                "classes": samples.class_names,
                **_described(scalings.targets),
            },
        },
    )


def _fitted(module: GeneratedModule, X: FloatArray, Y: TargetArray, settings: Settings, on_epoch: OnEpoch) -> Fitted:
    done = 0

    def count(epoch: int, loss: float) -> None:
        nonlocal done
        done += 1
        on_epoch(epoch, loss)

    try:
        # A module reports divergence by itself; NumPy's warnings on the way there would only say it twice.
        with np.errstate(over="ignore", invalid="ignore"):
            return module.fit(
                X,
                Y,
                epochs=settings.epochs,
                batch_size=settings.batch_size,
                optimizer=settings.optimizer,
                lr=settings.lr,
                seed=settings.seed,
                on_epoch=count,
            )
    except (ArithmeticError, ValueError, RuntimeError) as error:
        raise SymmlpError(f"training: {ascii(' '.join(str(error).split()))[1:-1]}") from None
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            f"training interrupted after {done} of {settings.epochs} epochs; nothing was written"
        ) from None


@contextmanager
def _progress(console: Console | None, epochs: int, loss_factor: float) -> Iterator[OnEpoch]:
    """Yield what is called after every epoch: it moves a progress bar, or does nothing without a console."""
    if console is None:
        yield lambda epoch, loss: None
        return
    columns = (TextColumn("training"), BarColumn(), MofNCompleteColumn(), TextColumn("loss {task.fields[loss]}"))
    with Progress(*columns, TimeRemainingColumn(), console=console) as progress:
        task = progress.add_task("training", total=epochs, loss="-")
        yield lambda epoch, loss: progress.update(task, advance=1, loss=f"{loss * loss_factor:.4g}")


def _described(scaling: Any) -> dict[str, Any]:
    return {"scaling": "none"} if scaling is None else scaling.described()


def _finite(value: float) -> float | None:
    """Return `value`, or None, which is how JSON can say that it is not finite."""
    return value if math.isfinite(value) else None


def _saved(module: GeneratedModule, theta: FloatArray, *statistics: FloatArray) -> bytes:
    """Return the file that the module itself writes for `theta`, and running statistics if there are any."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "parameters.npz"
        module.save(path, theta, *statistics)
        return path.read_bytes()
