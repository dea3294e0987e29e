"""A local file → a signed URL in storage of the user's own, for what is too large to be sent inline."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ._media.blocks import file_to_send
from ._media.mime import ending
from ._media.sources import unreadable
from ._profiles import LIMITS
from .errors import ConfigurationError, ContentBlockError, InvalidInputError, MediaTooLargeError, StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ._media.mime import Kind

_DAY = 86_400.0

_PIECE = 8 << 20
"""Bytes that are read and sent at once, which are also a part of the upload: S3 takes 10,000 of at least 5 MiB."""

_CONTENT_TYPE = {"s3": "ContentType", "s3a": "ContentType", "gs": "content_type", "gcs": "content_type"}
"""Protocol → what its package calls the type that goes with a file; where it has none, the ending says it."""

_PACKAGES = {"s3": "s3fs", "s3a": "s3fs", "oss": "ossfs", "gs": "gcsfs", "gcs": "gcsfs", "az": "adlfs", "abfs": "adlfs"}
"""Protocol → the package that speaks it."""

_SLACK = 1.0
"""Seconds that a recording may be over the service's limit: its last packet may end behind the hour."""


@dataclass(frozen=True, init=False)
class Place:
    """A folder in storage of your own from which the service may download: S3, MinIO, OSS, GCS, Azure and the like.

    Attributes:
        url: The folder, as fsspec names it: `s3://bucket/folder`, `oss://…`, `gs://…`, `az://…`.
        expires: Seconds for which a signed URL is good, a day by default. S3 allows a week at the most.
        options: What opens it, for its fsspec package: `key`, `secret`, `endpoint_url` for s3fs, and so on. By default
            that package looks in the environment and in its own configuration, as it always does.
    """

    url: str
    expires: float
    options: Mapping[str, Any] = field(repr=False, hash=False)

    def __init__(self, url: str, *, expires: float = _DAY, **options: Any) -> None:
        if not expires > 0:
            raise ConfigurationError(f"expires={expires!r}: a URL has to be good for some seconds")
        if "://" not in url:
            raise ConfigurationError(f"publish={url!r} names no storage: write it as s3://bucket/folder")
        object.__setattr__(self, "url", url.rstrip("/"))
        object.__setattr__(self, "expires", expires)
        object.__setattr__(self, "options", options)

    @property
    def protocol(self) -> str:
        """The part before `://`, such as `s3`."""
        return self.url.partition("://")[0]


def published(kind: Kind, src: Any, place: Place | str, mime_type: str | None) -> tuple[str, str | None]:
    """Upload a local file, unless it is there; return a signed URL, and the file's MIME type.

    It is stored as its SHA-256 with the ending of its format, so the same file is uploaded once, whatever its name.
    It is read and sent in pieces, and appears only once it is whole.

    Args:
        kind: What it is sent as.
        src: A path. An http(s) URL is returned as it is.
        place: Where to.
        mime_type: What bytes of an unknown format are.

    Raises:
        ContentBlockError: There is no such file, or it is none that the service takes.
        MediaTooLargeError: It is larger than the service downloads.
        ConfigurationError: The place is none, or can't sign URLs. Nothing was uploaded.
        StorageError: The place can't be written, or read.
        ImportError: fsspec, or its package for the place, is not installed.
    """
    place = Place(place) if isinstance(place, str) else place
    file = file_to_send(kind, src, mime_type)
    if file is None:
        return str(src), mime_type
    path, mime = file
    _check(kind, path)
    store = _Store(place)
    name = f"{_digest(path)}{ending(mime) or path.suffix.lower()}"
    store.sign(name)  # before anything is uploaded
    if not store.holds(name, path.stat().st_size):
        store.upload(path, name, mime)
    return store.sign(name), mime


class _Store:
    """A place that is open."""

    def __init__(self, place: Place) -> None:
        self._place = place
        try:
            from fsspec.core import url_to_fs  # noqa: PLC0415  # an extra
        except ModuleNotFoundError:
            raise ImportError(f"publish={place.url!r} needs: pip install {_package(place)}") from None
        try:
            self._files, self._folder = url_to_fs(place.url, **place.options)
        except ImportError as error:
            raise ImportError(f"publish={place.url!r} needs: pip install {_package(place)} ({error})") from None
        except ValueError as error:
            raise ConfigurationError(f"publish={place.url!r} can't be used: {error}") from error
        except Exception as error:
            raise self._failed("open", error) from error

    def sign(self, name: str) -> str:
        """Return the URL from which the service may download a file.

        Raises:
            ConfigurationError: The place can't sign any.
        """
        remedy = "name storage that can, such as s3://, oss://, gs:// or az://, with credentials that may"
        try:
            url: str = self._files.sign(self._path(name), expiration=math.ceil(self._place.expires))
        except Exception as error:
            reason = "" if isinstance(error, NotImplementedError) else f" ({error})"
            raise ConfigurationError(f"publish={self._place.url!r} can't sign URLs{reason}: {remedy}") from error
        if not url.startswith(("https://", "http://")):
            raise ConfigurationError(f"publish={self._place.url!r} signs URLs that no service can fetch: {remedy}")
        return url

    def holds(self, name: str, size: int) -> bool:
        """Whether a file of that name and size is there."""
        path = self._path(name)
        self._files.invalidate_cache(self._files._parent(path))  # somebody else may have written there
        try:
            return bool(self._files.info(path)["size"] == size)
        except FileNotFoundError:
            return False
        except Exception as error:
            raise self._failed("look", error) from error

    def upload(self, path: Path, name: str, mime: str) -> None:
        """Upload a file. Until it is whole, there is nothing."""
        option = _CONTENT_TYPE.get(self._place.protocol)
        options = {option: mime} if option and "*" not in mime else {}
        try:
            # Parts are joined by `commit` alone: leaving a file of fsspec's by an error would keep half of it.
            target = self._files.open(self._path(name), "wb", block_size=_PIECE, autocommit=False, **options)
        except Exception as error:
            raise self._failed("write", error) from error
        try:
            self._copy(path, name, target)
        except BaseException as error:
            target.discard()
            target.closed = True  # or it would be sent when it is collected
            if isinstance(error, Exception) and not isinstance(error, InvalidInputError):
                raise self._failed("write", error) from error
            raise

    def _copy(self, path: Path, name: str, target: Any) -> None:
        digest = hashlib.sha256()
        for piece in _pieces(path):
            digest.update(piece)
            target.write(piece)
        if not name.startswith(digest.hexdigest()):
            raise ContentBlockError(f"{path}: it changed while it was being uploaded; publish it again")
        target.close()
        target.commit()

    def _path(self, name: str) -> str:
        return f"{self._folder}/{name}"

    def _failed(self, doing: str, error: Exception) -> StorageError:
        reason = " ".join(str(error).split()) or type(error).__name__
        storage = StorageError(
            f"can't {doing} in {self._place.url}: {reason}; check that it is there, and that the credentials may"
        )
        storage.path, storage.errno = self._place.url, getattr(error, "errno", None)
        return storage


def _package(place: Place) -> str:
    """Return what to install for a place; all of these bring fsspec along."""
    return _PACKAGES.get(place.protocol, f"fsspec, and its package for {place.protocol}://")


def _check(kind: Kind, path: Path) -> None:
    """Refuse what the service does not download, or does not look at.

    Raises:
        MediaTooLargeError: It is too large.
        ContentBlockError: It is too long; only where PyAV is installed (the extra `video`).
    """
    size, limit = path.stat().st_size, LIMITS.remote_image if kind == "image" else LIMITS.remote_file
    if size > limit:
        way = "scale it down" if kind == "image" else "cut it into segments: video.split(path)"
        error = MediaTooLargeError(f"{path} is {size:,} bytes; by URL the service takes {limit:,} of {kind}: {way}")
        error.size, error.limit = size, limit
        raise error
    if kind == "image":
        return
    try:
        from .video import probe  # noqa: PLC0415  # an extra
    except ImportError:
        return
    seconds, longest = probe(path).duration, LIMITS.video_seconds if kind == "video" else LIMITS.audio_seconds
    if seconds > longest + _SLACK:
        raise ContentBlockError(
            f"{path} lasts {seconds:,.0f} s; the service takes {longest:,} s of {kind}: cut it: video.split(path)"
        )


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    for piece in _pieces(path):
        digest.update(piece)
    return digest.hexdigest()


def _pieces(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            while piece := file.read(_PIECE):
                yield piece
    except OSError as error:
        raise ContentBlockError(f"{path}: it can't be read: {unreadable(error)}") from None
