"""What the templates may use: one frozen record a template, every field of which it reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Dtype = Literal["float64", "float32"]


@dataclass(frozen=True)
class FunctionText:
    """A function of the module: its signature, its docstring and the lines of its body."""

    signature: str
    docstring: tuple[str, ...]
    body: tuple[str, ...]


@dataclass(frozen=True)
class OptimizerHead:
    """What every optimizer class of a module has: its names, its hyperparameters and the vectors of its state."""

    name: str
    class_name: str
    title: str
    defaults: str
    hyperparameters: tuple[str, ...]
    state: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class OptimizerText(OptimizerHead):
    """An optimizer class of the module, a line an equation."""

    reading: tuple[str, ...]
    lines: tuple[str, ...]


@dataclass(frozen=True)
class ParameterText:
    """A parameter's name and its shape as Python writes it."""

    name: str
    shape: str


@dataclass(frozen=True)
class MaskText:
    """Arrays that are drawn together: the probability that an entry is dropped, the shape, and (name, value) pairs.

    `arrays` gives the name of each, what it holds where an entry is kept, and where it is dropped; by the law `uniform`
    they are the ends of the interval from which it is drawn, by the law `normal` its deviation and its mean.
    """

    rate: str
    width: int
    arrays: tuple[tuple[str, str, str], ...]
    law: str


@dataclass(frozen=True)
class InitializerText:
    """How weights are drawn: the scale as formula and as code in m inputs and n outputs, and what biases are.

    `kept` is the standard deviation that truncation leaves of 1.
    """

    name: str
    distribution: str
    formula: str
    scale: str
    sizes: str
    biases: str
    kept: str


@dataclass(frozen=True)
class StatisticText:
    """A running statistic: its array, number of entries, first value, and what it becomes as formula and as code."""

    name: str
    size: int
    start: str
    formula: str
    value: str


@dataclass(frozen=True)
class ConstraintText:
    """What weights W become after an update, as formula and as code, and whether the norm r of a row is in it."""

    formula: str
    value: str
    has_norm: bool


@dataclass(frozen=True)
class ErrorFunctions:
    """Coefficients of the module's error functions, as Python writes them, and whether it splits numbers in halves."""

    near: tuple[str, ...]
    far: tuple[str, ...]
    scaled: tuple[str, ...]
    splits: bool


@dataclass(frozen=True)
class RoutineText:
    """What is computed beyond loss and gradient: what its body reads first, its lines, what it gives back."""

    name: str
    reading: tuple[str, ...]
    lines: tuple[str, ...]
    result: tuple[str, ...]


@dataclass(frozen=True)
class ModuleContext:
    """What every template of a training module uses."""

    version: str
    template: str
    engine: str
    checked: str
    compares_compiled: bool
    digest: str
    dtype: str
    description: str
    notation: tuple[str, ...]
    cost: tuple[str, ...]
    spec: str
    inputs: int
    outputs: int
    n_params: int
    parameters: tuple[ParameterText, ...]
    starts: tuple[tuple[str, str], ...]
    initializer: InitializerText
    layers: tuple[tuple[str, int], ...]
    masks: tuple[MaskText, ...]
    drawn: tuple[str, ...]
    keep_all: tuple[str, ...]
    constants: tuple[str, ...]
    statistics: tuple[StatisticText, ...]
    prediction_kind: str
    target_kind: str
    weighted: bool
    one_class: bool
    projects: bool
    ignored: str
    default_optimizer: str
    takes_zero: bool
    error_functions: ErrorFunctions | None
    functions: tuple[FunctionText, ...]
    masks_unpacking: tuple[str, ...]
    routines: tuple[RoutineText, ...]
    gauss_newton_at: str
    penalized: bool
    almost_everywhere: bool
    needs_direction: bool
    averages: str
    constraint: ConstraintText | None


@dataclass(frozen=True)
class EquationsContext(ModuleContext):
    """What a template with a line an equation uses."""

    unpacking: tuple[str, ...]
    forward: tuple[str, ...]
    forward_result: tuple[str, ...]
    loss_reading: tuple[str, ...]
    loss: tuple[str, ...]
    backward_reading: tuple[str, ...]
    backward: tuple[str, ...]
    gradient_result: tuple[str, ...]


@dataclass(frozen=True)
class Context(EquationsContext):
    """Everything that the plain template may use; each field is used, and nothing else is there."""

    optimizers: tuple[OptimizerText, ...]


@dataclass(frozen=True)
class ElementaryText:
    """Constants of exp and tanh, as Python writes them; p and q as Horner's scheme."""

    exp: tuple[str, ...]
    tanh: tuple[str, ...]
    log2_e: str
    ln2_high: str
    ln2_low: str
    lowest: str
    highest: str
    rounder: str
    near: str
    mantissa: int
    bias: int
    bits: str


@dataclass(frozen=True)
class KernelText:
    """A compiled loop: the lines of its head and of its body."""

    head: tuple[str, ...]
    lines: tuple[str, ...]


@dataclass(frozen=True)
class CompiledOptimizerText(OptimizerHead):
    """An optimizer class whose update is one compiled loop."""

    notes: tuple[str, ...]
    scalars: tuple[str, ...]
    arguments: str
    call: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class CompiledContext(EquationsContext):
    """Everything that the Numba template may use: the reference, and the compiled loops."""

    elementary: ElementaryText
    kernels: tuple[KernelText, ...]
    views: tuple[str, ...]
    width: int
    conditions_width: int
    large: str
    compiled_forward: tuple[str, ...]
    compiled_loss: tuple[str, ...]
    compiled_backward: tuple[str, ...]
    compiled_optimizers: tuple[CompiledOptimizerText, ...]


@dataclass(frozen=True)
class BufferedOptimizerText(OptimizerHead):
    """An optimizer class whose update runs over blocks."""

    scratch: tuple[str, ...]
    vectors: str
    reading: tuple[str, ...]
    keeps_gradient: bool
    scalars: tuple[str, ...]
    numbers: tuple[tuple[str, str], ...]
    lines: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class BufferedContext(ModuleContext):
    """Everything that the buffered template may use; `plain_...` is the pass forward that routines begin with."""

    plain_unpacking: tuple[str, ...]
    plain_forward: tuple[str, ...]
    plain_result: tuple[str, ...]
    tables: tuple[str, ...]
    numbers: tuple[str, ...]
    ones: tuple[int, ...]
    reading: tuple[str, ...]
    forward_reading: tuple[str, ...]
    loss_arguments: str
    loss_reading: tuple[str, ...]
    backward_reading: tuple[str, ...]
    gradient_unpacking: tuple[str, ...]
    forward: tuple[str, ...]
    loss: tuple[str, ...]
    backward: tuple[str, ...]
    prediction: str
    optimizers: tuple[BufferedOptimizerText, ...]


@dataclass(frozen=True)
class ElementwiseContext:
    """Everything that the template of a single function may use."""

    version: str
    error_functions: ErrorFunctions | None
    functions: tuple[FunctionText, ...]
