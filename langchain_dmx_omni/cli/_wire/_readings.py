"""What an answer says about a question that the service's pages leave open, in plain words. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from langchain_dmx_omni._profiles import LIMITS

from ._heard import SPEECH_RATE, Heard


class Reading(NamedTuple):
    """What was found."""

    said: str
    """In plain words."""
    yes: bool | None = None
    """The answer, where the question is one of yes or no, or of whether it is as the pages say; None: not settled."""
    advice: str = ""
    """What follows for who uses the client; empty where its defaults are right."""


Read = Callable[[Heard], Reading]

_NEWLINES = {"\n": "LF", "\r\n": "CR LF", "\r": "CR", "": "none"}
_ORDER = (
    "created",
    "in_progress",
    "output_item.added",
    "content_part.added",
    "output_text.delta",
    "output_text.done",
    "content_part.done",
    "output_item.done",
    "completed",
)
_KEPT_WORDS = 8
"""Words that an answer of four tokens may have."""


def _refused(heard: Heard, *, advice: str = "") -> Reading:
    """Read an answer that holds nothing: a refusal settles a question, a service that is busy doesn't."""
    if not heard.settled:
        return Reading(f"not settled, the service failed each time ({heard.error})")
    if heard.error:
        return Reading(f"refused ({heard.error})", yes=False, advice=advice)
    return Reading("answered with nothing")


def stream(heard: Heard) -> Reading:
    """Read the order of events and their layout."""
    if not heard.accepted:
        return _refused(heard)
    layout = heard.layout
    order = [name.removeprefix("response.") for name in heard.names]
    facts = [
        f"events: {' → '.join(order)}",
        f"line ends: {_NEWLINES[layout['newline']]}",
        "each event has an `event:` line" if layout["event_lines"] else "there are no `event:` lines",
        "a blank line ends each event" if layout["blank_lines"] else "no blank lines",
        f"{layout['comments']} comments (pings)" if layout["comments"] else "no comments",
        "`[DONE]` at the end" if layout["done"] else "no `[DONE]`",
        f"usage on {heard.end}" if heard.usage else "no usage",
    ]
    advice = "" if heard.usage else "usage is not reported: costs can't be estimated"
    return Reading("; ".join(facts), yes=tuple(order) == _ORDER, advice=advice)


def speech(heard: Heard) -> Reading:
    """Read the shape of speech and its header."""
    if not heard.audio:
        said, yes, _ = Reading("text alone", yes=False) if heard.accepted else _refused(heard)
        return Reading(f"no speech: {said}", yes)
    ways = []
    if heard.items:
        ways.append(f"in {len(heard.items)} item{'s' * (len(heard.items) > 1)}")
    if heard.deltas:
        ways.append(f"as {len(heard.deltas)} deltas")
    if heard.repeated:
        ways.append("once more in the last event")
    seconds = heard.speech_seconds
    tokens = heard.usage.get("output_tokens")
    rate = (
        f"; {tokens} output tokens for it and its text: {tokens / seconds:.0f} a second" if tokens and seconds else ""
    )
    header, right = _header(heard.audio)
    documented = len(heard.items) == len(ways) == 1 and right
    return Reading(f"{', '.join(ways)}; {header}; {seconds:.2f} s{rate}", yes=documented)


def _header(audio: list[bytes]) -> tuple[str, bool]:
    """Return what stands before the samples, and whether that is a whole WAV's header."""
    with_header = sum(each.startswith(b"RIFF") for each in audio)
    if not with_header:
        return f"no header: raw samples, read as {SPEECH_RATE:,} Hz mono", False
    first = audio[0]
    rate, length = int.from_bytes(first[24:28], "little"), int.from_bytes(first[4:8], "little")
    right = length + 8 == len(first)
    lengths = "its lengths are right" if right else f"its length field says {length:#x}"
    which = "each piece has" if with_header == len(audio) > 1 else "it has"
    return f"{which} a RIFF header of {rate:,} Hz, {lengths}", right


def audio_format(heard: Heard) -> Reading:
    """Read what comes back for `"format": "mp3"`."""
    if not heard.audio:
        return _refused(heard)
    first = heard.audio[0]
    if first.startswith((b"ID3", b"\xff\xfb", b"\xff\xf3", b"\xff\xf2")):
        return Reading("MP3 comes back", yes=True)
    what = "WAV" if first.startswith(b"RIFF") else "neither WAV nor MP3: raw samples, or something else"
    return Reading(f"the format is passed over: {what} comes back", yes=False)


def system(heard: Heard) -> Reading:
    """Read whether a system message may stand beside speech, and is heeded."""
    if not heard.accepted:
        return _refused(heard)
    if "BANANA" in heard.text.upper():
        return Reading("taken, and heeded", yes=True, advice="ChatDMXOmni(system_with_audio='send') is possible")
    return Reading(f"taken, and not heeded: it says {heard.text[:80]!r}", yes=True)


def impossible(heard: Heard) -> Reading:
    """Read whether an option is forwarded, from what becomes of an impossible value."""
    if not heard.settled:
        return _refused(heard)
    if heard.accepted:
        return Reading(
            "an impossible value is answered: it is not forwarded, or bounded on the way",
            yes=False,
            advice="it may change nothing here",
        )
    return Reading(f"an impossible value is {_refused(heard).said}: it is forwarded or checked", yes=True)


def max_tokens(heard: Heard) -> Reading:
    """Read whether the bound is kept, and how that is said."""
    if not heard.accepted:
        return _refused(heard, advice="leave max_tokens out")
    words = len(heard.text.split())
    kept = words <= _KEPT_WORDS
    said = f"{words} words were answered: the bound is {'kept' if kept else 'not kept'}"
    advice = "" if kept else "max_tokens bounds nothing: say in the question how long the answer may be"
    return Reading(f"{said}; it ends with {heard.end or 'no event'}", yes=kept, advice=advice)


def stop(heard: Heard) -> Reading:
    """Read whether the answer stops where it should."""
    if not heard.accepted:
        return _refused(heard, advice="leave stop out")
    words = heard.text.lower()
    if "six" not in words:
        return Reading(f"not settled, it didn't count that far: it says {heard.text[:80]!r}")
    kept = "seven" not in words and "eight" not in words
    said = f"the answer {'ends before it' if kept else 'goes on'}; it ends with {heard.end or 'no event'}"
    return Reading(said, yes=kept, advice="" if kept else "stop stops nothing here")


def tool(heard: Heard) -> Reading:
    """Read whether a function is called, and in which events."""
    if heard.calls:
        call = heard.calls[0]
        arguments = "whole in the item" if call.get("arguments") else "missing in the item"
        deltas = "with" if "response.function_call_arguments.delta" in heard.names else "without"
        said = f"called {call.get('name')}({call.get('arguments')}); arguments {arguments}, {deltas} deltas"
        return Reading(said, yes=True)
    if not heard.accepted:
        return _refused(heard)
    return Reading(f"taken, and not called; it says {heard.text[:80]!r}", yes=False)


def result(heard: Heard) -> Reading:
    """Read whether what a tool has answered is taken, and heeded."""
    if not heard.accepted:
        return _refused(heard, advice="agents with tools don't work")
    if "HAIL" in heard.text.upper():
        return Reading("taken, and heeded", yes=True)
    if heard.calls:
        return Reading("passed over: the tool is called again", yes=False, advice="agents with tools may not end")
    return Reading(f"taken, and not heeded: it says {heard.text[:80]!r}", yes=False)


def format(heard: Heard) -> Reading:
    """Read whether a format of the answer is taken, and kept to."""
    if not heard.accepted:
        return _refused(heard)
    kept = heard.text.strip().startswith("{") and heard.text.strip().endswith("}")
    return Reading("taken, and kept to" if kept else f"taken, and not kept to: {heard.text[:80]!r}", yes=kept)


def taken(heard: Heard) -> Reading:
    """Read whether something is taken at all."""
    if not heard.accepted:
        return _refused(heard)
    return Reading(f"taken; it says {heard.text[:80]!r}", yes=True)


def silence(heard: Heard) -> Reading:
    """Read what becomes of a voice that is none."""
    if heard.accepted:
        return Reading(f"answered, {'in some voice' if heard.audio else 'in text alone'}", yes=False)
    if heard.error:
        return _refused(heard)
    return Reading(f"HTTP {heard.status} and nothing in it ({len(heard.body)} bytes)", yes=True)


def voice(heard: Heard) -> Reading:
    """Read whether a voice speaks."""
    if heard.audio:
        return Reading(f"yes, for {heard.speech_seconds:.2f} s", yes=True)
    if heard.accepted:
        return Reading("no: the answer is text alone", yes=False)
    if heard.error:
        return _refused(heard)
    return Reading(f"no: HTTP {heard.status} and nothing in it", yes=False)


def sound(heard: Heard) -> Reading:
    """Read what a second of sound costs, from two lengths."""
    tokens, seconds = heard.notes.get("tokens", []), heard.notes.get("seconds", [])
    if len(tokens) < 2 or not all(tokens):
        return Reading("not settled, there is no usage to read it from") if heard.accepted else _refused(heard)
    rate = (tokens[1] - tokens[0]) / (seconds[1] - seconds[0])
    kind = "raw tokens" if rate < 15 else "weighted by price"
    counts = f"{seconds[0]:g} s: {tokens[0]} input tokens, {seconds[1]:g} s: {tokens[1]}"
    return Reading(f"{counts}; {rate:.1f} a second: {kind}", yes=True)


def inline_limit(heard: Heard) -> Reading:
    """Read how long a data URL may be."""
    taken, refused = heard.notes.get("taken", 0), heard.notes.get("refused", 0)
    said = heard.notes.get("said", "")
    if refused and not heard.notes.get("settled", True):
        return Reading(f"not settled, the service failed each time at {refused:,} bytes ({said}); {taken:,} are taken")
    if not refused:
        return Reading(f"data URLs of {taken:,} bytes are taken, and longer ones were not tried", yes=False)
    if not taken:
        return Reading(
            f"data URLs of {refused:,} bytes are refused ({said}), and shorter ones were not tried",
            yes=False,
            advice="send less inline: media.video(path, fit=True), video.fit(path, max_bytes=…), or a URL",
        )
    as_said = taken <= LIMITS.data_url < refused
    return Reading(f"data URLs of {taken:,} bytes are taken, and of {refused:,} refused ({said})", yes=as_said)


def request_limit(heard: Heard) -> Reading:
    """Read whether two data URLs may together be longer than one may be."""
    length = heard.notes.get("length", 0)
    if not length:
        return Reading("not settled, for want of a length that is taken")
    if heard.accepted:
        return Reading(f"two of {length:,} bytes are taken", yes=True)
    return _refused(heard, advice="keep all media of a question together under what one data URL may be")


def retry_after(heard: Heard) -> Reading:
    """Read what answers of a busy service say, from the headers of those that came."""
    busy = heard.notes.get("busy", [])
    if not busy:
        return Reading("not settled, since it never was busy")
    waits = [f"{status} with {wait}" if wait else f"{status} without" for status, wait in busy]
    return Reading(", ".join(dict.fromkeys(waits)), yes=any(wait for _, wait in busy))
