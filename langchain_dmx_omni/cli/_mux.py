"""Soft subtitles: a copy of an MP4 with tracks of text that a player can show. Nothing is encoded again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import av

from langchain_dmx_omni.errors import ContentBlockError, StorageError
from langchain_dmx_omni.video import probe

if TYPE_CHECKING:
    from langchain_dmx_omni.video.subtitles import Cue

_CONTAINERS = ("mp4", "mov")
_MILLISECOND = Fraction(1, 1000)
_LONGEST = 0xFFFF
"""Bytes of one text: its length has two."""

_CODES = {
    "chinese": "zho",
    "mandarin": "zho",
    "cantonese": "yue",
    "english": "eng",
    "german": "deu",
    "italian": "ita",
    "portuguese": "por",
    "spanish": "spa",
    "japanese": "jpn",
    "korean": "kor",
    "french": "fra",
    "russian": "rus",
    "thai": "tha",
    "indonesian": "ind",
    "arabic": "ara",
    "vietnamese": "vie",
    "turkish": "tur",
    "finnish": "fin",
    "polish": "pol",
    "hindi": "hin",
    "dutch": "nld",
    "czech": "ces",
    "urdu": "urd",
    "tagalog": "tgl",
    "swedish": "swe",
    "danish": "dan",
    "hebrew": "heb",
    "icelandic": "isl",
    "malay": "msa",
    "norwegian": "nor",
    "persian": "fas",
}
"""ISO 639-2 codes of the languages that the model speaks."""


class Track(NamedTuple):
    """A track of subtitles."""

    cues: Sequence[Cue]
    language: str | None = None
    """Its name in English, or its code; None for an unknown one."""


def check(path: Path) -> None:
    """Make sure that a file can hold subtitles.

    Raises:
        ContentBlockError: It is no MP4 or MOV.
    """
    info = probe(path)
    if info.container not in _CONTAINERS:
        raise ContentBlockError(
            f"{path.name}: --mux copies MP4 and MOV, and this is {info.container or 'no video'}; "
            "keep the .srt beside it, which players find, or convert it first: ffmpeg -i FILE -c copy FILE.mp4"
        )


def mux(path: Path, tracks: Sequence[Track], target: Path) -> None:
    """Write a copy of an MP4 with tracks of subtitles, whole or not at all.

    Raises:
        StorageError: It can't be written.
    """
    part = target.with_name(f".{target.stem}.part.mp4")
    try:
        _copy(path, tracks, part)
        part.replace(target)
    except (OSError, av.FFmpegError) as error:
        if not isinstance(error, OSError):
            error = OSError(0, str(error))
        raise StorageError.of(error, "write the copy with subtitles", target, "free some space") from error
    finally:
        part.unlink(missing_ok=True)


def _copy(path: Path, tracks: Sequence[Track], target: Path) -> None:
    with av.open(str(path)) as source, av.open(str(target), "w", format="mp4") as output:
        copied = {
            stream.index: output.add_stream_from_template(stream)
            for stream in source.streams
            if stream.type in ("video", "audio")
        }
        texts: list[av.Packet[Any]] = []
        for track in tracks:
            stream = output.add_mux_stream("mov_text")
            stream.time_base = _MILLISECOND
            stream.metadata["language"] = _code(track.language)
            for packet in _packets(track.cues):
                packet.stream = stream
                texts.append(packet)
        texts.sort(key=lambda packet: packet.dts or 0, reverse=True)
        for packet in source.demux(*(source.streams[index] for index in copied)):
            if packet.dts is None:  # the end
                continue
            at = float(packet.dts * packet.time_base) * 1000
            while texts and (texts[-1].dts or 0) <= at:
                output.mux(texts.pop())
            packet.stream = copied[packet.stream.index]
            output.mux(packet)
        while texts:
            output.mux(texts.pop())


def _packets(cues: Sequence[Cue]) -> Iterator[av.Packet[Any]]:
    for cue in cues:
        text = "\n".join(filter(None, (cue.text, cue.below))).encode()[:_LONGEST].decode("utf-8", "ignore").encode()
        packet: av.Packet[Any] = av.Packet(len(text).to_bytes(2, "big") + text)
        packet.time_base = _MILLISECOND
        packet.pts = packet.dts = round(cue.start * 1000)
        packet.duration = round((cue.end - cue.start) * 1000)
        yield packet


def _code(language: str | None) -> str:
    name = (language or "").casefold()
    return _CODES.get(name, name if len(name) == 3 and name.isascii() and name.isalpha() else "und")
