"""Trees whose texts are easily printed wrongly, and arrays to compute them with."""

from __future__ import annotations

from symmlp.matrix import (
    Add,
    Call,
    Compare,
    Divide,
    Filled,
    MatMul,
    Node,
    Power,
    Product,
    Real,
    Reduce,
    SizeOf,
    Transpose,
    Var,
    Where,
)
from tests.printing.evaluation import Value, drawn, number

a, b, c = (Var(name, ("N", "n")) for name in "abc")
v, u, s = Var("v", ("n",)), Var("u", ("N", 1)), Var("s", ())
W = Var("W", ("n", "n"))
ARRAYS = {each.name: each for each in (a, b, c, v, u, s, W)}


def values(positive: bool = False) -> dict[str, Value]:
    """Return arrays of all the names, their entries of either sign unless `positive`."""
    return {name: drawn(each.shape, seed, positive=positive) for seed, (name, each) in enumerate(ARRAYS.items())}


MINUS = number(-1)


def minus(node: Node) -> Node:
    """Return -node."""
    return Product((MINUS, node))


TRAPS: dict[str, Node] = {
    "(a - b) - c": Add((Add((a, minus(b))), minus(c))),
    "a - (b - c)": Add((a, minus(Add((b, minus(c)))))),
    "a - (b + c)": Add((a, minus(Add((b, c))))),
    "-(a + b)": minus(Add((a, b))),
    "-a + b": Add((minus(a), b)),
    "-(-a)": minus(minus(a)),
    "a / (b / c)": Divide(a, Divide(b, c)),
    "(a / b) / c": Divide(Divide(a, b), c),
    "a * (b / c)": Product((a, Divide(b, c))),
    "(a / b) * c": Product((Divide(a, b), c)),
    "a / (b * c)": Divide(a, Product((b, c))),
    "(a * b) / c": Divide(Product((a, b)), c),
    "a * (b + c)": Product((a, Add((b, c)))),
    "a / (b + c)": Divide(a, Add((b, c))),
    "(a + b) / c": Divide(Add((a, b)), c),
    "-(a / b)": minus(Divide(a, b)),
    "-a / b": Divide(minus(a), b),
    "a / -b": Divide(a, minus(b)),
    "a * -b": Product((a, minus(b))),
    "-(a**2)": minus(Power(a, number(2))),
    "(-a)**2": Power(minus(a), number(2)),
    "(a**3)**2": Power(Power(a, number(3)), number(2)),
    "a**(3**2)": Power(a, Power(number(3), number(2))),
    "(a * b)**2": Power(Product((a, b)), number(2)),
    "(a + b)**3": Power(Add((a, b)), number(3)),
    "a**-2": Power(a, number(-2)),
    "2 * a**2": Product((number(2), Power(a, number(2)))),
    "-2 * a**2": Product((number(-2), Power(a, number(2)))),
    "(1/3) * a": Product((number("1/3"), a)),
    "a / (1/3)": Divide(a, number("1/3")),
    "a + -1/3": Add((a, number("-1/3"))),
    "a * -1/3": Product((a, number("-1/3"))),
    "(-1/3)**2": Power(number("-1/3"), number(2)),
    "(1/3)**3": Power(number("1/3"), number(3)),
    "(-0.5)**2": Power(Real(-0.5), number(2)),
    "a - -0.5": Add((a, minus(Real(-0.5)))),
    "-0.25 * a": Product((Real(-0.25), a)),
    "a @ W @ W": MatMul(MatMul(a, W), W),
    "a @ (W @ W)": MatMul(a, MatMul(W, W)),
    "(a * b) @ W": MatMul(Product((a, b)), W),
    "(a + b) @ W": MatMul(Add((a, b)), W),
    "a @ (W * W)": MatMul(a, Product((W, W))),
    "a @ (W / 2)": MatMul(a, Divide(W, number(2))),
    "a * (b @ W)": Product((a, MatMul(b, W))),
    "(a @ W) * b": Product((MatMul(a, W), b)),
    "a / (b @ W)": Divide(a, MatMul(b, W)),
    "(a @ W) / b": Divide(MatMul(a, W), b),
    "(a @ W)**2": Power(MatMul(a, W), number(2)),
    "-(a @ W)": minus(MatMul(a, W)),
    "(a @ W).T @ b": MatMul(Transpose(MatMul(a, W)), b),
    "(a + b).T": Transpose(Add((a, b))),
    "(-a).T": Transpose(minus(a)),
    "(a**2).T": Transpose(Power(a, number(2))),
    "a.T @ b": MatMul(Transpose(a), b),
    "(-a).sum(axis=0)": Reduce("sum", minus(a), 0),
    "(a**2).sum(axis=1)": Reduce("sum", Power(a, number(2)), 1),
    "(a @ W).max(axis=1)": Reduce("max", MatMul(a, W), 1),
    "(a + v).sum()": Reduce("sum", Add((a, v)), None),
    "a - a.max(axis=1)": Add((a, minus(Reduce("max", a, 1)))),
    "sum(a) / (N * n)": Divide(Reduce("sum", a, None), Product((SizeOf("N"), SizeOf("n")))),
    "a + v": Add((a, v)),
    "a * u": Product((a, u)),
    "u / a": Divide(u, a),
    "exp(a - b)": Call("exp", (Add((a, minus(b))),)),
    "exp(a)**2": Power(Call("exp", (a,)), number(2)),
    "max(a - b, c)": Call("max", (Add((a, minus(b))), c)),
    "where(a + b > c - v, a - b, c / v)": Where(
        Compare(">", Add((a, b)), Add((c, minus(v)))), Add((a, minus(b))), Divide(c, v)
    ),
    "where(...) * a - b": Add((Product((Where(Compare("<", a, b), a, b), c)), minus(b))),
    "where(a > 0, 1, 0) * b": Product((Where(Compare(">", a, number(0)), number(1), number(0)), b)),
    "where(a >= 0, 1/2, -1) + b": Add((Where(Compare(">=", a, number(0)), number("1/2"), number(-1)), b)),
    "-where(a > 0, 1, 0)": minus(Where(Compare(">", a, number(0)), number(1), number(0))),
    "where(a == a, a, b)": Where(Compare("==", a, a), a, b),
    "nested where": Where(Compare("<=", a, number(0)), minus(a), Where(Compare(">", b, number(1)), b, a)),
    "filled": Filled(Divide(number(1), Product((SizeOf("N"), SizeOf("n")))), ("N", "n")),
    "filled times a": Product((Filled(number("-1/3"), ("N", "n")), a)),
    "long fraction": Product((number("123456789/1000000007"), a)),
    "large number": Product((number(10**25), a)),
    "small number": Add((a, number("1/1000000000000000000000000000000"))),
}
