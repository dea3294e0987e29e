"""A short name for a text. Pure."""

from __future__ import annotations

import hashlib


def digest(text: str) -> str:
    """Return a short name for a text: the same for the same text, another for any other."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
