"""The one who writes into a library.

What is about to be there is recorded before it is written, and the recording itself comes last: whenever a process is
killed, nothing is in the store that no record knows, and what is unfinished is done again.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from langchain_core.documents import Document

from langchain_dmx_omni._disk.claims import FileClaim
from langchain_dmx_omni._disk.files import storing
from langchain_dmx_omni._disk.names import is_url

from ._database import Database
from ._indexing import Indexed
from ._recordings import Recorded, Recordings
from ._records import Records
from .store import MomentStore

_log = logging.getLogger(__name__)

_MOMENTS: Final = 1_000
_SECONDS: Final = 5.0
"""What is gathered before it is written: a commit costs as much for one moment as for a thousand."""
_POLL: Final = 0.5
"""Seconds between two looks at whether another writer is done."""
_REMEDY: Final = "free some space, or make the folder writable"


class Writer:
    """Writes recordings into a library, several in one commit.

    Raises:
        StorageError: The place can't be written; so for all methods.

    Attributes:
        recordings: What is known of each recording.
        records: The ids of their moments, by recording.
        given: The ids of moments that were given as documents, by recording.
    """

    def __init__(self, store: MomentStore, database: Database) -> None:
        self._store = store
        self.recordings = Recordings(database)
        self.records = Records("moments", database)
        self.given = Records("documents", database)
        self._waiting: list[Indexed] = []
        self._since = time.monotonic()

    def write(self, indexed: Indexed) -> None:
        """Write a recording, now or with the next ones."""
        self._waiting.append(indexed)
        if sum(len(each.documents) for each in self._waiting) >= _MOMENTS or time.monotonic() - self._since > _SECONDS:
            self.flush()

    def flush(self) -> None:
        """Write what waits."""
        waiting, self._waiting = self._waiting, []
        self._since = time.monotonic()
        if waiting:
            recorded = [each.recorded for each in waiting]
            documents = [document for each in waiting for document in each.documents]
            self._replace(documents, [each.source for each in recorded])
            self.recordings.put(recorded)
            self._forget_moved(recorded)

    def give(self, documents: Sequence[Document]) -> None:
        """Write moments that are known already, beside what is there; they have ids."""
        sources = [str(document.metadata["source"]) for document in documents]
        self.given.update([str(document.id) for document in documents], group_ids=sources)
        self._store.add_documents(list(documents))
        known = self.recordings.of(list(dict.fromkeys(sources)))
        new = [source for source in dict.fromkeys(sources) if source not in known]
        self.recordings.put(Recorded(source, "documents", "", "", "", 0.0, 0, 0) for source in new)

    def remove(self, sources: Sequence[str]) -> None:
        """Remove all that is known of recordings."""
        if sources:
            self.recordings.delete(sources)
            self._store.delete(filter={"source": list(sources)})
            for records in (self.records, self.given):
                records.delete_keys(records.list_keys(group_ids=list(sources)))

    def optimize(self) -> None:
        """Gather what many small writes have left."""
        self._store.optimize()
        self.recordings.optimize()

    def _replace(self, documents: Sequence[Document], sources: Sequence[str]) -> None:
        before = self.records.list_keys(group_ids=list(sources))
        ids = [str(document.id) for document in documents]
        groups = [str(document.metadata["source"]) for document in documents]
        self.records.update(ids, group_ids=groups)
        gone = sorted(set(before) - set(ids))
        self._store.replace(documents, gone)
        self.records.delete_keys(gone)

    def _forget_moved(self, recorded: Sequence[Recorded]) -> None:
        """Remove what is known of the same files under names that they had before."""
        now = {each.source for each in recorded}
        same = self.recordings.with_content([each.video_id for each in recorded])
        before = [each.source for each in same if each.source not in now and each.origin == "file"]
        self.remove([name for name in before if not is_url(name) and not Path(name).exists()])


class Turn:
    """The turn to write into a library: one process, and one thread of it, has it at a time.

    On object storage everybody has it: LanceDB sorts out writes that collide.
    """

    def __init__(self, place: str) -> None:
        self._place = None if is_url(place) else Path(place)
        self._claim: FileClaim | None = None
        self._waits = False

    def take(self) -> bool:
        """Try to have it; True if so.

        Raises:
            StorageError: The folder can't be written.
        """
        if self._place is None:
            return True
        with storing("write", self._place, _REMEDY):
            self._place.mkdir(parents=True, exist_ok=True)
            self._claim = FileClaim.take(self._place / "write.lock")
        if self._claim is None and not self._waits:
            self._waits = True
            _log.warning("%s: somebody else writes into this library; waiting until they are done", self._place)
        return self._claim is not None

    def end(self) -> None:
        """Let others have it."""
        if self._claim is not None:
            self._claim.release()
            self._claim = None


@contextmanager
def writing(place: str) -> Iterator[None]:
    """Wait for the turn to write into a library, and have it.

    Raises:
        StorageError: The folder can't be written.
    """
    turn = Turn(place)
    while not turn.take():
        time.sleep(_POLL)
    try:
        yield
    finally:
        turn.end()
