"""Which moments a search may give, as the condition of a table. Any text is safe in it."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from langchain_dmx_omni.errors import InvalidInputError

from ._metadata import FIELDS, KINDS

Span = tuple[float | None, float | None]
"""From and to, in seconds since the recording's beginning; None leaves that side open."""


def storable(text: str) -> str:
    """Return text that can be written as UTF-8: a lone surrogate, as in a name that is no UTF-8, becomes `?`."""
    return text.encode("utf-8", "replace").decode("utf-8")


def literal(text: str) -> str:
    """Return the text as a literal of SQL, in which a quote is the only character that needs one more."""
    return "'" + storable(text).replace("'", "''") + "'"


def one_of(column: str, texts: Collection[str]) -> str:
    """Return the condition that a column is one of these texts; of none, that nothing is."""
    return f"{column} IN ({', '.join(map(literal, texts))})" if texts else "false"


def bounds(span: Sequence[float | None]) -> tuple[float, float]:
    """Return the seconds of a span, infinite where it is open.

    Raises:
        InvalidInputError: The span isn't two times, or ends before it starts.
    """
    if len(span) != 2:
        msg = f"between is (start, end) in seconds, either may be None, not {span!r}"
        raise InvalidInputError(msg)
    start, end = _seconds(span[0], -math.inf), _seconds(span[1], math.inf)
    if end < start:
        msg = f"between ends before it starts: {span!r}"
        raise InvalidInputError(msg)
    return start, end


def matches(metadata: Mapping[str, Any], sources: Collection[str] | str | None, between: Span | None) -> bool:
    """Return whether a document's metadata fulfils what `where` asks of a table, for stores of others."""
    if sources is not None and metadata.get("source") not in _texts(sources):
        return False
    if between is None:
        return True
    start, end = bounds(between)
    if metadata.get("start_seconds") is None or metadata.get("end_seconds") is None:
        return False
    first, last = float(metadata["start_seconds"]), float(metadata["end_seconds"])
    return (first < end or start == end == first) and (last > start or first == start)


def overlapping(span: Sequence[float | None]) -> str | None:
    """Return the condition that a moment overlaps a span, not only touches it; None when it is open on both sides."""
    start, end = bounds(span)
    conditions = []
    if end < math.inf:
        # An instant is asked for by an empty span.
        conditions.append(f"start_seconds {'<' if start < end else '<='} {end!r}")
    if start > -math.inf:
        conditions.append(f"(end_seconds > {start!r} OR start_seconds = {start!r})")
    return " AND ".join(conditions) or None


def where(
    sources: Collection[str] | str | None = None,
    between: Span | None = None,
    kinds: Collection[str] | str | None = None,
    equal: Mapping[str, Any] | None = None,
) -> str | None:
    """Return the condition that moments fulfil, or None for all of them.

    Args:
        sources: The recordings, or one; None for all.
        between: The span that moments overlap, in seconds.
        kinds: The grains, or one; None for all.
        equal: Values of the metadata by name, each one value or a list of values.

    Raises:
        InvalidInputError: A span, a kind or a name that can't be searched for.
    """
    conditions = []
    if sources is not None:
        conditions.append(one_of("source", _texts(sources)))
    if kinds is not None:
        if unknown := set(_texts(kinds)) - set(KINDS):
            msg = f"kinds are {', '.join(KINDS)}, not {', '.join(sorted(unknown))}"
            raise InvalidInputError(msg)
        conditions.append(one_of("kind", _texts(kinds)))
    if between is not None:
        conditions.append(overlapping(between) or "start_seconds IS NOT NULL")
    conditions += [_equal(name, value) for name, value in (equal or {}).items()]
    return " AND ".join(f"({condition})" for condition in conditions) or None


def _equal(name: str, value: object) -> str:
    if name not in FIELDS:
        msg = f"moments can't be filtered by {name!r}; there are {', '.join(FIELDS)}"
        raise InvalidInputError(msg)
    values = list(value) if isinstance(value, (list, tuple, set, frozenset)) else [value]
    if FIELDS[name] is float:
        return f"{name} IN ({', '.join(repr(_seconds(item, math.nan)) for item in values)})" if values else "false"
    texts = [item for item in values if isinstance(item, str)]
    if len(texts) < len(values):
        msg = f"{name} is compared with text, not with {value!r}"
        raise InvalidInputError(msg)
    return one_of(name, texts)


def _texts(texts: Collection[str] | str) -> list[str]:
    return [texts] if isinstance(texts, str) else list(texts)


def _seconds(value: object, default: float) -> float:
    if value is None and not math.isnan(default):
        return default
    if isinstance(value, bool) or not isinstance(value, (int, float)) or math.isnan(value):
        msg = f"a time is a number of seconds, not {value!r}"
        raise InvalidInputError(msg)
    return float(value)
