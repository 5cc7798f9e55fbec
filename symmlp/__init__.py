"""symmlp: see, generate and trust the gradients of a multi-layer perceptron."""

from symmlp.version import __version__

__all__ = ["__version__"]
