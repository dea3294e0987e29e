"""Media from a path, bytes or a URL → LangChain's standard content blocks.

The blocks carry no random ids, so that the same question asked twice is the same to LangChain's cache. They are
typed as plain dicts, which is what LangChain's messages take: its own names for them fit no list of content.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._media.blocks import Source, block, needs_fitting
from ._request.content import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from langchain_core.messages import BaseMessage

    from ._media.mime import Kind

__all__ = ["audio", "image", "strip", "video"]


def image(
    src: Source, *, inline: bool = True, min_pixels: int | None = None, max_pixels: int | None = None
) -> dict[str, Any]:
    """Return a content block for an image (JPEG, PNG, BMP, WebP, …).

    Args:
        src: A path, bytes, a data URL, or an http(s) URL, which the service fetches itself.
        inline: False gives a `file://` reference to a path, read only when it is sent; its folder must be
            below the model's `media_roots`.
        min_pixels: Passed on beside the image, as is `max_pixels`.
        max_pixels: The most pixels that the model looks at.

    Raises:
        ContentBlockError: There is no such file, it is empty, or its bytes are no image.
        MediaTooLargeError: It is over the inline limit.
    """
    return block("image", src, inline=inline, min_pixels=min_pixels, max_pixels=max_pixels)


def audio(src: Source, *, inline: bool = True, fit: bool = False) -> dict[str, Any]:
    """Return a content block for audio (WAV, MP3, AAC, AMR, FLAC, …); see `image` and `video` for the arguments."""
    return block("audio", _fitted("audio", src) if fit else src, inline=inline)


def video(
    src: Source,
    *,
    inline: bool = True,
    fit: bool = False,
    fps: float | None = None,
    min_pixels: int | None = None,
    max_pixels: int | None = None,
    total_pixels: int | None = None,
) -> dict[str, Any]:
    """Return a content block for a video (MP4, MOV, AVI, MKV, …).

    Args:
        src: As for `image`, like `inline` and the errors.
        inline: As for `image`.
        fit: Re-encode a local file that is too large to be sent inline, or in a format that the service doesn't take,
            once: the result is cached (see `video.fit`; the extra `video`). Other files are used as they are.
        fps: Frames a second that the model looks at, 0.1 to 10; the service's default is 2.
        min_pixels: Passed on beside the video, as are `max_pixels` and `total_pixels`.
        max_pixels: The most pixels of a frame.
        total_pixels: The most pixels of all frames together.
    """
    sizes = {"min_pixels": min_pixels, "max_pixels": max_pixels, "total_pixels": total_pixels}
    return block("video", _fitted("video", src) if fit else src, inline=inline, fps=fps, **sizes)


def strip(messages: Iterable[BaseMessage]) -> list[BaseMessage]:
    """Return messages without their media, for a history that stays small; those given stay as they are.

    Text stays. A message that held media only says what was there, such as `[video]`.
    """
    return [_stripped(message) for message in messages]


def _stripped(message: BaseMessage) -> BaseMessage:
    if isinstance(message.content, str):
        return message
    kept = [each for each in message.content if _media_name(each) is None]
    if len(kept) == len(message.content):
        return message
    if not kept:
        names = map(_media_name, message.content)
        kept = [{"type": "text", "text": " ".join(f"[{name}]" for name in names)}]
    texts = [each if isinstance(each, str) else each.get("text") for each in kept if _is_text(each)]
    # An answer in text alone is a plain string, as the model gives it.
    plain = message.type in ("ai", "AIMessageChunk") and len(texts) == len(kept)
    return message.model_copy(update={"content": "".join(map(str, texts)) if plain else kept})


def _media_name(block: Any) -> str | None:
    """Return what a block of media is called; None for any other block."""
    if not isinstance(block, dict):
        return None
    if block.get("type") == "non_standard":
        return _media_name(block.get("value"))
    kind = KINDS.get(str(block.get("type")))
    return kind.media if kind else None


def _is_text(block: Any) -> bool:
    return isinstance(block, str) or (isinstance(block, dict) and block.get("type") == "text")


def _fitted(kind: Kind, src: Source) -> Source:
    """Return a local file that fits, re-encoded from one that doesn't; anything else as it is."""
    path = needs_fitting(kind, src)
    if path is None:
        return src
    from .video import fit  # noqa: PLC0415  # an extra

    return fit(path)
