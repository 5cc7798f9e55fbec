"""The bundled data sets, each with a network that learns it; SOURCES.md beside the files has sources and licences."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path

from symmlp.errors import DataError, did_you_mean, shown
from symmlp.samples import Samples, read_samples
from symmlp.samples.checks import FloatArray, TargetArray
from symmlp.spec import Network

__all__ = ["BUNDLED", "Bundled", "load", "load_samples", "path_of"]


@dataclass(frozen=True)
class Bundled:
    """A bundled file, the layers and loss of a network that learns it, and its class names if the file has numbers."""

    file: str
    layers: str
    class_names: tuple[str, ...] = ()

    def network(self, name: str) -> Network:
        """Return the network, called `name`."""
        return Network.model_validate({**Network.parse(self.layers).as_dict(), "name": name})


BUNDLED: dict[str, Bundled] = {
    "digits": Bundled("digits.npz", "64 -> 64 relu -> 10 softmax | cross_entropy", tuple("0123456789")),
    "iris": Bundled("iris.csv", "4 -> 16 tanh -> 3 softmax | cross_entropy"),
    "friedman": Bundled("friedman.csv", "5 -> 32 tanh -> 1 | mse"),
}


def load(name: str) -> tuple[FloatArray, TargetArray, tuple[str, ...]]:
    """Return inputs X, targets Y, and the names of the classes (or of the targets, for a regression).

    >>> X, Y, names = load("iris")
    >>> X.shape, Y.shape, names
    ((150, 4), (150,), ('setosa', 'versicolor', 'virginica'))

    Raises:
        DataError: there is no such data set.
    """
    samples = load_samples(name)
    return samples.X, samples.Y, samples.class_names or samples.target_names


def load_samples(name: str) -> Samples:
    """Return the data set `name` as samples that its network can be trained on.

    Raises:
        DataError: there is no such data set.
    """
    bundled = _bundled(name)
    with path_of(name) as path:
        read = read_samples(path, bundled.network(name))
    names = read.class_names or bundled.class_names
    return Samples(read.X, read.Y, read.feature_names, read.target_names, names)


@contextmanager
def path_of(name: str) -> Iterator[Path]:
    """Yield the path of the bundled file, which may exist only inside the `with` block.

    Raises:
        DataError: there is no such data set.
    """
    with as_file(files(__name__) / _bundled(name).file) as path:
        yield path


def _bundled(name: str) -> Bundled:
    if name not in BUNDLED:
        hint = did_you_mean(str(name), BUNDLED) or f"; expected one of {', '.join(BUNDLED)}"
        raise DataError(f"dataset: unknown {shown(name)}{hint}")
    return BUNDLED[name]
