"""The one who writes into a library: moments first, then the record of them, so that a killed run is done again."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from ._indexing import Indexed
from ._listing import is_url
from ._recordings import Recorded, Recordings
from ._records import Records
from .store import MomentStore

_MOMENTS: Final = 1_000
_SECONDS: Final = 5.0
"""What is gathered before it is written: a commit costs as much for one moment as for a thousand."""


class Writer:
    """Writes recordings into a library, several in one commit.

    Raises:
        StorageError: The place can't be written; so for all methods.
    """

    def __init__(self, store: MomentStore, records: Records, recordings: Recordings) -> None:
        self._store = store
        self._records = records
        self._recordings = recordings
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
        if not waiting:
            return
        ids = {each.recorded.source: [str(document.id) for document in each.documents] for each in waiting}
        self._store.replace([document for each in waiting for document in each.documents], list(ids))
        self._record(ids)
        recorded = [each.recorded for each in waiting]
        self._recordings.put(recorded)
        self._forget_moved(recorded)

    def remove(self, sources: Sequence[str]) -> None:
        """Remove recordings: the record of them first, so that `verify` sees a removal that was killed."""
        if sources:
            self._recordings.delete(sources)
            self._record({source: [] for source in sources})
            self._store.replace([], sources)

    def _record(self, ids: Mapping[str, Sequence[str]]) -> None:
        """Take note of the moments of recordings, in place of those that are known."""
        groups = {id: source for source, several in ids.items() for id in several}
        gone = set(self._records.list_keys(group_ids=list(ids))) - set(groups)
        self._records.delete_keys(sorted(gone))
        self._records.update(list(groups), group_ids=list(groups.values()))

    def optimize(self) -> None:
        """Gather what many small writes have left."""
        self._store.optimize()
        self._recordings.optimize()

    def _forget_moved(self, recorded: Sequence[Recorded]) -> None:
        """Remove what is known of the same files under names that they had before."""
        now = {each.source for each in recorded}
        same = self._recordings.with_content([each.video_id for each in recorded])
        before = [each.source for each in same if each.source not in now and each.origin == "file"]
        self.remove([name for name in before if not is_url(name) and not Path(name).exists()])
