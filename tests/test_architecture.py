"""The rules of the house, read from the source: one-way imports, no cycle, no evaluation, no derivative by hand.

Every rule is a function from a package folder to its violations; each is run on symmlp, and on a package breaking it.
"""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "symmlp"

REQUIRED = frozenset(
    re.split("[<>=]", requirement)[0]
    for requirement in tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text())["project"]["dependencies"]
)
"""What pyproject.toml installs with symmlp; each is imported under its own name."""

ROOMS: tuple[tuple[str, ...], ...] = (
    ("errors", "version"),
    ("names", "notation", "files", "showing", "templating"),
    ("expression",),
    ("catalog",),
    ("spec_text", "spec_part", "spec_layer", "spec_layers", "spec_preset", "spec"),
    ("matrix",),
    ("calculus",),
    ("graph",),
    ("derivation",),
    ("gathering",),
    ("walker",),
    ("deriving",),
    ("second_order",),
    ("program",),
    ("printing",),
    ("document", "render"),
    ("pictures",),
    ("generation",),
    ("verification", "datasets", "samples"),
    ("audit", "costing", "checking", "entrywise", "listing", "reporting", "training"),
    ("__init__",),
    ("choices",),
    ("commands",),
    ("cli",),
    ("__main__",),
)
"""The order of the house, lowest first. A module imports from rooms below and from its own row."""

VERIFICATION_MAY_IMPORT = frozenset(
    {
        "verification",
        "errors",
        "names",
        "notation",
        "showing",
        "expression",
        "catalog",
        "spec_text",
        "spec_part",
        "spec_layer",
        "spec_layers",
        "spec_preset",
        "spec",
        "matrix",
    }
)
"""An oracle shares no code with the derivation that it judges."""

OPTIONAL_DEPENDENCIES = frozenset({"numba", "mpi4py", "matplotlib", "sklearn"})
"""The extras of pyproject.toml: the only imports that may stand inside a function."""

MAY_EXECUTE = frozenset({"verification"})
"""The room that runs the text of a generated module, in order to judge it."""

EVALUATORS = frozenset({"sympify", "parse_expr", "lambdify", "eval", "__import__", "autowrap", "ufuncify", "S"})
"""Calls that turn text into code. `S` is SymPy's short name of sympify; `sp.S.Half` is no call."""

DERIVATIVE_WORDS = re.compile(
    r"grad|gradients?|slopes?|deriv|derivatives?|backward|backprop|diff|differentiate|vjp|jvp|jacobian|cotangents?|adjoint|prime"
)
FORWARD_NAMES = {"optimizers": frozenset({"gradient"})}
"""An optimizer's update takes the gradient as an input; there the word names a symbol, not a formula."""


def modules(package: Path) -> dict[str, ast.Module]:
    """Return the syntax tree of every module under `package`, by dotted name; a package is named after its folder."""
    trees = {}
    for path in sorted(package.rglob("*.py")):
        parts = (package.name, *path.relative_to(package).with_suffix("").parts)
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        trees[name] = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    return trees


def room(module: str) -> str:
    """Return the room of a dotted name: `symmlp.calculus.vjp` is in `calculus`."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def imported(statement: ast.stmt, known: frozenset[str]) -> Iterator[str]:
    """Yield the modules among `known` that an import statement names; other imports yield their dotted name."""
    if isinstance(statement, ast.Import):
        yield from (alias.name for alias in statement.names)
    elif isinstance(statement, ast.ImportFrom) and statement.level == 0 and statement.module:
        for alias in statement.names:
            submodule = f"{statement.module}.{alias.name}"
            yield submodule if submodule in known else statement.module


def imports(package: Path) -> dict[str, list[str]]:
    """Return what every module of `package` imports, inside functions too."""
    trees = modules(package)
    known = frozenset(trees)
    return {
        name: [target for node in ast.walk(tree) if isinstance(node, ast.stmt) for target in imported(node, known)]
        for name, tree in trees.items()
    }


def inner_imports(package: Path) -> dict[str, list[str]]:
    """Return what every module of `package` imports from the package itself."""
    graph = imports(package)
    return {name: [target for target in targets if target in graph] for name, targets in graph.items()}


def misplaced(package: Path) -> list[str]:
    """Return the modules that have no place in ROOMS."""
    known = {name for row in ROOMS for name in row}
    return [f"{name} has no place in the order of the house" for name in modules(package) if room(name) not in known]


def upward_imports(package: Path) -> list[str]:
    """Return the imports that point up the house."""
    floor = {name: number for number, row in enumerate(ROOMS) for name in row}
    return [
        f"{name} imports {target}, which stands above it"
        for name, targets in inner_imports(package).items()
        for target in targets
        if floor.get(room(target), -1) > floor.get(room(name), len(ROOMS))
    ]


def cycles(package: Path) -> list[str]:
    """Return one line for every module that can be reached from itself."""
    graph = inner_imports(package)
    return [
        f"{name} imports itself by way of {target}"
        for name in graph
        for target in graph[name]
        if name in reached(graph, target)
    ]


def reached(graph: dict[str, list[str]], start: str) -> set[str]:
    """Return `start` and all modules that it imports, directly or not."""
    seen, waiting = set(), [start]
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting.extend(graph[name])
    return seen


def oracles_that_share_code(package: Path) -> list[str]:
    """Return the modules outside its list that `verification` reaches, directly or not."""
    graph = inner_imports(package)
    return [
        f"{name} reaches {target}"
        for name in graph
        if room(name) == "verification"
        for target in sorted(reached(graph, name))
        if room(target) not in VERIFICATION_MAY_IMPORT
    ]


def imports_inside_functions(package: Path) -> list[str]:
    """Return the imports inside functions that are not of an optional dependency."""
    found = []
    for name, tree in modules(package).items():
        functions = [
            node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        ]
        inside = {
            node
            for function in functions
            for node in ast.walk(function)
            if isinstance(node, ast.Import | ast.ImportFrom)
        }
        found += [
            f"{name}, line {node.lineno}: import of {target} inside a function"
            for node in inside
            for target in imported(node, frozenset())
            if target.split(".")[0] not in OPTIONAL_DEPENDENCIES
        ]
    return sorted(found)


def undeclared_imports(package: Path) -> list[str]:
    """Return the imports of packages that an installation does not bring along."""
    declared = {*sys.stdlib_module_names, *REQUIRED, *OPTIONAL_DEPENDENCIES, package.name}
    return [
        f"{name} imports {target}, which pyproject.toml does not require"
        for name, targets in imports(package).items()
        for target in targets
        if target.split(".")[0] not in declared
    ]


def relative_imports(package: Path) -> list[str]:
    """Return the relative imports, which the other rules would not see."""
    return [
        f"{name}, line {node.lineno}: relative import"
        for name, tree in modules(package).items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.level
    ]


def jinja_outside_templating(package: Path) -> list[str]:
    """Return the modules other than `templating` that import Jinja2."""
    return [
        f"{name} imports {target}"
        for name, targets in imports(package).items()
        for target in targets
        if target.split(".")[0] == "jinja2" and room(name) != "templating"
    ]


def evaluators(package: Path) -> list[str]:
    """Return the places that evaluate text, or name a function that does."""
    found = []
    for name, tree in modules(package).items():
        for node in ast.walk(tree):
            word = _evaluator(node)
            if word in EVALUATORS or (word in ("exec", "compile") and room(name) not in MAY_EXECUTE):
                found.append(f"{name}, line {getattr(node, 'lineno', 0)}: {word}")
    return found


def _evaluator(node: ast.AST) -> str:
    """Return the evaluating function that `node` calls or imports, or an empty text."""
    match node:
        case ast.Call(func=ast.Name(id="eval" | "exec" | "compile" | "__import__" as word)):
            return word
        case ast.Call(func=ast.Attribute(attr="S")) | ast.Call(func=ast.Name(id="S")):
            return "S"
        case ast.Name(id=word) | ast.Attribute(attr=word) | ast.alias(name=word) if word.split(".")[
            -1
        ] in EVALUATORS - {"S", "eval"}:
            return word.split(".")[-1]
        case _:
            return ""


def derivatives_in_the_catalog(package: Path) -> list[str]:
    """Return the names in the catalog that speak of a derivative, and the calls that take one."""
    found = []
    for name, tree in modules(package).items():
        if room(name) == "catalog":
            allowed = FORWARD_NAMES.get(name.split(".")[-1], frozenset())
            found += [
                f"{name}: {word}" for word in names_in(tree) if word not in allowed and speaks_of_derivative(word)
            ]
    return found


def speaks_of_derivative(name: str) -> bool:
    """Tell whether one of the words of an identifier, in either of the usual spellings, means a derivative."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().split("_")
    return any(DERIVATIVE_WORDS.fullmatch(word) for word in words)


def names_in(tree: ast.AST) -> Iterator[str]:
    """Yield every identifier that a module writes: names, attributes, arguments, keywords, imports, definitions."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=word) | ast.Attribute(attr=word) | ast.arg(arg=word) | ast.alias(name=word):
                yield word.split(".")[-1]
            case ast.keyword(arg=str(word)):
                yield word
            case ast.FunctionDef(name=word) | ast.ClassDef(name=word):
                yield word


Rule = Callable[[Path], list[str]]

BREACHES: tuple[tuple[Rule, dict[str, str]], ...] = (
    (misplaced, {"backdoor.py": ""}),
    (upward_imports, {"errors.py": "import symmlp.spec", "spec.py": ""}),
    (upward_imports, {"calculus/vjp.py": "from symmlp import derivation", "derivation.py": ""}),
    (upward_imports, {"calculus/vjp.py": "def late() -> None:\n    from symmlp.graph import Node", "graph.py": ""}),
    (upward_imports, {"render.py": "from symmlp import __version__", "__init__.py": "__version__ = '1'"}),
    (cycles, {"spec.py": "import symmlp.spec_text", "spec_text.py": "from symmlp.spec import Network"}),
    (
        cycles,
        {
            "calculus/a.py": "import symmlp.calculus.b",
            "calculus/b.py": "import symmlp.calculus.c",
            "calculus/c.py": "import symmlp.calculus.a",
        },
    ),
    (oracles_that_share_code, {"verification/step.py": "from symmlp.calculus import vjp", "calculus/vjp.py": ""}),
    (
        oracles_that_share_code,
        {"verification.py": "import symmlp.matrix", "matrix.py": "import symmlp.program", "program.py": ""},
    ),
    (imports_inside_functions, {"training.py": "def derive() -> None:\n    import json"}),
    (
        imports_inside_functions,
        {"training.py": "class A:\n    def f(self) -> None:\n        from symmlp.spec import Network"},
    ),
    (undeclared_imports, {"cli.py": "import click"}),
    (undeclared_imports, {"training.py": "from scipy.special import erf"}),
    (relative_imports, {"calculus/vjp.py": "from .. import derivation"}),
    (jinja_outside_templating, {"printing/latex.py": "import jinja2.ext"}),
    (jinja_outside_templating, {"render.py": "from jinja2 import Environment"}),
    (evaluators, {"spec.py": "import sympy as sp\nsp.sympify('x')"}),
    (evaluators, {"spec.py": "from sympy.parsing.sympy_parser import parse_expr as read"}),
    (evaluators, {"spec.py": "from sympy import S\nS('x')"}),
    (evaluators, {"training.py": "import sympy as sp\nf = sp.lambdify"}),
    (evaluators, {"training.py": "eval('1')"}),
    (evaluators, {"calculus/vjp.py": "exec('1')"}),
    (
        derivatives_in_the_catalog,
        {"catalog/activations.py": "def relu_grad(x: float) -> float:\n    return float(x > 0)"},
    ),
    (derivatives_in_the_catalog, {"catalog/activations.py": "Activation('tanh', value=t, slope=1 - t**2)"}),
    (derivatives_in_the_catalog, {"catalog/losses.py": "mse = (p - y)**2\ndMseDerivative = 2*(p - y)"}),
    (derivatives_in_the_catalog, {"catalog/losses.py": "value = f.diff(x)"}),
)
"""Each rule with a package that breaks it and nothing else."""

RULES = tuple(dict.fromkeys(rule for rule, _ in BREACHES))


def write_package(folder: Path, files: dict[str, str]) -> Path:
    """Return the folder of a package `symmlp` that holds `files`."""
    package = folder / "symmlp"
    for name, text in files.items():
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text(text + "\n", encoding="utf-8")
    return package


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_package_keeps_the_rule(rule: Rule) -> None:
    assert rule(PACKAGE) == []


@pytest.mark.parametrize(("rule", "files"), BREACHES, ids=lambda value: getattr(value, "__name__", ""))
def test_the_rule_refuses_a_package_that_breaks_it(rule: Rule, files: dict[str, str], tmp_path: Path) -> None:
    assert rule(write_package(tmp_path, files)) != []


def test_a_package_that_keeps_every_rule_is_accepted(tmp_path: Path) -> None:
    package = write_package(
        tmp_path,
        {
            "errors.py": "",
            "spec.py": "import symmlp.errors\nfrom sympy import S\nhalf = S.Half.evalf()",
            "catalog/optimizers.py": "def sgd(gradient: float) -> float:\n    different = gradient",
            "templating.py": "import jinja2",
            "training.py": "def fused() -> None:\n    import numba",
            "verification/oracle.py": "from symmlp.spec import Network\nexec('')",
        },
    )
    assert [violation for rule in RULES for violation in rule(package)] == []


def test_the_order_of_the_house_names_every_room_once_and_no_room_that_is_gone() -> None:
    named = [name for row in ROOMS for name in row]
    assert sorted(named) == sorted({room(module) for module in modules(PACKAGE)})


def test_the_rules_read_every_file_of_the_package() -> None:
    assert len(modules(PACKAGE)) == len(list(PACKAGE.rglob("*.py"))) > 5
