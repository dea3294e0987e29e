"""What an answer says about a question that the service's pages leave open, in plain words. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from ._heard import SPEECH_RATE, Heard


class Reading(NamedTuple):
    """What was found."""

    said: str
    """In plain words."""
    advice: str = ""
    """What follows for the client's options; empty where its defaults are right."""


Read = Callable[[Heard], Reading]

_NEWLINES = {"\n": "LF", "\r\n": "CR LF", "\r": "CR", "": "none"}


def _refused(heard: Heard) -> str:
    return f"refused ({heard.error})" if heard.error else "answered with nothing"


def stream(heard: Heard) -> Reading:
    """Read the order of events and their layout."""
    if not heard.accepted:
        return Reading(_refused(heard))
    layout = heard.layout
    order = " → ".join(name.removeprefix("response.") for name in heard.names)
    facts = [
        f"events: {order}",
        f"line ends: {_NEWLINES[layout['newline']]}",
        "each event has an `event:` line" if layout["event_lines"] else "there are no `event:` lines",
        "a blank line ends each event" if layout["blank_lines"] else "no blank lines",
        f"{layout['comments']} comments (pings)" if layout["comments"] else "no comments",
        "`[DONE]` at the end" if layout["done"] else "no `[DONE]`",
        f"usage on {heard.end}" if heard.usage else "no usage",
    ]
    return Reading("; ".join(facts), "" if heard.usage else "usage is not reported: costs can't be estimated")


def speech(heard: Heard) -> Reading:
    """Read the shape of speech and its header."""
    if not heard.audio:
        return Reading(f"no speech: {_refused(heard) if not heard.accepted else 'text alone'}")
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
    return Reading(f"{', '.join(ways)}; {_header(heard.audio)}; {seconds:.2f} s{rate}")


def _header(audio: list[bytes]) -> str:
    with_header = sum(each.startswith(b"RIFF") for each in audio)
    if not with_header:
        return f"no header: raw samples, read as {SPEECH_RATE:,} Hz mono"
    first = audio[0]
    rate, length = int.from_bytes(first[24:28], "little"), int.from_bytes(first[4:8], "little")
    lengths = "its lengths are right" if length + 8 == len(first) else f"its length field says {length:#x}"
    which = "each piece has" if with_header == len(audio) > 1 else "it has"
    return f"{which} a RIFF header of {rate:,} Hz, {lengths}"


def audio_format(heard: Heard) -> Reading:
    """Read what comes back for `"format": "mp3"`."""
    if not heard.audio:
        return Reading(_refused(heard), "leave audio_format='wav'")
    first = heard.audio[0]
    if first.startswith((b"ID3", b"\xff\xfb", b"\xff\xf3", b"\xff\xf2")):
        return Reading("MP3 comes back")
    what = "WAV" if first.startswith(b"RIFF") else "neither WAV nor MP3: raw samples, or something else"
    return Reading(f"the format is passed over: {what} comes back", "leave audio_format='wav'")


def system(heard: Heard) -> Reading:
    """Read whether a system message may stand beside speech, and is heeded."""
    if not heard.accepted:
        return Reading(_refused(heard), "leave system_with_audio='fold'")
    heeded = "BANANA" in heard.text.upper()
    if heeded:
        return Reading("taken, and heeded", "ChatDMXOmni(system_with_audio='send') is possible")
    return Reading("taken, and not heeded", "leave system_with_audio='fold'")


def impossible(heard: Heard) -> Reading:
    """Read whether an option is forwarded, from what becomes of an impossible value."""
    if heard.accepted:
        return Reading("an impossible value is answered: the option is not forwarded, or bounded on the way")
    return Reading(f"an impossible value is {_refused(heard)}: the option is forwarded or checked")


def max_tokens(heard: Heard) -> Reading:
    """Read whether the bound is kept, and how that is said."""
    if not heard.accepted:
        return Reading(_refused(heard))
    words = len(heard.text.split())
    kept = words <= 8
    end = f"it ends with {heard.end or 'no event'}"
    return Reading(f"{words} words were answered: the bound is {'kept' if kept else 'not kept'}; {end}")


def tool(heard: Heard) -> Reading:
    """Read whether a function is called, and in which events."""
    if heard.calls:
        call = heard.calls[0]
        arguments = "whole in the item" if call.get("arguments") else "missing in the item"
        deltas = "with" if "response.function_call_arguments.delta" in heard.names else "without"
        return Reading(f"called {call.get('name')}({call.get('arguments')}); arguments {arguments}, {deltas} deltas")
    if not heard.accepted:
        return Reading(_refused(heard))
    return Reading(f"taken, and not called; it says {heard.text[:80]!r}")


def format(heard: Heard) -> Reading:
    """Read whether a format of the answer is taken, and kept to."""
    if not heard.accepted:
        return Reading(_refused(heard))
    kept = heard.text.strip().startswith("{") and heard.text.strip().endswith("}")
    return Reading("taken, and kept to" if kept else f"taken, and not kept to: {heard.text[:80]!r}")


def taken(heard: Heard) -> Reading:
    """Read whether something is taken at all."""
    if not heard.accepted:
        return Reading(_refused(heard))
    return Reading(f"taken; it says {heard.text[:80]!r}")


def voice(heard: Heard) -> Reading:
    """Read what becomes of a voice that is none."""
    if heard.error:
        return Reading(_refused(heard))
    if not heard.accepted:
        return Reading(f"HTTP {heard.status} and nothing in it ({len(heard.body)} bytes)")
    return Reading("answered" + (", in some voice" if heard.audio else ", in text alone"))


def sound(heard: Heard) -> Reading:
    """Read what a second of sound costs, from two lengths."""
    tokens, seconds = heard.notes.get("tokens", []), heard.notes.get("seconds", [])
    if len(tokens) < 2 or not all(tokens):
        return Reading("no usage to read it from" if heard.accepted else _refused(heard))
    rate = (tokens[1] - tokens[0]) / (seconds[1] - seconds[0])
    kind = "raw tokens (7 a second upstream)" if rate < 15 else "weighted by price (53 a second by the list prices)"
    return Reading(
        f"{seconds[0]:g} s: {tokens[0]} input tokens, {seconds[1]:g} s: {tokens[1]}; {rate:.1f} a second: {kind}"
    )


def inline_limit(heard: Heard) -> Reading:
    """Read how long a data URL may be."""
    taken, refused = heard.notes.get("taken", 0), heard.notes.get("refused", 0)
    if not refused:
        return Reading(f"data URLs of {taken:,} bytes are taken, and longer ones were not tried")
    said = heard.notes.get("said", "")
    if not taken:
        return Reading(f"data URLs of {refused:,} bytes are refused ({said}), and shorter ones were not tried")
    return Reading(f"data URLs of {taken:,} bytes are taken, and of {refused:,} refused ({said})")
