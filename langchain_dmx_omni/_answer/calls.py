"""Tool calls while they arrive: each found again by whichever of its names an event carries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .deltas import CallDelta

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .events import Event, Item


class Call:
    """One tool call: its block's index, the id that its result goes back with, and its arguments so far."""

    def __init__(self, index: int, id: str, name: str) -> None:
        self.index = index
        self.id = id
        self.name = name
        self.arguments: list[str] = []


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
        """Begin the call of an item, unless it has begun."""
        if self._find(item, event) is not None:
            return []
        id_ = item.get("call_id") or item.get("id") or f"call_{len(self._calls)}"
        call = Call(index, id_, item.get("name") or "")
        self._calls.append(call)
        for name in (item.get("call_id"), item.get("id"), event.get("output_index")):
            if name is not None:
                self._by_name[name] = call
        return [CallDelta(index, call.id, call.name, "")]

    def add(self, event: Event, arguments: str | None) -> list[CallDelta]:
        """Add arguments to the call that an event names, or to the last one."""
        call = self._find({}, event) or (self._calls[-1] if self._calls else None)
        if call is None or not arguments:
            return []
        call.arguments.append(arguments)
        return [CallDelta(call.index, None, None, arguments)]

    def complete(self, item: Item, event: Event) -> list[CallDelta]:
        """Take arguments that came whole, unless they have come in pieces."""
        call = self._find(item, event) or (self._calls[-1] if self._calls else None)
        if call is None or call.arguments or not item.get("arguments"):
            return []
        call.arguments.append(item["arguments"])
        return [CallDelta(call.index, None, None, item["arguments"])]

    def _find(self, item: Item, event: Event) -> Call | None:
        for name in (item.get("call_id"), item.get("id"), event.get("item_id"), event.get("output_index")):
            if name is not None and name in self._by_name:
                return self._by_name[name]
        return None
