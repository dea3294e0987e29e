"""What the answer must look like: a schema, as users give it → `response_format`, or words in the prompt.

JSON mode needs the word "json" in the prompt (the service refuses it otherwise), which is added where it is missing. A
JSON schema is something that the service does not list: for such models the schema goes into the prompt, and JSON mode
does the rest. Source: Alibaba Model Studio on the model.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from langchain_core.utils.function_calling import convert_to_json_schema, convert_to_openai_tool

from langchain_dmx_omni.errors import ConfigurationError


class ResponseFormat(NamedTuple):
    """What the request says about the form of the answer."""

    response_format: dict[str, Any] | None = None
    prompt_note: str | None = None
    """What the model is told in words, because the service has no parameter for it."""


def resolve_response_format(value: Any, *, has_schema: bool) -> ResponseFormat:
    """Return what a `response_format` means for the request.

    Args:
        value: None, `{"type": "json_object"}`, `{"type": "json_schema", …}`, a schema, or a class with one.
        has_schema: Whether the service takes `"json_schema"`.

    Raises:
        ConfigurationError: It is none of these.
    """
    if value is None:
        return ResponseFormat()
    if isinstance(value, dict) and value.get("type") in ("json_object", "text"):
        return ResponseFormat(value)
    if isinstance(value, dict) and value.get("type") == "json_schema":
        schema = value.get("json_schema", value)
    else:
        try:
            schema = named_schema(value)
        except (KeyError, TypeError, ValueError) as error:
            raise ConfigurationError(f"response_format={value!r:.80} is no schema: {error}") from error
    if has_schema:
        return ResponseFormat({"type": "json_schema", "json_schema": {k: v for k, v in schema.items() if k != "type"}})
    text = json.dumps(schema.get("schema", schema), ensure_ascii=False)
    note = f"Answer with nothing but a JSON object that matches this JSON schema: {text}"
    return ResponseFormat({"type": "json_object"}, note)


def named_schema(schema: Any) -> dict[str, Any]:
    """Return a JSON schema with its name, as `json_schema` carries it."""
    return {"name": convert_to_openai_tool(schema)["function"]["name"], "schema": convert_to_json_schema(schema)}


def mentions_json(items: list[dict[str, Any]]) -> bool:
    """Return whether the prompt says "json", without which the service refuses JSON mode."""
    for item in items:
        content = item.get("content") or ""
        texts = [content] if isinstance(content, str) else [part.get("text") or "" for part in content]
        if any("json" in text.lower() for text in texts):
            return True
    return False
