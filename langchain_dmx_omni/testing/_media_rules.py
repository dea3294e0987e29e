"""What the service refuses of media, by looking at it: formats, shapes, lengths, and what can't be decoded.

The limits are those of DMXAPI's pages on the model; the words follow those of Alibaba Model Studio.
"""

from __future__ import annotations

from typing import Final, Literal

from langchain_dmx_omni._media.measure import image_size
from langchain_dmx_omni._media.mime import TAKEN
from langchain_dmx_omni._media.mime import sniff as sniff_type

from ._demuxers import sniff
from ._media_facts import Look, look_at
from ._refusal import Refusal, upstream

LEAST_SIDE: Final = 10
"""Pixels that both sides of an image must have more than."""
MOST_RATIO: Final = 200
"""How many times the shorter side of an image the longer may be."""
MOST_SECONDS: Final = {"audio": 3 * 3_600, "video": 3_600}
_SLACK: Final = 1.0  # seconds; the last packet may end behind the hour

_OPEN: Final = {
    "image": "The image format is illegal and cannot be opened",
    "audio": "The audio format is illegal and cannot be opened",
    "video": "The video format is illegal and cannot be opened",
}


def check_media(kind: Literal["image", "audio", "video"], data: bytes, at: str, *, decode: bool = True) -> None:
    """Refuse media that the service refuses.

    Args:
        kind: What its part says it is; a frame of a list is an image.
        data: The media.
        at: The part, for the error's `param`.
        decode: Whether it is decoded, or only its header is looked at.
    """
    media_type = sniff_type(data)
    if media_type is None or media_type.mime not in TAKEN or not _may_be(kind, media_type.kinds):
        raise upstream(_OPEN[kind], at)
    if kind == "image":
        _check_shape(data, at)
    format = sniff(data)
    assert format is not None  # the gateway opens what is taken
    look = look_at(data, format, kind) if decode else None
    if look is not None:
        _check_content(kind, look, at)


def _may_be(kind: str, kinds: tuple[str, ...]) -> bool:
    """Whether a file may hold a kind; the sound of any video is audio."""
    return kind in kinds or (kind == "audio" and "video" in kinds)


def _check_shape(data: bytes, at: str) -> None:
    width, height = image_size(data)
    if width is None or height is None:
        raise upstream(_OPEN["image"], at)
    if min(width, height) <= LEAST_SIDE:
        raise _shape(f"height:{height} or width:{width} must be larger than {LEAST_SIDE}", at)
    if max(width, height) > MOST_RATIO * min(width, height):
        longer, shorter = max(width, height), min(width, height)
        raise _shape(f"absolute aspect ratio must be smaller than {MOST_RATIO}, got {longer} / {shorter}", at)


def _shape(what: str, at: str) -> Refusal:
    return upstream(f"The image length and width do not meet the model restrictions. [{what}]", at)


def _check_content(kind: Literal["image", "audio", "video"], look: Look, at: str) -> None:
    if not look.opened:
        raise upstream(_OPEN[kind], at)
    if not look.decoded:
        raise upstream("The audio is empty" if kind == "audio" and look.whole else _OPEN[kind], at)
    if look.seconds is not None and look.seconds > MOST_SECONDS.get(kind, float("inf")) + _SLACK:
        raise upstream(f"The {kind} file is too long", at)
