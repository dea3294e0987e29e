"""The command `dmx-omni`: what the package does, from a shell.

Needs the extra `cli`. `main` runs it; whatever it needs is imported when it runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import _output

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]

_NEEDED = ("typer", "rich")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status: 0, 1 for a failure, 2 for a wrong call, 130 after Ctrl-C.

    Args:
        arguments: What stands after the command's name; by default what the process was called with.
    """
    _output.prepare()
    try:
        from ._app import run  # noqa: PLC0415  # an extra
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] not in _NEEDED:
            raise
        _output.error('dmx-omni needs: pip install "langchain-dmx-omni[cli]"')
        return 1
    return run(arguments)
