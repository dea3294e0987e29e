"""Media from a path, bytes or a URL → LangChain's standard content blocks.

The blocks carry no random ids, so that the same question asked twice is the same to LangChain's cache. They are
typed as plain dicts, which is what LangChain's messages take: its own names for them fit no list of content.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import TYPE_CHECKING, Any

from ._extras import extra
from ._media.blocks import Source, block, fitted_image, held_bytes, local_file
from ._publish import Place, published
from ._request.content import KINDS
from .errors import ConfigurationError, ContentBlockError, StorageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from langchain_core.messages import BaseMessage

    from ._media.mime import Kind

__all__ = ["Place", "audio", "image", "strip", "video"]


def __dir__() -> list[str]:
    return __all__


def image(
    src: Source,
    *,
    inline: bool = True,
    fit: bool = False,
    publish: Place | str | None = None,
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
        publish: Storage of your own to upload a local file to, once, such as `"s3://bucket/folder"` or a `Place`: the
            block then has a signed URL, from which the service downloads what is too large to be sent inline. Uploading
            takes its time: on an event loop, call this by `asyncio.to_thread`.
        mime_type: What bytes of a format that is not known here are, which are refused without it.
        min_pixels: Passed on beside the image, as is `max_pixels`.
        max_pixels: The most pixels that the model looks at.

    Raises:
        ContentBlockError: There is no such file, it is empty, its bytes are no image, or one that is not taken.
        MediaTooLargeError: It is over the inline limit; with `publish`, over what the service downloads.
        ConfigurationError: The place to publish to can't sign URLs. Nothing was uploaded.
        StorageError: The place to publish to can't be written.
        ImportError: The extra `image` is not installed, for `fit`; or fsspec and its package for `publish`.
    """
    pixels = {"min_pixels": min_pixels, "max_pixels": max_pixels}
    if publish is not None:
        return _published("image", src, mime_type, publish, inline=inline, fit=fit, **pixels)
    source = fitted_image(src, inline=inline) if fit else src
    return block("image", source, mime_type, inline=inline, **pixels)


def audio(
    src: Source,
    *,
    inline: bool = True,
    fit: bool = False,
    publish: Place | str | None = None,
    mime_type: str | None = None,
) -> dict[str, Any]:
    """Return a content block for audio (WAV, MP3, AAC, AMR, FLAC, …); see `image` and `video` for the arguments."""
    if publish is not None:
        return _published("audio", src, mime_type, publish, inline=inline, fit=fit)
    return block("audio", _fitted("audio", src) if fit else src, mime_type, inline=inline)


def video(
    src: Source,
    *,
    inline: bool = True,
    fit: bool = False,
    publish: Place | str | None = None,
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
        publish: As for `image`: up to 2 GB and an hour in one call.
        mime_type: As for `image`.
        fps: Frames a second that the model looks at, 0.1 to 10; the service's default is 2.
        min_pixels: Passed on beside the video, as are `max_pixels` and `total_pixels`.
        max_pixels: The most pixels of a frame.
        total_pixels: The most pixels of all frames together.
    """
    looks = {"fps": fps, "min_pixels": min_pixels, "max_pixels": max_pixels, "total_pixels": total_pixels}
    if publish is not None:
        return _published("video", src, mime_type, publish, inline=inline, fit=fit, **looks)
    return block("video", _fitted("video", src) if fit else src, mime_type, inline=inline, **looks)


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


def _published(
    kind: Kind,
    src: Source,
    mime_type: str | None,
    place: Place | str,
    *,
    inline: bool,
    fit: bool,
    **parameters: float | None,
) -> dict[str, Any]:
    """Return the content block for a local file that is uploaded to a place."""
    if fit or not inline:
        other = "fit=True" if fit else "inline=False"
        raise ConfigurationError(f"publish= uploads the file as it is, and the block has its URL: leave out {other}")
    url, mime = published(kind, src, place, mime_type)
    return block(kind, url, mime, inline=True, **parameters)


def _fitted(kind: Kind, src: Source) -> Source:
    """Return a local file that fits and holds what it is sent for, re-encoded where it must be; a URL as it is."""
    data = held_bytes(kind, src)
    if data is not None:
        return _fitted_bytes(kind, data)
    path = local_file(kind, src)
    if path is None:
        return src
    with extra("video", f"media.{kind}(…, fit=True)"):
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
