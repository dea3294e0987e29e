"""Numbers, strings and lists that fit a JSON Schema's bounds, lengths and patterns. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from .json_schema import Schema, type_of

_LONGEST_RUN: Final = 64  # characters, of a string that is one character repeated


def number_check(schema: Schema) -> Callable[[float], bool]:
    """Return what says whether a number is of a schema."""
    low, high = _bounds(schema)
    step = schema.get("multipleOf")

    def fits(number: float) -> bool:
        return (
            math.isfinite(number)
            and low <= number <= high
            and number not in (schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum"))
            and (type_of(schema) != "integer" or number == int(number))
            and (not step or abs(number / step - round(number / step)) < 1e-9)
        )

    return fits


def near_zero(schema: Schema) -> list[float]:
    """Return numbers among which one fits, if any does; those nearest to 0 first."""
    bounds = [bound for bound in _bounds(schema) if math.isfinite(bound)]
    step = schema.get("multipleOf") or 1
    near: list[float] = [0, *bounds]
    if len(bounds) == 2:
        near.append(sum(bounds) / 2)
    for bound in bounds:
        near += [(math.floor(bound / step) + offset) * step for offset in (-1, 0, 1, 2)]
    return sorted(near, key=abs)


def as_number(number: float, schema: Schema) -> float:
    """Return the number, an int where the schema is of integers."""
    return int(number) if type_of(schema) == "integer" else number


def sized(text: str, schema: Schema) -> str:
    """Return a string of the length that a schema asks for: cut, or filled up with full stops."""
    return text[: schema.get("maxLength")].ljust(schema.get("minLength", 0), ".")


def patterned(schema: Schema, text: str, default: str) -> str:
    """Return a string that the schema's pattern matches.

    Args:
        schema: A schema with a `pattern`.
        text: Where a match is looked for first; a run of one character comes next.
        default: What is returned where nothing matches.
    """
    plain = sized(default, schema)
    try:
        pattern = re.compile(schema["pattern"])
        inner = re.compile(schema["pattern"].removeprefix("^").removesuffix("$"))
    except re.error:
        return plain
    matches = [match.group() for match in inner.finditer(text)]
    runs = (char * size for size in range(_LONGEST_RUN) for char in "0aA")
    fitting = (each for each in (*matches, plain, *runs) if pattern.search(each) and each == sized(each, schema))
    return next(fitting, plain)


def distinct(values: Sequence[Any], schema: Schema, least: int) -> list[Any]:
    """Return the values without repetition, and as many more of the schema as `least` asks for."""
    more: Iterator[Any] = iter(())
    if schema.get("enum"):
        more = iter(schema["enum"])
    elif type_of(schema) in ("integer", "number"):
        around = [edge + offset for edge in near_zero(schema) for offset in range(-least, least + 1)]
        more = filter(number_check(schema), around)
    elif type_of(schema) == "string":
        more = (sized(str(number), schema) for number in range(2 * least))
    unique: list[Any] = []
    for value in (*values, *more):
        if value not in unique and len(unique) < max(least, len(values)):
            unique.append(value)
    return unique


def _bounds(schema: Schema) -> tuple[float, float]:
    def numbers(*names: str) -> list[float]:
        return [schema[name] for name in names if isinstance(schema.get(name), int | float)]

    low = max(numbers("minimum", "exclusiveMinimum"), default=-math.inf)
    return low, min(numbers("maximum", "exclusiveMaximum"), default=math.inf)
