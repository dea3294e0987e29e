"""What `add`, `verify` and `stats` say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from langchain_dmx_omni.jobs import Missing


class Failed(NamedTuple):
    """A file that could not be indexed, and why."""

    source: str
    error: Exception


class Problem(NamedTuple):
    """Something in a library that is out of step, and how it is mended."""

    source: str
    """The recording, or `""` for the library as a whole."""
    what: str
    way_out: str
    """How it is mended, with `{add}` and `{remove}` for these."""

    @property
    def remedy(self) -> str:
        """How it is mended, in Python's words."""
        return self.remedy_by(add="add it again", remove=f"remove({self.source!r})")

    def remedy_by(self, *, add: str, remove: str) -> str:
        """Return how it is mended, in other words.

        Args:
            add: What indexes the recording again.
            remove: What removes it.
        """
        return self.way_out.format(add=add, remove=remove)


@dataclass
class AddReport:
    """What became of each file; each is named once.

    Attributes:
        added: Recordings that are indexed now, anew or for the first time.
        unchanged: Recordings that were indexed already.
        failed: Files that could not be indexed, with their errors; what was known of them is still there.
        missing: For recordings in `added`: the windows that have no answer, such as one that the service refuses.
            They are asked about again the next time.
    """

    added: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    failed: list[Failed] = field(default_factory=list)
    missing: dict[str, Sequence[Missing]] = field(default_factory=dict)

    def __str__(self) -> str:
        counts = f"{len(self.added)} added, {len(self.unchanged)} unchanged, {len(self.failed)} failed"
        failures = [f"{source}: {error}" for source, error in self.failed]
        gaps = [
            f"{source}: nothing is known of {gap.window.start:.0f} to {gap.window.end:.0f} s: {gap.error}"
            for source, windows in self.missing.items()
            for gap in windows
        ]
        return "\n".join([counts, *failures, *gaps])


@dataclass(frozen=True)
class Stats:
    """What a library holds.

    Attributes:
        recordings: Number of recordings.
        moments: Number of moments of all kinds.
        seconds: Length of all recordings together.
        embeddings: Name of what makes the vectors, or `""` where there are words alone.
        dimensions: Length of a vector, or 0.
    """

    recordings: int
    moments: int
    seconds: float
    embeddings: str
    dimensions: int
