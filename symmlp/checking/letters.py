"""An author's own letters in a check: read in the formula, and written in the verdict."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from unicodedata import normalize

from symmlp.checking.verdict import FormulaCheck, Mistake
from symmlp.derivation import Derivation
from symmlp.document.notation import Notation
from symmlp.printing.naming import Naming


@dataclass(frozen=True)
class Letters:
    """What an author calls the arrays of a network, and what the graph does."""

    graph: dict[str, str]
    author: dict[str, str]

    @classmethod
    def of(cls, derivation: Derivation, notation: Notation | Mapping[str, str] | None) -> Letters:
        """Return the letters of a notation.

        Raises:
            SymmlpError: letters that are none, or that would name two things.
        """
        chosen = notation if isinstance(notation, Notation) else Notation.of(notation or {})
        naming: Naming = chosen.naming(derivation)
        names = [prefix + name for name in derivation.graph.shapes for prefix in ("", "d")] if chosen.given else []
        author = {name: naming.shown(name) for name in names if naming.shown(name) != name}
        return cls({typed: name for name in author for typed in _typed(naming, name)}, author)

    def read(self, name: str) -> str:
        """Return the graph's name of an array."""
        return self.graph.get(name, name)

    def written(self, text: str) -> str:
        """Return a text of the verdict with the author's names of the arrays.

        >>> Letters({}, {"Z1": "o1", "dZ1": "δo1"}).written("∂L/∂Z1 = dZ1ᵀ A1")
        '∂L/∂o1 = δo1ᵀ A1'
        """
        return _NAME.sub(lambda found: self.author.get(found[0], found[0]), text) if self.author else text

    def told(self, verdict: FormulaCheck) -> FormulaCheck:
        """Return a verdict in the author's letters; the formula stands as it was given."""
        if not self.author:
            return verdict
        return replace(
            verdict,
            subject=self.written(verdict.subject),
            right=self.written(verdict.right),
            mistakes=self._mistakes(verdict.mistakes),
            alternatives=tuple(map(self._mistakes, verdict.alternatives)),
            way=tuple((id, self.written(equation)) for id, equation in verdict.way),
        )

    def _mistakes(self, mistakes: tuple[Mistake, ...]) -> tuple[Mistake, ...]:
        return tuple(
            replace(each, message=self.written(each.message), equation=self.written(each.equation)) for each in mistakes
        )


def _typed(naming: Naming, name: str) -> Iterator[str]:
    """Yield the ways to type an author's name, accents as one character with their letter or as two."""
    parts = naming.parts(name)
    for spelling in parts.spellings if parts else ():
        yield from {spelling, *(normalize(form, spelling) for form in ("NFC", "NFD"))}


_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
