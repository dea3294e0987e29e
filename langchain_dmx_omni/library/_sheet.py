"""A contact sheet: moments on one page, each with its picture, its time, the recording's title, and its text."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from langchain_dmx_omni.errors import ConfigurationError

if TYPE_CHECKING:
    from PIL.Image import Image

    from .moments import Moment

__all__ = ["contact_sheet"]

_MISSING: Final = 'a contact sheet needs: pip install "langchain-dmx-omni[library]"'
_MOST_COLUMNS, _MOST = 4, 400


def contact_sheet(moments: Sequence[Moment], *, columns: int | None = None, labels: Sequence[str] = ()) -> Image:
    """Return a picture of moments, row by row; `save("moments.png")` writes it.

    The pictures are decoded from the recordings. Where a recording is gone, its `thumbnail` is used; where there is
    none either, the tile says why. Text is drawn in any script that the installed fonts have.

    Args:
        moments: At most 400.
        columns: How many stand side by side; by default up to 4.
        labels: What to write before the time of each, such as `[1]`.

    Raises:
        ConfigurationError: There are too many moments, or `columns` is less than 1.
        ImportError: Pillow or PyAV is not installed (extra `library`).

    Warns:
        DMXOmniWarning: No font has some of the characters; it names them.
    """
    if len(moments) > _MOST:
        raise ConfigurationError(
            f"{len(moments)} moments don't fit on a sheet; give at most {_MOST}, moments[:{_MOST}]"
        )
    if columns is not None and columns < 1:
        raise ConfigurationError(f"columns={columns!r}: 1 or more")
    try:
        from ._tiles import sheet  # noqa: PLC0415  # an extra
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("PIL", "av"):
            raise
        raise ImportError(_MISSING) from None
    columns = columns or min(_MOST_COLUMNS, math.ceil(math.sqrt(len(moments))))
    return sheet(moments, labels, max(1, min(columns, len(moments))))
