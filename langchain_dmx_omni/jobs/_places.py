"""Places for kept answers: a folder of this machine, or one that `fsspec` knows, such as `s3://bucket/answers`.

A file appears whole or not at all in either. A local folder is claimed by one process at a time. Elsewhere there is no
lock: machines share what is answered, and two that ask at the same moment both pay.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
import uuid
from collections.abc import Collection, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.request import url2pathname

from langchain_dmx_omni._disk.claims import Claim, FileClaim
from langchain_dmx_omni._disk.files import PART, storing, write_whole
from langchain_dmx_omni.errors import ConfigurationError, StorageError
from langchain_dmx_omni.video import cache_dir

_LEAST_FREE = 1 << 20
"""Bytes that must be free before anything is asked: answers are small, and are paid for."""
_LOCK = "run.lock"


class Place(Protocol):
    """A folder of files with a name and a text each. Its name is for people: without passwords.

    Whatever fails is a `StorageError` that names it.
    """

    def __truediv__(self, name: str) -> Place:
        """Return a folder in it."""

    def claim(self) -> Claim | None:
        """Return the claim to work on this folder, which is made if need be; None while another process has it."""

    def prepare(self) -> None:
        """Make sure that the folder is there and has room."""

    def read(self, names: Collection[str]) -> dict[str, bytes]:
        """Return the files that are there, by name."""

    def write(self, name: str, text: str, doing: str) -> None:
        """Write a file, whole or not at all; `doing` says what for."""

    def clear(self) -> None:
        """Delete the folder, if there is one."""


def open_place(folder: str | os.PathLike[str] | None, options: Mapping[str, Any] | None) -> Place:
    """Return the place that a user calls by a path or a URL; None is the user's cache folder.

    Raises:
        ConfigurationError: The URL is of a kind that nothing here knows, is written as a path, or a path has options.
        ImportError: A package is missing for it; the message says which.
    """
    url = folder if isinstance(folder, str) and _URL.match(folder) else None
    if url is not None and not url.lower().startswith("file:"):
        return RemotePlace(url, options or {})
    if options:
        raise ConfigurationError(f"folder_options are for URLs, such as 's3://bucket/answers'; folder={folder!r}")
    if folder is None:
        return LocalPlace(cache_dir() / "jobs")
    if url is not None:
        return LocalPlace(Path(url2pathname(re.sub("^file:(//(localhost)?)?", "", url, flags=re.IGNORECASE))))
    path = Path(folder)
    if _SCHEME.fullmatch(path.parts[0] if path.parts else ""):
        raise ConfigurationError(f"folder={folder!r}: a path has taken a slash from this URL; give it as text")
    return LocalPlace(path.expanduser())


_URL: Final = re.compile(r"[a-z][a-z0-9+.:-]+://", re.IGNORECASE)
_SCHEME: Final = re.compile(r"(s3a?|gc?s|az|abfss?|oss|memory|file|https?|s?ftp|hdfs|webhdfs|smb):", re.IGNORECASE)


# --- on this machine --------------------------------------------------------------------------------------------------


class LocalPlace:
    """A folder of this machine."""

    _remedy = "free some space, or make the folder writable, or give another one: folder="

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __str__(self) -> str:
        return str(self.folder)

    def __truediv__(self, name: str) -> LocalPlace:
        return LocalPlace(self.folder / name)

    def claim(self) -> Claim | None:
        """Return the claim to work on this folder, or None while another process has it."""
        self.prepare()
        with storing("keep answers", self.folder, self._remedy):
            claim = FileClaim.take(self.folder / _LOCK)
            if claim is not None:
                # Whoever works without the claim writes nothing, so these are what a killed process left half written.
                for part in self.folder.glob(f"*{PART}"):
                    part.unlink(missing_ok=True)
        return claim

    def prepare(self) -> None:
        """Make the folder, with room on its disk."""
        with storing("keep answers", self.folder, self._remedy):
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # what is said in a meeting is not for all
            usage = shutil.disk_usage(self.folder)
            if usage.total and usage.free < _LEAST_FREE:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def read(self, names: Collection[str]) -> dict[str, bytes]:
        """Return the files that can be read, by name."""
        files = {}
        for name in names:
            with contextlib.suppress(OSError):
                files[name] = (self.folder / name).read_bytes()
        return files

    def write(self, name: str, text: str, doing: str) -> None:
        """Write a file that nobody else may read."""
        with storing(doing, self.folder, self._remedy):
            write_whole(self.folder / name, text, 0o600)

    def clear(self) -> None:
        """Delete the folder, if there is one."""
        remedy = "delete the folder yourself"
        with storing("delete what is kept", self.folder, remedy), contextlib.suppress(FileNotFoundError):
            for file in self.folder.iterdir():
                file.unlink(missing_ok=True)
            self.folder.rmdir()


# --- elsewhere --------------------------------------------------------------------------------------------------------

_OBJECT_STORES: Final = frozenset({"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "oss", "memory"})
"""Kinds of places that know no folders, and where a file is written in one piece or not at all."""


class NoClaim:
    """What stands for a claim where there are none."""

    def release(self) -> None:
        """Do nothing."""


class RemotePlace:
    """A folder that `fsspec` knows.

    Args:
        url: Where, such as `s3://bucket/answers`.
        options: What `fsspec` needs to get there, such as a key.
        parent: The folder that it is in: they share a connection.

    Raises:
        ConfigurationError: `fsspec` does not know this kind of URL.
        ImportError: A package is missing for it.
    """

    _remedy = "check the address, and that folder_options= has what it takes to write there"

    def __init__(self, url: str, options: Mapping[str, Any], *, parent: RemotePlace | None = None) -> None:
        self._url = url.rstrip("/")
        self._options = dict(options)
        self._scheme = url.partition(":")[0].lower()
        self._parent = parent
        if parent is None:
            self._require(str(self))

    def __str__(self) -> str:
        return re.sub(r"//([^/@:]*):[^/@]*@", r"//\1:***@", self._url)

    def __truediv__(self, name: str) -> RemotePlace:
        return RemotePlace(f"{self._url}/{name}", self._options, parent=self)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_opened"}

    def claim(self) -> NoClaim:
        """Return a claim, which everybody gets."""
        self.prepare()
        return NoClaim()

    def prepare(self) -> None:
        """Make the folder, where there are folders."""
        if self._scheme not in _OBJECT_STORES:  # there, it might make a bucket
            with self._storing("keep answers"):
                filesystem, path = self._opened
                filesystem.makedirs(path, exist_ok=True)

    def read(self, names: Collection[str]) -> dict[str, bytes]:
        """Return the files that are there, by name; many at a time."""
        with self._storing("read the answers that are kept"):
            filesystem, path = self._opened
            if len(names) > 1:
                there = set(self._files())
                names = [name for name in names if name in there]
            contents = filesystem.cat_ranges([f"{path}/{name}" for name in names], None, None, on_error="return")
            files = {}
            for name, content in zip(names, contents, strict=True):
                if isinstance(content, bytes):
                    files[name] = content
                elif not isinstance(content, FileNotFoundError):
                    raise content
            return files

    def write(self, name: str, text: str, doing: str) -> None:
        """Write a file: in one piece where the place does that, else under another name first."""
        data = text.encode("utf-8", "backslashreplace")
        with self._storing(doing):
            filesystem, path = self._opened
            if self._scheme in _OBJECT_STORES:
                filesystem.pipe_file(f"{path}/{name}", data)
                return
            part = f"{path}/.{uuid.uuid4().hex}{PART}"
            filesystem.pipe_file(part, data)
            filesystem.mv(part, f"{path}/{name}")

    def clear(self) -> None:
        """Delete the folder, if there is one."""
        with self._storing("delete what is kept"):
            filesystem, path = self._opened
            for name in self._files():
                filesystem.rm_file(f"{path}/{name}")
            with contextlib.suppress(OSError):
                filesystem.rmdir(path)

    def _files(self) -> list[str]:
        filesystem, path = self._opened
        filesystem.invalidate_cache(path)  # other machines write there too
        return [file.rpartition("/")[2] for file in filesystem.find(path)]

    @cached_property
    def _opened(self) -> tuple[Any, str]:
        """The file system, and the path in it; it may connect to it. `fsspec` would open one for each thread."""
        if self._parent is not None:
            filesystem, path = self._parent._opened
            return filesystem, f"{path.rstrip('/')}/{self._url.rpartition('/')[2]}"
        from fsspec.core import url_to_fs  # noqa: PLC0415  # an extra

        filesystem, path = url_to_fs(self._url, **self._options)
        return filesystem, path

    def _require(self, place: str) -> None:
        try:
            from fsspec import get_filesystem_class  # noqa: PLC0415  # an extra
        except ModuleNotFoundError:
            raise ImportError(f'folder={place!r} needs: pip install "langchain-dmx-omni[library]"') from None
        try:
            get_filesystem_class(self._scheme)
        except ValueError:
            raise ConfigurationError(f"folder={place!r}: fsspec knows no {self._scheme}: URLs; give another") from None
        except ImportError as error:
            raise ImportError(f"folder={place!r} needs one more package: {error}") from None

    @contextlib.contextmanager
    def _storing(self, doing: str) -> Iterator[None]:
        """Turn the errors of any file system into ours; they have no base of their own."""
        try:
            yield
        except Exception as error:
            known = error if isinstance(error, OSError) else OSError(f"{type(error).__name__}: {error}")
            raise StorageError.of(known, doing, str(self), self._remedy) from error
