"""Tool calls while they arrive: each found again by whichever of its names an event carries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from langchain_dmx_omni.errors import ProtocolError

from .deltas import CallCorrection, CallDelta
from .events import text_of
from .tool_calls import parse_arguments

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .events import Event, Item


_ARGUMENTS = "what a tool is called with"
_MOST_CALLS = 256
"""Tool calls of one answer; LangChain's adding of chunks takes time with the square of them."""


class Call:
    """One tool call: its block's index, the id that its result goes back with, and its arguments so far."""

    def __init__(self, index: int, id: str, item: Item) -> None:
        self.index = index
        self.id = id
        self.name = ""
        self.arguments: list[str] = []
        self.corrected = False
        self._ids = (item.get("call_id"), item.get("id"))

    def is_of(self, item: Item) -> bool:
        """Whether an item does not contradict that it is this call's: some events leave its ids out."""
        for one, other in zip(self._ids, (item.get("call_id"), item.get("id")), strict=True):
            if one and other:
                return one == other
        return True


class Calls:
    """The tool calls of one answer, in the order in which they began."""

    def __init__(self) -> None:
        self._calls: list[Call] = []
        self._by_name: dict[object, Call] = {}

    def __len__(self) -> int:
        return len(self._calls)

    def __iter__(self) -> Iterator[Call]:
        return iter(self._calls)

    def open(self, item: Item, event: Event, index: int) -> list[CallDelta]:
        """Begin the call of an item, unless it has begun; its name may come later than that."""
        name = text_of(item.get("name"), "the name of a tool call")
        call = self._find(item, event)
        if call is None:
            if len(self._calls) == _MOST_CALLS:
                raise ProtocolError(f"the answer makes more than {_MOST_CALLS:,} tool calls")
            id_ = (
                text_of(item.get("call_id"), "a call_id")
                or text_of(item.get("id"), "an item's id")
                or f"call_{len(self._calls)}"
            )
            call = Call(index, id_, item)
            call.name = name
            self._calls.append(call)
            for key in (item.get("call_id"), item.get("id"), event.get("output_index")):
                if key is not None:
                    self._by_name[key] = call
            return [CallDelta(index, call.id, name, "")]
        if name and not call.name:
            call.name = name
            return [CallDelta(call.index, None, name, "")]
        return []

    def add(self, event: Event, arguments: str | None) -> list[CallDelta]:
        """Add arguments to the call that an event names, or to the last one."""
        call = self._find({}, event) or (self._calls[-1] if self._calls else None)
        text = text_of(arguments, _ARGUMENTS)
        return [_more(call, text)] if text and call is not None and not call.corrected else []

    def complete(self, item: Item, event: Event) -> list[CallDelta | CallCorrection]:
        """Take arguments that came whole: all of them, the end that no delta brought, or other ones."""
        call = self._find(item, event) or (self._calls[-1] if self._calls else None)
        whole = text_of(item.get("arguments"), _ARGUMENTS)
        if call is None or not whole:
            return []
        so_far = "".join(call.arguments)
        if whole.startswith(so_far):
            return [_more(call, whole[len(so_far) :])] if len(whole) > len(so_far) else []
        if call.corrected or not _corrects(whole, so_far):
            return []
        call.corrected, call.arguments = True, [whole]
        return [CallCorrection(call.index, whole)]

    def _find(self, item: Item, event: Event) -> Call | None:
        for name in (item.get("call_id"), item.get("id"), event.get("item_id"), event.get("output_index")):
            if name is not None and (call := self._by_name.get(name)) is not None and call.is_of(item):
                return call
        return None


def _more(call: Call, arguments: str) -> CallDelta:
    call.arguments.append(arguments)
    return CallDelta(call.index, None, None, arguments)


def _corrects(whole: str, so_far: str) -> bool:
    """Whether arguments that came whole stand against those that came in pieces: not where both say the same."""
    try:
        said = parse_arguments(whole)
    except ValueError:
        return False
    try:
        return said != parse_arguments(so_far)
    except ValueError:
        return True
