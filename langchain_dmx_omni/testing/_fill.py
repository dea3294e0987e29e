"""A JSON schema and a text → a value of the schema, made of what the text offers. Pure.

Required fields are always filled; optional ones, and those that may be null, only if the text gives a value for them:
by name, as one of an enum's values, or in the format. Where nothing is required, fields take whatever the text offers.

- numbers: the text's, in order; else the default, else the nearest to 0 that the bounds allow;
- enums: the value that the text mentions first; else the default, else the first;
- booleans: whether the text mentions the field, and does not deny it;
- strings: the value given by name, else the next quoted words, else the next name or topic (``San Francisco, CA``; what
  follows ``about``, ``for``…), else the telling words of the text;
- arrays: all numbers, quoted words or enum values that are left; else one item;
- objects with numbers called ``start`` and ``end``: a part of the clip that came along, and words that say so; in an
  array, one for each part.

The value is always valid by the schema's types, ``$ref``, ``anyOf``, ``oneOf``, ``allOf``, ``enum``, ``const``, bounds,
lengths and common formats. A ``pattern`` is met by a match in the text or by a run of one character; others are not.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from langchain_dmx_omni.testing._clues import FORMATS, Clues

Schema = Mapping[str, Any]

_SPAN: Final = ("start", "end")
_DEEP: Final = 4  # levels after which only what is required is built
_DEEPEST: Final = 24  # levels after which a schema that requires itself is given up
_TYPES: Final[Mapping[str, tuple[type, ...]]] = {
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "string": (str,),
    "array": (list,),
    "object": (dict,),
    "null": (type(None),),
}


def fill(schema: Schema, clues: Clues) -> Any:
    """A value of the schema.

    Args:
        schema: JSON Schema; references point into it.
        clues: What the text offers; what is used is taken out.
    """
    return _Filler(schema, clues).value(schema, "", 0)


def field_names(schema: Schema) -> list[str]:
    """The names of all fields of a schema, nested ones included."""
    return [name for name, _ in _Filler(schema, Clues("")).fields(schema, 0)]


def enum_values(schema: Schema) -> list[str]:
    """The strings that a schema's fields choose from."""
    fields = _Filler(schema, Clues("")).fields(schema, 0)
    return [value for _, field in fields for value in field.get("enum", ()) if isinstance(value, str)]


class _Filler:
    """Fills one schema; references point into its root."""

    def __init__(self, root: Schema, clues: Clues) -> None:
        self._root = root
        self._clues = clues
        self._makers: dict[str, Callable[[Schema, str, int], Any]] = {
            "null": lambda _schema, _key, _depth: None,
            "boolean": self._boolean,
            "integer": self._number,
            "number": self._number,
            "string": self._string,
            "array": self._array,
            "object": self._object,
        }

    def value(self, schema: object, key: str, depth: int) -> Any:
        """A value for a field; ``key`` is its name."""
        schema = self._resolved(schema)
        if "const" in schema:
            return schema["const"]
        if schema.get("enum"):
            return self._enum(schema)
        variants = self._variants(schema)
        if variants == [schema]:
            return self._makers[_kind(schema)](schema, key, depth) if depth < _DEEPEST else None
        kinds = [_kind(each) for each in variants]
        given = [each for each, kind in zip(variants, kinds, strict=True) if kind != "null" and self._given(each, key)]
        if not given and "null" in kinds:
            return schema.get("default")
        flat = [each for each in variants if _kind(each) not in ("object", "array")] if depth > _DEEP else []
        return self.value((given or flat or self._likely(variants))[0], key, depth + 1)

    def fields(self, schema: object, depth: int) -> Iterator[tuple[str, Schema]]:
        """The fields of a schema, name and each of its alternatives."""
        for variant in self._variants(self._resolved(schema)):
            nested = list(variant.get("properties", {}).items())
            for name, field in nested:
                yield from ((name, each) for each in self._variants(self._resolved(field)))
            if depth < _DEEP:
                for inner in [*(field for _, field in nested), variant.get("items")]:
                    yield from self.fields(inner, depth + 1)

    def _given(self, schema: object, key: str, depth: int = 0) -> bool:
        """Whether the text gives a value for a field."""
        schema = self._resolved(schema)
        if "const" in schema or depth > _DEEP:
            return False
        if schema.get("enum"):
            return any(self._clues.mentions(value) >= 0 for value in schema["enum"] if value is not None)
        variants = self._variants(schema)
        if len(variants) > 1:
            return any(self._given(each, key, depth + 1) for each in variants)
        match _kind(schema):
            case "boolean":
                return self._clues.affirms(key) is not None
            case "integer" | "number":
                return self._clues.named_number(key, _fits(schema)) is not None
            case "object":
                fields = schema.get("properties", {}).items()
                return any(self._given(field, name, depth + 1) for name, field in fields)
            case "string":
                return bool(self._clues.formatted(schema.get("format", "")) or self._clues.named(key))
            case "array":
                return bool(self._clues.named(key))
        return False

    def _likely(self, variants: Sequence[Schema]) -> Sequence[Schema]:
        """Numbers where the text has one left, else what comes first."""
        numeric = [each for each in variants if _kind(each) in ("integer", "number")]
        return numeric if numeric and self._clues.has_number else variants

    def _resolved(self, schema: object) -> Schema:
        """The schema with its references and ``allOf`` parts merged in."""
        merged: Schema = schema if isinstance(schema, Mapping) else {}
        for _ in range(_DEEPEST):
            if isinstance(merged.get("$ref"), str):
                parts: Sequence[Any] = [self._referred(merged["$ref"])]
            elif merged.get("allOf"):
                parts = merged["allOf"]
            else:
                return merged
            merged = {name: value for name, value in merged.items() if name not in ("$ref", "allOf")}
            for part in parts:
                merged = _merged(part, merged) if isinstance(part, Mapping) else merged
        return {}

    def _referred(self, reference: str) -> object:
        found: object = self._root
        for step in filter(None, reference.removeprefix("#").split("/")):
            found = found.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(found, Mapping) else None
        return found

    def _variants(self, schema: Schema) -> list[Schema]:
        """The schema, or its alternatives: of ``anyOf``, of ``oneOf``, or of a list of types."""
        for name in ("anyOf", "oneOf"):
            if schema.get(name):
                around = {each: value for each, value in schema.items() if each != name}
                return [each for part in schema[name] for each in self._variants(_merged(self._resolved(part), around))]
        if isinstance(schema.get("type"), list):
            return [{**schema, "type": kind} for kind in schema["type"]]
        return [schema]

    # --- one maker a type ---------------------------------------------------------------------------------------------

    def _enum(self, schema: Schema) -> Any:
        values = [each for each in schema["enum"] if _is_of(each, schema.get("type"))] or schema["enum"]
        told = [(self._clues.mentions(value), index) for index, value in enumerate(values) if value is not None]
        if said := [pair for pair in told if pair[0] >= 0]:
            return values[min(said)[1]]
        return schema["default"] if schema.get("default", ...) in values else values[0]

    def _boolean(self, schema: Schema, key: str, _depth: int) -> bool:
        said = self._clues.affirms(key)
        return bool(schema.get("default", False)) if said is None else said

    def _number(self, schema: Schema, key: str, _depth: int) -> float:
        fits = _fits(schema)
        for found in (self._clues.named_number(key, fits), self._clues.number(fits), schema.get("default")):
            if isinstance(found, int | float) and not isinstance(found, bool) and fits(found):
                return _whole(found, schema)
        return _whole(next(filter(fits, _near_zero(schema)), 0), schema)

    def _string(self, schema: Schema, key: str, _depth: int) -> str:
        clues, format = self._clues, schema.get("format")
        if format in FORMATS:
            return clues.formatted(format) or FORMATS[format][1]
        if isinstance(schema.get("pattern"), str):
            return _patterned(schema, clues)
        default = schema.get("default")
        said = clues.named(key) or (default if isinstance(default, str) else None) or clues.phrase()
        return _sized(said or clues.rest or key, schema)

    def _array(self, schema: Schema, key: str, depth: int) -> list[Any]:
        least, most = schema.get("minItems", 0), schema.get("maxItems", math.inf)
        items, fixed = schema.get("items", {}), schema.get("prefixItems", ())
        found = [self.value(part, key, depth + 1) for part in fixed]
        if items is not False:
            if ("items" in schema or not fixed) and len(found) < most and (depth <= _DEEP or len(found) < least):
                found += self._items(items, key, depth)
            while len(found) < min(least, most):
                found.append(self.value(items, key, depth + 1))
        if schema.get("uniqueItems"):
            found = _distinct(found, self._resolved(items), least)
        return found[: int(most)] if most < math.inf else found

    def _items(self, items: object, key: str, depth: int) -> list[Any]:
        """All that the text offers for the items of an array; one if it offers nothing."""
        schema = self._resolved(items)
        if schema.get("enum"):
            told = sorted((self._clues.mentions(value), index) for index, value in enumerate(schema["enum"]))
            return [schema["enum"][index] for at, index in told if at >= 0] or [schema["enum"][0]]
        match _kind(schema) if len(self._variants(schema)) == 1 and "const" not in schema else "":
            case "object" if self._clues.spans and _is_span(schema):
                return [self.value(self._during(schema, span), key, depth + 1) for span in self._clues.spans]
            case "integer" | "number":
                numbers = self._clues.numbers(_fits(schema))
                return [_whole(number, schema) for number in numbers] or [self._number(schema, key, depth)]
            case "string" if "format" not in schema and "pattern" not in schema:
                listed = [part.strip() for part in re.split(r",|\band\b", self._clues.named(key) or "")]
                texts = list(filter(None, listed)) or self._clues.quoted()
                return [_sized(text, schema) for text in texts] or [self._string(schema, key, depth)]
        return [self.value(schema, key, depth + 1)]

    def _during(self, schema: Schema, span: tuple[float, float]) -> Schema:
        """The schema of an object that lasts from one second to another, and says so."""
        fields = {name: self._resolved(field) for name, field in schema["properties"].items()}
        said = f"from {span[0]:.1f} to {span[1]:.1f} s"
        for name, field in fields.items():
            if _kind(field) == "string" and not field.get("enum") and len(self._variants(field)) == 1:
                fields[name] = {"default": f"Simulated {name.replace('_', ' ')}, {said}", **field}
        for name, time in zip(_SPAN, span, strict=True):
            if _fits(fields[name])(whole := _whole(time, fields[name])):
                fields[name] = {"const": whole}
        return {**schema, "properties": fields, "required": [*schema.get("required", ()), *_SPAN]}

    def _object(self, schema: Schema, key: str, depth: int) -> dict[str, Any]:
        if self._clues.spans and _is_span(schema):
            schema = self._during(schema, self._clues.spans[0])
        fields, required = schema.get("properties", {}), schema.get("required", [])
        given = {name for name, field in fields.items() if self._given(field, name)}  # no other field takes these
        made = {name: self.value(fields.get(name, {}), name, depth + 1) for name in required}
        for name, field in fields.items():
            if name in required or depth > _DEEP:
                continue
            if name in given:
                made[name] = self.value(field, name, depth + 1)
            elif not required and (variant := self._offered(field)) is not None:
                made[name] = self.value(variant, name, depth + 1)
        return {name: made[name] for name in [*fields, *required] if name in made}

    def _offered(self, field: object) -> Schema | None:
        """What takes a number or a phrase that is left, if the field does."""
        for variant in self._variants(self._resolved(field)):
            if variant.keys() & {"enum", "const", "format", "pattern"}:
                continue
            kind = _kind(variant)
            if (kind in ("integer", "number") and self._clues.has_number) or (
                kind == "string" and self._clues.has_phrase
            ):
                return variant
        return None


# --- schemas ----------------------------------------------------------------------------------------------------------


def _kind(schema: Schema) -> str:
    """The type of a schema that has one, or the one that its keywords mean."""
    kind = schema.get("type")
    if isinstance(kind, str) and kind in _TYPES:
        return kind
    if schema.get("const", ...) is None or schema.get("enum") == [None]:
        return "null"
    for name, meant in _MEANT:
        if name in schema:
            return meant
    return "string"


_MEANT: Final = (
    ("properties", "object"),
    ("additionalProperties", "object"),
    ("required", "object"),
    ("items", "array"),
    ("prefixItems", "array"),
    ("minimum", "number"),
    ("maximum", "number"),
)


def _is_span(schema: Schema) -> bool:
    """Whether an object asks for a start and an end, in numbers."""
    fields = schema.get("properties", {})
    return all(isinstance(fields.get(name), Mapping) and _kind(fields[name]) in ("integer", "number") for name in _SPAN)


def _is_of(value: object, kind: object) -> bool:
    kinds = [kind] if isinstance(kind, str) else kind if isinstance(kind, list) else _TYPES
    fitting = [name for name, types in _TYPES.items() if isinstance(value, types)]
    return any(name in kinds for name in fitting if not isinstance(value, bool) or name == "boolean")


def _merged(part: Schema, over: Schema) -> dict[str, Any]:
    """Two schemas that hold both; ``over`` wins where only one can."""
    merged = {**part, **over}
    if "properties" in part and "properties" in over:
        merged["properties"] = {**part["properties"], **over["properties"]}
    if "required" in part and "required" in over:
        merged["required"] = list(dict.fromkeys([*part["required"], *over["required"]]))
    for name in part.keys() & over.keys():
        if name in ("minimum", "exclusiveMinimum", "minLength", "minItems"):
            merged[name] = max(part[name], over[name])
        elif name in ("maximum", "exclusiveMaximum", "maxLength", "maxItems"):
            merged[name] = min(part[name], over[name])
    return merged


# --- values that fit --------------------------------------------------------------------------------------------------


def _bounds(schema: Schema) -> tuple[float, float]:
    def given(*names: str) -> list[float]:
        return [schema[name] for name in names if isinstance(schema.get(name), int | float)]

    low = max(given("minimum", "exclusiveMinimum"), default=-math.inf)
    return low, min(given("maximum", "exclusiveMaximum"), default=math.inf)


def _fits(schema: Schema) -> Callable[[float], bool]:
    """Whether a number is of a schema."""
    low, high = _bounds(schema)
    step = schema.get("multipleOf")

    def fits(number: float) -> bool:
        return (
            math.isfinite(number)
            and low <= number <= high
            and number not in (schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum"))
            and (_kind(schema) != "integer" or number == int(number))
            and (not step or abs(number / step - round(number / step)) < 1e-9)
        )

    return fits


def _near_zero(schema: Schema) -> list[float]:
    """Numbers among which one fits, if any does; those nearest to 0 first."""
    bounds = [bound for bound in _bounds(schema) if math.isfinite(bound)]
    step = schema.get("multipleOf") or 1
    near: list[float] = [0, *bounds]
    if len(bounds) == 2:
        near.append(sum(bounds) / 2)
    for bound in bounds:
        near += [(math.floor(bound / step) + offset) * step for offset in (-1, 0, 1, 2)]
    return sorted(near, key=abs)


def _whole(number: float, schema: Schema) -> float:
    return int(number) if _kind(schema) == "integer" else number


def _sized(text: str, schema: Schema) -> str:
    """A string of the length that a schema asks for: cut, or filled up with full stops."""
    return text[: schema.get("maxLength")].ljust(schema.get("minLength", 0), ".")


def _patterned(schema: Schema, clues: Clues) -> str:
    """A string that a pattern matches: one of the text, else a run of one character, else whatever there is."""
    plain = _sized(clues.rest, schema)
    try:
        pattern = re.compile(schema["pattern"])
        inner = re.compile(schema["pattern"].removeprefix("^").removesuffix("$"))
    except re.error:
        return plain
    told = [match.group() for match in inner.finditer(clues.text)]
    runs = (char * size for size in range(64) for char in "0aA")
    fitting = (text for text in (*told, plain, *runs) if pattern.search(text) and text == _sized(text, schema))
    return next(fitting, plain)


def _distinct(values: Sequence[Any], schema: Schema, least: int) -> list[Any]:
    """The values without repetition, and as many more as are asked for."""
    found: list[Any] = []
    more: Iterator[Any] = iter(())
    if schema.get("enum"):
        more = iter(schema["enum"])
    elif _kind(schema) in ("integer", "number"):
        around = [edge + offset for edge in _near_zero(schema) for offset in range(-least, least + 1)]
        more = filter(_fits(schema), around)
    elif _kind(schema) == "string":
        more = (_sized(str(number), schema) for number in range(2 * least))
    for value in (*values, *more):
        if value not in found and len(found) < max(least, len(values)):
            found.append(value)
    return found
