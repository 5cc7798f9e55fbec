"""What the options of the command line offer to choose from."""

from __future__ import annotations

from enum import Enum, StrEnum


class Layout(StrEnum):
    """How samples lie: one a row, or a single column."""

    batch = "batch"
    sample = "sample"


class DerivationFormat(StrEnum):
    """Formats of `symmlp derive`."""

    text = "text"
    latex = "latex"
    markdown = "markdown"
    html = "html"
    json = "json"
    pdf = "pdf"


class Depth(Enum):
    """How far the steps of `symmlp derive` go: one line an equation, matrix level, or index notation."""

    none = "none"
    brief = "brief"
    full = "full"
    index = "index"


class PictureFormat(StrEnum):
    """Formats of `symmlp graph`."""

    mermaid = "mermaid"
    dot = "dot"
    tikz = "tikz"
    svg = "svg"


class PictureKind(StrEnum):
    """What `symmlp graph` draws: the computational tree, or the layers of units."""

    tree = "tree"
    network = "network"


class ReportFormat(StrEnum):
    """Formats of `symmlp verify`."""

    text = "text"
    json = "json"


class Target(StrEnum):
    """What a generated module computes with."""

    numpy = "numpy"
    numba = "numba"


class ModuleStyle(StrEnum):
    """How a generated module is written."""

    plain = "plain"
    buffered = "buffered"


class Dtype(StrEnum):
    """Floating-point type of a generated module."""

    float64 = "float64"
    float32 = "float32"


class Dataset(StrEnum):
    """Bundled data sets."""

    digits = "digits"
    iris = "iris"
    friedman = "friedman"
