"""Templates to text: the only room that knows Jinja2. Templates lay out; whoever fills them decides."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, meta


def filled(name: str, values: Mapping[str, Any]) -> str:
    """Return the text of a template; in HTML, values are escaped unless the template says that they are markup."""
    return _environment(templates_folder(), escapes=name.endswith(".html.j2")).get_template(name).render(values)


def template_variables(name: str) -> set[str]:
    """Return the variables that a template reads, those of the parts that it includes among them."""
    environment = _environment(templates_folder(), escapes=False)
    assert environment.loader is not None
    source, _, _ = environment.loader.get_source(environment, name)
    tree = environment.parse(source)
    found = meta.find_undeclared_variables(tree)
    for part in meta.find_referenced_templates(tree):
        found |= template_variables(part) if part else set()
    return found


@cache
def templates_folder() -> Path:
    """Return the folder of templates: beside the package in a checkout, inside it in an installed wheel."""
    package = Path(__file__).resolve().parent
    inside = package / "_templates"
    return inside if inside.is_dir() else package.parent / "templates"


@cache
def _environment(folder: Path, *, escapes: bool) -> Environment:
    """Return the environment of a folder, which keeps the templates that it has compiled."""
    return Environment(
        loader=FileSystemLoader(folder),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=escapes,  # noqa: S701 - on for HTML; in Python text, escapes of HTML would be errors
    )
