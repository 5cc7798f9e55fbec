"""Writes docs/derivation.ipynb, executed: `.venv/bin/python -m docs.notebook` (extra `docs`)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

FILE = Path(__file__).parent / "derivation.ipynb"

CELLS: tuple[tuple[str, str], ...] = (
    ("markdown", "# A derivation, from the network to the module\n\nEvery object of symmlp shows itself."),
    ("code", 'import symmlp\n\nnet = symmlp.Network.parse("4 -> 5 tanh -> 3 softmax | cross_entropy")\nnet'),
    ("markdown", "One equation by its id, with the steps that led to it:"),
    ("code", 'derivation = symmlp.derive(net)\nderivation["B3"]'),
    ("markdown", "The computational tree with the cotangents on their way back; the ids are those of the equations:"),
    ("code", "symmlp.picture(derivation, backward=True)"),
    ("markdown", "Is a formula of one's own the gradient?"),
    ("code", 'symmlp.check_formula(net, "W1", "dZ1 @ X")'),
    ("code", 'symmlp.check_formula(net, "W1", "dZ1.T @ X")'),
    ("markdown", "The generated module is text; the line of `B3` stands under its id:"),
    ("code", 'source = symmlp.generate(net)\nprint(source[source.index("    # B2") : source.index("    # B5")])'),
    ("markdown", "Oracles that share no code with the derivation check it:"),
    ("code", "report = symmlp.verify(net)\nreport.ok, [check.name for check in report.checks]"),
    ("markdown", "One expression, its value and its slope:"),
    ("code", 'swish = symmlp.elementwise("x*sigmoid(x)")\nswish'),
    ("code", "swish.grad([-800.0, 0.0, 800.0])"),
    ("markdown", "Formulas, code and tree on one page: `symmlp.report(net)`, or `symmlp report SPEC -o FILE.html`."),
)
"""The kind and the text of every cell."""


def notebook() -> Any:
    """Return the notebook, not executed."""
    import nbformat.v4

    made = {"markdown": nbformat.v4.new_markdown_cell, "code": nbformat.v4.new_code_cell}
    cells = [made[kind](text, id=f"cell-{number}") for number, (kind, text) in enumerate(CELLS, start=1)]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})


def executed() -> Any:
    """Return the notebook with what its cells show, the same bytes each time."""
    import nbclient

    # The kernel is another process, which has to find this checkout.
    os.environ["PYTHONPATH"] = str(FILE.parent.parent)
    made = notebook()
    nbclient.NotebookClient(made, timeout=300, kernel_name="python3", record_timing=False).execute()
    made.metadata = {"kernelspec": made.metadata["kernelspec"], "language_info": {"name": "python"}}
    return made


def main() -> None:
    """Write the executed notebook."""
    import nbformat

    FILE.write_text(nbformat.writes(executed()), encoding="utf-8")


if __name__ == "__main__":
    main()
