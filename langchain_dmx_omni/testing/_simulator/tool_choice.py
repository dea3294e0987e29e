"""Which tools a turn calls. Pure; the same request always gives the same answer.

A tool is *requested* by the last question when that names the tool (`magic function` is `magic_function`). If none
is named, each telling word goes to the tool that shares most of them: by the words of its name, or, where no name has
any, by those of its description and its parameters' names. "Use the tool" asks for the first, where no words are
shared; "don't use tools" asks for none.

- `auto` calls all that are requested and were not called since the question, in the order of the text; once tools
  have answered, also one that says it is for the final response.
- `required` does the same, and so does a prompt that says "answer by calling a tool". Where that is nothing, it calls
  the first tool; after tools have answered, one that was not called yet, the last one bound first: agents bind the
  tool for their structured response last.
- A named tool is called whatever is asked; `none` calls none.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from langchain_dmx_omni.testing._incoming import Request, Tool

from .fill import fill
from .json_schema import enum_values, field_names
from .prompt_values import PromptValues
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


def choose(request: Request) -> list[Tool]:
    """Return the tools to call now; none for an answer in text."""
    tools, choice = list(request.tools), request.body.get("tool_choice")
    question, called = request.question, {result.name for result in request.tool_results}
    if isinstance(choice, dict):
        return [tool for tool in tools if tool.name == choice["name"]][:1]
    if not tools or choice == "none":
        return []
    chosen = [tool for tool in _requested(tools, question, bool(called)) if tool.name not in called]
    rest = [tool for tool in reversed(tools) if tool.name not in called]
    if not chosen and called:
        chosen = [tool for tool in rest if _FINAL.search(f"{tool.name.replace('_', ' ')}: {tool.description}")][:1]
    if not chosen and (choice == "required" or _MUST.search(request.prompt)):
        chosen = [*rest, tools[-1]][:1] if called else tools[:1]
    return chosen[:1] if request.body.get("parallel_tool_calls") is False else chosen


def arguments(request: Request, tools: Sequence[Tool]) -> list[dict[str, Any]]:
    """Return the arguments of each call.

    The question's values go to the tools in turn, those that were called already first, and anew when they are used
    up. What tools have answered comes after the question.
    """
    by_name = {tool.name: tool for tool in request.tools}
    before = [by_name[result.name] for result in request.tool_results if result.name in by_name]
    every = [*before, *tools]
    names = [name for tool in every for name in (tool.name, *field_names(tool.parameters))]
    choices = [value for tool in every for value in enum_values(tool.parameters)]
    outputs = "\n".join(result.output for result in request.tool_results)
    values = PromptValues(request.question, [*names, *choices], rest=outputs)
    filled = []
    for tool in every:
        values.again()
        filled.append(fill(tool.parameters, values))
    return filled[len(before) :]


def _requested(tools: Sequence[Tool], question: str, answered: bool) -> list[Tool]:
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
    matches: list[tuple[int, Tool]] = []
    for tool in sorted(tools, key=lambda tool: len(tool.name), reverse=True):  # "add" is not meant by "add_all"
        match = mention(tool.name).search(question)
        if match:
            matches.append((match.start(), tool))
            question = mention(tool.name).sub(lambda match: " " * len(match.group()), question)
    return [tool for _, tool in sorted(matches, key=lambda pair: pair[0])]


def _sharing(tools: Sequence[Tool], words: Mapping[str, int]) -> list[Tool]:
    """The tools that share telling words with the question, each word counted for one tool only."""
    left, rest = dict(words), list(tools)
    matches: list[tuple[int, Tool]] = []
    while rest:
        scores = [(len(telling(tool.name).keys() & left), len(_about(tool) & left.keys())) for tool in rest]
        best = max(scores)
        if not best[0] and (matches or not best[1]):
            break
        tool = rest.pop(scores.index(best))
        taken = (telling(tool.name).keys() | _about(tool)) & left.keys()
        matches.append((min(left[word] for word in taken), tool))
        left = {word: at for word, at in left.items() if word not in taken}
    return [tool for _, tool in sorted(matches, key=lambda pair: pair[0])]


def _about(tool: Tool) -> set[str]:
    return {*telling(tool.description), *telling(" ".join(field_names(tool.parameters)))}
