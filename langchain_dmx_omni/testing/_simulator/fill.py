"""A JSON schema and a text → a value of the schema, made of what the text offers. Pure.

Required fields are always filled; optional ones, and those that may be null, only if the text gives a value for them:
by name, as one of an enum's values, or in the format. Where nothing is required, fields take whatever the text offers.

- numbers: the text's, in order; else the default, else the nearest to 0 that the bounds allow;
- enums: the value that the text mentions first; else the default, else the first;
- booleans: whether the text mentions the field, and does not deny it;
- strings: the value given by name, else the default or the first example, else the next quoted words, else the next
  name or topic (`San Francisco, CA`; what follows `about`, `for`…), else the telling words of the text; where a clip
  came along, what is known of it in place of names and topics;
- arrays: all numbers, quoted words or enum values that are left; else one item;
- objects with numbers called `start` and `end`: a part of the clip that came along, and words that say so; in an
  array, one for each part.

The value is always valid by the schema's types, `$ref`, `anyOf`, `oneOf`, `allOf`, `enum`, `const`, bounds,
lengths and common formats. A `pattern` is met by a match in the text or by a run of one character; others are not.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from .fitting import as_number, distinct, near_zero, number_check, patterned, sized
from .json_schema import DEEP, DEEPEST, Schema, SchemaReader, is_of_type, type_of
from .prompt_values import FORMATS, PromptValues

_SPAN: Final = ("start", "end")


def fill(schema: Schema, prompt_values: PromptValues) -> Any:
    """Return a value of the schema.

    Args:
        schema: JSON Schema; references point into it.
        prompt_values: What the text offers; what is used is taken out.
    """
    return _Filler(schema, prompt_values).value(schema, "", 0)


class _Filler:
    """Fills one schema; references point into its root."""

    def __init__(self, root: Schema, prompt_values: PromptValues) -> None:
        self._reader = SchemaReader(root)
        self._values = prompt_values
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
        """Return a value for a field; `key` is its name."""
        schema = self._reader.resolve(schema)
        if "const" in schema:
            return schema["const"]
        if schema.get("enum"):
            return self._enum(schema)
        variants = self._reader.variants(schema)
        if variants == [schema]:
            return self._makers[type_of(schema)](schema, key, depth) if depth < DEEPEST else None
        kinds = [type_of(each) for each in variants]
        with_value = [
            each for each, kind in zip(variants, kinds, strict=True) if kind != "null" and self._has_value(each, key)
        ]
        if not with_value and "null" in kinds:
            return schema.get("default")
        flat = [each for each in variants if type_of(each) not in ("object", "array")] if depth > DEEP else []
        return self.value((with_value or flat or self._likely(variants))[0], key, depth + 1)

    def _has_value(self, schema: object, key: str, depth: int = 0) -> bool:
        """Whether the text gives a value for a field."""
        schema = self._reader.resolve(schema)
        if "const" in schema or depth > DEEP:
            return False
        if schema.get("enum"):
            return any(self._values.mentions(value) >= 0 for value in schema["enum"] if value is not None)
        variants = self._reader.variants(schema)
        if len(variants) > 1:
            return any(self._has_value(each, key, depth + 1) for each in variants)
        match type_of(schema):
            case "boolean":
                return self._values.affirms(key) is not None
            case "integer" | "number":
                return self._values.named_number(key, number_check(schema)) is not None
            case "object":
                fields = schema.get("properties", {}).items()
                return any(self._has_value(field, name, depth + 1) for name, field in fields)
            case "string":
                return bool(self._values.formatted(schema.get("format", "")) or self._values.named(key))
            case "array":
                return bool(self._values.named(key))
        return False

    def _likely(self, variants: Sequence[Schema]) -> Sequence[Schema]:
        """Numbers where the text has one left, else what comes first."""
        numeric = [each for each in variants if type_of(each) in ("integer", "number")]
        return numeric if numeric and self._values.has_number else variants

    # --- one maker a type ---------------------------------------------------------------------------------------------

    def _enum(self, schema: Schema) -> Any:
        values = [each for each in schema["enum"] if is_of_type(each, schema.get("type"))] or schema["enum"]
        places = [(self._values.mentions(value), index) for index, value in enumerate(values) if value is not None]
        if mentioned := [pair for pair in places if pair[0] >= 0]:
            return values[min(mentioned)[1]]
        return schema["default"] if schema.get("default", ...) in values else values[0]

    def _boolean(self, schema: Schema, key: str, _depth: int) -> bool:
        affirmed = self._values.affirms(key)
        return bool(schema.get("default", False)) if affirmed is None else affirmed

    def _number(self, schema: Schema, key: str, _depth: int) -> float:
        fits = number_check(schema)
        for number in (self._values.named_number(key, fits), self._values.number(fits), schema.get("default")):
            if isinstance(number, int | float) and not isinstance(number, bool) and fits(number):
                return as_number(number, schema)
        return as_number(next(filter(fits, near_zero(schema)), 0), schema)

    def _string(self, schema: Schema, key: str, _depth: int) -> str:
        values, format = self._values, schema.get("format")
        if format in FORMATS:
            return values.formatted(format) or FORMATS[format][1]
        if isinstance(schema.get("pattern"), str):
            return patterned(schema, values.text, default=values.rest)
        text = values.named(key) or _exemplary(schema) or values.phrase()
        return sized(text or values.rest or key, schema)

    def _array(self, schema: Schema, key: str, depth: int) -> list[Any]:
        least, most = schema.get("minItems", 0), schema.get("maxItems", math.inf)
        items, fixed = schema.get("items", {}), schema.get("prefixItems", ())
        values = [self.value(part, key, depth + 1) for part in fixed]
        if items is not False:
            if ("items" in schema or not fixed) and len(values) < most and (depth <= DEEP or len(values) < least):
                values += self._items(items, key, depth)
            while len(values) < min(least, most):
                values.append(self.value(items, key, depth + 1))
        if schema.get("uniqueItems"):
            values = distinct(values, self._reader.resolve(items), least)
        return values[: int(most)] if most < math.inf else values

    def _items(self, items: object, key: str, depth: int) -> list[Any]:
        """All that the text offers for the items of an array; one if it offers nothing."""
        schema = self._reader.resolve(items)
        if schema.get("enum"):
            places = sorted((self._values.mentions(value), index) for index, value in enumerate(schema["enum"]))
            return [schema["enum"][index] for place, index in places if place >= 0] or [schema["enum"][0]]
        match type_of(schema) if len(self._reader.variants(schema)) == 1 and "const" not in schema else "":
            case "object" if self._values.spans and _is_span(schema):
                return [self.value(self._within(schema, span), key, depth + 1) for span in self._values.spans]
            case "integer" | "number":
                numbers = self._values.numbers(number_check(schema))
                return [as_number(number, schema) for number in numbers] or [self._number(schema, key, depth)]
            case "string" if "format" not in schema and "pattern" not in schema:
                listed = [part.strip() for part in re.split(r",|\band\b", self._values.named(key) or "")]
                texts = list(filter(None, listed)) or self._values.quoted()
                return [sized(text, schema) for text in texts] or [self._string(schema, key, depth)]
        return [self.value(schema, key, depth + 1)]

    def _within(self, schema: Schema, span: tuple[float, float]) -> Schema:
        """The schema of an object that lasts from one second to another, and says so."""
        fields = {name: self._reader.resolve(field) for name, field in schema["properties"].items()}
        label = f"from {span[0]:.1f} to {span[1]:.1f} s"
        for name, field in fields.items():
            if type_of(field) == "string" and not field.get("enum") and len(self._reader.variants(field)) == 1:
                text = _exemplary(field) or f"Simulated {name.replace('_', ' ')}, {label}"
                fields[name] = {**field, "default": text}
        for name, time in zip(_SPAN, span, strict=True):
            if number_check(fields[name])(whole := as_number(time, fields[name])):
                fields[name] = {"const": whole}
        return {**schema, "properties": fields, "required": [*schema.get("required", ()), *_SPAN]}

    def _object(self, schema: Schema, key: str, depth: int) -> dict[str, Any]:
        if self._values.spans and _is_span(schema):
            schema = self._within(schema, self._values.spans[0])
        fields, required = schema.get("properties", {}), schema.get("required", [])
        # Before any field is filled, so that no other field takes the values that belong to these.
        with_value = {name for name, field in fields.items() if self._has_value(field, name)}
        filled = {name: self.value(fields.get(name, {}), name, depth + 1) for name in required}
        for name, field in fields.items():
            if name in required or depth > DEEP:
                continue
            if name in with_value:
                filled[name] = self.value(field, name, depth + 1)
            elif not required and (variant := self._offered(field)) is not None:
                filled[name] = self.value(variant, name, depth + 1)
        return {name: filled[name] for name in [*fields, *required] if name in filled}

    def _offered(self, field: object) -> Schema | None:
        """What takes a number or a phrase that is left, if the field does."""
        for variant in self._reader.variants(self._reader.resolve(field)):
            if variant.keys() & {"enum", "const", "format", "pattern"}:
                continue
            kind = type_of(variant)
            if (kind in ("integer", "number") and self._values.has_number) or (
                kind == "string" and self._values.has_phrase
            ):
                return variant
        return None


def _exemplary(schema: Schema) -> str | None:
    """The text that a string has by default, or its first example."""
    texts = (schema.get("default"), *schema.get("examples", ()))
    return next((text for text in texts if isinstance(text, str)), None)


def _is_span(schema: Schema) -> bool:
    """Whether an object asks for a start and an end, in numbers."""
    fields = schema.get("properties", {})
    return all(
        isinstance(fields.get(name), Mapping) and type_of(fields[name]) in ("integer", "number") for name in _SPAN
    )
