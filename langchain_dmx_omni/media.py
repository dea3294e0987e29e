"""Media from a path, bytes or a URL → LangChain's standard content blocks.

The blocks carry no random ids, so that the same question asked twice is the same to LangChain's cache.
"""

from __future__ import annotations

import os
import stat
from binascii import b2a_base64
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from ._media import sources
from ._media.data import FileData, InlineData
from ._media.mime import HEAD, TAKEN, from_name, kind_of, sniff
from ._media.sources import Claim
from ._profiles import LIMITS
from .errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from langchain_core.messages import BaseMessage
    from langchain_core.messages.content import AudioContentBlock, ImageContentBlock, VideoContentBlock

__all__ = ["audio", "image", "strip", "video"]

Source = str | os.PathLike[str] | bytes | bytearray | memoryview


def image(
    src: Source, *, inline: bool = True, min_pixels: int | None = None, max_pixels: int | None = None
) -> ImageContentBlock:
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
    return cast("ImageContentBlock", _block("image", src, inline, min_pixels=min_pixels, max_pixels=max_pixels))


def audio(src: Source, *, inline: bool = True, fit: bool = False) -> AudioContentBlock:
    """Return a content block for audio (WAV, MP3, AAC, AMR, FLAC, …); see `image` and `video` for the arguments."""
    return cast("AudioContentBlock", _block("audio", _fitted("audio", src) if fit else src, inline))


def video(
    src: Source,
    *,
    inline: bool = True,
    fit: bool = False,
    fps: float | None = None,
    min_pixels: int | None = None,
    max_pixels: int | None = None,
    total_pixels: int | None = None,
) -> VideoContentBlock:
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
    return cast("VideoContentBlock", _block("video", _fitted("video", src) if fit else src, inline, fps=fps, **sizes))


def strip(messages: Iterable[BaseMessage]) -> list[BaseMessage]:
    """Return messages without their media, for a history that stays small; those given stay as they are.

    Text stays. A message that held media only says what was there, such as `[video]`.
    """
    return [_stripped(message) for message in messages]


def _stripped(message: BaseMessage) -> BaseMessage:
    if isinstance(message.content, str):
        return message
    kept = [block for block in message.content if _media_name(block) is None]
    if len(kept) == len(message.content):
        return message
    if not kept:
        names = map(_media_name, message.content)
        kept = [{"type": "text", "text": " ".join(f"[{name}]" for name in names)}]
    texts = [block if isinstance(block, str) else block.get("text") for block in kept if _is_text(block)]
    # An answer in text alone is a plain string, as the model gives it.
    plain = message.type in ("ai", "AIMessageChunk") and len(texts) == len(kept)
    return message.model_copy(update={"content": "".join(map(str, texts)) if plain else kept})


_NAMES = {
    "image": "image",
    "image_url": "image",
    "input_image": "image",
    "audio": "audio",
    "audio_url": "audio",
    "input_audio": "audio",
    "video": "video",
    "video_url": "video",
    "file": "file",
    "input_file": "file",
    "document": "file",
    "media": "media",
}


def _media_name(block: Any) -> str | None:
    """Return what a block of media is called; None for any other block."""
    if not isinstance(block, dict):
        return None
    if block.get("type") == "non_standard":
        return _media_name(block.get("value"))
    return _NAMES.get(str(block.get("type")))


def _is_text(block: Any) -> bool:
    return isinstance(block, str) or (isinstance(block, dict) and block.get("type") == "text")


def _block(kind: str, src: Source, inline: bool, **parameters: float | None) -> dict[str, Any]:
    given = {name: value for name, value in parameters.items() if value is not None}
    found = _found(src, inline, Claim("the media given", kind, limit=LIMITS.data_url))
    return {"type": kind, **found, **({"extras": given} if given else {})}


def _found(src: Source, inline: bool, claim: Claim) -> dict[str, str]:
    if isinstance(src, bytes | bytearray | memoryview):
        if not inline:
            raise claim.error("inline=False refers to a file: give its path")
        return _inlined(sources.from_bytes(bytes(src), claim), claim)
    if isinstance(src, str) and sources.is_url(src):
        return _from_url(src, claim)
    if not isinstance(src, str | os.PathLike):
        raise claim.error(f"it is a {type(src).__name__}; give a path, bytes or a URL")
    return _from_path(Path(os.path.expanduser(src)), inline, claim)  # noqa: PTH111  # Path's raises for unknown users


def _from_url(url: str, claim: Claim) -> dict[str, str]:
    if url[:5].lower() != "file:":  # which only the model may read, below its media_roots
        source = sources.from_url(url, claim)
        if not isinstance(source.data, str):
            return _inlined(source, claim)
    mime = _typed(from_name(url), claim.kind)
    return {"url": url, "mime_type": mime} if mime else {"url": url}


def _from_path(path: Path, inline: bool, claim: Claim) -> dict[str, str]:
    name = str(path)
    # A long text without a dot is more likely base64 than a path, and not for error messages.
    claim = claim._replace(
        what=name[:200] if "." in name[:200] or len(name) < 60 else f"a path of {len(name)} characters"
    )
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):  # opening a pipe would wait for its other end
            raise claim.error("it is no regular file")
        if not found.st_size:
            raise claim.error("it is empty")
        source = sources.checked(FileData(path, found), claim if inline else claim._replace(limit=None))
        mime = _typed(source.mime or from_name(name), claim.kind) or f"{claim.kind}/*"
        if not inline:
            return {"url": path.absolute().as_uri(), "mime_type": mime}
        return {"base64": b2a_base64(path.read_bytes(), newline=False).decode("ascii"), "mime_type": mime}
    except (OSError, ValueError) as error:
        if isinstance(error, InvalidInputError):
            raise
        raise claim.error(
            f"it can't be read: {sources.unreadable(error)}; give a path, bytes or an https:// URL"
        ) from None


def _fitted(kind: str, src: Source) -> Source:
    """Return a local file that fits, made from one that doesn't; anything else as it is."""
    claim = Claim("the media given", kind)
    if isinstance(src, bytes | bytearray | memoryview):
        raise claim.error("fit=True needs a file: write the bytes to one and give its path")
    if isinstance(src, str) and sources.is_url(src):
        return src
    try:
        path = Path(os.path.expanduser(src))  # noqa: PTH111  # Path's raises for unknown users
    except TypeError:
        return src  # which is refused with the rest
    _from_path(path, False, claim)
    data = FileData(path, path.stat())
    taken = sniff(data.head(HEAD))
    if len(data) <= LIMITS.data_url and (taken is None or taken.mime in TAKEN):
        return src
    from .video import fit  # noqa: PLC0415  # an extra

    return fit(path)


def _inlined(source: sources.Source, claim: Claim) -> dict[str, str]:
    assert isinstance(source.data, InlineData)
    return {"base64": source.data.base64, "mime_type": _typed(source.mime, claim.kind) or f"{claim.kind}/*"}


def _typed(mime: str | None, kind: str | None) -> str | None:
    """Return a MIME type as a block of a kind says it: a container may hold audio as well as video."""
    held = kind_of(mime)
    if mime is None or held == kind:
        return mime
    if held is None or "image" in (held, kind):
        return None
    return mime.replace(f"{held}/", f"{kind}/", 1)
