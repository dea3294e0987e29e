"""What may be fitted and split: checks that come before any work, the same for both."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from langchain_dmx_omni._media.taken import elsewhere
from langchain_dmx_omni.errors import ConfigurationError, ContentBlockError, DMXOmniWarning

from ._open import sniff_file
from .probe import MediaInfo, probe

if TYPE_CHECKING:
    import os

_LEAST_BYTES = 16 * 1024


def usable(path: str | os.PathLike[str]) -> MediaInfo:
    """Return what a file is, if there is something in it to encode; what is lost of a damaged one is a warning.

    Raises:
        ContentBlockError: There is no such file, or neither picture nor sound can be read.
    """
    info = probe(path)
    if info.kind is None or info.duration <= 0:
        media_type = sniff_file(info.path)
        remedy = f"; {elsewhere(media_type)}" if media_type and media_type.kinds == ("image",) else ""
        raise ContentBlockError(f"{info.path.name}: {info.problem or 'there is nothing to play in it'}{remedy}")
    if info.problem:
        warnings.warn(f"{info.path.name}: {info.problem}; what can be read is used", DMXOmniWarning, stacklevel=3)
    return info


def checked_settings(max_bytes: int, fps: float | None) -> None:
    """Check what `fit` and `split` have in common.

    Raises:
        ConfigurationError: A number is out of its range.
    """
    if max_bytes < _LEAST_BYTES:
        raise ConfigurationError(f"max_bytes is {max_bytes:,}; nothing fits into less than {_LEAST_BYTES:,}")
    if fps is not None and not 0.1 <= fps <= 60:
        raise ConfigurationError(f"fps is {fps:g}; give 0.1 to 60, or leave it out (the model looks at 2 a second)")
