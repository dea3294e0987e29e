"""Small films: the clip maker of the examples, which are not installed."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path

make_clip: Callable[..., Path] = runpy.run_path(
    str(Path(__file__).resolve().parent.parent / "examples" / "make_clip.py")
)["make_clip"]
"""See `examples/make_clip.py`."""
