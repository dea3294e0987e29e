"""What is known of a moment beside its text: flat scalars, so that any vector store can keep and filter them."""

from __future__ import annotations

import hashlib
from typing import Final, Literal, TypedDict

Kind = Literal["caption", "speech", "text"]
"""The grain of a moment: what a window shows, a passage of speech of about 20 seconds, or what is written."""

KINDS: Final[tuple[Kind, ...]] = ("caption", "speech", "text")


class Metadata(TypedDict, total=False):
    """The metadata of a moment's `Document`. All but the first three may be missing."""

    source: str
    """The recording: the path of a local file (absolute, as `os.fspath` gives it), or what the user calls it."""
    start_seconds: float
    """Seconds since the recording's beginning."""
    end_seconds: float
    uri: str
    """`source` with the media fragment `#t=start,end`."""
    video_id: str
    """A hash of the recording's bytes: the same for a renamed file."""
    kind: Kind
    duration_seconds: float
    """Of the whole recording."""
    title: str
    speaker: str
    model: str
    prompt_version: str
    thumbnail: str
    """The path of a small JPEG of the moment, in the library's folder."""


FIELDS: Final[dict[str, type[str] | type[float]]] = {
    "source": str,
    "start_seconds": float,
    "end_seconds": float,
    "uri": str,
    "video_id": str,
    "kind": str,
    "duration_seconds": float,
    "title": str,
    "speaker": str,
    "model": str,
    "prompt_version": str,
    "thumbnail": str,
}
"""Every name of `Metadata` with its type, in the order of a table's columns."""


def moment_uri(source: str, start: float, end: float) -> str:
    """Return the address of a span: the source with a media fragment (W3C Media Fragments URI 1.0)."""
    return f"{source}#t={start:.3f},{end:.3f}"


def moment_id(source: str, kind: str, start: float, end: float, ordinal: int = 0) -> str:
    """Return the id of a moment: the same each time a recording is indexed in the same way, so that it is replaced.

    Args:
        source: The recording.
        kind: The grain of the moment.
        start: Seconds since the recording's beginning.
        end: Seconds since the recording's beginning.
        ordinal: Which of several moments of this kind and span.
    """
    about = f"{source}\0{kind}\0{round(start * 1000)}\0{round(end * 1000)}\0{ordinal}"
    return hashlib.blake2b(about.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()
