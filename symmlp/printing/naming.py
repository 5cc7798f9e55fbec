"""What arrays are called where they are printed: the letters of the graph's names, or an author's own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from unicodedata import normalize

GREEK_LETTERS: dict[str, str] = {
    **{"α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "varepsilon", "ζ": "zeta", "η": "eta"},
    **{"θ": "theta", "ι": "iota", "κ": "kappa", "λ": "lambda", "μ": "mu", "ν": "nu", "ξ": "xi", "π": "pi"},
    **{"ρ": "rho", "σ": "sigma", "τ": "tau", "υ": "upsilon", "φ": "varphi", "χ": "chi", "ψ": "psi", "ω": "omega"},
    **{"Γ": "Gamma", "Δ": "Delta", "Θ": "Theta", "Λ": "Lambda", "Ξ": "Xi", "Π": "Pi", "Σ": "Sigma"},
    **{"Υ": "Upsilon", "Φ": "Phi", "Ψ": "Psi", "Ω": "Omega"},
}
"""Greek letters and their macros in LaTeX; those that look like a Latin letter are left out."""

GREEK_WORDS = {word.removeprefix("var"): letter for letter, word in GREEK_LETTERS.items()}
"""Greek letters by their names, as parameters of functions are called."""

SPOKEN = (
    {"rate": "ηₜ", "momentum": "μ", "weight_decay": "λ", "rho_t": "ρₜ"}
    | {"theta": "θ", "lr": "η", "beta1": "β₁", "beta2": "β₂", "eps": "ε", "m_hat": "m̂", "v_hat": "v̂"}
    | {"w_hat": "ŵ"}
)
"""Symbols of update equations, which code spells in words."""

COMBINING = {"dot": "\N{COMBINING DOT ABOVE}", "hat": "\N{COMBINING CIRCUMFLEX ACCENT}"}
"""What stands above a name's first letter: a tangent's dot, the hat of a Gauss-Newton product."""

JACOBIAN = "J_"
"""Begins the name of the prediction's Jacobian in an array."""

_PARTS = re.compile(r"(d?)([A-Za-z]|[a-z][a-z_]+(?=\d))(\d*)(?:_(\d+))?")
"""Z, Z1, Z1_2, alpha1, and a cotangent's d before any of them."""


@dataclass(frozen=True)
class Parts:
    """A name to be typeset: what marks a cotangent, the letters, the numbers of the layer and of the array in it.

    `mark` is what stands above the first letter, see COMBINING.
    """

    cotangent: str
    letters: str
    number: str
    place: str = ""
    mark: str = ""
    jacobian: str = ""

    @property
    def text(self) -> str:
        """The name on one line."""
        name = self.jacobian + self.cotangent + self.letters + self.number + (f"_{self.place}" if self.place else "")
        return normalize("NFC", name[0] + COMBINING[self.mark] + name[1:]) if self.mark else name

    @property
    def numbers(self) -> tuple[str, ...]:
        """What stands below the letters."""
        return tuple(number for number in (self.number, self.place) if number)


@dataclass(frozen=True)
class Naming:
    """The letters shown in place of the graph's: `layered` for names with a number (Z1), `single` for the rest (X)."""

    layered: Mapping[str, str] = field(default_factory=dict)
    single: Mapping[str, str] = field(default_factory=dict)
    cotangent: str = "d"

    def parts(self, name: str) -> Parts | None:
        """Return the parts of a graph's name as they are shown, or None for a name of any other form.

        >>> Naming(layered={"Z": "o"}, cotangent="δ").parts("dZ12")
        Parts(cotangent='δ', letters='o', number='12', place='', mark='', jacobian='')
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
        letters = (self.layered if number else self.single).get(letter, letter)
        return Parts(self.cotangent if cotangent else "", letters, number, place or "", mark, jacobian)

    def shown(self, name: str) -> str:
        """Return a graph's name as it is shown on one line."""
        parts = self.parts(name)
        return parts.text if parts else name


AS_IN_THE_GRAPH = Naming()
"""The names of the graph themselves."""
