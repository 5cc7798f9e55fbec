"""Instructions: a program with one operation a line, every term computed once.

Functions that the program defines are written out, so that the way back finds what the forward pass has computed: the
exponentials of softmax, of its complement and of its logarithm are the same ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

from symmlp.errors import ProgramError
from symmlp.matrix import (
    Add,
    Call,
    Compare,
    Constant,
    Divide,
    Filled,
    Join,
    MatMul,
    Node,
    Number,
    Part,
    Power,
    Product,
    Real,
    Reduce,
    Shape,
    SizeOf,
    Transpose,
    Var,
    Where,
    rebuild,
    shape_of,
    signed,
    substitute,
    variables,
)
from symmlp.program.clipping import clipped
from symmlp.program.ir import Function, Program, Statement

ONE, ZERO = Number(Fraction(1)), Number(Fraction(0))

COMPARISONS = {"<": "less", "<=": "less_equal", ">": "greater", ">=": "greater_equal", "==": "equal", "!=": "not_equal"}


@dataclass(frozen=True)
class Instruction:
    """`target` becomes `operation` of `operands`, which are arrays, views of arrays, or numbers.

    `id` is the equation that needs it first.
    """

    operation: str
    operands: tuple[Node, ...]
    target: Var
    id: str

    @property
    def reads(self) -> set[str]:
        """The names of the arrays that it reads."""
        return {name for operand in self.operands for name in variables(operand)}

    @property
    def is_condition(self) -> bool:
        """Whether the target holds truth values."""
        return self.operation in COMPARISONS.values()


@dataclass(frozen=True)
class Sequenced:
    """A program as instructions: the pass forward, the loss, the pass back.

    `forward`, `loss` and `backward` are the statements that the instructions stand for, whose ids they carry; `places`
    says which array holds what a statement computes, where that is no array of its own.
    """

    program: Program
    forward: tuple[Instruction, ...]
    loss: tuple[Instruction, ...]
    backward: tuple[Instruction, ...]
    places: dict[str, Node]

    @property
    def instructions(self) -> tuple[Instruction, ...]:
        """All instructions in order."""
        return (*self.forward, *self.loss, *self.backward)

    def check(self) -> Sequenced:
        """Return the sequence itself, proven: every array is made once, and before it is read.

        Raises:
            ProgramError: which array is not, in which equation.
        """
        program = self.program
        known = {array.name for array in program.given}
        for each in self.instructions:
            for name in sorted(each.reads - known):
                raise ProgramError(f"{each.target.name} reads {name}, which has no value yet: equation {each.id}")
            if each.target.name in known:
                raise ProgramError(f"{each.target.name} is assigned twice: equation {each.id}")
            known.add(each.target.name)
        return self


def sequence(program: Program, library: Iterable[Function] = ()) -> Sequenced:
    """Return the program with one operation a line, its functions and those of the `library` written out.

    y = exp(x) / (1 + exp(x))   =>   y_1 = exp(x);  y_2 = y_1 + 1;  y = y_1 / y_2
    """
    functions = {function.call: function for function in (*library, *program.functions)}
    writer = _Writer(functions, set(program.gradients))
    forward = tuple(writer.statements(program.forward))
    loss = tuple(writer.statements(program.losses))
    backward = tuple(writer.statements(program.backward))
    return Sequenced(program, forward, loss, backward, writer.places)


def sequence_update(statements: Sequence[Statement], state: Iterable[str]) -> tuple[Instruction, ...]:
    """Return an optimizer's update with one operation a line; vectors of its state keep their names."""
    writer = _Writer({}, set(state))
    return tuple(writer.statements(statements))


def sequence_functions(value: Node, target: Var, library: Iterable[Function]) -> tuple[Instruction, ...]:
    """Return one expression with one operation a line, the functions of the `library` written out."""
    writer = _Writer({function.call: function for function in library}, set())
    return tuple(writer.statements([Statement(target, value)]))


@dataclass
class _Writer:
    """Takes expressions apart; `made` are the operations written so far and the arrays that hold their results."""

    functions: dict[str, Function]
    own: set[str]
    made: dict[tuple[str, tuple[Node, ...]], Var] = field(default_factory=dict)
    places: dict[str, Node] = field(default_factory=dict)
    written: list[Instruction] = field(default_factory=list)
    count: dict[str, int] = field(default_factory=dict)
    statement: Statement | None = None

    def statements(self, statements: Iterable[Statement]) -> Iterator[Instruction]:
        """Yield the instructions of statements."""
        for statement in statements:
            self.written, self.statement = [], statement
            value = self.atom(self.known(statement.value), wanted=statement.target)
            if value != statement.target:
                self.end(statement.target, value)
            yield from self.written

    def end(self, target: Var, value: Node) -> None:
        """Let the statement's target be an array that is there already, or a copy if it must be one of its own."""
        if target.name in self.own or not isinstance(value, Var):
            self.written.append(Instruction("copy", (value,), target, self.id))
        else:
            self.places[target.name] = value

    @property
    def id(self) -> str:
        """The equation that is being written."""
        assert self.statement is not None
        return self.statement.id

    def known(self, node: Node) -> Node:
        """Return the node with arrays that are others by now under those names."""
        return substitute(node, self.places, {}, {}) if self.places else node

    def atom(self, node: Node, wanted: Var | None = None) -> Node:
        """Return an operand that holds the value of the node: an array, a view of one, or a number."""
        match node:
            case Var() | Number() | Real() | Constant() | SizeOf():
                return node
            case Transpose(operand):
                return Transpose(self.atom(operand))
            case Part(operand, axis, start, size):
                return Part(self.atom(operand), axis, start, size)
            case Call(name, arguments) if name in self.functions:
                return self.called(self.functions[name], arguments, wanted)
            case _ if not variables(node) and not isinstance(node, Filled):
                return node
        operation, operands = self.operation(node)
        if operation == "copy" and wanted is None and not isinstance(node, Where):
            return operands[0]
        return self.emit(operation, operands, shape_of(node), wanted)

    def emit(self, operation: str, operands: tuple[Node, ...], shape: Shape, wanted: Var | None) -> Var:
        """Return the array that holds the operation's result, written now if it is not there yet."""
        key = (operation, operands)
        found = self.made.get(key)
        if found is not None and (wanted is None or wanted.name not in self.own):
            return found
        target = wanted or Var(self.fresh(), shape)
        self.written.append(Instruction(operation, operands, target, self.id))
        self.made.setdefault(key, target)
        return target

    def fresh(self) -> str:
        """Return a name for a term of the statement's target: Z1_1, Z1_2, ..."""
        assert self.statement is not None
        name = self.statement.target.name
        self.count[name] = self.count.get(name, 0) + 1
        return f"{name}_{self.count[name]}t"

    def called(self, function: Function, arguments: tuple[Node, ...], wanted: Var | None) -> Node:
        """Return what a function of the program gives, its body written out."""
        names: dict[str, Node] = {}
        for parameter, argument in zip(function.parameters, arguments, strict=True):
            names[parameter.name] = self.atom(argument)
        for statement in function.statements:
            names[statement.target.name] = self.atom(_in_place(statement.value, names))
        return self.atom(_in_place(function.result, names), wanted)

    def operation(self, node: Node) -> tuple[str, tuple[Node, ...]]:
        """Return the operation at the head of a node and its operands."""
        found = clipped(node)
        if found is not None:
            array, low, high = found
            return "clip", (self.atom(array), low, high)
        match node:
            case Add(terms):
                return self.sum(terms)
            case Product(factors):
                return self.product(factors)
            case Divide(top, bottom):
                return "divide", (self.atom(top), self.atom(bottom))
            case Power(base, exponent):
                return self.power(base, exponent)
            case MatMul(left, right):
                return "matmul", (self.atom(left), self.atom(right))
            case Reduce(kind, operand, axis):
                return f"{kind}_{'all' if axis is None else axis}", (self.atom(operand),)
            case Filled(value, _):
                return "copy", (self.atom(value),)
            case Join(parts, axis):
                return f"join_{axis}", tuple(self.atom(part) for part in parts)
            case Compare(relation, left, right):
                return COMPARISONS[relation], (self.atom(left), self.atom(right))
            case Where(condition, chosen, otherwise):
                return self.choice(condition, chosen, otherwise)
            case Call(name, arguments):
                return name, tuple(self.atom(argument) for argument in arguments)
            case _:
                raise ProgramError(f"no instruction for {type(node).__name__}")

    def sum(self, terms: tuple[Node, ...]) -> tuple[str, tuple[Node, ...]]:
        """Return a sum's last addition; one that starts with a negative term starts with another, if there is one."""
        parts = [signed(term) for term in terms]
        first = next((at for at, (negative, _) in enumerate(parts) if not negative), None)
        if first is None:
            return "negative", (self.atom(Add(tuple(positive for _, positive in parts))),)
        parts.insert(0, parts.pop(first))
        *before, (negative, last) = parts
        left = self.atom(_joined(before))
        return ("subtract" if negative else "add"), (left, self.atom(last))

    def product(self, factors: tuple[Node, ...]) -> tuple[str, tuple[Node, ...]]:
        """Return a product's last multiplication; numbers are multiplied first, by each other."""
        numbers = [factor for factor in factors if not variables(factor)]
        arrays = [factor for factor in factors if variables(factor)]
        if len(arrays) == 1:
            return self.scaled(numbers, arrays[0])
        *before, last = arrays
        first = before[0] if len(before) == 1 else Product(tuple(before))
        left = Product((*numbers, first)) if numbers else first
        return "multiply", (self.atom(left), self.atom(last))

    def scaled(self, numbers: list[Node], array: Node) -> tuple[str, tuple[Node, ...]]:
        """Return the product of an array with numbers."""
        if numbers == [Number(Fraction(-1))]:
            return "negative", (self.atom(array),)
        return "multiply", (self.atom(array), numbers[0] if len(numbers) == 1 else Product(tuple(numbers)))

    def power(self, base: Node, exponent: Node) -> tuple[str, tuple[Node, ...]]:
        """Return a power; squares, roots and reciprocals have operations of their own."""
        match exponent:
            case Number(value) if value == 2:
                return "square", (self.atom(base),)
            case Number(value) if value == Fraction(1, 2):
                return "sqrt", (self.atom(base),)
            case Number(value) if value == -1:
                return "divide", (ONE, self.atom(base))
            case _:
                return "power", (self.atom(base), self.atom(exponent))

    def choice(self, condition: Node, chosen: Node, otherwise: Node) -> tuple[str, tuple[Node, ...]]:
        """Return a choice; between 1 and 0 the condition is copied, which NumPy does without allocating."""
        if (chosen, otherwise) == (ONE, ZERO):
            return "copy", (self.atom(condition),)
        if chosen == otherwise:
            return "copy", (self.atom(chosen),)
        return "where", (self.atom(condition), self.atom(chosen), self.atom(otherwise))


def _joined(parts: Sequence[tuple[bool, Node]]) -> Node:
    if len(parts) == 1:
        return parts[0][1]
    return Add(tuple(Product((Number(Fraction(-1)), part)) if negative else part for negative, part in parts))


def _in_place(node: Node, names: dict[str, Node]) -> Node:
    """Return a function's line with its own names replaced by the operands that stand for them here."""
    if isinstance(node, Var):
        return names.get(node.name, node)
    return rebuild(node, lambda operand: _in_place(operand, names))


def drop_dead(sequenced: Sequenced) -> Sequenced:
    """Remove instructions whose target nothing reads.

    y_1 = exp(x);  y = x + 1;  return y   =>   y = x + 1;  return y
    """
    program = sequenced.program
    wanted = {*program.gradients, program.loss.target.name}
    prediction = sequenced.places.get(program.prediction, Var(program.prediction, ()))
    wanted |= variables(prediction)
    kept: list[Instruction] = []
    for each in reversed(sequenced.instructions):
        if each.target.name in wanted:
            kept.append(each)
            wanted |= each.reads
    alive = {each.target.name for each in kept}

    def living(instructions: Iterable[Instruction]) -> tuple[Instruction, ...]:
        return tuple(each for each in instructions if each.target.name in alive)

    return replace(
        sequenced,
        forward=living(sequenced.forward),
        loss=living(sequenced.loss),
        backward=living(sequenced.backward),
    )
