"""What is known of a recording → the documents of a library, at three grains. Pure.

A window's caption answers what a scene shows, a passage of speech what was said, written text what stood there: each is
found by other words. They overlap in time, and none repeats another.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePath
from typing import Any, NamedTuple

from langchain_core.documents import Document

from langchain_dmx_omni.jobs import Caption, Captions, Line, Window

from ._metadata import KINDS, Kind, Metadata, moment_id, moment_uri
from ._passages import passages


class _Moment(NamedTuple):
    """A moment before it is a document."""

    kind: Kind
    start: float
    end: float
    text: str
    speaker: str = ""
    asked: bool = True
    """Whether a model has said it."""


def documents(
    captions: Captions | None,
    *,
    source: str,
    video_id: str,
    duration: float,
    title: str,
    model: str,
    prompt_version: str,
    transcript: Sequence[Line] | None = None,
) -> list[Document]:
    """Return what is known of a recording as documents, sorted by time; their ids are the same each time.

    Args:
        captions: What a model has seen and heard; None where nobody has asked one.
        source: The recording; see `Metadata` for this and the next ones.
        video_id: The hash of its bytes.
        duration: Its seconds; all times are kept within.
        title: What it is called.
        model: Which model has made the captions.
        prompt_version: What it was asked.
        transcript: What is said, from somewhere else: it stands in place of what the model has heard.
    """
    moments: list[_Moment] = []
    if captions is not None:
        moments += [_Moment("caption", each.start, each.end, _caption_text(each)) for each in captions.windows]
        moments += [_Moment("text", each.start, each.end, " ".join(each.text.split())) for each in captions.written]
    lines = transcript if transcript is not None else captions.lines if captions is not None else ()
    heard = transcript is None
    moments += [_Moment("speech", each.start, each.end, _spoken(each), each.speaker, heard) for each in passages(lines)]
    recording: Metadata = {"source": source, "video_id": video_id, "title": title}
    return list(_documents(moments, recording, duration, {"model": model, "prompt_version": prompt_version}))


def window_documents(
    windows: Iterable[Window], *, source: str, video_id: str, duration: float, title: str
) -> list[Document]:
    """Return windows of a recording that nothing is known of as documents: their text is the title and the time."""
    moments = [
        _Moment("caption", each.start, each.end, f"{title} {clock(each.start)}–{clock(each.end)}", asked=False)
        for each in windows
    ]
    recording: Metadata = {"source": source, "video_id": video_id, "title": title}
    return list(_documents(moments, recording, duration, {}))


def title_of(path: str) -> str:
    """Return what a recording is called, by the name of its file."""
    return re.sub(r"[\s_-]+", " ", PurePath(path).stem).strip() or PurePath(path).name


def clock(seconds: float) -> str:
    """Return a time as `m:ss`, or `h:mm:ss` from an hour on."""
    minutes, second = divmod(math.floor(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"


def _documents(
    moments: Iterable[_Moment], recording: Metadata, duration: float, asked: dict[str, str]
) -> Iterator[Document]:
    """Yield the documents of all moments that have a text, sorted by time."""
    known: dict[str, Any] = {**recording, "duration_seconds": float(duration)}
    longest = duration if duration > 0 else math.inf
    ordinals: Counter[tuple[str, float, float]] = Counter()
    for each in sorted(moments, key=lambda moment: (moment.start, moment.end, KINDS.index(moment.kind))):
        if not each.text:
            continue
        start, end = (round(min(max(float(time), 0.0), longest), 3) for time in (each.start, each.end))
        end = max(start, end)
        span = (each.kind, start, end)
        metadata = {
            **known,
            "kind": each.kind,
            "start_seconds": start,
            "end_seconds": end,
            "uri": moment_uri(recording["source"], start, end),
            "speaker": each.speaker,
            **(asked if each.asked else {}),
        }
        yield Document(
            each.text,
            id=moment_id(recording["source"], *span, ordinals[span]),
            metadata={name: value for name, value in metadata.items() if value != ""},
        )
        ordinals[span] += 1


def _caption_text(caption: Caption) -> str:
    """Return what a window shows; what is said and written in it has documents of its own."""
    return "\n".join(filter(None, (caption.title, caption.seen, ", ".join(caption.entities))))


def _spoken(passage: Line) -> str:
    return f"{passage.speaker}: {passage.text}" if passage.speaker else passage.text
