"""What the tests of the library's answers share: recordings with moments, and a model that answers by rules."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from langchain_dmx_omni.library import Moment
from langchain_dmx_omni.testing import Request


class Shelf:
    """A library in memory: a moment is found by the words that its text shares with the query."""

    def __init__(self, *moments: Moment) -> None:
        self.by_id = {moment.id: moment for moment in moments}
        self.queries: list[str] = []

    def search(
        self,
        query: str,
        *,
        k: int = 5,
        source: str | None = None,
        between: tuple[float, float] | None = None,
        mode: str = "hybrid",
    ) -> list[Moment]:
        self.queries.append(query)
        start, end = between or (0.0, float("inf"))
        words = set(query.casefold().split())
        scores = {id: len(words & set(each.text.casefold().split())) for id, each in self.by_id.items()}
        return [
            each
            for id, each in sorted(self.by_id.items(), key=lambda pair: -scores[pair[0]])
            if scores[id] and source in (None, each.source) and each.start < end and each.end > start
        ][:k]

    async def asearch(self, query: str, **options: Any) -> list[Moment]:
        return self.search(query, **options)

    def moments(self, ids: Sequence[str]) -> list[Moment]:
        return [self.by_id[id] for id in reversed(ids) if id in self.by_id]

    def __contains__(self, source: object) -> bool:
        return any(source == moment.source for moment in self.by_id.values())


Say = Callable[[Request], str]


def model_of(
    *,
    plan: Sequence[str] = (),
    look: Mapping[str, Any] | Callable[[Request], Mapping[str, Any]] | None = None,
    answer: str = "It stopped [1].",
) -> Callable[[Request], str]:
    """An answer function: what is planned, looked at, answered, and read out word by word."""

    def reply(request: Request) -> str:
        if "Write the search queries" in request.question:
            return json.dumps({"queries": list(plan)}, ensure_ascii=False)
        if "Does this clip show" in request.question:
            seen = look(request) if callable(look) else look
            return json.dumps(seen or {"present": True, "start": 0, "end": 1, "seen": "seen"}, ensure_ascii=False)
        if "Say exactly these words" in request.question:
            return request.question.partition("\n\n")[2]
        return answer

    return reply
