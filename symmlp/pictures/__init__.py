"""Pictures of a derivation: the network and the computational tree, as Mermaid, DOT, TikZ and SVG."""

from symmlp.pictures.drawing import Drawing, format_of, picture, shown_picture

__all__ = ["Drawing", "format_of", "picture", "shown_picture"]
