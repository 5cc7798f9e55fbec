"""`PrintableDerivation`: a derivation that prints itself in every format."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

from symmlp.calculus.tangent import DOT, HAT
from symmlp.derivation import Derivation, Equation
from symmlp.deriving import derive as derive_equations
from symmlp.document.building import build_page
from symmlp.document.html import html_fragment, html_page
from symmlp.document.latex import latex_document, latex_page
from symmlp.document.markdown import markdown_page
from symmlp.document.notation import LAYOUTS_OWN, Notation
from symmlp.document.page import Depth, Page
from symmlp.document.pdf import pdf
from symmlp.document.plain import plain_page
from symmlp.document.text import text_page
from symmlp.document.view import EquationView
from symmlp.errors import SymmlpError, did_you_mean, shown
from symmlp.graph import Layout
from symmlp.matrix import variables
from symmlp.printing.naming import Naming
from symmlp.second_order import HESSIAN, with_second_order
from symmlp.second_order.hessian import BLOCK, parameters_of
from symmlp.second_order.jacobian import ROWS
from symmlp.showing import CodeText, MarkdownText, PageText, shown_by
from symmlp.spec import Network

FORMATS = ("text", "latex", "markdown", "html", "json", "pdf")
WHOLE = ("theta", "θ")
"""What `wrt` names for all parameters at once: the model as one function, and then every gradient."""

DEPTHS = ("none", "brief", "full", "index")


@dataclass(frozen=True, repr=False)
class PrintableDerivation(Derivation):
    """A derivation that prints itself.

    `wrt` limits a page to the way to some gradients; `theta` is all of them, the model first as one function. `steps`
    is `brief`, `full` or `index`, True for `full`, False for none.
    """

    notation: Notation = LAYOUTS_OWN

    def __getitem__(self, id: str) -> EquationView:
        """Return the equation with an id such as `B3`, as something that notebooks show.

        Raises:
            SymmlpError: no equation has this id.
        """
        rows = {row.id: row for row in self.page().equations if not row.is_update}
        if id not in rows:
            raise SymmlpError(f"equation: no id {shown(id)}; expected one of {', '.join(rows)}")
        return EquationView(rows[id], self.naming)

    @cached_property
    def naming(self) -> Naming:
        """What the arrays are called."""
        return self.notation.naming(self)

    def wanted(self, wrt: Sequence[str] | None) -> tuple[Equation, ...]:
        """Return the backward equations on the way to the gradients of `wrt`, or all of them.

        Raises:
            SymmlpError: a name in `wrt` that is no array with a gradient.
        """
        if wrt is None or set(wrt) & set(WHOLE):
            return self.backward
        made = {equation.target: equation for equation in self.backward}
        names = {self.backward[0].target}
        for array in wrt:
            if f"d{array}" not in made:
                known = [target.removeprefix("d") for target in made]
                raise SymmlpError(f"wrt: no gradient for {shown(array)}; expected some of {', '.join(known)}")
            _collect(f"d{array}", made, names)
        return tuple(equation for equation in self.backward if equation.target in names)

    def page(self, *, wrt: Sequence[str] | None = None) -> Page:
        """Return what every format prints.

        Raises:
            SymmlpError: a name in `wrt` that is no array with a gradient.
        """
        model = self.naming.shown(self.graph.prediction) if set(wrt or ()) & set(WHOLE) else None
        return build_page(self, self.wanted(wrt), model, self._wanted_beyond(wrt))

    def _wanted_beyond(self, wrt: Sequence[str] | None) -> Mapping[str, Sequence[Equation]]:
        """Return the equations of second order on the way to what belongs to the gradients of `wrt`, by group."""
        if wrt is None or set(wrt) & set(WHOLE):
            return self.second
        groups = (group for name, group in self.second.items() if not name.startswith(HESSIAN))
        made = {each.target: each for group in groups for each in group}
        names: set[str] = set()
        for array in wrt:
            for target in (f"d{array}{DOT}", f"d{array}{HAT}", f"{ROWS}{array}"):
                _collect(target, made, names)
        kept = {
            name: _of_blocks(group, wrt)
            if name.startswith(HESSIAN)
            else [each for each in group if each.target in names]
            for name, group in self.second.items()
        }
        return {name: group for name, group in kept.items() if group}

    def text(self, *, wrt: Sequence[str] | None = None, steps: Depth | bool = "full") -> str:
        """Return the derivation as Unicode text."""
        return CodeText(text_page(self.page(wrt=wrt), self.naming, checked_depth(steps)))

    def latex(self, *, wrt: Sequence[str] | None = None, steps: Depth | bool = "full", standalone: bool = False) -> str:
        """Return the derivation in LaTeX (amsmath), to be put in a document, or as a document with `standalone`."""
        write = latex_document if standalone else latex_page
        return CodeText(write(self.page(wrt=wrt), self.naming, checked_depth(steps)))

    def markdown(self, *, wrt: Sequence[str] | None = None, steps: Depth | bool = "full") -> str:
        """Return the derivation in Markdown, its formulas between dollar signs."""
        return MarkdownText(markdown_page(self.page(wrt=wrt), self.naming, checked_depth(steps)))

    def html(self, *, wrt: Sequence[str] | None = None, steps: Depth | bool = "full") -> str:
        """Return the derivation as one HTML file that needs no network and no script."""
        return PageText(html_page(self.page(wrt=wrt), self.naming, checked_depth(steps)))

    def as_dict(self, *, wrt: Sequence[str] | None = None) -> dict[str, Any]:
        """Return plain data with the steps at every depth; docs/derivation.schema.json describes it."""
        return plain_page(self.page(wrt=wrt), self.naming, self.notation.given)

    def formatted(
        self, format: str, *, wrt: Sequence[str] | None = None, steps: Depth | bool = "full", standalone: bool = False
    ) -> str | bytes:
        """Return the derivation in a format: text, latex, markdown, html, json, or pdf as bytes.

        Raises:
            SymmlpError: an unknown format, `standalone` for any other than latex, or no LaTeX to make a PDF with.
        """
        if standalone and format != "latex":
            raise SymmlpError(f"standalone: expected the format latex, got {shown(format)}")
        match format:
            case "text":
                return self.text(wrt=wrt, steps=steps)
            case "latex":
                return self.latex(wrt=wrt, steps=steps, standalone=standalone)
            case "markdown":
                return self.markdown(wrt=wrt, steps=steps)
            case "html":
                return self.html(wrt=wrt, steps=steps)
            case "json":
                return json.dumps(self.as_dict(wrt=wrt), indent=2, ensure_ascii=False) + "\n"
            case "pdf":
                return pdf(self.latex(wrt=wrt, steps=steps, standalone=True))
            case _:
                raise SymmlpError(f"format: expected one of {', '.join(FORMATS)}, got {shown(format)}")

    def _repr_latex_(self) -> str:
        return latex_page(self.page(), self.naming, "none", comment=False)

    def _repr_html_(self) -> str:
        return html_fragment(self.page(), self.naming, "full")

    def _repr_svg_(self) -> str | None:
        return shown_by("picture of a derivation", self)


def derive(
    network: Network,
    *,
    layout: Layout = "batch",
    notation: Notation | Mapping[str, str] | None = None,
    second: Sequence[str] = (),
    almost_everywhere: bool = False,
) -> PrintableDerivation:
    """Return the printable derivation of `network`; see `symmlp.deriving.derive`.

    `notation` gives an author's own letters by role, as `{"pre_activation": "o", "cotangent": "δ"}`. `second` adds
    equations beyond the gradient: jvp, hvp, gauss_newton, jacobian; `almost_everywhere` leaves out points where a
    slope jumps.

    Raises:
        SymmlpError: letters that are none, or that would name two things.
    """
    chosen = notation if isinstance(notation, Notation) else Notation.of(notation or {})
    found = with_second_order(derive_equations(network, layout=layout), second, almost_everywhere=almost_everywhere)
    values = {field.name: getattr(found, field.name) for field in fields(found)}
    printable = PrintableDerivation(**values, notation=chosen)
    chosen.naming(printable)  # Refuses letters that would name two things, before anything is printed.
    return printable


def checked_depth(steps: Depth | bool) -> Depth:
    """Return how far steps go, True being `full` and False `none`.

    Raises:
        SymmlpError: an unknown word.
    """
    if isinstance(steps, bool):
        return "full" if steps else "none"
    if steps not in DEPTHS:
        hint = did_you_mean(str(steps), DEPTHS)
        raise SymmlpError(f"steps: expected one of {', '.join(DEPTHS)}, got {shown(steps)}{hint}")
    return steps


def _of_blocks(group: Sequence[Equation], wrt: Sequence[str]) -> list[Equation]:
    """Return the blocks of these parameters among themselves, and what they are computed from."""
    made, names = {each.target: each for each in group}, set[str]()
    for target in made:
        if target.startswith(BLOCK) and set(parameters_of(target)) <= set(wrt):
            _collect(target, made, names)
    return [each for each in group if each.target in names]


def _collect(target: str, made: dict[str, Equation], names: set[str]) -> None:
    """Add to `names` every cotangent that the one called `target` is computed from, itself included."""
    pending = [target]
    while pending:
        name = pending.pop()
        if name in made and name not in names:
            names.add(name)
            pending.extend(sorted(variables(made[name].value)))
