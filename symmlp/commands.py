"""The commands: what each takes and what it prints; all work is done by the package."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

import symmlp
from symmlp.choices import (
    Dataset,
    Depth,
    DerivationFormat,
    Dtype,
    Layout,
    ModuleStyle,
    PictureFormat,
    PictureKind,
    ReportFormat,
    Target,
)

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Derive, generate and verify the gradients of a multi-layer perceptron.",
)


SPEC_HELP = "A .toml or .json file, or a short string: '4 -> 16 tanh -> 3 softmax | cross_entropy'."
Spec = Annotated[str, typer.Argument(metavar="SPEC", help=SPEC_HELP, show_default=False)]
Force = Annotated[bool, typer.Option("--force", help="Overwrite existing files.")]

AlmostEverywhere = Annotated[
    bool, typer.Option("--almost-everywhere", help="Second derivatives without the points where a slope jumps.")
]


BEYOND = "Beyond the gradient: jvp, hvp, gauss_newton, jacobian, hessian."
With = Annotated[str | None, typer.Option("--with", help=BEYOND, show_default=False)]


def _listed(names: str | None) -> tuple[str, ...]:
    return () if names is None else tuple(name.strip() for name in names.split(","))


@app.command()
def demo(
    dataset: Annotated[Dataset, typer.Option(help="The bundled data set.")] = Dataset.digits,
    out: Annotated[Path, typer.Option(help="Directory for formulas, module and parameters.")] = Path("symmlp-demo"),
    force: Force = False,
) -> None:
    """Do the main job on real data: derive, generate, verify, train."""
    with _interruptible():
        symmlp.demo(out, dataset=dataset.value, force=force)


NotationText = Annotated[
    str | None, typer.Option(help="Letters of your own: 'weights=W^(l),prediction=ŷ'.", show_default=False)
]


def _notation(text: str | None) -> symmlp.Notation | None:
    return None if text is None else symmlp.Notation.parse(text)


@app.command()
def derive(
    spec: Spec,
    wrt: Annotated[
        str | None,
        typer.Option(help="Only the way to these gradients: W1,b1. Or theta, all at once.", show_default=False),
    ] = None,
    format: Annotated[DerivationFormat, typer.Option(help="Output format.")] = DerivationFormat.text,
    steps: Annotated[Depth, typer.Option(help="How far the steps go.")] = Depth.full,
    no_steps: Annotated[bool, typer.Option("--no-steps", help="The same as --steps none.")] = False,
    layout: Annotated[Layout, typer.Option(help="Rows of samples, or one column.")] = Layout.batch,
    notation: NotationText = None,
    second: Annotated[
        str | None,
        typer.Option(help=BEYOND, show_default=False),
    ] = None,
    almost_everywhere: AlmostEverywhere = False,
    standalone: Annotated[bool, typer.Option("--standalone", help="LaTeX that compiles as it is.")] = False,
    output: Annotated[
        str | None, typer.Option("-o", "--output", help="The file to write.", show_default="the terminal")
    ] = None,
    force: Force = False,
) -> None:
    """Print forward equations, backward equations and the steps between."""
    if format is DerivationFormat.pdf and output is None:
        raise symmlp.SymmlpError("output: --format pdf needs -o FILE.pdf")
    derivation = symmlp.derive(
        symmlp.Network.load(spec),
        layout=layout.value,
        notation=_notation(notation),
        second=_listed(second),
        almost_everywhere=almost_everywhere,
    )
    names = None if wrt is None else [name.strip() for name in wrt.split(",")]
    depth = Depth.none if no_steps else steps
    page = derivation.formatted(format.value, wrt=names, steps=depth.value, standalone=standalone)
    if output is not None:
        symmlp.write_all({output: page}, force=force)
    elif isinstance(page, str):
        typer.echo(page, nl=False)


@app.command()
def graph(
    spec: Spec,
    format: Annotated[
        PictureFormat | None,
        typer.Option(help="Output format.", show_default="what the name of the file says, or mermaid"),
    ] = None,
    backward: Annotated[bool, typer.Option("--backward", help="Draw the cotangents on their way back.")] = False,
    kind: Annotated[PictureKind, typer.Option(help="The computational tree, or the layers.")] = PictureKind.tree,
    output: Annotated[
        str | None, typer.Option("-o", "--output", help="The file to write.", show_default="the terminal")
    ] = None,
    layout: Annotated[Layout, typer.Option(help="Rows of samples, or one column.")] = Layout.batch,
    notation: NotationText = None,
    force: Force = False,
) -> None:
    """Draw the computational tree or the layers, with the ids of the equations."""
    chosen = symmlp.format_of(output, format.value if format else None)
    derivation = symmlp.derive(symmlp.Network.load(spec), layout=layout.value, notation=_notation(notation))
    drawing = symmlp.picture(derivation, format=chosen, kind=kind.value, backward=backward)
    if output is None:
        typer.echo(drawing, nl=False)
    else:
        symmlp.write_text(output, drawing, force=force)


@app.command()
def report(
    spec: Spec,
    output: Annotated[
        str, typer.Option("-o", "--output", help="The page to write, an .html file.", show_default=False)
    ],
    steps: Annotated[Depth, typer.Option(help="How far the steps go.")] = Depth.full,
    layout: Annotated[
        Layout, typer.Option(help="Rows of samples, or one column, in formulas and tree.")
    ] = Layout.batch,
    notation: NotationText = None,
    force: Force = False,
) -> None:
    """Write one page with formulas, code and tree side by side, for any browser, without a network."""
    if not output.lower().endswith((".html", ".htm")):
        raise symmlp.SymmlpError(f"output: expected a file name ending in .html, got {output!a}")
    derivation = symmlp.derive(symmlp.Network.load(spec), layout=layout.value, notation=_notation(notation))
    page = symmlp.report(derivation, steps=steps.value)
    symmlp.write_text(output, page, force=force)


@app.command()
def generate(
    spec: Spec,
    output: Annotated[str, typer.Option("-o", "--output", help="The module to write, a .py file.", show_default=False)],
    target: Annotated[Target, typer.Option(help="What the module computes with.")] = Target.numpy,
    style: Annotated[ModuleStyle, typer.Option(help="How it is written.")] = ModuleStyle.plain,
    dtype: Annotated[Dtype, typer.Option(help="Floating-point type.")] = Dtype.float64,
    with_: With = None,
    almost_everywhere: AlmostEverywhere = False,
    force: Force = False,
) -> None:
    """Write a standalone training module that needs NumPy only."""
    if not output.endswith(".py"):
        raise symmlp.SymmlpError(f"output: expected a file name ending in .py, got {output!a}")
    network = symmlp.Network.load(spec)
    source = symmlp.generate(
        network,
        target=target.value,
        style=style.value,
        dtype=dtype.value,
        with_=_listed(with_),
        almost_everywhere=almost_everywhere,
    )
    symmlp.write_text(output, source, force=force)
    typer.echo(f"{output}: {len(source.splitlines())} lines for {network.short(in_full=12)}")


@app.command()
def verify(
    subject: Annotated[str, typer.Argument(metavar="SPEC|FILE.py", help=f"{SPEC_HELP} Or a generated module.")],
    format: Annotated[ReportFormat, typer.Option(help="Output format.")] = ReportFormat.text,
    seed: Annotated[int, typer.Option(help="Seed of the points that are compared.", min=0)] = 0,
    with_: With = None,
    almost_everywhere: AlmostEverywhere = False,
) -> None:
    """Check a generated module's gradient against independent oracles."""
    report = symmlp.verify(subject, seed=seed, with_=_listed(with_), almost_everywhere=almost_everywhere)
    if format is ReportFormat.json:
        typer.echo(json.dumps(report.as_dict(), indent=2))
    else:
        typer.echo(report.text().rstrip("\n"))
    if not report.ok:
        raise typer.Exit(1)


# A formula may begin with a minus, which is no option.
@app.command(context_settings={"ignore_unknown_options": True})
def check(
    spec: Spec,
    formula: Annotated[str, typer.Argument(metavar="FORMULA", help="In names of `symmlp derive`: 'dZ2.T @ A1'.")],
    wrt: Annotated[str, typer.Option(help="The array whose gradient it is meant to be: W1.", show_default=False)],
    format: Annotated[ReportFormat, typer.Option(help="Output format.")] = ReportFormat.text,
    layout: Annotated[Layout, typer.Option(help="Rows of samples, or one column.")] = Layout.batch,
    notation: NotationText = None,
) -> None:
    """Say whether a formula is the gradient of the loss, and if not, which mistake it is."""
    result = symmlp.check_formula(
        symmlp.Network.load(spec), wrt, formula, layout=layout.value, notation=_notation(notation)
    )
    if format is ReportFormat.json:
        typer.echo(json.dumps(result.as_dict(), indent=2, ensure_ascii=False))
    else:
        typer.echo(result.text(), nl=False)
    if not result.ok:
        raise typer.Exit(1)


@app.command()
def train(
    spec: Spec,
    samples: Annotated[Path, typer.Argument(metavar="DATA.csv|DATA.npz", help="Samples: CSV, or npz with X and Y.")],
    target_columns: Annotated[
        str | None, typer.Option(help="Names or 1-based numbers of the target columns.", show_default="the last ones")
    ] = None,
    epochs: Annotated[int, typer.Option(help="Passes over the training samples.")] = 100,
    batch_size: Annotated[int, typer.Option(help="Samples a step.")] = 32,
    optimizer: Annotated[
        str | None, typer.Option(help="Update rule: adam, 'adamw(lr=0.01)'.", show_default="the spec's")
    ] = None,
    lr: Annotated[float | None, typer.Option(help="Learning rate.", show_default="the optimizer's")] = None,
    seed: Annotated[int, typer.Option(help="Seed of split, parameters and order.")] = 0,
    held_out: Annotated[float, typer.Option(help="Share of the samples kept for the score.")] = 0.2,
    standardize: Annotated[
        bool, typer.Option("--standardize/--no-standardize", help="Scale the inputs; never beside a penalty.")
    ] = True,
    dtype: Annotated[Dtype, typer.Option(help="Floating-point type.")] = Dtype.float64,
    out: Annotated[Path, typer.Option(help="Directory for the module, its parameters and its record.")] = Path(),
    force: Force = False,
) -> None:
    """Generate a module, fit it to samples, score it on held-out ones and save the parameters."""
    network = symmlp.Network.load(spec)
    columns = None if target_columns is None else [name.strip() for name in target_columns.split(",")]
    with _interruptible():
        result = symmlp.train(
            network,
            symmlp.read_samples(samples, network, columns, dtype=dtype.value),
            out_dir=out,
            force=force,
            progress=True,
            epochs=epochs,
            batch_size=batch_size,
            optimizer=optimizer,
            lr=lr,
            seed=seed,
            held_out=held_out,
            standardize=standardize,
            dtype=dtype.value,
        )
    typer.echo(f"{result.score_name}: {result.score:.4f}")
    typer.echo(f"module: {result.module_path}\nparameters: {result.parameters_path}\nrecord: {result.record_path}")


class Interrupted(Exception):
    """Ctrl-C, with a message that says how far the work came."""


@contextmanager
def _interruptible() -> Iterator[None]:
    """Turn Ctrl-C into Interrupted: the command-line library would swallow its message."""
    try:
        yield
    except KeyboardInterrupt as error:
        raise Interrupted(str(error) or "interrupted") from None


@app.command()
def cost(
    spec: Spec,
    batch: Annotated[int, typer.Option("-N", "--batch", min=1, max=10**9, help="Samples in a batch.")] = 32,
    style: Annotated[ModuleStyle, typer.Option(help="How the module is written.")] = ModuleStyle.plain,
    dtype: Annotated[Dtype, typer.Option(help="Floating-point type.")] = Dtype.float64,
    format: Annotated[ReportFormat, typer.Option(help="Output format.")] = ReportFormat.text,
) -> None:
    """Print what a training step costs: operations, bytes moved and memory, and the share of the matrix products."""
    written = symmlp.cost_json if format is ReportFormat.json else symmlp.cost_text
    typer.echo(written(symmlp.Network.load(spec), batch, style=style.value, dtype=dtype.value), nl=False)


@app.command()
def function(
    expression: Annotated[str, typer.Argument(metavar="EXPR", help="An expression such as 'x*tanh(log(1+exp(x)))'.")],
    wrt: Annotated[str | None, typer.Option(help="The variable of the derivative.", show_default="x")] = None,
) -> None:
    """Print value, derivative, stable forms, kinks, measured errors and NumPy source of one expression."""
    typer.echo(symmlp.elementwise(expression, wrt=wrt).text(), nl=False)


@app.command("list")
def list_entries(
    kind: Annotated[
        str,
        typer.Argument(
            metavar="activations|losses|layers|penalties|constraints|optimizers|schedules|initializers",
            help="What to list.",
        ),
    ],
) -> None:
    """Print the catalogue: formulas, derived slopes, kinks, parameters, and the names that other libraries use."""
    typer.echo(symmlp.listed(kind), nl=False)


@app.command()
def schema() -> None:
    """Print the JSON Schema of a spec, for editors."""
    typer.echo(json.dumps(symmlp.Network.model_json_schema(), indent=2))


@app.callback(invoke_without_command=True)
def version(
    show: Annotated[bool, typer.Option("--version", help="Print the version and leave.", is_eager=True)] = False,
) -> None:
    """Derive, generate and verify the gradients of a multi-layer perceptron."""
    if show:
        typer.echo(symmlp.__version__)
        raise typer.Exit
