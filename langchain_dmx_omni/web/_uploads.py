"""The files of a page: streamed to a scratch folder, looked at, deleted with it."""

from __future__ import annotations

import asyncio
import secrets
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from langchain_dmx_omni import media, video
from langchain_dmx_omni._media.mime import HEAD, Kind, sniff
from langchain_dmx_omni.errors import ContentBlockError, StorageError
from langchain_dmx_omni.video.fit import is_taken

from ._failures import PageError

MOST = 2_000_000_000
"""Bytes of all files that a page holds at a time."""

_PIECE = 1 << 20
_NAME = 100  # characters


@dataclass(frozen=True)
class Upload:
    """A file that can be asked about."""

    id: str
    path: Path
    kind: Kind
    size: int
    seconds: float | None
    """None for a picture."""

    def is_long(self, window: float | None) -> bool:
        """Whether it takes more than one call: over the inline limit, or longer than the window that is set."""
        if self.seconds is None:
            return False
        return self.size > video.INLINE_BYTES or (window is not None and self.seconds > window)

    def block(self) -> dict[str, Any]:
        """Return its content block; what the service doesn't take is converted, beside it.

        Raises:
            ContentBlockError: It can't be sent.
        """
        match self.kind:
            case "image":
                return media.image(self.path, fit=True)
            case "audio":
                return media.audio(self._fitted(".m4a"))
            case "video":
                return media.video(self._fitted(".mp4"))

    def _fitted(self, suffix: str) -> Path:
        """Return a file that the service takes; not by the cache, which would outlive the page."""
        if self.size <= video.INLINE_BYTES and is_taken(self.path):
            return self.path
        fitted = self.path.with_name(f"{self.path.name}.fitted{suffix}")
        return fitted if fitted.exists() else video.fit(self.path, out=fitted)

    def facts(self, window: float | None) -> dict[str, Any]:
        """Return what the page shows of it."""
        return {
            "id": self.id,
            "name": self.path.name,
            "kind": self.kind,
            "size": self.size,
            "seconds": self.seconds,
            "long": self.is_long(window),
        }


class Uploads:
    """The files of a page.

    Args:
        folder: Where they are kept.
        most: Bytes of all of them.
    """

    def __init__(self, folder: Path, most: int = MOST) -> None:
        self.folder = folder
        self.most = most
        self._taken = 0
        self._files: dict[str, Upload] = {}

    def __getitem__(self, id: str) -> Upload:
        """Return an upload.

        Raises:
            PageError: It is no longer there.
        """
        try:
            return self._files[id]
        except KeyError:
            raise PageError("gone", "the file is no longer there: choose it again", 404) from None

    def check_room(self, size: int) -> None:
        """Refuse what is too large.

        Raises:
            PageError: There is no room for so many bytes more.
        """
        if self._taken + size > self.most:
            raise PageError("no_room", f"the files of the page are over {self.most:,} bytes together: remove one", 413)

    async def add(self, name: str, pieces: AsyncIterator[bytes]) -> Upload:
        """Keep a file, and look at it. What is cut off leaves nothing behind.

        Raises:
            PageError: It is empty, or too large.
            ContentBlockError: It is no picture, sound or video.
            StorageError: The disk is full.
        """
        id = secrets.token_urlsafe(9)
        home = self.folder / id
        size = 0
        try:
            path = home / "upload" / _safe(name)
            try:
                path.parent.mkdir(parents=True)
                with path.open("wb") as file:
                    async for piece in _larger(pieces):
                        self.check_room(len(piece))
                        self._taken += len(piece)
                        size += len(piece)
                        await asyncio.to_thread(file.write, piece)
            except OSError as error:
                raise StorageError.of(error, "keep the file", None, "make room, or let TMPDIR name another") from None
            if not size:
                raise PageError("empty", f"{path.name} is empty")
            kind, seconds = await asyncio.to_thread(_look, path)
        except BaseException:
            self._taken -= size
            shutil.rmtree(home, ignore_errors=True)
            raise
        self._files[id] = upload = Upload(id, path, kind, size, seconds)
        return upload

    async def remove(self, id: str) -> None:
        """Delete a file, and what it was converted to; nothing happens if it is not there."""
        if (upload := self._files.pop(id, None)) is not None:
            self._taken -= upload.size
            await asyncio.to_thread(shutil.rmtree, self.folder / id, ignore_errors=True)


async def _larger(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield what comes in pieces that are worth a thread each."""
    waiting, size = list[bytes](), 0
    async for piece in pieces:
        waiting.append(piece)
        size += len(piece)
        if size >= _PIECE:
            yield b"".join(waiting)
            waiting, size = [], 0
    if size:
        yield b"".join(waiting)


def _safe(name: str) -> str:
    """Return the name of an upload as one of a file that any system takes."""
    last = name.replace("\\", "/").rpartition("/")[2]
    plain = "".join("_" if each in '<>:"|?*' or not each.isprintable() else each for each in last).strip(" .")
    stem, dot, ending = plain[-_NAME:].rpartition(".")
    return f"{(stem or ending)[: _NAME // 2]}{dot}{ending[:8]}" if stem else ending[: _NAME // 2] or "file"


def _look(path: Path) -> tuple[Kind, float | None]:
    """Return what a file is, and its length.

    Raises:
        ContentBlockError: Nothing that can be asked about.
    """
    with path.open("rb") as file:
        sniffed = sniff(file.read(HEAD))
    if sniffed is not None and "image" in sniffed.kinds:
        return "image", None
    info = video.probe(path)
    if info.kind is None:
        what = f"it is {sniffed.title}" if sniffed is not None and not sniffed.kinds else "it can't be played"
        raise ContentBlockError(f"{path.name}: {what}; choose a picture, a sound or a video")
    return info.kind, info.duration
