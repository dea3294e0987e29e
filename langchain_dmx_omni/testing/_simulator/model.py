"""The simulated model: what it says to a request. The same request always gets the same answer.

It calls tools (`tool_choice` says when), or else answers: in JSON where that is asked for (`requested_json`, `fill`),
else with what it received (`description`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from langchain_dmx_omni.testing._incoming import Request
from langchain_dmx_omni.testing._items import Call
from langchain_dmx_omni.testing._media_facts import Facts
from langchain_dmx_omni.testing._reply import Answer

from .description import clip_spans, describe, observations, shortened
from .fill import fill
from .json_schema import field_names
from .prompt_values import PromptValues
from .requested_json import requested_schema, without_objects
from .tool_choice import arguments, choose

MediaFacts = Sequence[Sequence[Facts | None]]
"""For each media part, the facts of each of its items; None for what was not measured."""


def simulate(request: Request, media_facts: Callable[[], MediaFacts]) -> Answer:
    """Answer a request.

    Args:
        request: The request.
        media_facts: Measures the request's media; not called where a tool is.
    """
    thinks = bool(request.body.get("enable_thinking"))
    question = f"'{shortened(request.question)}'"
    if tools := choose(request):
        names = " and ".join(tool.name for tool in tools)
        return Answer(
            f"I call {names}." if "think aloud" in request.question.lower() else "",
            calls=[Call(tool.name, values) for tool, values in zip(tools, arguments(request, tools), strict=True)],
            reasoning=f"{question} is for {names}." if thinks else "",
        )
    text = _formatted(request, media_facts())
    return Answer(text, reasoning=f"{question} is answered with what I received." if thinks else "")


def _formatted(request: Request, facts: MediaFacts) -> str:
    """The answer in the format that the request asks for: an object with the fields that are named, else `answer`."""
    text = describe(request, facts)
    if request.format == "text":
        return text
    schema = request.schema or requested_schema(request.prompt)
    if schema is None:
        value: Any = {"answer": text}
    else:
        question, rest = without_objects(request.question), observations(request, facts)
        value = fill(schema, PromptValues(question, field_names(schema), rest=rest, spans=clip_spans(facts)))
    return json.dumps(value, ensure_ascii=False)
