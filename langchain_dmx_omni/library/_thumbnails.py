"""Small pictures of moments, beside the library: a JPEG for each window, of the keyframe near its middle."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from langchain_core.documents import Document

from langchain_dmx_omni._disk.files import storing, write_whole
from langchain_dmx_omni._disk.names import is_url
from langchain_dmx_omni.errors import ContentBlockError

from ._listing import open_url

FOLDER: Final = "thumbnails"
"""Where they are, in a library's place."""

_SIZE: Final = (320, 320)
_QUALITY: Final = 80
_REMEDY: Final = "free some space, or make the folder writable"


class Thumbnails:
    """The pictures of a library.

    Args:
        place: The library's folder, or its URL.
        options: What fsspec needs for a URL.
    """

    def __init__(self, place: str, options: Mapping[str, Any] | None) -> None:
        self._place = place
        self._options = options or {}

    def add(self, documents: Iterable[Document], path: Path, video_id: str) -> None:
        """Write the pictures of a recording's windows, and say in all documents which one is theirs.

        A recording without pictures, or one that can't be decoded there, has none.

        Args:
            documents: All of the recording.
            path: The recording.
            video_id: The hash of its bytes.

        Raises:
            StorageError: They can't be written.
        """
        several = list(documents)
        windows = [_span(each) for each in several if each.metadata["kind"] == "caption"]
        names = {span: name for span in windows if (name := self._written(path, video_id, span))}
        for document in several:
            start, end = _span(document)
            shared = {span: min(end, span[1]) - max(start, span[0]) for span in names}
            if shared:
                document.metadata["thumbnail"] = names[max(shared, key=shared.__getitem__)]

    def _written(self, path: Path, video_id: str, span: tuple[float, float]) -> str | None:
        from ._picture import picture  # noqa: PLC0415  # an extra

        middle = sum(span) / 2
        name = f"{FOLDER}/{video_id[:2]}/{video_id}/{round(middle * 1000)}.jpg"
        try:
            shown = picture(str(path), middle, _SIZE, exact=False)
        except ContentBlockError:
            return None
        data = io.BytesIO()
        shown.save(data, "JPEG", quality=_QUALITY)
        self._write(name, data.getvalue())
        return name

    def _write(self, name: str, data: bytes) -> None:
        address = f"{self._place}/{name}"
        with storing("write a picture", Path(address), _REMEDY):
            if is_url(self._place):
                filesystem, path = open_url(address, self._options)
                filesystem.pipe_file(path, data)
                return
            file = Path(address)
            file.parent.mkdir(parents=True, exist_ok=True)
            write_whole(file, data)


def _span(document: Document) -> tuple[float, float]:
    return document.metadata["start_seconds"], document.metadata["end_seconds"]
