"""What a name names: something on this machine's disk, or a place elsewhere."""

from __future__ import annotations

import re

_URL = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)


def is_url(name: str) -> bool:
    """Whether a name is that of a place that fsspec reaches."""
    return _URL.match(name) is not None
