"""Reading a JSON Schema: references, alternatives, types, and the fields inside. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

Schema = Mapping[str, Any]

DEEP: Final = 4
"""Levels after which only what is required is looked at."""

DEEPEST: Final = 24
"""Levels after which a schema that requires itself is given up."""

_TYPES: Final[Mapping[str, tuple[type, ...]]] = {
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "string": (str,),
    "array": (list,),
    "object": (dict,),
    "null": (type(None),),
}

_TYPE_OF_KEYWORD: Final = (
    ("properties", "object"),
    ("additionalProperties", "object"),
    ("required", "object"),
    ("items", "array"),
    ("prefixItems", "array"),
    ("minimum", "number"),
    ("maximum", "number"),
)


class SchemaReader:
    """Reads one schema and those within it.

    Args:
        root: The schema that references point into.
    """

    def __init__(self, root: Schema) -> None:
        self.root = root

    def resolve(self, schema: object) -> Schema:
        """Return the schema with its references and `allOf` parts merged in."""
        merged: Schema = schema if isinstance(schema, Mapping) else {}
        for _ in range(DEEPEST):
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

    def variants(self, schema: Schema) -> list[Schema]:
        """Return the schema, or its alternatives: of `anyOf`, of `oneOf`, or of a list of types."""
        for name in ("anyOf", "oneOf"):
            if schema.get(name):
                around = {each: value for each, value in schema.items() if each != name}
                return [each for part in schema[name] for each in self.variants(_merged(self.resolve(part), around))]
        if isinstance(schema.get("type"), list):
            return [{**schema, "type": kind} for kind in schema["type"]]
        return [schema]

    def fields(self, schema: object, depth: int = 0) -> Iterator[tuple[str, Schema]]:
        """Yield the fields of a schema, nested ones included: the name and each of its alternatives."""
        for variant in self.variants(self.resolve(schema)):
            fields = list(variant.get("properties", {}).items())
            for name, field in fields:
                yield from ((name, each) for each in self.variants(self.resolve(field)))
            if depth < DEEP:
                for inner in [*(field for _, field in fields), variant.get("items")]:
                    yield from self.fields(inner, depth + 1)

    def _referred(self, reference: str) -> object:
        target: object = self.root
        for step in filter(None, reference.removeprefix("#").split("/")):
            target = target.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(target, Mapping) else None
        return target


def field_names(schema: Schema) -> list[str]:
    """Return the names of all fields of a schema, nested ones included."""
    return [name for name, _ in SchemaReader(schema).fields(schema)]


def enum_values(schema: Schema) -> list[str]:
    """Return the strings that a schema's fields choose from."""
    fields = SchemaReader(schema).fields(schema)
    return [value for _, field in fields for value in field.get("enum", ()) if isinstance(value, str)]


def type_of(schema: Schema) -> str:
    """Return the type of a schema that has one, or the one that its keywords mean."""
    kind = schema.get("type")
    if isinstance(kind, str) and kind in _TYPES:
        return kind
    if schema.get("const", ...) is None or schema.get("enum") == [None]:
        return "null"
    return next((meant for name, meant in _TYPE_OF_KEYWORD if name in schema), "string")


def is_of_type(value: object, kind: object) -> bool:
    """Whether a value is of a type, or of one of a list of types; of any JSON type where none is named."""
    kinds = [kind] if isinstance(kind, str) else kind if isinstance(kind, list) else _TYPES
    fitting = [name for name, types in _TYPES.items() if isinstance(value, types)]
    return any(name in kinds for name in fitting if not isinstance(value, bool) or name == "boolean")


def _merged(part: Schema, over: Schema) -> dict[str, Any]:
    """Two schemas that hold both; `over` wins where only one can."""
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
