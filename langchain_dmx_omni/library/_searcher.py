"""`Searcher`: what answering needs of a library."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol, get_args

from langchain_dmx_omni.errors import InvalidInputError

from .moments import Moment

__all__ = ["Mode", "Searcher", "check_search"]

Mode = Literal["hybrid", "words", "meaning"]
"""How moments are found: by words, by meaning, or by both, fused by reciprocal rank."""


def check_search(k: object, mode: str = "hybrid") -> None:
    """Check what a search is asked for.

    Raises:
        InvalidInputError: `k` is no count, or there is no such mode.
    """
    if isinstance(k, bool) or not isinstance(k, int) or k < 0:
        msg = f"k is how many moments to return, 0 or more, not {k!r}"
        raise InvalidInputError(msg)
    if mode not in get_args(Mode):
        msg = f"mode is one of {', '.join(get_args(Mode))}, not {mode!r}"
        raise InvalidInputError(msg)


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
