"""What an author calls an array: `ŷ`, `θ_0`, `W^(l)`; read once, set in type by every style."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from unicodedata import combining, normalize

GREEK_LETTERS: dict[str, str] = {
    **{"α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "varepsilon", "ζ": "zeta", "η": "eta"},
    **{"θ": "theta", "ι": "iota", "κ": "kappa", "λ": "lambda", "μ": "mu", "ν": "nu", "ξ": "xi", "π": "pi"},
    **{"ρ": "rho", "σ": "sigma", "τ": "tau", "υ": "upsilon", "φ": "varphi", "χ": "chi", "ψ": "psi", "ω": "omega"},
    **{"Γ": "Gamma", "Δ": "Delta", "Θ": "Theta", "Λ": "Lambda", "Ξ": "Xi", "Π": "Pi", "Σ": "Sigma"},
    **{"Υ": "Upsilon", "Φ": "Phi", "Ψ": "Psi", "Ω": "Omega"},
}
"""Greek letters and their macros in LaTeX; those that look like a Latin letter are left out."""

MACROS: dict[str, str] = {letter: rf"\{word}" for letter, word in GREEK_LETTERS.items()} | {
    **{"ℒ": r"\mathcal{L}", "ℰ": r"\mathcal{E}", "ℋ": r"\mathcal{H}", "ℓ": r"\ell", "∇": r"\nabla", "∂": r"\partial"},
}
"""Letters that are none of ASCII, as LaTeX spells them."""

ACCENTS: dict[str, tuple[str, str]] = {
    "\N{COMBINING CIRCUMFLEX ACCENT}": ("hat", "^"),
    "\N{COMBINING TILDE}": ("tilde", "~"),
    "\N{COMBINING MACRON}": ("bar", "¯"),
    "\N{COMBINING DOT ABOVE}": ("dot", "˙"),
    "\N{COMBINING DIAERESIS}": ("ddot", "¨"),
    "\N{COMBINING CARON}": ("check", "ˇ"),
    "\N{COMBINING ACUTE ACCENT}": ("acute", "´"),
    "\N{COMBINING RIGHT ARROW ABOVE}": ("vec", "→"),
}
"""What may stand above a letter: its macro in LaTeX, and the sign as it stands alone."""

FENCES = {"(": ("(", ")"), "[": ("[", "]"), "^": ("", "")}
"""What is around a layer's number that is raised."""

_OPERATORS = "∇∂"
_RAISED = str.maketrans("0123456789()", "⁰¹²³⁴⁵⁶⁷⁸⁹⁽⁾")
_LEVEL = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁽⁾ˡ", "0123456789()l")
_SYMBOL = f"(?:[A-Za-z{''.join(set(MACROS) - set(_OPERATORS))}][{''.join(ACCENTS)}]{{0,2}})"
_LETTERS = re.compile(f"({_SYMBOL}{{1,3}})")
_COTANGENT = re.compile(f"({_SYMBOL}{{1,3}}|[{_OPERATORS}])")
_SINGLE = re.compile(rf"({_SYMBOL}{{1,3}})(?:_\{{?(?P<below>[A-Za-z0-9]{{1,3}})\}}?)?")
_LAYERED = re.compile(rf"({_SYMBOL}{{1,3}})(?:_\{{?[l1]\}}?|\^\{{?(?P<raised>\([l1]\)|\[[l1]\]|[l1])\}}?)?")


@dataclass(frozen=True)
class Lettering:
    """Letters, how the layer's number is raised behind them (a key of FENCES, or not at all), and what stands below."""

    letters: str
    raised: str = ""
    below: str = ""


@lru_cache(maxsize=256)
def lettering(text: str, *, is_layered: bool = True) -> Lettering | None:
    """Return what an author's letters say, or None for what are none.

    Of an array of each layer, `l` or 1 tells where its number stands: `W_l`, `W^l`, `W^(l)`, `W^[l]`. Of another, what
    follows `_` stands below. One to three letters, Latin, Greek or script, may have accents.

    >>> lettering("W^{(l)}")
    Lettering(letters='W', raised='(', below='')
    >>> lettering("x_0", is_layered=False)
    Lettering(letters='x', raised='', below='0')
    >>> lettering("W+") is None
    True
    """
    plain = _level(normalize("NFD", text))
    found = (_LAYERED if is_layered else _SINGLE).fullmatch(plain)
    if found is None:
        return None
    letters = normalize("NFC", found[1])
    if not is_layered:
        return Lettering(letters, below=found["below"] or "")
    raised = found["raised"] or ""
    return Lettering(letters, raised[:1] if raised[:1] in FENCES else "^" if raised else "")


def cotangent_letters(text: str) -> str | None:
    """Return what stands before a name to mark its cotangent, one of ∇ and ∂ or letters; None for what are none."""
    found = _COTANGENT.fullmatch(normalize("NFD", text))
    return normalize("NFC", found[1]) if found else None


def _level(text: str) -> str:
    """Return a text whose raised end is spelled with `^`: W⁽¹⁾ as W^(1)."""
    end = len(text.rstrip("⁰¹²³⁴⁵⁶⁷⁸⁹⁽⁾ˡ"))
    return text if end == len(text) else f"{text[:end]}^{text[end:].translate(_LEVEL)}"


def raised_text(number: str, raised: str) -> str:
    """Return a number raised on a line of text; there are no raised square brackets."""
    left, right = FENCES[raised]
    return f"^[{number}]" if raised == "[" else f"{left}{number}{right}".translate(_RAISED)


def spellings(letters: str, number: str, raised: str) -> Iterator[str]:
    """Yield the ways in which a raised number may be typed behind letters."""
    left, right = FENCES[raised]
    yield letters + raised_text(number, raised)
    yield f"{letters}^{left}{number}{right}"
    yield f"{letters}^{{{left}{number}{right}}}"


def symbols(letters: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield each letter with the accents above it, the lowest first."""
    base, accents = "", list[str]()
    for sign in normalize("NFD", letters):
        if combining(sign):
            accents.append(sign)
        else:
            if base:
                yield base, tuple(accents)
            base, accents = sign, []
    if base:
        yield base, tuple(accents)


def with_mark(letters: str, mark: str) -> str:
    """Return letters with one more accent above the first of them."""
    (base, accents), *rest = symbols(letters)
    found = base + "".join(accents) + mark + "".join(letter + "".join(above) for letter, above in rest)
    return normalize("NFC", found)
