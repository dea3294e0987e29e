"""The picture that is shown at a time of a recording."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any, cast

from PIL import Image

from langchain_dmx_omni.errors import ContentBlockError
from langchain_dmx_omni.video._checks import named, usable
from langchain_dmx_omni.video._reader import Picture, Reader

if TYPE_CHECKING:
    from langchain_dmx_omni.video import MediaInfo

__all__ = ["picture"]

_LEAST = 2
"""Pixels of a side."""


def picture(source: str, time: float, most: tuple[int, int], *, exact: bool = True) -> Image.Image:
    """Return the picture at a time, upright, as large as fits into a size.

    Args:
        source: A local recording.
        time: Seconds since its beginning; past its end, the last picture is meant.
        most: Width and height in pixels.
        exact: Whether it has to be that picture; else it may be the keyframe before it, which costs much less.

    Raises:
        ContentBlockError: There is no such file, or no picture in it.
    """
    info = usable(source, warn=False)
    if not info.has_video:
        raise ContentBlockError(f"{info.path.name}: there is sound only")
    time = min(time, info.duration)
    shown: Picture | None = None
    with named(info.path), closing(Reader(info, 0, lambda since, until: until > time)) as reader:
        if reader.can_seek:
            reader.seek(time)
        for piece in reader.read():
            shown = cast("Picture", piece)
            if shown.until > time or not exact:
                break
    if shown is None:
        raise ContentBlockError(f"{info.path.name}: no picture can be decoded at {time:.1f} s")
    return _upright(shown, info, most)


def _upright(shown: Picture, info: MediaInfo, most: tuple[int, int]) -> Image.Image:
    assert info.width is not None
    assert info.height is not None
    scale = min(most[0] / info.width, most[1] / info.height)
    size = max(_LEAST, round(info.width * scale)), max(_LEAST, round(info.height * scale))
    stored = size if info.rotation % 180 == 0 else size[::-1]
    frame: Any = shown.frame.reformat(*stored, format="rgb24")
    image: Image.Image = frame.to_image()
    if info.mirrored:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return image.rotate(-info.rotation, expand=True)
