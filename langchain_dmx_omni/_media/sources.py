"""Where media comes from: a URL, a data URL, base64 text, bytes or a local file → a checked source.

Remote URLs are passed on, never fetched. What bytes are is told by the bytes: declared types are often wrong
(langchain-core itself calls every OpenAI `file` a PDF).
"""

from __future__ import annotations

import binascii
import os
import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote_to_bytes
from urllib.request import url2pathname

from langchain_dmx_omni.errors import ContentBlockError, MediaTooLargeError

from .base64_text import clean_base64
from .data import FileData, InlineData, MediaData
from .measure import image_size
from .mime import from_name, kind_of, sniff
from .taken import PDF, agrees, image_problem, refusal

if TYPE_CHECKING:
    from collections.abc import Sequence

# A file's name may hold a colon (`call-10:30.mp4`), so only these are URLs; one letter is a Windows drive.
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{1,15})://|(data|file|https?):", re.IGNORECASE)
_IMAGE_TYPE = re.compile(r"image/[\w.+-]+", re.ASCII)

_EXAMPLES = {"image": "image/jpeg", "audio": "audio/mpeg", "video": "video/mp4"}

_IMAGE_HEAD = 262_144
"""Bytes of an image in which its size stands; a camera's previews come before it."""


class Claim(NamedTuple):
    """What is said of media before it is looked at, and what may be sent."""

    what: str
    """What errors call it: its place among the messages, or its path."""
    kind: str | None = None
    """`"image"`, `"audio"` or `"video"`; None where only the media itself can tell."""
    mime: str | None = None
    name: str | None = None
    """Its file name."""
    roots: Sequence[Path | str] = ()
    """Folders below which `file://` URLs are honoured."""
    limit: int | None = None
    """Longest data URL in bytes, or None for no limit."""
    fit: bool = False
    """Whether it is converted before it is sent, so that only its kind matters."""

    def error(self, problem: str) -> ContentBlockError:
        """Return the error that says what is wrong with it."""
        return ContentBlockError(f"{self.what}: {problem}")


class Source(NamedTuple):
    """A URL that is passed on, or data that is sent."""

    data: MediaData | str
    kind: str | None
    mime: str | None


def unreadable(error: Exception) -> str:
    """Return why a file can't be read; what is no OSError is a name that no file can have."""
    return getattr(error, "strerror", None) or "no file can have such a name"


def is_url(text: str) -> bool:
    """Whether text begins as a URL does, be it one that can't be sent."""
    return _URL.match(text) is not None


def from_base64(data: Any, claim: Claim) -> Source:
    """Return the source for base64 text, or for bytes.

    langchain-core moves the `data` of an `input_audio` part here whatever it is, so a URL is taken as well.

    Raises:
        ContentBlockError: It is neither, it is empty, or it is another kind of media than claimed.
        MediaTooLargeError: It is over the limit.
    """
    match data:
        case bytes() | bytearray() | memoryview():
            return from_bytes(bytes(data), claim)
        case str() if is_url(data):
            return from_url(data, claim)
        case str():
            return _inline(data, 0, claim)
    raise claim.error(f"its data is a {type(data).__name__}, not base64 text")


def from_bytes(data: bytes, claim: Claim) -> Source:
    """Return the source for bytes: the media itself, or the base64 that `b64encode` gives as bytes."""
    media_type = sniff(data)
    if media_type is None or media_type.mime == "text/plain":
        try:
            text, start = clean_base64(data.decode("ascii"))
        except ValueError:
            pass
        else:
            return checked(InlineData(text, start), claim)
    return _inline(binascii.b2a_base64(data, newline=False).decode("ascii"), 0, claim)


def from_url(url: Any, claim: Claim) -> Source:
    """Return the source for a URL: http(s), data, or a file below the claim's roots.

    Raises:
        ContentBlockError: It is none of them, or what it names can't be sent.
        MediaTooLargeError: It is over the limit.
    """
    if not isinstance(url, str):
        raise claim.error(f"its URL is a {type(url).__name__}")
    match = _URL.match(url)
    scheme = (match[1] or match[2]).lower() if match else ""
    match scheme:
        case "http" | "https" if url[len(scheme) :].startswith("://"):
            return _remote(url, claim)
        case "data":
            return _from_data_url(url, claim)
        case "file":
            return _from_file(url, claim)
    remedy = f"media.{claim.kind}(path)" if claim.kind else "media.image, media.audio or media.video"
    if scheme:
        problem = f"{scheme}: URLs can't be fetched by the service"
    elif "." in url[:200]:
        problem = f"{url[:200]!r} is no URL"
    else:  # perhaps base64, which is not for error messages
        problem = f"a text of {len(url)} characters is no URL (before base64, write data:;base64,)"
    raise claim.error(f"{problem}; for a local file use {remedy}, else an https:// URL")


def checked(data: MediaData, claim: Claim) -> Source:
    """Return the source for data, once it is known what it is and that it may be sent.

    Raises:
        ContentBlockError: It is another kind of media than claimed, or none.
        MediaTooLargeError: It is over the limit.
    """
    kind, mime = _identify(data, claim)
    if kind is None and (mime or "").lower() == "application/pdf":
        raise claim.error(PDF)
    if kind == "image" and not claim.fit and (problem := image_problem(*image_size(data.head(_IMAGE_HEAD)))):
        raise claim.error(problem)
    data.prefix = _prefix(kind, mime)
    _check_size(len(data), kind, claim)
    return Source(data, kind, mime)


def _identify(data: MediaData, claim: Claim) -> tuple[str | None, str | None]:
    """Return the kind and the MIME type of media, from its first bytes or else from its claim.

    Raises:
        ContentBlockError: The bytes are no image, audio or video, another kind than claimed, of a format that the
            service doesn't take, or of none that is known here.
    """
    sniffed = sniff(data.head)
    if sniffed is not None:
        if problem := refusal(sniffed, claim.kind, claim.mime, fit=claim.fit):
            raise claim.error(problem)
        return claim.kind or sniffed.kinds[0], sniffed.mime
    named = from_name(claim.name)
    kind = claim.kind or kind_of(claim.mime) or kind_of(named)
    if kind and not claim.fit and not agrees(kind, claim.mime) and not agrees(kind, named):
        raise claim.error(
            f"its bytes are of no known format; if they are {kind} that the service takes, say which: "
            f'mime_type="{_EXAMPLES[kind]}"'
        )
    return kind, claim.mime


def _prefix(kind: str | None, mime: str | None) -> str:
    """Return what goes before base64 in a data URL, as DMXAPI's samples have it: images alone name a type."""
    return f"data:{mime};base64," if kind == "image" and _IMAGE_TYPE.fullmatch(mime or "") else "data:;base64,"


def _check_size(size: int, kind: str | None, claim: Claim) -> None:
    """Check the bytes of a data URL against the limit.

    Raises:
        MediaTooLargeError: It is over the limit; the message has the size, the limit and the ways out.
    """
    if claim.limit is None or size <= claim.limit:
        return
    fitted = (
        f"let it be re-encoded: media.{kind or 'video'}(path, fit=True), or cut it into segments: video.split(path)"
    )
    ways = "scale it down" if kind == "image" else fitted
    error = MediaTooLargeError(
        f"{claim.what} is {size:,} bytes as a data URL; the service takes {claim.limit:,} "
        f"({claim.limit * 3 // 4 / 1e6:.1f} MB of file). Either {ways}, or give a public https:// URL (up to 2 GB)"
    )
    error.size, error.limit = size, claim.limit
    raise error


def _remote(url: str, claim: Claim) -> Source:
    claimed = claim.mime or from_name(url)
    if claimed == "application/pdf" and (claim.mime or claim.kind is None):
        raise claim.error(PDF)
    held = kind_of(claim.mime)
    # A container holds audio as well as video; an image is never one of them.
    if claim.kind and held and claim.kind != held and "image" in (claim.kind, held):
        raise claim.error(f"its type is {claim.mime}, which is no {claim.kind}")
    kind = claim.kind or kind_of(claimed) or kind_of(from_name(url) or from_name(claim.name))
    return Source(url, kind, claimed)


def _from_data_url(url: str, claim: Claim) -> Source:
    comma = url.find(",", 0, 256)
    if comma < 0:
        raise claim.error("its data URL has no comma")
    meta = url[len("data:") : comma]
    claim = claim._replace(mime=meta.split(";", 1)[0].strip() or claim.mime)
    if meta.lower().endswith(";base64"):
        return _inline(url, comma + 1, claim)
    return from_bytes(unquote_to_bytes(url[comma + 1 :].encode("utf-8", "replace")), claim)


def _inline(text: str, start: int, claim: Claim) -> Source:
    try:
        text, start = clean_base64(text, start)
    except ValueError as error:
        raise claim.error(f"its data can't be read: {error}") from None
    return checked(InlineData(text, start), claim)


def _from_file(url: str, claim: Claim) -> Source:
    """Honour a file URL below the roots only, symbolic links resolved."""
    rest = url[len("file:") :]
    host, _, path = rest[2:].partition("/") if rest.startswith("//") else ("", "", rest.removeprefix("/"))
    if host.lower() not in ("", "localhost"):
        raise claim.error(f"its file URL names the host {host[:60]!r}; write file:///absolute/path")
    named = Path(url2pathname(f"/{path}"))
    name = f"the file {str(named)[:200]!r}"
    status = None
    try:
        real = Path(os.path.realpath(named))
        # Before anything is said of a file outside: whether it exists is nobody's business.
        if any(real.is_relative_to(os.path.realpath(os.path.expanduser(root))) for root in claim.roots):  # noqa: PTH111
            status = real.stat(follow_symlinks=False)
    except (OSError, ValueError) as error:
        raise claim.error(f"{name} can't be read: {unreadable(error)}") from None
    if status is None:
        roots = ", ".join(map(str, claim.roots)) or "none given"
        raise claim.error(f"{name} is not below media_roots ({roots}); to allow it, add its folder: media_roots=[…]")
    if not stat.S_ISREG(status.st_mode):
        raise claim.error(f"{name} is no regular file")
    if not status.st_size:
        raise claim.error(f"{name} is empty")
    try:
        return checked(FileData(real, status), claim._replace(name=real.name))
    except OSError as error:
        raise claim.error(f"{name} can't be read: {error.strerror}") from None
