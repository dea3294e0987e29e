"""`Searcher`: what answering needs of a library."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

from .moments import Moment

__all__ = ["Mode", "Searcher"]

Mode = Literal["hybrid", "words", "meaning"]


class Searcher(Protocol):
    """Where the graph and the tools find moments."""

    def search(
        self,
        query: str,
        *,
        k: int = ...,
        source: str | None = ...,
        between: tuple[float, float] | None = ...,
        mode: Mode = ...,
    ) -> list[Moment]:
        """Return the best moments for a query, best first, each with its id."""

    async def asearch(
        self,
        query: str,
        *,
        k: int = ...,
        source: str | None = ...,
        between: tuple[float, float] | None = ...,
        mode: Mode = ...,
    ) -> list[Moment]:
        """Async version of `search`."""

    def moments(self, ids: Sequence[str]) -> list[Moment]:
        """Return the moments with these ids, in any order; those that are not there (any more) are left out."""

    def __contains__(self, source: object) -> bool:
        """Return whether a recording is in the library, by its `source`."""
