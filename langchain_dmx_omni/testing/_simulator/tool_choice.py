"""Which tools a turn calls. Pure; the same request always gives the same answer.

A tool is *asked for* by the last question when that names the tool (`magic function` is `magic_function`). If none
is named, each telling word goes to the tool that shares most of them: by the words of its name, or, where no name has
any, by those of its description and its parameters' names. "Use the tool" asks for the first, where no words are
shared; "don't use tools" asks for none.

- `auto` calls all that are asked for and were not called since the question, in the order of the text; once tools
  have answered, also one that says it is for the final response.
- `required` does the same, and so does a prompt that says "answer by calling a tool". Where that is nothing, it calls
  the first tool; after tools have answered, one that was not called yet, the last one bound first: agents bind the
  tool for their structured response last.
- A named tool is called whatever is asked; `none` calls none.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from .prompt_values import PromptValues
from .fill import enum_values, field_names, fill
from langchain_dmx_omni.testing._incoming import Prompt
from .words import mention, telling

_ASKS: Final = re.compile(r"\b(?:use|using|call|calling|run|with)\s+(?:(?:the|a|this|that|your|my)\s+)?tools?\b", re.I)
_FORBIDS: Final = re.compile(
    r"\b(?:don't|don’t|do not|never|without)\s+(?:use|using|call|calling|run)?\s*(?:the|a|any|your)?\s*tools?\b", re.I
)
_MUST: Final = re.compile(
    r"\b(?:answer|respond|reply) (?:only )?by calling\b|\b(?:must|always) (?:call|use) (?:a|one of (?:the|your)) "
    r"(?:tool|function)",
    re.IGNORECASE,
)
_FINAL: Final = re.compile(
    r"\b(?:final|structured)\W*(?:response|answer|result|output)|response\W*format|\b(?:respond|reply) to the user",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Tool:
    """A function that a request offers."""

    name: str
    description: str
    parameters: Mapping[str, Any]


def tools_of(body: Mapping[str, Any]) -> list[Tool]:
    """The tools of a checked request."""
    return [
        Tool(tool["name"], str(tool.get("description") or ""), {**(tool.get("parameters") or {}), "type": "object"})
        for tool in body.get("tools") or ()
    ]


def choose(body: Mapping[str, Any], prompt: Prompt) -> list[Tool]:
    """The tools to call now; none for an answer in text.

    Args:
        body: A checked request.
        prompt: What it asks.
    """
    tools, choice = tools_of(body), body.get("tool_choice")
    question, called = prompt.question, {result.name for result in prompt.results}
    if isinstance(choice, dict):
        return [tool for tool in tools if tool.name == choice["name"]][:1]
    if not tools or choice == "none":
        return []
    picked = [tool for tool in _asked_for(tools, question, bool(called)) if tool.name not in called]
    rest = [tool for tool in reversed(tools) if tool.name not in called]
    if not picked and called:
        picked = [tool for tool in rest if _FINAL.search(f"{tool.name.replace('_', ' ')}: {tool.description}")][:1]
    if not picked and (choice == "required" or _MUST.search(prompt.told)):
        picked = [*rest, tools[-1]][:1] if called else tools[:1]
    return picked[:1] if body.get("parallel_tool_calls") is False else picked


def arguments(body: Mapping[str, Any], prompt: Prompt, tools: Sequence[Tool]) -> list[dict[str, Any]]:
    """The arguments of each call.

    The question's values go to the tools in turn, those that were called already first, and anew when they are used
    up. What tools have answered comes after the question.
    """
    known = {tool.name: tool for tool in tools_of(body)}
    before = [known[result.name] for result in prompt.results if result.name in known]
    every = [*before, *tools]
    names = [name for tool in every for name in (tool.name, *field_names(tool.parameters))]
    values = [value for tool in every for value in enum_values(tool.parameters)]
    answered = "\n".join(result.output for result in prompt.results)
    prompt_values = PromptValues(prompt.question, [*names, *values], rest=answered)
    made = []
    for tool in every:
        prompt_values.again()
        made.append(fill(tool.parameters, prompt_values))
    return made[len(before) :]


def _asked_for(tools: Sequence[Tool], question: str, answered: bool) -> list[Tool]:
    if _FORBIDS.search(question):
        return []
    named = _named(tools, question)
    if named:
        return named
    shared = _sharing(tools, telling(question))
    if shared or answered or not _ASKS.search(question):
        return shared
    return [tools[0]]


def _named(tools: Sequence[Tool], question: str) -> list[Tool]:
    """The tools that the question names, in its order."""
    found: list[tuple[int, Tool]] = []
    for tool in sorted(tools, key=lambda tool: len(tool.name), reverse=True):  # "add" is not meant by "add_all"
        match = mention(tool.name).search(question)
        if match:
            found.append((match.start(), tool))
            question = mention(tool.name).sub(lambda match: " " * len(match.group()), question)
    return [tool for _, tool in sorted(found, key=lambda pair: pair[0])]


def _sharing(tools: Sequence[Tool], words: Mapping[str, int]) -> list[Tool]:
    """The tools that share telling words with the question, each word counted for one tool only."""
    left, rest = dict(words), list(tools)
    found: list[tuple[int, Tool]] = []
    while rest:
        scores = [(len(telling(tool.name).keys() & left), len(_about(tool) & left.keys())) for tool in rest]
        best = max(scores)
        if not best[0] and (found or not best[1]):
            break
        tool = rest.pop(scores.index(best))
        taken = (telling(tool.name).keys() | _about(tool)) & left.keys()
        found.append((min(left[word] for word in taken), tool))
        left = {word: at for word, at in left.items() if word not in taken}
    return [tool for _, tool in sorted(found, key=lambda pair: pair[0])]


def _about(tool: Tool) -> set[str]:
    return {*telling(tool.description), *telling(" ".join(field_names(tool.parameters)))}
