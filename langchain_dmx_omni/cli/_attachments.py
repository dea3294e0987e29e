"""`-a FILE|URL|-` → content blocks."""

from __future__ import annotations

import importlib.util
import re
import sys
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import typer

from langchain_dmx_omni import media
from langchain_dmx_omni._media.mime import HEAD, Kind, from_name, kind_of, sniff
from langchain_dmx_omni.errors import ContentBlockError

_KIND = re.compile(r"(image|audio|video):(?=.)")
_URL = re.compile(r"https?://", re.IGNORECASE)
_BLOCKS = {"image": media.image, "audio": media.audio, "video": media.video}


def blocks(sources: list[str], *, fit: bool = False) -> list[dict[str, Any]]:
    """Return the content blocks of attachments, in order.

    Args:
        sources: Paths, http(s) URLs, or `-` for what comes in on standard input; each may say what it is, as in
            `video:https://example.com/clip`.
        fit: Whether local files are made to fit what the service takes.

    Raises:
        ContentBlockError: One of them can't be read or sent.
        MediaTooLargeError: One of them is over the inline limit.
    """
    if sources.count("-") > 1:
        raise typer.BadParameter("standard input can be read once only", param_hint="'-a -'")
    return [_block(source, fit=fit) for source in sources]


def _block(source: str, *, fit: bool) -> dict[str, Any]:
    named = _KIND.match(source)
    kind, place = (cast("Kind", named[1]), source[named.end() :]) if named else (None, source)
    if place == "-":
        return _from_stdin(kind, fit=fit)
    if _URL.match(place):
        kind = kind or cast("Kind | None", kind_of(from_name(place)))
        if kind is None:
            raise typer.BadParameter(
                f"the name of {place} doesn't tell what it is: write video:{place}, audio:… or image:…", param_hint="-a"
            )
        return _BLOCKS[kind](place)
    return _from_file(Path(place).expanduser(), kind, fit=fit)


def _from_file(path: Path, kind: Kind | None, *, fit: bool) -> dict[str, Any]:
    return _BLOCKS[kind or _kind_of_file(path)](path, fit=fit)


def _kind_of_file(path: Path) -> Kind:
    try:
        with path.open("rb") as file:
            head = file.read(HEAD)
            sniffed = sniff(head)
    except (OSError, ValueError) as error:
        raise ContentBlockError(f"{path}: it can't be read: {getattr(error, 'strerror', None) or error}") from None
    if sniffed is not None and not sniffed.kinds:
        raise ContentBlockError(
            f"{path}: it is {sniffed.title}, and no image, audio or video"
            + ("; a text goes in on standard input: dmx-omni ask … < FILE" if sniffed.mime.startswith("text/") else "")
        )
    kinds = sniffed.kinds if sniffed else ()
    if len(kinds) > 1 and "image" not in kinds and importlib.util.find_spec("av") is not None:
        from langchain_dmx_omni.video import probe  # noqa: PLC0415  # an extra: what a container really holds

        return probe(path).kind or cast("Kind", kinds[0])
    return cast("Kind", kinds[0] if kinds else kind_of(from_name(path.name)) or "video")


def _from_stdin(kind: Kind | None, *, fit: bool) -> dict[str, Any]:
    if sys.stdin is None or sys.stdin.isatty():
        raise typer.BadParameter("nothing comes in on standard input: pipe a file into it", param_hint="'-a -'")
    data = sys.stdin.buffer.read()
    with ExitStack() as stack:
        folder = stack.enter_context(TemporaryDirectory(prefix="dmx-omni-", ignore_cleanup_errors=True))
        path = Path(folder) / "standard-input"
        path.write_bytes(data)
        try:
            return _from_file(path, kind, fit=fit)
        except ContentBlockError as error:
            raise ContentBlockError(str(error).replace(str(path), "standard input")) from None
