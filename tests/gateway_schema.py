"""JSON Schema, as far as the gateway fills it: a strategy for schemas, and a check of values."""

from __future__ import annotations

import math
import re
from typing import Any

from hypothesis import strategies as st

TYPES: dict[str, Any] = {"string": str, "boolean": bool, "array": list, "object": dict, "null": type(None)}
FORMATS = {
    "date": r"\d{4}-\d\d-\d\d",
    "date-time": r"\d{4}-\d\d-\d\dT.+",
    "email": r"[^@]+@[^@]+",
    "uri": r"https?://.+",
    "uuid": r"[0-9a-fA-F-]{36}",
}


def is_of(kind: str, value: Any) -> bool:
    if kind in ("integer", "number"):
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return is_number and (kind == "number" or value == int(value))
    return isinstance(value, TYPES[kind])


def problems(schema: Any, value: Any, root: Any, at: str = "$") -> list[str]:
    """What is wrong with a value; empty if it is valid."""
    if "$ref" in schema:
        return problems(root["$defs"][schema["$ref"].rsplit("/", 1)[1]], value, root, at)
    for name in ("anyOf", "oneOf"):
        if name in schema and all(problems(part, value, root, at) for part in schema[name]):
            return [f"{at}: {value!r} is none of {schema[name]}"]
    faults = [each for part in schema.get("allOf", ()) for each in problems(part, value, root, at)]
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    wrong = [
        bool(kinds) and not any(is_of(kind, value) for kind in kinds),
        "const" in schema and value != schema["const"],
        "enum" in schema and value not in schema["enum"],
    ]
    if any(wrong):
        return [*faults, f"{at}: {value!r} is not of {schema}"]
    match value:
        case bool():
            pass
        case int() | float():
            step = schema.get("multipleOf")
            wrong = [
                value < schema.get("minimum", -math.inf),
                value > schema.get("maximum", math.inf),
                value <= schema.get("exclusiveMinimum", -math.inf),
                value >= schema.get("exclusiveMaximum", math.inf),
                bool(step) and abs(value / step - round(value / step)) > 1e-9,
            ]
        case str():
            wrong = [
                not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", math.inf),
                not re.search(schema.get("pattern", ""), value),
                schema.get("format") in FORMATS and not re.fullmatch(FORMATS[schema["format"]], value),
            ]
        case list():
            wrong = [
                not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", math.inf),
                bool(schema.get("uniqueItems")) and len({repr(each) for each in value}) < len(value),
            ]
            fixed = schema.get("prefixItems", [])
            for number, each in enumerate(value):
                part = fixed[number] if number < len(fixed) else schema.get("items", {})
                faults += problems(part, each, root, f"{at}[{number}]") if part is not False else [f"{at}: too long"]
        case dict():
            fields = schema.get("properties", {})
            wrong = [
                any(name not in value for name in schema.get("required", ())),
                schema.get("additionalProperties") is False and any(name not in fields for name in value),
            ]
            for name, each in value.items():
                faults += problems(fields.get(name, {}), each, root, f"{at}.{name}")
    return [*faults, *([f"{at}: {value!r} is not of {schema}"] if any(wrong) else [])]


NAMES = st.sampled_from(["city", "days", "name", "user_id", "isActive", "unit", "a", "b", "城市", "x-y", "$"])
WORDS = st.sampled_from(["celsius", "red", "two words", "北京", "A", ""])


@st.composite
def numbers(draw: st.DrawFn, kind: str) -> dict[str, Any]:
    low = draw(st.integers(-10_000, 10_000))
    wide = draw(st.integers(2, 5_000))
    step = draw(st.sampled_from([None, 1, 5])) if wide >= 10 else None
    bounds = {
        draw(st.sampled_from(["minimum", "exclusiveMinimum"])): low,
        draw(st.sampled_from(["maximum", "exclusiveMaximum"])): low + wide,
    }
    chosen = {name: value for name, value in bounds.items() if draw(st.booleans())}
    return {"type": kind} | chosen | ({"multipleOf": step} if step else {})


@st.composite
def strings(draw: st.DrawFn) -> dict[str, Any]:
    if draw(st.booleans()):
        return {"type": "string"} | draw(
            st.sampled_from([{"format": name} for name in FORMATS] + [{"pattern": r"^\d{5}$"}, {"default": "red"}, {}])
        )
    low = draw(st.integers(0, 20))
    return {"type": "string", "minLength": low, "maxLength": low + draw(st.integers(0, 20))}


@st.composite
def arrays(draw: st.DrawFn, parts: st.SearchStrategy[dict[str, Any]]) -> dict[str, Any]:
    if draw(st.booleans()):
        fixed = draw(st.lists(parts, min_size=1, max_size=3))
        return {"type": "array", "prefixItems": fixed, "minItems": len(fixed), "maxItems": len(fixed)}
    if draw(st.booleans()):
        items = draw(st.sampled_from([{"type": "integer"}, {"type": "string"}, {"enum": ["a", "b", "c", "d"]}]))
        return {"type": "array", "items": items, "uniqueItems": True, "minItems": draw(st.integers(0, 4))}
    low = draw(st.integers(0, 4))
    return {"type": "array", "items": draw(parts), "minItems": low, "maxItems": low + draw(st.integers(0, 3))}


@st.composite
def objects(draw: st.DrawFn, parts: st.SearchStrategy[dict[str, Any]]) -> dict[str, Any]:
    fields = draw(st.dictionaries(NAMES, parts, max_size=4))
    required = [name for name in fields if draw(st.booleans())]
    extra = {"additionalProperties": False} if draw(st.booleans()) else {}
    return {"type": "object", "properties": fields, "required": required} | extra


LEAVES: st.SearchStrategy[dict[str, Any]] = st.one_of(
    numbers("integer"),
    numbers("number"),
    strings(),
    st.just({"type": "boolean"}),
    st.lists(WORDS, min_size=1, max_size=4, unique=True).map(lambda values: {"type": "string", "enum": values}),
    st.just({"enum": [1, 2, "3", None]}),
    st.just({"const": "fixed"}),
    st.just({"$ref": "#/$defs/Place"}),
    st.just({"$ref": "#/$defs/Node"}),
    st.just({"allOf": [{"$ref": "#/$defs/Unit"}], "description": "how to measure"}),
    st.just({"type": ["string", "null"]}),
    st.just({}),
)
PARTS = st.recursive(
    LEAVES,
    lambda parts: st.one_of(
        arrays(parts),
        objects(parts),
        st.builds(lambda part: {"anyOf": [part, {"type": "null"}], "default": None}, parts),
        st.builds(lambda one, other: {"anyOf": [one, other]}, parts, parts),
    ),
    max_leaves=6,
)
DEFINITIONS = {
    "Place": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    "Unit": {"type": "string", "enum": ["celsius", "kelvin"]},
    "Node": {
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "next": {"anyOf": [{"$ref": "#/$defs/Node"}, {"type": "null"}]},
            "children": {"type": "array", "items": {"$ref": "#/$defs/Node"}},
        },
        "required": ["name", "next", "children"],
    },
}
SCHEMAS = objects(PARTS).map(lambda schema: schema | {"$defs": DEFINITIONS})
SAID = """
    What is the weather in Paris for 3 days ? city: Rome , unit celsius days=5 'quoted words' 12 -7 0.5 1,000 A not
    isActive user_id 42 北京 2024-05-01 me@example.org https://example.net/x {"city": "Bonn"} “curly” red 1e400 name is
    Bob 12345
""".split()  # noqa: SIM905 - a text, cut
TEXTS = st.one_of(st.text(max_size=40), st.lists(st.sampled_from(SAID), max_size=14).map(" ".join))
