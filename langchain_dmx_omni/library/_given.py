"""Moments that somebody knows already, as documents: that they say which recording, from when to when."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from typing import Any

from langchain_core.documents import Document

from langchain_dmx_omni.errors import InvalidInputError

from ._metadata import moment_id, moment_uri

_TIMES = ("start_seconds", "end_seconds")


def checked(documents: Iterable[Document]) -> list[Document]:
    """Return the documents with ids and addresses; those that were given are not changed.

    Raises:
        InvalidInputError: One does not say which recording it is of, or its times can't be.
    """
    ordinals: Counter[tuple[Any, ...]] = Counter()
    moments: list[Document] = []
    for index, document in enumerate(documents):
        known = document.metadata
        source, start, end = known.get("source"), *(_seconds(known.get(name)) for name in _TIMES)
        if not isinstance(source, str) or not source:
            raise InvalidInputError(f"documents[{index}].metadata has no 'source': name the recording, as text")
        if start is None or end is None or not 0 <= start <= end:
            times = ", ".join(f"{name}={known.get(name)!r}" for name in _TIMES)
            raise InvalidInputError(
                f"documents[{index}].metadata ({source}) has {times}: give seconds since the recording's beginning, "
                "the start no later than the end"
            )
        span = (source, str(known.get("kind", "")), start, end)
        metadata = {"uri": moment_uri(source, start, end), **known, "start_seconds": start, "end_seconds": end}
        id = document.id or moment_id(*span, ordinals[span])
        ordinals[span] += 1
        moments.append(Document(document.page_content, id=id, metadata=metadata))
    return moments


def _seconds(value: object) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and math.isfinite(value) else None  # type: ignore[arg-type]
