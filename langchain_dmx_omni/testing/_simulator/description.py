"""Facts → the English answer of the gateway. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from langchain_dmx_omni.testing._demuxers import Format
from langchain_dmx_omni.testing._incoming import Kind, Media, Request, ToolResult
from langchain_dmx_omni.testing._media_facts import Facts, Sound, Vision

SILENCE: Final = -60.0
"""dBFS (RMS); what is below is called silent."""

_QUOTED: Final = 300  # characters of the question that are repeated
_REPEATED: Final = 2000  # characters of a tool's output that are repeated
_NAMED_CUTS: Final = 6
_ARTICLE: Final[dict[Kind, str]] = {"image": "an image", "audio": "audio", "video": "a video", "frames": "a video"}
_CODECS: Final[dict[str, str]] = {
    "h264": "H.264",
    "hevc": "H.265",
    "mpeg4": "MPEG-4",
    "vp8": "VP8",
    "libvpx": "VP8",
    "vp9": "VP9",
    "libvpx-vp9": "VP9",
    "av1": "AV1",
    "libdav1d": "AV1",
    "opus": "Opus",
    "libopus": "Opus",
    "vorbis": "Vorbis",
    "mp3float": "MP3",
    "pcm_s16le": "PCM",
    "amrnb": "AMR",
}


def describe(request: Request, media_facts: Sequence[Sequence[Facts | None]]) -> str:
    """Return the whole answer in words.

    Args:
        request: The request.
        media_facts: For each of its media, the facts of each item; None for what is at a URL.
    """
    question = (
        f"You asked: '{shortened(request.question)}'" if request.question.strip() else "You asked nothing in words."
    )
    count = len(request.messages)
    size = f"The conversation holds {count} messages." if count > 1 else ""
    results, media = map(_result, request.tool_results), _media(request, media_facts)
    return " ".join(
        filter(None, ["This is a simulated answer by the local gateway.", question, *results, size, *media])
    )


def observations(request: Request, media_facts: Sequence[Sequence[Facts | None]]) -> str:
    """Return what the answer says beside the question: what tools have said, and what the media are."""
    return " ".join([*map(_result, request.tool_results), *_media(request, media_facts)])


def clip_spans(media_facts: Sequence[Sequence[Facts | None]]) -> list[tuple[float, float]]:
    """Return the parts of the first clip, in seconds: from cut to cut, or its halves where there is no cut."""
    clip = next((facts for items in media_facts for facts in items if facts and facts.seconds), None)
    if clip is None or not clip.seconds:
        return []
    cuts = clip.vision.cuts[:_NAMED_CUTS] if clip.vision else ()
    edges = [0.0, *(cut for cut in cuts or [clip.seconds / 2] if 0 < cut < clip.seconds), clip.seconds]
    return [(round(start, 2), round(end, 2)) for start, end in pairwise(edges)]


def shortened(question: str) -> str:
    """Return a question on one line, its beginning if it is long."""
    line = " ".join(question.split())
    return line[:_QUOTED] + ("…" if len(line) > _QUOTED else "")


def _result(result: ToolResult) -> str:
    output = result.output.strip()
    if not output:
        return f"{result.name} says nothing."
    text = output[:_REPEATED] + ("…" if len(output) > _REPEATED else "")
    return f"{result.name} says: {text}{'' if text[-1] in '.!?…。！？' else '.'}"


def _media(request: Request, media_facts: Sequence[Sequence[Facts | None]]) -> list[str]:
    sentences = [_received(media, facts) for media, facts in zip(request.media, media_facts, strict=False)]
    rest = len(request.media) - len(media_facts)
    return [*sentences, f"I did not look at {rest} more."] if rest else sentences


def _received(media: Media, facts: Sequence[Facts | None]) -> str:
    if media.kind == "frames":
        return _frames(facts)
    what = _ARTICLE[media.kind]
    match facts[0]:
        case None:
            return f"I received {what} by URL, which is not fetched here."
        case Facts(format=None, size=size):
            return f"I received {what} that I cannot read: {size} bytes of no known format."
        case Facts(measured=False, format=Format() as format, size=size):
            return f"I received {what}: {format.name}, {size} bytes, not measured, since PyAV is not installed."
        case Facts(vision=None, sound=None, format=Format() as format, size=size):
            return f"I received {what} that I cannot read: {size} bytes that begin like {format.name}."
        case known:
            return _known(media.kind, known)


def _frames(facts: Sequence[Facts | None]) -> str:
    text = f"I received a video as a list of {_count(len(facts), 'frame')}"
    first = next((one for one in facts if one and one.vision), None)
    if first is None or first.vision is None:
        return text + "."
    return f"{text}, the first of {_size(first.vision)}. {_colours(first.vision)}".rstrip()


def _known(kind: Kind, facts: Facts) -> str:
    """A file that could be opened; its kind may differ from the part's."""
    assert facts.format is not None
    vision, sound = facts.vision, facts.sound
    words = [facts.format.name]
    if facts.seconds is not None:
        words.append(f"{facts.seconds:.1f} s")
    if vision:
        words.append(_size(vision))
        words += [] if facts.format.still else [_codec(vision.codec)]
    elif sound:
        words += [*_sound(sound, inside=facts.format.name), *(["silent"] if _silent(sound) else [])]
    text = f"I received {_ARTICLE[kind]}: {', '.join(words)}"
    if vision and not facts.format.still:
        text += _beside(sound)
    elif kind == "video":
        text += "; without pictures"
    sentences = [text + "."]
    if vision:
        sentences += [_colours(vision), _cuts(vision) if facts.seconds else ""]
    if facts.damaged:
        sentences.append("A part of it is damaged and could not be decoded.")
    return " ".join(filter(None, sentences))


def _beside(sound: Sound | None) -> str:
    """What the sound of a video is like."""
    if sound is None:
        return "; without sound"
    return f"; with {'a silent sound track' if _silent(sound) else 'sound'} ({', '.join(_sound(sound))})"


def _sound(sound: Sound, *, inside: str = "") -> list[str]:
    """Codec (unless the format says it), channels, rate and loudness (unless silent), a few words each."""
    codec = _codec(sound.codec)
    facts = [] if codec == inside else [codec]
    facts += [_count(sound.channels, "channel"), f"{sound.rate} Hz"]
    if sound.level is not None and not _silent(sound):
        facts.append(f"loudness {_signed(sound.level)} dBFS")
    return facts


def _silent(sound: Sound) -> bool:
    return sound.level is not None and sound.level < SILENCE


def _size(vision: Vision) -> str:
    size = f"{vision.width}×{vision.height}"
    return size if vision.fps is None else f"{size} at {vision.fps:.2f}".rstrip("0").rstrip(".") + " fps"


def _colours(vision: Vision) -> str:
    return f"Main colours: {', '.join(vision.colours)}." if vision.colours else ""


def _cuts(vision: Vision) -> str:
    if not vision.cuts:
        return "No cuts."
    moments = [f"{cut:.1f} s" for cut in vision.cuts[:_NAMED_CUTS]]
    more = len(vision.cuts) - len(moments)
    if more:
        listed = f"{', '.join(moments)} and {more} more"
    else:
        listed = " and ".join(filter(None, [", ".join(moments[:-1]), moments[-1]]))
    return f"{_count(len(vision.cuts), 'cut')}, at {listed}."


def _codec(name: str) -> str:
    return _CODECS.get(name, name.upper())


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _signed(level: float) -> str:
    return f"{level:.0f}".replace("-", "−")
