"""Functions of rows with fewer passes over their arrays, for code in which every operation is a pass.

With D = Z - rowmax(Z), e^D is exactly 1 at the maximum, where D = 0. Two identities follow, neither of which cancels
more than what it replaces:

    Σ (e^D where D < 0)  =  Σ (e^D - [D = 0])
    P (1 - Y) - Y (1 - P)  =  (e^D - Y - Y t) / Σ e^D,  t = Σ e^D - 1 as the sum over the other entries

In the second, e^D - Y is what 1 - Y was at the maximum, and elsewhere there is nothing that could cancel.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from symmlp.matrix import Add, Call, Compare, Divide, Node, Number, Product, Reduce, Var, Where, rebuild, signed
from symmlp.program.ir import Function, Program, Statement

ZERO, ONE, MINUS = Number(Fraction(0)), Number(Fraction(1)), Number(Fraction(-1))


def lean_rows(program: Program) -> Program:
    """Return the program with what stands at the left of the identities written as at the right."""
    functions = tuple(map(_with_ones_taken_off, program.functions))
    found = ((each.call, _difference(each)) for each in functions)
    differences = {call: each for call, each in found if each is not None}
    predictions = {statement.target.name: statement.value for statement in program.forward}

    def changed(node: Node) -> Node:
        joined = _joined(node, predictions, differences)
        return rebuild(node, changed) if joined is None else joined

    backward = tuple(replace(each, value=changed(each.value)) for each in program.backward)
    return replace(program, functions=(*functions, *differences.values()), backward=backward)


def _with_ones_taken_off(function: Function) -> Function:
    """Return the function with the first identity applied to its sums of e^D below the maximum."""
    shifted = {each.target.name for each in function.statements if _is_shifted(each.value)}

    def changed(node: Node) -> Node:
        match node:
            case Where(Compare("<", Var(name) as D, zero), Call("exp", (Var(of),)) as power, otherwise) if (
                name == of and name in shifted and zero == otherwise == ZERO
            ):
                return Add((power, Product((MINUS, Where(Compare("==", D, ZERO), ONE, ZERO)))))
            case _:
                return rebuild(node, changed)

    return replace(function, statements=tuple(replace(each, value=changed(each.value)) for each in function.statements))


def _is_shifted(value: Node) -> bool:
    """Return whether the value is an array less the maximum of its rows."""
    match value:
        case Add((array, Product((minus, Reduce("max", other, 1))))):
            return array == other and minus == MINUS
        case _:
            return False


def _difference(complement: Function) -> Function | None:
    """Return for the complement of a row function the function that computes P - Y of Z and Y."""
    names = {each.target.name: each.target for each in complement.statements}
    match complement.result:
        case Divide(
            Add((Var(o), Add((Var(m), Product((minus, Call("exp", (Var(D),)))))))), Add((Var(m_), Var(o_)))
        ) if (m, o, minus) == (m_, o_, MINUS) and {D, m, o} <= names.keys():
            pass
        case _:
            return None
    (rows,) = complement.parameters
    targets, rest = Var("Y", rows.shape), Var("t", names[o].shape)
    power = Call("exp", (names[D],))
    less = Add((power, Product((MINUS, targets)), Product((MINUS, targets, rest))))
    return Function(
        f"{complement.call}_less_targets",
        f"{complement.name}_less_targets",
        (rows, targets),
        (*complement.statements, Statement(rest, Add((names[o], Add((names[m], MINUS)))))),
        Divide(less, Reduce("sum", power, 1)),
    )


def _joined(node: Node, predictions: dict[str, Node], differences: dict[str, Function]) -> Node | None:
    """Return the right-hand side of the second identity, or of its negative, if the node is its left-hand side."""
    if not isinstance(node, Add) or len(node.terms) != 2:
        return None
    terms = dict(map(signed, node.terms))
    if terms.keys() != {False, True}:
        return None
    for is_negative in (False, True):
        match terms[is_negative], terms[not is_negative]:
            case Product((Var(p), rest)), Product((Var() as Y, Call(name, (Z,)))) if (
                name in differences
                and rest == Add((ONE, Product((MINUS, Y))))
                and predictions.get(p) == Call(name.removesuffix("_complement"), (Z,))
            ):
                difference = Call(differences[name].call, (Z, Y))
                return Product((MINUS, difference)) if is_negative else difference
            case _:
                pass
    return None
