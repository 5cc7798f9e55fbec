"""What arrays are called where they are printed: the letters of the graph's names, or an author's own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from symmlp.printing.lettering import GREEK_LETTERS, lettering, raised_text, spellings, with_mark

GREEK_WORDS = {word.removeprefix("var"): letter for letter, word in GREEK_LETTERS.items()}
"""Greek letters by their names, as parameters of functions are called."""

SPOKEN = (
    {"rate": "ηₜ", "momentum": "μ", "weight_decay": "λ", "rho_t": "ρₜ"}
    | {"theta": "θ", "lr": "η", "beta1": "β₁", "beta2": "β₂", "eps": "ε", "m_hat": "m̂", "v_hat": "v̂"}
    | {"w_hat": "ŵ"}
    | {"omega": "ω", "Omega": "Ω"}
)
"""Symbols of update equations and weights of samples, which code spells in words."""

COMBINING = {"dot": "\N{COMBINING DOT ABOVE}", "hat": "\N{COMBINING CIRCUMFLEX ACCENT}"}
"""What stands above a name's first letter: a tangent's dot, the hat of a Gauss-Newton product."""

JACOBIAN = "J_"
"""Begins the name of the prediction's Jacobian in an array."""

_PARTS = re.compile(r"(d?)([A-Za-z]|[a-z][a-z_]+(?=\d))(\d*)(?:_(\d+))?")
"""Z, Z1, Z1_2, alpha1, and a cotangent's d before any of them."""


@dataclass(frozen=True)
class Parts:
    """A name to be typeset: what marks a cotangent, the letters, the numbers of the layer and of the array in it.

    `mark` is what stands above the first letter, see COMBINING; `raised` how the layer's number stands above the line,
    see FENCES in lettering, or empty for below; `below` is what else stands below.
    """

    cotangent: str
    letters: str
    number: str
    place: str = ""
    mark: str = ""
    jacobian: str = ""
    raised: str = ""
    below: str = ""

    @property
    def text(self) -> str:
        """The name on one line."""
        name = self.cotangent + self.letters
        marked = with_mark(name, COMBINING[self.mark]) if self.mark else name
        number = raised_text(self.number, self.raised) if self.raised else self.number
        return self.jacobian + marked + number + "".join(f"_{each}" for each in (self.place, self.below) if each)

    @property
    def lowered(self) -> tuple[str, ...]:
        """What stands below the letters."""
        return tuple(each for each in ("" if self.raised else self.number, self.place, self.below) if each)

    @property
    def spellings(self) -> tuple[str, ...]:
        """The ways in which a reader may type the name, that of `text` first."""
        if not self.raised or self.place or self.mark or self.jacobian:
            return (self.text,)
        return tuple(spellings(self.cotangent + self.letters, self.number, self.raised))


@dataclass(frozen=True)
class Naming:
    """The letters shown in place of the graph's: `layered` for names with a number (Z1), `single` for the rest (X).

    They are written as `lettering` reads them.
    """

    layered: Mapping[str, str] = field(default_factory=dict)
    single: Mapping[str, str] = field(default_factory=dict)
    cotangent: str = "d"

    def parts(self, name: str) -> Parts | None:
        """Return the parts of a graph's name as they are shown, or None for a name of any other form.

        >>> Naming(layered={"Z": "o^(l)"}, cotangent="δ").parts("dZ12").text
        'δo⁽¹²⁾'
        """
        plain, mark = name, ""
        for each in COMBINING:
            if name.endswith(f"_{each}"):
                plain, mark = name.removesuffix(f"_{each}"), each
        jacobian = JACOBIAN if plain.startswith(JACOBIAN) else ""
        found = _PARTS.fullmatch(plain.removeprefix(JACOBIAN))
        if found is None:
            return None
        cotangent, letter, number, place = found.groups()
        chosen = (self.layered if number else self.single).get(letter)
        own = None if chosen is None else lettering(chosen, is_layered=bool(number))
        letters, raised, below = (letter, "", "") if own is None else (own.letters, own.raised, own.below)
        before = self.cotangent if cotangent else ""
        return Parts(before, letters, number, place or "", mark, jacobian, raised if number else "", below)

    def shown(self, name: str) -> str:
        """Return a graph's name as it is shown on one line."""
        parts = self.parts(name)
        return parts.text if parts else name


AS_IN_THE_GRAPH = Naming()
"""The names of the graph themselves."""
