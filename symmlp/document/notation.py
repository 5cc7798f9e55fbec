"""An author's own letters for the arrays: checked once, shown everywhere, while ids and graph stay as they are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Self
from unicodedata import normalize

from symmlp.derivation import Derivation
from symmlp.errors import SymmlpError, did_you_mean, shown
from symmlp.graph.builder import COLUMN_NAMES
from symmlp.matrix import variables
from symmlp.printing.lettering import cotangent_letters, lettering
from symmlp.printing.naming import COMBINING, SPOKEN, Naming
from symmlp.showing import html_table

LAYERED = ("weights", "bias", "pre_activation", "activation")
"""What each layer has: the letters are followed by the layer's number."""

SINGLE = ("inputs", "targets", "prediction", "loss")

LETTERS = {
    **{"inputs": "X", "targets": "Y", "prediction": "P", "loss": "L"},
    **{"weights": "W", "bias": "b", "pre_activation": "Z", "activation": "A"},
}
"""The graph's letters in the batch layout."""

_TAKEN = frozenset({"exp", "log", "sin", "cos", "tan", "max", "min", "sum", "abs", "erf", "Σ", "π", "e", "N"})
_INDICES = ("i", "j", "k", "a", "c")


@dataclass(frozen=True)
class Notation:
    """Letters for the arrays of a network, each 1 to 3 Latin or Greek letters; None keeps the layout's own.

    A letter may have an accent (ŷ, x̄), and the loss may be ℒ. For an array of each layer, `l` says where the layer's
    number stands: W_l, W^l, W^(l) or W^[l]; another may have something below it, as x_0 or L_MSE.
    The cotangent's letters stand before a name: with `cotangent="δ"` and `pre_activation="o"`, ∂L/∂o1 is δo1.
    """

    inputs: str | None = None
    targets: str | None = None
    prediction: str | None = None
    loss: str | None = None
    weights: str | None = None
    bias: str | None = None
    pre_activation: str | None = None
    activation: str | None = None
    cotangent: str | None = None

    def __post_init__(self) -> None:
        """Prove that each name is letters and nothing else."""
        for role, letters in self.given.items():
            if not isinstance(letters, str) or not _is_lettering(role, letters):
                raise SymmlpError(f"notation: {role} {shown(letters)} {_expected(role)}")

    @property
    def given(self) -> dict[str, str]:
        """The names that were chosen, by role."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {role: letters for role, letters in values.items() if letters is not None}

    def _repr_html_(self) -> str:
        rows = [(field.name, self.given.get(field.name, "the layout's own")) for field in fields(self)]
        return html_table("notation", ("role", "letters"), rows)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the notation of a text such as `pre_activation=o,activation=y,cotangent=δ`.

        Raises:
            SymmlpError: no `role=letters`, an unknown role, a role named twice, or letters that are none.
        """
        chosen: dict[str, str] = {}
        for part in text.split(","):
            role, sign, letters = (piece.strip() for piece in part.partition("="))
            if not sign:
                raise SymmlpError(f"notation: expected role=letters, got {shown(part)}")
            if role in chosen:
                raise SymmlpError(f"notation: {shown(role)} is named twice")
            chosen[role] = letters
        return cls.of(chosen)

    @classmethod
    def of(cls, chosen: Mapping[str, str]) -> Self:
        """Return the notation with letters by role.

        Raises:
            SymmlpError: an unknown role, or letters that are none.
        """
        roles = [field.name for field in fields(cls)]
        for role in chosen:
            if role not in roles:
                hint = did_you_mean(str(role), roles) or f"; expected some of {', '.join(roles)}"
                raise SymmlpError(f"notation: unknown role {shown(role)}{hint}")
        return cls(**chosen)

    def naming(self, derivation: Derivation) -> Naming:
        """Return how the arrays of `derivation` are called.

        Raises:
            SymmlpError: two things would have the same name.
        """
        own = COLUMN_NAMES if derivation.layout == "sample" else {}
        letters = {role: own.get(letter, letter) for role, letter in LETTERS.items()}
        # A function of rows is defined in Z, whatever the layer.
        single = {letters[role]: self.given.get(role, letters[role]) for role in SINGLE}
        plain = lettering(self.given.get("pre_activation", letters["pre_activation"]))
        single |= {"Z": plain.letters if plain else letters["pre_activation"]}
        layered = {letters[role]: self.given.get(role, letters[role]) for role in LAYERED}
        naming = Naming(layered, single, self.given.get("cotangent", "d"))
        if self.given:
            self._check_all_different(naming, derivation)
        return naming

    def _check_all_different(self, naming: Naming, derivation: Derivation) -> None:
        marks = ("", *(f"_{mark}" for mark in COMBINING)) if derivation.second else ("",)
        arrays = [prefix + array + mark for array in derivation.graph.shapes for prefix in ("", "d") for mark in marks]
        _refuse_duplicates(map(naming.shown, arrays))
        for role, chosen in self.given.items():
            letters = normalize("NFC", chosen)
            if letters in _TAKEN | set(derivation.functions) or (
                role in SINGLE and letters in _lone_letters(derivation)
            ):
                raise SymmlpError(f"notation: {role} {shown(chosen)} is taken: it means something else in the formulas")


def _is_lettering(role: str, letters: str) -> bool:
    if role == "cotangent":
        return cotangent_letters(letters) is not None
    return lettering(letters, is_layered=role in LAYERED) is not None


def _expected(role: str) -> str:
    """Return what an author's letters for a role may be."""
    if role == "cotangent":
        return "must be 1 to 3 letters, Latin or Greek, or a nabla or partial sign"
    ending = "W_l, W^l, W^(l) or W^[l]" if role in LAYERED else "x_0"
    return f"must be 1 to 3 letters, Latin or Greek, accents allowed; more only as in {ending}"


LAYOUTS_OWN = Notation()
"""The letters of the layout."""


def _lone_letters(derivation: Derivation) -> set[str]:
    """Return what stands without a number in the formulas: indices, and the symbols of update equations.

    Not t, the count of steps: it is an exponent only, and a usual letter for targets.
    """
    updates = [each for equations in derivation.updates.values() for each in equations]
    symbols = {name for each in updates for name in (each.target, *variables(each.value))}
    indices = _INDICES if derivation.layout == "sample" else ("p", *_INDICES)
    return {*indices, *(normalize("NFC", SPOKEN.get(name, name)) for name in symbols - {"t"})}


def _refuse_duplicates(names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise SymmlpError(f"notation: {shown(name)} would name two things")
        seen.add(name)
