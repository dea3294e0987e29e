"""Media from a path, bytes or a URL → LangChain's standard content blocks.

The blocks carry no random ids, so that the same question asked twice is the same to LangChain's cache. They are
typed as plain dicts, which is what LangChain's messages take: its own names for them fit no list of content.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import TYPE_CHECKING, Any

from ._media.blocks import Source, block, fitted_image, held_bytes, local_file
from ._request.content import KINDS
from .errors import ContentBlockError, StorageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from langchain_core.messages import BaseMessage

    from ._media.mime import Kind

__all__ = ["audio", "image", "strip", "video"]


def __dir__() -> list[str]:
    return __all__


def image(
    src: Source,
    *,
    inline: bool = True,
    fit: bool = False,
    mime_type: str | None = None,
    min_pixels: int | None = None,
    max_pixels: int | None = None,
) -> dict[str, Any]:
    """Return a content block for an image: JPEG, PNG, BMP or WebP, its sides over 10 pixels, no longer than 200 to 1.

    Args:
        src: A path, bytes, a data URL, or an http(s) URL, which the service fetches itself.
        inline: False gives a `file://` reference to a path, read only when it is sent; its folder must be
            below the model's `media_roots`.
        fit: Convert local images of other formats (HEIC, AVIF, TIFF, GIF, …) to JPEG, or to PNG what is transparent;
            turn upright what a camera stored on its side; shrink what is too large (the extra `image`). Other images
            are used as they are.
        mime_type: What bytes of a format that is not known here are, which are refused without it.
        min_pixels: Passed on beside the image, as is `max_pixels`.
        max_pixels: The most pixels that the model looks at.

    Raises:
        ContentBlockError: There is no such file, it is empty, its bytes are no image, or one that is not taken.
        MediaTooLargeError: It is over the inline limit.
        ImportError: The extra `image` is not installed; only for `fit`.
    """
    source = fitted_image(src, inline=inline) if fit else src
    return block("image", source, mime_type, inline=inline, min_pixels=min_pixels, max_pixels=max_pixels)


def audio(src: Source, *, inline: bool = True, fit: bool = False, mime_type: str | None = None) -> dict[str, Any]:
    """Return a content block for audio (WAV, MP3, AAC, AMR, FLAC, …); see `image` and `video` for the arguments."""
    return block("audio", _fitted("audio", src) if fit else src, mime_type, inline=inline)


def video(
    src: Source,
    *,
    inline: bool = True,
    fit: bool = False,
    mime_type: str | None = None,
    fps: float | None = None,
    min_pixels: int | None = None,
    max_pixels: int | None = None,
    total_pixels: int | None = None,
) -> dict[str, Any]:
    """Return a content block for a video (MP4, MOV, AVI, MKV, …).

    Args:
        src: As for `image`, like `inline` and the errors.
        inline: As for `image`.
        fit: Re-encode a local file, or bytes such as an upload's, that are too large to be sent inline or in a format
            that the service doesn't take, once: the result is cached (see `video.fit`; the extra `video`). Others are
            used as they are.
        mime_type: As for `image`.
        fps: Frames a second that the model looks at, 0.1 to 10; the service's default is 2.
        min_pixels: Passed on beside the video, as are `max_pixels` and `total_pixels`.
        max_pixels: The most pixels of a frame.
        total_pixels: The most pixels of all frames together.
    """
    sizes = {"min_pixels": min_pixels, "max_pixels": max_pixels, "total_pixels": total_pixels}
    return block("video", _fitted("video", src) if fit else src, mime_type, inline=inline, fps=fps, **sizes)


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
    """Return a local file that fits and holds what it is sent for, re-encoded where it must be; a URL as it is."""
    data = held_bytes(kind, src)
    if data is not None:
        return _fitted_bytes(kind, data)
    path = local_file(kind, src)
    if path is None:
        return src
    from .video import fit, probe  # noqa: PLC0415  # an extra

    fitted = fit(path)
    info = probe(fitted)
    if kind == "video" and not info.has_video:
        raise ContentBlockError(
            f"{path.name}: there are no pictures in it; send it as audio: media.audio(path, fit=True)"
        )
    if kind == "audio" and not info.has_audio:
        raise ContentBlockError(f"{path.name}: there is no sound in it; send it as video: media.video(path, fit=True)")
    return fitted


def _fitted_bytes(kind: Kind, data: bytes) -> Source:
    """Return bytes that fit as they are, or the path of what they are re-encoded to, which is in the cache."""
    try:
        with TemporaryDirectory(prefix="dmx-omni-") as folder:
            upload = Path(folder) / f"the {kind} given"
            upload.write_bytes(data)
            fitted = _fitted(kind, upload)
            assert isinstance(fitted, Path)
            return data if fitted.samefile(upload) else fitted
    except StorageError:
        raise
    except OSError as error:
        raise StorageError.of(error, "write media", gettempdir(), "make room, or let TMPDIR name another") from None
