"""Files that appear whole or not at all, and what the system says when they can't be written."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from langchain_dmx_omni.errors import StorageError

PART = ".part"
"""How the name of a file ends that is not whole yet."""


@contextmanager
def storing(doing: str, path: Path | None, remedy: str) -> Iterator[None]:
    """Turn the system's errors into ours.

    Args:
        doing: What is being done, such as `"keep an answer"`.
        path: Where; None for the place that the system names.
        remedy: What to do about it.

    Raises:
        StorageError: For any `OSError`.
    """
    try:
        yield
    except StorageError:
        raise
    except OSError as error:
        raise StorageError.of(error, doing, path, remedy) from error


def write_whole(path: Path, content: str | bytes, mode: int = 0o666) -> None:
    """Write a file in place of what is there; a text in UTF-8, what that can't say escaped.

    Args:
        path: The file; a link keeps pointing to it.
        content: What to write.
        mode: Who may read it, but for the umask.

    Raises:
        OSError: It can't be written; what was there is unchanged.
    """
    data = content.encode("utf-8", "backslashreplace") if isinstance(content, str) else content
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():  # such as /dev/stdout
        target.write_bytes(data)
        return
    part = target.parent / f".{uuid.uuid4().hex}{PART}"
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), mode)
        with open(descriptor, "wb") as file:  # noqa: PTH123  # a descriptor
            file.write(data)
        part.replace(target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
