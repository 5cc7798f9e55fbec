"""The activations by name: forward definitions only.

Slopes, stable forms and kinks are derived from `value`; nothing in this table is differentiated by hand.
Formulas and defaults follow PyTorch where it has the function; otherwise JAX (squareplus, sparse_plus, sparse_sigmoid)
or the paper that is named. Whether a border is written with max and min or with a condition decides the slope at a
kink: between max or min branches it is the smallest subgradient, at a condition the branch that holds.
"""

from __future__ import annotations

from fractions import Fraction

import sympy as sp

from symmlp.catalog.activation import Activation, Learned, Outputs, x
from symmlp.catalog.entries import Entries
from symmlp.catalog.extremes import larger, smaller
from symmlp.catalog.parameters import Family, Parameter
from symmlp.catalog.projection import in_support, projection
from symmlp.notation import Z, batch, column, n, other

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
        "sparsemax": lambda name: Activation(
            name,
            projection(),
            outputs="nonnegative",
            acts_on="row",
            note="the Euclidean projection on the simplex (Martins and Astudillo, 2016)",
            where=(("s(Z[p,i])", in_support()),),
            is_projection=True,
        ),
    }
)
