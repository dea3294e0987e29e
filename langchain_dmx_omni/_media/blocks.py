"""Media from a path, bytes or a URL → LangChain's standard content blocks.

The blocks carry no random ids, so that the same question asked twice is the same to LangChain's cache.
"""

from __future__ import annotations

import os
import stat
from binascii import a2b_base64, b2a_base64
from pathlib import Path
from typing import Any

from langchain_dmx_omni._profiles import LIMITS
from langchain_dmx_omni.errors import InvalidInputError

from . import sources
from .base64_text import Base64Text
from .data import FileData, InlineData
from .images import fit_image
from .mime import Kind, from_name, kind_of
from .sources import Claim

Source = str | os.PathLike[str] | bytes | bytearray | memoryview


def block(
    kind: Kind, src: Source, mime_type: str | None = None, /, *, inline: bool = True, **parameters: float | None
) -> dict[str, Any]:
    """Return the content block for media of a kind; parameters that are None are left out.

    `mime_type` says what bytes are that nothing here knows.

    Raises:
        ContentBlockError: There is no such file, it is empty, or its bytes are another kind of media.
        MediaTooLargeError: It is over the inline limit.
    """
    extras = {name: value for name, value in parameters.items() if value is not None}
    fields = _media_fields(src, inline, Claim("the media given", kind, mime_type, limit=LIMITS.data_url))
    return {"type": kind, **fields, **({"extras": extras} if extras else {})}


def local_file(kind: Kind, src: Source) -> Path | None:
    """Return the path of a local file that is to be fitted; None for what is no file. For bytes, see `held_bytes`.

    Raises:
        ContentBlockError: There is no such file, it is empty, or its bytes are another kind of media.
    """
    claim = Claim("the media given", kind, fit=True)
    if isinstance(src, bytes | bytearray | memoryview) or (isinstance(src, str) and sources.is_url(src)):
        return None
    try:
        path = _expanded(src)
    except TypeError:
        return None  # neither a path nor a URL: refused with the rest
    _from_path(path, False, claim)
    return path


def held_bytes(kind: Kind, src: Source) -> bytes | None:
    """Return the bytes that are to be fitted, given as such or in a data URL; None for a path and any other URL.

    Raises:
        ContentBlockError: They are another kind of media, or there are none.
    """
    claim = Claim("the media given", kind, fit=True)
    if isinstance(src, bytes | bytearray | memoryview):
        data = sources.from_bytes(bytes(src), claim).data
    elif isinstance(src, str) and src[:5].lower() == "data:":
        data = sources.from_url(src, claim).data
    else:
        return None
    assert isinstance(data, InlineData)
    return a2b_base64(data.base64)


def file_to_send(kind: Kind, src: Source, mime_type: str | None) -> tuple[Path, str] | None:
    """Return the path and the MIME type of a local file that is sent as it is, whatever its size.

    Returns:
        None for an http(s) URL.

    Raises:
        ContentBlockError: There is no such file, it is empty, it is none that the service takes, or what was given is
            no file at all.
    """
    claim = Claim("the media given", kind, mime_type)
    if isinstance(src, str) and src[:8].lower().startswith(("http://", "https://")):
        return None
    if not isinstance(src, str | os.PathLike) or (isinstance(src, str) and sources.is_url(src)):
        raise claim.error("publish= needs a file: write the bytes to one and give its path")
    path = _expanded(src)
    return path, _from_path(path, False, claim)["mime_type"]


def fitted_image(src: Source, *, inline: bool) -> Source:
    """Return an image that the service takes: the source itself, or the bytes of what it is converted to.

    Raises:
        ContentBlockError: There is no such file, it can't be read as an image, or its shape is not taken.
        ImportError: The extra `image` is not installed.
    """
    claim = Claim("the media given", "image", fit=True)
    held = held_bytes("image", src)
    if held is not None:
        return fit_image(held, claim.what, LIMITS.data_url)
    path = local_file("image", src)
    if path is None:
        return src
    try:
        status = path.stat()
        data = FileData(path, status).head(status.st_size)
    except OSError as error:
        raise claim.error(f"{path.name} can't be read: {sources.unreadable(error)}") from None
    fitted = fit_image(data, str(path), LIMITS.data_url)
    if fitted is data:
        return src
    if not inline:
        raise claim.error(f"{path.name} is converted, and sent inline: leave out inline=False")
    return fitted


def _media_fields(src: Source, inline: bool, claim: Claim) -> dict[str, str]:
    if isinstance(src, bytes | bytearray | memoryview):
        if not inline:
            raise claim.error("inline=False refers to a file: give its path")
        return _inlined(sources.from_bytes(bytes(src), claim), claim)
    if isinstance(src, str) and sources.is_url(src):
        return _from_url(src, claim)
    if not isinstance(src, str | os.PathLike):
        raise claim.error(f"it is a {type(src).__name__}; give a path, bytes or a URL")
    return _from_path(_expanded(src), inline, claim)


def _expanded(src: str | os.PathLike[str]) -> Path:
    return Path(os.path.expanduser(src))  # noqa: PTH111  # Path's raises for unknown users


def _from_url(url: str, claim: Claim) -> dict[str, str]:
    if url[:5].lower() != "file:":  # which only the model may read, below its media_roots
        source = sources.from_url(url, claim)
        if not isinstance(source.data, str):
            return _inlined(source, claim)
    mime = _typed(claim.mime or from_name(url), claim.kind)
    return {"url": url, "mime_type": mime} if mime else {"url": url}


def _from_path(path: Path, inline: bool, claim: Claim) -> dict[str, str]:
    name = str(path)
    # A long text without a dot is more likely base64 than a path, and not for error messages.
    claim = claim._replace(
        what=name[:200] if "." in name[:200] or len(name) < 60 else f"a path of {len(name)} characters",
        name=path.name,
    )
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):  # opening a pipe would wait for its other end
            raise claim.error("it is no regular file")
        if not status.st_size:
            raise claim.error("it is empty")
        data = FileData(path, status)
        source = sources.checked(data, claim if inline else claim._replace(limit=None))
        mime = _typed(source.mime or from_name(name), claim.kind) or f"{claim.kind}/*"
        if not inline:
            return {"url": path.absolute().as_uri(), "mime_type": mime}
        text = b2a_base64(data.head(status.st_size), newline=False).decode("ascii")
        return {"base64": Base64Text(text), "mime_type": mime}
    except (OSError, ValueError) as error:
        if isinstance(error, InvalidInputError):
            raise
        raise claim.error(
            f"it can't be read: {sources.unreadable(error)}; give a path, bytes or an https:// URL"
        ) from None


def _inlined(source: sources.Source, claim: Claim) -> dict[str, str]:
    assert isinstance(source.data, InlineData)
    mime = _typed(source.mime, claim.kind) or f"{claim.kind}/*"
    return {"base64": Base64Text(source.data.base64), "mime_type": mime}


def _typed(mime: str | None, kind: str | None) -> str | None:
    """Return a MIME type as a block of a kind says it: a container may hold audio as well as video."""
    held = kind_of(mime)
    if mime is None or held == kind:
        return mime
    if held is None or "image" in (held, kind):
        return None
    return mime.replace(f"{held}/", f"{kind}/", 1)
