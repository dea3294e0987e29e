"""Media in files: named by what they hold, so that the same media is one file however often it is kept."""

from __future__ import annotations

import hashlib
import mimetypes
import os
from binascii import a2b_base64
from pathlib import Path

from langchain_dmx_omni.errors import StorageError

from .base64_text import clean_base64
from .mime import audio_format, kind_of, sniff


def keep(data: bytes, mime_type: str | None, folder: Path) -> Path:
    """Write media to a file of a folder, for its owner's eyes alone, and return its path.

    Raises:
        StorageError: The folder can't be written, or the disk is full.
    """
    media_type = sniff(data)
    suffix = _suffix(mime_type or (media_type.mime if media_type else None))
    path = folder / f"{hashlib.sha256(data).hexdigest()[:20]}{suffix}"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            # Complete or not there: others may keep the same media at the same time.
            unfinished = path.with_name(f".{path.name}.{os.getpid()}")
            with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.write(data)
            unfinished.replace(path)
    except OSError as error:
        raise StorageError.of(error, "keep media", folder, "name another folder, or make room") from error
    return path


def decoded(text: str) -> bytes:
    """Return the bytes of a block's base64.

    Raises:
        ValueError: It is not base64.
    """
    text, start = clean_base64(text)
    return a2b_base64(text[start:] if start else text)


def _suffix(mime_type: str | None) -> str:
    if kind_of(mime_type) == "audio" and (name := audio_format(mime_type)):
        return f".{name}"
    return mimetypes.guess_extension(mime_type or "") or ".bin"
