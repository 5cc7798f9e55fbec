"""Activation functions: forward definitions only.

Slopes, stable forms and kinks are derived from `value`; nothing in this table is differentiated by hand.
Formulas and defaults follow PyTorch where it has the function; otherwise JAX (squareplus, sparse_plus, sparse_sigmoid)
or the paper that is named. Whether a border is written with max and min or with a condition decides the slope at a
kink: between max or min branches it is the smallest subgradient, at a condition the branch that holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import lru_cache
from typing import Literal

import sympy as sp

from symmlp.catalog.entries import Entries
from symmlp.catalog.extremes import larger, smaller
from symmlp.catalog.parameters import NONE, Family, Parameter, Settings, named_call, settings
from symmlp.errors import SpecError, did_you_mean, shown
from symmlp.expression import names_in, parse, require_real
from symmlp.notation import Z, batch, column, n, other

x = sp.Symbol("x", real=True)

Outputs = Literal["real", "nonnegative", "positive", "unit interval", "simplex", "log simplex", "unknown"]
"""Where the values lie: `unit interval` is the open one, `nonnegative` may be zero, a simplex sums to 1 in each row."""


@dataclass(frozen=True)
class Learned:
    """A number for each unit that is learned with the weights, and what it starts with."""

    name: str
    start: float

    @property
    def symbol(self) -> sp.Symbol:
        """The symbol that stands for it in a definition."""
        return sp.Symbol(self.name, real=True)


@dataclass(frozen=True)
class Activation:
    """An activation: `value` in x for an elementwise one, in Z[p, i] for one that acts on a row.

    `value` has numbers for the parameters; `family` is the definition in their symbols, `settings` what was given.
    `gates` are further pre-activations, each with weights of its own; `learned` are numbers of each unit.
    """

    name: str
    value: sp.Expr
    outputs: Outputs = "real"
    acts_on: Literal["entry", "row"] = "entry"
    from_user: bool = False
    family: Family | None = None
    settings: Settings = field(default=NONE)
    note: str = ""
    gates: tuple[sp.Symbol, ...] = ()
    learned: tuple[Learned, ...] = ()

    @property
    def variables(self) -> tuple[sp.Symbol, ...]:
        """What an elementwise value depends on: x, the gates, what is learned."""
        return (x, *self.gates, *(each.symbol for each in self.learned))

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The parameters with their defaults and intervals."""
        return () if self.family is None else self.family.parameters


_half = sp.Rational(1, 2)
_sixth = sp.Rational(1, 6)
_selu_alpha = sp.Rational("1.6732632423543772")
_selu_scale = sp.Rational("1.0507009873554805")

alpha, beta, omega, a, b, lower, upper, low, high, threshold, fill = sp.symbols(
    "alpha beta omega a b lower upper low high threshold value", real=True
)
lower_gain, upper_gain, gate, gate_2 = sp.symbols("lower_gain upper_gain gate gate_2", real=True)


def _family(
    name: str,
    definition: sp.Expr,
    *parameters: Parameter,
    outputs: Outputs = "real",
    ascending: tuple[str, ...] = (),
    note: str = "",
) -> Activation:
    """Return the activation with its parameters at their defaults."""
    family = Family(definition, parameters, ascending)
    return Activation(name, family.member(name, {}, name), outputs, family=family, note=note)


def _where(*branches: tuple[sp.Expr, sp.Basic | bool]) -> sp.Piecewise:
    return sp.Piecewise(*branches, evaluate=False)


TABLE: Entries[Activation] = Entries(
    {
        "identity": lambda name: Activation(name, x),
        "sigmoid": lambda name: Activation(name, 1 / (1 + sp.exp(-x)), outputs="unit interval"),
        "tanh": lambda name: Activation(name, sp.tanh(x)),
        "relu": lambda name: Activation(name, larger(0, x), outputs="nonnegative"),
        "leaky_relu": lambda name: _family(name, larger(0, x) + alpha * smaller(0, x), Parameter("alpha", 0.01)),
        "rrelu": lambda name: _family(
            name,
            larger(0, x) + (lower + upper) / 2 * smaller(0, x),
            Parameter("lower", 0.125),
            Parameter("upper", Fraction(1, 3)),
            ascending=("lower", "upper"),
            note="at its mean slope, as in PyTorch's evaluation mode; the layer randomized_relu draws in training",
        ),
        "relu6": lambda name: Activation(name, smaller(larger(0, x), 6), outputs="nonnegative"),
        "elu": lambda name: _family(
            name, sp.Piecewise((x, x > 0), (alpha * (sp.exp(x) - 1), True)), Parameter("alpha", 1, at_least=0)
        ),
        "celu": lambda name: _family(
            name,
            sp.Piecewise((x, x > 0), (alpha * (sp.exp(x / alpha) - 1), True)),
            Parameter("alpha", 1, above=0),
        ),
        "selu": lambda name: Activation(
            name, sp.Piecewise((_selu_scale * x, x > 0), (_selu_scale * _selu_alpha * (sp.exp(x) - 1), True))
        ),
        "softplus": lambda name: _family(
            name, sp.log(1 + sp.exp(beta * x)) / beta, Parameter("beta", 1, above=0), outputs="positive"
        ),
        "silu": lambda name: _family(name, x / (1 + sp.exp(-beta * x)), Parameter("beta", 1)),
        "gelu": lambda name: Activation(name, x * (1 + sp.erf(x / sp.sqrt(2))) * _half),
        "gelu_tanh": lambda name: Activation(
            name,
            x * (1 + sp.tanh(sp.sqrt(2 / sp.pi) * (x + sp.Rational("0.044715") * x**3))) * _half,
        ),
        "mish": lambda name: Activation(name, x * sp.tanh(sp.log(1 + sp.exp(x)))),
        "hard_sigmoid": lambda name: Activation(name, smaller(larger(x + 3, 0), 6) * _sixth, outputs="nonnegative"),
        "hard_swish": lambda name: Activation(name, x * smaller(larger(x + 3, 0), 6) * _sixth),
        "hard_tanh": lambda name: _family(
            name,
            smaller(larger(x, low), high),
            Parameter("low", -1),
            Parameter("high", 1),
            ascending=("low", "high"),
        ),
        "softsign": lambda name: Activation(name, x / (1 + sp.Abs(x))),
        "softshrink": lambda name: _family(
            name,
            larger(x - threshold, 0) + smaller(x + threshold, 0),
            Parameter("threshold", 0.5, at_least=0),
            note="PyTorch calls the threshold lambda",
        ),
        "hardshrink": lambda name: _family(
            name,
            _where((x, sp.Abs(x) > threshold), (sp.Integer(0), True)),
            Parameter("threshold", 0.5, at_least=0),
            note="PyTorch calls the threshold lambda; the value jumps there",
        ),
        "tanhshrink": lambda name: Activation(name, x - sp.tanh(x)),
        "threshold": lambda name: _family(
            name,
            _where((x, x > threshold), (fill, True)),
            Parameter("threshold", 0),
            Parameter("value", 0),
            note="the value jumps at the threshold unless the two are equal",
        ),
        "log_sigmoid": lambda name: Activation(name, sp.log(1 / (1 + sp.exp(-x)))),
        "exponential": lambda name: Activation(name, sp.exp(x), outputs="positive"),
        "squareplus": lambda name: _family(
            name, (x + sp.sqrt(x**2 + b)) / 2, Parameter("b", 4, above=0), outputs="positive"
        ),
        "sparse_plus": lambda name: Activation(
            name, larger(x - 1, 0) + smaller(larger(x + 1, 0), 2) ** 2 / 4, outputs="nonnegative"
        ),
        "sparse_sigmoid": lambda name: Activation(name, smaller(larger(x + 1, 0), 2) * _half, outputs="nonnegative"),
        "snake": lambda name: _family(
            name, x + sp.sin(a * x) ** 2 / a, Parameter("a", 1, above=0), note="Ziyin et al., 2020"
        ),
        "gaussian": lambda name: Activation(name, sp.exp(-(x**2)), outputs="nonnegative"),
        "sine": lambda name: _family(
            name, sp.sin(omega * x), Parameter("omega", 1, above=0), note="SIREN: Sitzmann et al., 2020"
        ),
        "prelu": lambda name: Activation(
            name, larger(0, x) + alpha * smaller(0, x), learned=(Learned("alpha", 0.25),), note="alpha is learned"
        ),
        "learnable_swish": lambda name: Activation(
            name, x / (1 + sp.exp(-beta * x)), learned=(Learned("beta", 1.0),), note="beta is learned"
        ),
        "srelu": lambda name: Activation(
            name,
            sp.Piecewise(
                (lower + lower_gain * (x - lower), x <= lower),
                (upper + upper_gain * (x - upper), x >= upper),
                (x, True),
            ),
            learned=(
                Learned("lower", 0.0),
                Learned("lower_gain", 0.0),
                Learned("upper", 1.0),
                Learned("upper_gain", 0.0),
            ),
            note="Jin et al., 2016; thresholds and gains are learned",
        ),
        "glu": lambda name: Activation(name, x / (1 + sp.exp(-gate)), gates=(gate,), note="Dauphin et al., 2017"),
        "reglu": lambda name: Activation(name, x * larger(0, gate), gates=(gate,), note="Shazeer, 2020"),
        "geglu": lambda name: Activation(
            name, x * gate * (1 + sp.erf(gate / sp.sqrt(2))) * _half, gates=(gate,), note="Shazeer, 2020"
        ),
        "swiglu": lambda name: Activation(
            name, x * gate / (1 + sp.exp(-gate)), gates=(gate,), note="Shazeer, 2020, with beta = 1"
        ),
        "maxout": lambda name: Activation(
            name, larger(x, gate), gates=(gate,), note="Goodfellow et al., 2013, with two pieces"
        ),
        "maxout_3": lambda name: Activation(
            name, larger(x, gate, gate_2), gates=(gate, gate_2), note="Goodfellow et al., 2013, three pieces"
        ),
        "softmax": lambda name: Activation(
            name,
            sp.exp(Z[batch, column]) / sp.Sum(sp.exp(Z[batch, other]), (other, 1, n)),
            outputs="simplex",
            acts_on="row",
        ),
        "softmin": lambda name: Activation(
            name,
            sp.exp(-Z[batch, column]) / sp.Sum(sp.exp(-Z[batch, other]), (other, 1, n)),
            outputs="simplex",
            acts_on="row",
        ),
        "log_softmax": lambda name: Activation(
            name,
            Z[batch, column] - sp.log(sp.Sum(sp.exp(Z[batch, other]), (other, 1, n))),
            outputs="log simplex",
            acts_on="row",
        ),
    }
)

ALIASES: dict[str, str] = {
    "linear": "identity",
    "logistic": "sigmoid",
    "swish": "silu",
    "hard_silu": "hard_swish",
    "hardswish": "hard_swish",
    "hardsigmoid": "hard_sigmoid",
    "hardtanh": "hard_tanh",
    "soft_sign": "softsign",
    "soft_shrink": "softshrink",
    "hard_shrink": "hardshrink",
    "tanh_shrink": "tanhshrink",
    "logsigmoid": "log_sigmoid",
    "exp": "exponential",
    "sin": "sine",
    "siren": "sine",
}
"""Other names of entries, as peers have them."""


def canonical(text: str) -> str:
    """Return the entry's own name for an alias, any other text as it is."""
    return ALIASES.get(text, text)


def read_activation(text: str, field: str = "activation", parameters: str = "parameters") -> tuple[str, Settings]:
    """Return a text's entry or expression, and the settings in its brackets: ("leaky_relu", alpha = 0.2)."""
    name, given = named_call(text, field, parameters)
    return canonical(name), given


def activation(
    text: str, field: str = "activation", given: Mapping[str, float] = NONE, *, parameters: str = "parameters"
) -> Activation:
    """Return the catalogued activation called `text`, or the one that `text` defines as an expression in x.

    `given` are values of its parameters; `field` and `parameters` are how error messages call the two.

    Raises:
        SpecError: `text` is a word that the catalogue does not know, or a parameter is unknown or out of its interval.
        ExpressionError: `text` is an expression outside the language, or one that is not real for every real x.
    """
    name, own = read_activation(text, field, parameters)
    values = Settings({**own, **settings(given, parameters)})
    if name in TABLE:
        return _member(TABLE[name], values, parameters)
    if name.isidentifier() and name != "x":
        known = [*TABLE, *ALIASES]
        raise SpecError(f"{field}: unknown activation {shown(name)}{did_you_mean(name, known) or _choices()}")
    value = _own_function(name, values, field, parameters, repr(values))
    return Activation("expression", value, outputs="unknown", from_user=True, settings=values)


@lru_cache(maxsize=256)
def _own_function(text: str, values: Settings, field: str, where: str, spelled: str) -> sp.Expr:
    """Return a user's expression in x, found to be real; a layer asks for it often, the search is long.

    `spelled` tells 1 from 1.0, which are equal as values of a parameter and not as parts of a formula.
    """
    value = own_expression(text, ("x",), values, field, where)
    require_real(value, {"x": "real"}, field=field)
    return value


def _member(entry: Activation, values: Settings, where: str) -> Activation:
    family = entry.family or Family(entry.value)
    return replace(entry, value=family.member(entry.name, values, where), settings=values)


def own_expression(text: str, variables: tuple[str, ...], values: Settings, field: str, where: str) -> sp.Expr:
    """Return a user's expression with `values` for its parameters.

    Raises:
        SpecError: a parameter does not occur in it, or is called like a variable.
        ExpressionError: the text is outside the language.
    """
    used = names_in(text, field=field)
    for name in values:
        if name in variables:
            raise SpecError(f"{where}.{name}: is a variable of the expression; expected another name")
        if name not in used:
            raise SpecError(f"{where}.{name}: does not occur in the expression {shown(text)}")
    return parse(text, variables, field=field, values=values)


def _choices() -> str:
    return f"; expected one of {', '.join(sorted(TABLE))}, or an expression in x"
