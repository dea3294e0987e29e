"""Results of jobs → what files hold: SubRip, WebVTT, plain text, Markdown, JSON. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, cast

from langchain_dmx_omni.jobs import Answered, Chapters, Highlights, Minutes, Moderation, Result, Subtitles
from langchain_dmx_omni.video.subtitles import Cue, vtt

Writer = Callable[[Any], str]


def clock(seconds: float) -> str:
    """Return a time as people write it: `1:05`, `1:02:05`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def formats(result: type[Result]) -> tuple[str, ...]:
    """Return the formats that a kind of result can be written in, the usual one first."""
    return (*_WRITERS[result], "json")


def written(result: Result, format: str, *, title: str = "") -> str:
    """Return a result in a format.

    Args:
        result: The result.
        format: One of its `formats`.
        title: What it is about, such as the recording's name: the heading in Markdown.
    """
    if format == "json":
        return result.model_dump_json(indent=2) + "\n"
    text = _WRITERS[type(result)][format](result)
    if format in ("srt", "vtt"):
        return text
    gaps = [f"(nothing is known of {clock(each.window.start)}-{clock(each.window.end)})" for each in result.missing]
    heading = [f"# {title}\n"] if format == "md" and title else []
    return "\n".join([*heading, text.strip(), *(["", *gaps] if gaps else [])]).strip() + "\n"


def _span(each: Any) -> str:
    return f"{clock(each.start)}-{clock(each.end)}"


def _list(items: Iterable[str], nothing: str = "none") -> str:
    return "\n".join(f"- {each}" for each in items) or f"- {nothing}"


def _sections(*sections: tuple[str, str]) -> str:
    return "\n\n".join(f"## {heading}\n\n{text}" for heading, text in sections)


# --- subtitles --------------------------------------------------------------------------------------------------------


def _transcript(result: Subtitles) -> str:
    return "\n".join(line.text for line in result.lines)


def _timed_transcript(result: Subtitles) -> str:
    return _list(
        (f"**{clock(line.start)}** {line.text}" + (f" / {line.translation}" if line.translation else ""))
        for line in result.lines
    )


# --- chapters ---------------------------------------------------------------------------------------------------------


def _chapter_list(result: Chapters) -> str:
    return "\n".join(f"{clock(each.start)} {each.title}" for each in result.chapters)


def _chapter_page(result: Chapters) -> str:
    chapters = [f"## {clock(each.start)} {each.title}\n\n{each.summary}" for each in result.chapters]
    return "\n\n".join([f"**{result.title}**", result.summary, *chapters])


def _cues(spans: Sequence[Any]) -> str:
    """Return spans as WebVTT, such as players take for chapters; a cue each, whatever its length."""
    return vtt(Cue(each.start, each.end, each.title) for each in sorted(spans, key=lambda each: each.start))


# --- minutes ----------------------------------------------------------------------------------------------------------


def _actions(result: Minutes) -> list[str]:
    named = [(each, ", ".join(filter(None, [each.owner, each.due]))) for each in result.actions]
    return [f"{each.text}{f' ({who})' if who else ''} [{clock(each.start)}]" for each, who in named]


def _minutes_page(result: Minutes) -> str:
    return _sections(
        ("Summary", result.summary),
        ("Speakers", _list(f"{each.name}: {each.description}" for each in result.speakers)),
        ("Decisions", _list(f"{each.text} [{clock(each.start)}]" for each in result.decisions)),
        ("Actions", _list(_actions(result))),
    )


# --- moderation and highlights ----------------------------------------------------------------------------------------


def _findings(result: Moderation) -> str:
    found = [f"{_span(each)} {each.category} ({each.severity}): {each.reason}" for each in result.findings]
    return f"verdict: {result.verdict}\n\n{_list(found)}"


def _highlights(result: Highlights) -> str:
    return _list(f"{_span(each)} ({each.score:.2f}) {each.title}: {each.reason}" for each in result.highlights)


def _answer(result: Answered) -> str:
    evidence = "\n".join(f"{_span(each)}  {each.what}" for each in result.evidence)
    return "\n\n".join(filter(None, [result.answer or "Nothing in it answers the question.", evidence]))


_WRITERS: dict[type[Result], dict[str, Writer]] = {
    Subtitles: {
        "srt": lambda result: cast("Subtitles", result).srt("text"),
        "vtt": lambda result: cast("Subtitles", result).vtt("text"),
        "txt": _transcript,
        "md": _timed_transcript,
    },
    Chapters: {"md": _chapter_page, "txt": _chapter_list, "vtt": lambda result: _cues(result.chapters)},
    Minutes: {"md": _minutes_page, "txt": _minutes_page},
    Moderation: {"md": _findings, "txt": _findings},
    Highlights: {"md": _highlights, "txt": _highlights, "vtt": lambda result: _cues(result.highlights)},
    Answered: {"txt": _answer, "md": _answer},
}
