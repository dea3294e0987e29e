"""Turning an image into one that the service takes: JPEG or PNG, upright, under its limits.

Needs the extra `image`: Pillow, and pi-heif for the photos of phones.
"""

from __future__ import annotations

import io
import math
import struct
import warnings
from contextlib import suppress
from typing import TYPE_CHECKING, Final, cast

from langchain_dmx_omni._warnings import warn_user
from langchain_dmx_omni.errors import ContentBlockError

from .mime import sniff
from .taken import image_problem

if TYPE_CHECKING:
    from PIL.Image import Image

_INSTALL: Final = 'pip install "langchain-dmx-omni[image]"'
_FORMATS: Final = (
    *("JPEG", "MPO", "PNG", "BMP", "WEBP", "GIF", "TIFF", "HEIF", "AVIF", "JPEG2000", "ICO", "PPM", "PSD", "QOI"),
)
"""What Pillow may open: formats of pixels, none that runs a program or refers to other files."""
_TAKEN: Final = frozenset({"JPEG", "MPO", "PNG", "BMP", "WEBP"})

_MOST_PIXELS: Final = 16_384 * 1_024
"""The most that the model looks at in any mode (`vl_high_resolution_images`)."""
_LEAST_SIDE: Final = 11
_PREFIX: Final = len("data:image/jpeg;base64,")
_QUALITY: Final = 90

_BROKEN: Final = (
    *(OSError, SyntaxError, ValueError, EOFError, RuntimeError, ArithmeticError, struct.error),
    *(TypeError, LookupError, AttributeError),
)
"""What Pillow raises for damaged images."""

_ORIENTATION, _SUBFILE_TYPE, _DNG_VERSION = 0x0112, 254, 50706
"""Tags of EXIF and TIFF."""


def fit_image(data: bytes, what: str, limit: int) -> bytes:
    """Return an image that the service takes: `data` itself where it is one, else what it is converted to.

    Args:
        data: The bytes of an image.
        what: What errors call it.
        limit: Longest data URL, in bytes.

    Raises:
        ContentBlockError: It can't be read, a side of it is too short, or it is far longer than wide.
        ImportError: The extra is not installed.
    """
    try:
        from PIL import Image, UnidentifiedImageError  # noqa: PLC0415  # an extra
    except ImportError:
        raise ImportError(f"media.image(…, fit=True) needs: {_INSTALL}") from None
    with suppress(ImportError):
        from pi_heif import register_heif_opener  # noqa: PLC0415  # an extra

        register_heif_opener()
    Image.init()
    formats: list[str] = [name for name in _FORMATS if name in Image.OPEN]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of metadata that nobody needs, and of size, which is checked here
            with Image.open(io.BytesIO(data), formats=formats) as image:
                problem = _problem(image)
                pages = getattr(image, "n_frames", 1) if image.format not in _TAKEN else 1
                fitted = data if problem else _fitted(image, data, (limit - _PREFIX) // 4 * 3)
    except Image.DecompressionBombError:
        raise ContentBlockError(f"{what}: it has more pixels than can be opened safely; scale it down") from None
    except UnidentifiedImageError:
        media_type = sniff(data)
        problem = f"its bytes are {media_type.title if media_type else 'of no known format'}, which can't be opened"
        problem += "" if "HEIF" in formats else f"; photos of phones need: {_INSTALL}"
        raise ContentBlockError(f"{what}: {problem}") from None
    except _BROKEN as error:
        raise ContentBlockError(f"{what}: it can't be read as an image: {error}") from None
    if problem:
        raise ContentBlockError(f"{what}: {problem}")
    if pages > 1:
        warn_user(f"{what}: the first of its {pages} pictures is used")
    return fitted


def _fitted(image: Image, data: bytes, most: int) -> bytes:
    image.load()  # what is damaged is not handed on either
    upright = image.getexif().get(_ORIENTATION, 1) == 1
    return data if image.format in _TAKEN and upright and len(data) <= most else _encoded(_plain(image), most)


def _problem(image: Image) -> str | None:
    tags = getattr(image, "tag_v2", {})
    if _DNG_VERSION in tags or tags.get(_SUBFILE_TYPE) == 1:  # what would be opened is its thumbnail
        return "it is a camera's raw photo; develop it to JPEG"
    return image_problem(*image.size)


def _plain(image: Image) -> Image:
    """Return an image upright, in 8-bit grey, RGB or RGBA."""
    from PIL import ImageOps  # noqa: PLC0415

    image = ImageOps.exif_transpose(image)
    if image.mode.startswith(("I", "F")):  # 16 bits and more, of which conversion would cut off all but the lowest
        numbers = image.convert("F")
        lowest, highest = _extrema(numbers)
        if image.mode != "F" and lowest >= 0 and highest <= 65_535:
            lowest, highest = 0.0, 65_535.0
        scale = 255 / ((highest - lowest) or 1.0)
        return numbers.point(lambda value: value * scale - lowest * scale).convert("L")
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        image = image.convert("RGBA")
        return image if _extrema(image.getchannel("A"))[0] < 255 else image.convert("RGB")
    if image.mode in ("1", "L"):
        return image.convert("L")
    if image.mode not in ("RGB", "P"):  # a profile of inks or of another space says nothing of RGB
        image.info.pop("icc_profile", None)
    return image.convert("RGB")


def _extrema(channel: Image) -> tuple[float, float]:
    return cast("tuple[float, float]", channel.getextrema())


def _encoded(image: Image, most: int) -> bytes:
    """Return a JPEG, or a PNG of what is transparent, of `most` bytes and `_MOST_PIXELS` at the most."""
    scale = math.sqrt(_MOST_PIXELS / (image.width * image.height))
    while True:
        scaled = image if scale >= 1 else image.resize(_scaled(image, scale))
        file = io.BytesIO()
        profile = image.info.get("icc_profile")
        if image.mode == "RGBA":
            scaled.save(file, "PNG", icc_profile=profile)
        else:
            scaled.save(file, "JPEG", quality=_QUALITY, subsampling=0, icc_profile=profile)
        if file.tell() <= most or min(scaled.size) == _LEAST_SIDE:
            return file.getvalue()
        scale = min(1.0, scale) * math.sqrt(most / file.tell()) * 0.95


def _scaled(image: Image, scale: float) -> tuple[int, int]:
    return max(_LEAST_SIDE, round(image.width * scale)), max(_LEAST_SIDE, round(image.height * scale))
