"""Whether a library's parts are in step: the moments, the record of them, and what is known of the recordings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from langchain_dmx_omni._disk.names import is_url

from ._recordings import Recorded
from ._reports import Problem
from ._writing import Writer
from .store import MomentStore


def problems(store: MomentStore, writer: Writer) -> Iterator[Problem]:
    """Yield what is out of step in a library, with the remedy, by recording.

    Raises:
        StorageError: It can't be read.
    """
    known = {each.source: each for each in writer.recordings.all()}
    stored = dict(store.ids())
    recorded = {*writer.records.list_keys(), *writer.given.list_keys()}
    given = set(writer.given.list_keys())
    counts = Counter(source or "" for id, source in stored.items() if id not in given)
    unrecorded = Counter(source or "" for id, source in stored.items() if id not in recorded)
    for source in sorted({*counts, *known}):
        yield from _of(source, known.get(source), counts[source], unrecorded[source])
    if lost := len(recorded - stored.keys()):
        yield Problem("", f"{lost} moments are recorded, and not there", "add the recordings again, or remove them")


def _of(source: str, known: Recorded | None, count: int, unrecorded: int) -> Iterator[Problem]:
    if known is None:
        yield Problem(source, f"there are {count} moments of a recording that is not indexed to its end", "{add}")
        return
    if known.origin == "documents":
        return
    if count != known.moments:
        yield Problem(source, f"{known.moments} moments were indexed, {count} are there", "{remove}, and {add}")
    if unrecorded:
        yield Problem(source, f"{unrecorded} of its moments are not recorded", "{remove}, and {add}")
    if known.missing:
        yield Problem(source, f"{known.missing} windows have no answer", "{add}")
    if not is_url(source) and not Path(source).is_file():
        yield Problem(source, "the file is gone: it can be neither looked at nor cut", "put it back, or {remove}")
