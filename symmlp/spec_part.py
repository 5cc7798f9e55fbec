"""Parts of a spec: frozen, validated, and every fault told in one line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, ClassVar, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    ValidationError,
    ValidationInfo,
    WithJsonSchema,
)

from symmlp.catalog.parameters import Settings, settings
from symmlp.errors import SpecError, SymmlpError, did_you_mean, shown

MAX_LAYERS = 10_000
MAX_UNITS = 10**9
MAX_WEIGHTS = 10**11
"""How many entries one matrix of weights may have: 0.8 TB of float64."""

Units = Annotated[int, Field(strict=True, ge=1, le=MAX_UNITS)]


class Part(BaseModel):
    """A frozen part of a spec; every validation error comes out as one line of SpecError."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    parts: ClassVar[Mapping[str, type[Part]]] = {}
    """What this part holds, by type."""

    def __init__(self, /, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise SpecError(_first_line(error, type(self))) from None

    @classmethod
    def model_validate(cls, obj: Any, **options: Any) -> Self:
        """Return the part that the mapping `obj` describes; raises SpecError with one line."""
        if isinstance(obj, cls):
            return obj
        try:
            return super().model_validate(obj, **options)
        except ValidationError as error:
            raise SpecError(_first_line(error, cls)) from None


def _settings(values: Any, info: ValidationInfo) -> Settings:
    return settings(values, info.field_name or "parameters")


Parameters = Annotated[
    Settings,
    PlainValidator(_settings),
    PlainSerializer(dict),
    WithJsonSchema({"type": "object", "additionalProperties": {"type": "number"}}),
]
"""Finite numbers by name."""


LEAST, LARGEST = 1e-30, 1e30
"""Given numbers are at most so large, divisors at least so small: float32 holds both."""


ABOVE_ZERO = ("scale", "class_weights")
"""Fields whose numbers are above 0."""


def _numbers(values: Any, info: ValidationInfo) -> float | tuple[float, ...]:
    field, least = info.field_name or "numbers", LEAST if info.field_name in ABOVE_ZERO else -LARGEST
    entries = values if isinstance(values, list | tuple) else [values]
    for place, value in enumerate(entries, start=1):
        where = f"{field}[{place}]" if isinstance(values, list | tuple) else field
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= LARGEST:
            raise SpecError(f"{where}: expected a number from {least} to {LARGEST}, got {shown(value)}")
    numbers = tuple(float(value) for value in entries)
    return numbers if isinstance(values, list | tuple) else numbers[0]


Numbers = Annotated[
    float | tuple[float, ...],
    PlainValidator(_numbers),
    PlainSerializer(lambda numbers: list(numbers) if isinstance(numbers, tuple) else numbers),
    WithJsonSchema({"anyOf": [{"type": "number"}, {"type": "array", "items": {"type": "number"}}]}),
]
"""One number, or a list of one number a unit; what is called scale is above 0."""


def _number_list(values: Any, info: ValidationInfo) -> tuple[float, ...]:
    if not isinstance(values, list | tuple):
        raise SpecError(f"{info.field_name}: expected a list of numbers, got {shown(values)}")
    numbers = _numbers(values, info)
    assert isinstance(numbers, tuple)
    return numbers


NumberList = Annotated[
    tuple[float, ...],
    PlainValidator(_number_list),
    PlainSerializer(list),
    WithJsonSchema({"type": "array", "items": {"type": "number", "minimum": LEAST, "maximum": LARGEST}}),
]
"""A list of numbers above 0."""


def each_of(numbers: float | tuple[float, ...], count: int) -> tuple[float, ...]:
    """Return one number a unit, the same for all if there is one number only."""
    return numbers if isinstance(numbers, tuple) else (numbers,) * count


def with_settings(values: Any, field: str, parameters: str, read: Callable[[str], tuple[str, Settings]]) -> Any:
    """Return the values with `leaky_relu(alpha=0.2)` taken apart, and aliases resolved."""
    text = values.get(field) if isinstance(values, dict) else None
    if not isinstance(text, str):
        return values
    name, given = read(text)
    named = settings(values.get(parameters, {}), parameters)
    for key in given:
        if key in named:
            raise SpecError(f"{parameters}.{key}: is given twice; expected it in {field} or in {parameters}")
    return {**values, field: name, parameters: {**given, **named}}


def _first_line(error: ValidationError, part: type[Part]) -> str:
    """Return the first fault of `error` as `field: found, expected`, naming layers by their number from 1."""
    fault = error.errors(include_url=False)[0]
    location, own = _without_kinds(fault["loc"], part)
    cause = fault.get("ctx", {}).get("error")
    place = _place(location)
    if isinstance(cause, SymmlpError):
        inner = str(cause)
        # A part checked as a whole is named by its number; a field that is checked names itself.
        head = place if location and isinstance(location[-1], int) else place.rpartition(".")[0]
        return f"{head}.{inner}" if head else inner
    found = shown(fault["input"])
    match fault["type"]:
        case "missing":
            return f"{place}: missing key {shown(str(location[-1]))}"
        case "extra_forbidden":
            key = str(location[-1])
            place = _place((*location[:-1], _printable(key)))
            hint = did_you_mean(key, own.model_fields) or f"; expected one of {', '.join(own.model_fields)}"
            return f"{place}: unknown key {shown(key)}{hint}"
        case "union_tag_invalid":
            kind = fault["ctx"]["tag"]
            hint = did_you_mean(kind, part.parts) or f"; expected one of {', '.join(part.parts)}"
            return f"{place}.type: unknown layer type {shown(kind)}{hint}"
        case "union_tag_not_found":
            return f"{place}: expected a mapping of keys, got {found}"
        case "int_type" | "greater_than_equal" | "less_than_equal" | "int_from_float" | "int_parsing" if _is_whole(
            own, location
        ):
            return f"{place}: must be a positive integer up to {MAX_UNITS}, got {found}"
        case "int_type" | "int_from_float" | "int_parsing":
            return f"{place}: expected a whole number, got {found}"
        case "too_short":
            return f"{place}: expected at least one layer, got none"
        case "too_long":
            return f"{place}: expected at most {MAX_LAYERS} layers"
        case _ if location and location[0] == "kinks":
            return f"kinks: expected smallest, left, right, middle or a number from 0 to 1, got {found}"
        case "literal_error":
            return f"{place}: expected {fault['ctx']['expected']}, got {found}"
        case "invalid_key" | "string_unicode":
            return f"spec: unknown key {found}; expected one of {', '.join(part.model_fields)}"
        case "string_type":
            return f"{place}: expected a text, got {found}"
        case "bool_type":
            return f"{place}: expected true or false, got {found}"
        case "tuple_type":
            return f"{place}: expected a list of layers, got {found}"
        case _ if location and str(location[-1]) in own.model_fields:
            return f"{place}: expected {own.model_fields[str(location[-1])].description}; got {found}"
        case _:
            return f"{place or 'spec'}: expected a mapping of keys, got {found}"


def _is_whole(own: type[Part], location: tuple[int | str, ...]) -> bool:
    """Return whether the field at fault is a number of units."""
    return str(location[-1]) in ("units", "inputs")


def _without_kinds(location: tuple[int | str, ...], part: type[Part]) -> tuple[tuple[int | str, ...], type[Part]]:
    """Return the location without the type that pydantic puts behind a layer's number, and the part at fault."""
    for at, step in enumerate(location[:-1]):
        kind = location[at + 1]
        if isinstance(step, int) and isinstance(kind, str) and kind in part.parts:
            return (*location[: at + 1], *location[at + 2 :]), part.parts[kind]
    return location, part


def _printable(key: str) -> str:
    """Return a key as it may stand at the head of a message: itself if it is plain, else quoted and shortened."""
    return key if key.isidentifier() and key.isascii() and len(key) <= 64 else shown(key)


def _place(location: tuple[int | str, ...]) -> str:
    place = ""
    for step in location:
        place += f"[{step + 1}]" if isinstance(step, int) else f".{step}" if place else step
    return place
