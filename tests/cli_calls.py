"""How tests call the command: as a process of its own, as a person would, or in this one, where that is enough."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from langchain_dmx_omni.cli import main
from langchain_dmx_omni.testing import LocalGateway

ROOT = Path(__file__).resolve().parent.parent
COMMAND = [sys.executable, str(ROOT / "_dmx_omni.py")]


class Outcome(NamedTuple):
    status: int
    out: str
    err: str


def environment(gateway: LocalGateway | None = None, **changes: str) -> dict[str, str]:
    service = {"DMXAPI_API_KEY": gateway.api_key, "DMXAPI_BASE_URL": gateway.base_url} if gateway else {}
    return {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1", **service, **changes}


def process(*arguments: str, env: Mapping[str, str], stdin: bytes = b"", cwd: Path | None = None) -> Any:
    """Run the command as a process of its own; what it writes is bytes."""
    return subprocess.run(
        [*COMMAND, *arguments], input=stdin, capture_output=True, check=False, env=dict(env), cwd=cwd, timeout=50
    )


def application(gateway: LocalGateway) -> Any:
    """Return what a running gateway serves, for what no public switch of it does."""
    assert gateway._running is not None
    return gateway._running._server.config.app


class Shell:
    """Calls the command in this process."""

    def __init__(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self._capsys = capsys
        self._monkeypatch = monkeypatch

    def __call__(self, *arguments: str, stdin: bytes = b"") -> Outcome:
        self._monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8"))
        self._capsys.readouterr()
        status = main(arguments)
        out, err = self._capsys.readouterr()
        return Outcome(status, out, err)


def in_terminal(*arguments: str, env: Mapping[str, str], interrupt_after: str | None = None) -> tuple[int, str]:
    """Run the command in a pseudo-terminal, and return how it ended and what it wrote.

    Args:
        arguments: What stands after the command's name.
        env: The environment.
        interrupt_after: Ctrl-C is pressed once this is on the screen; of an empty text, as soon as Python runs the
            command.
    """
    import pty

    terminal, end = pty.openpty()
    if interrupt_after == "":
        env = {**env, "PYTHONVERBOSE": "1"}
    with subprocess.Popen(
        [*COMMAND, *arguments], stdin=end, stdout=end, stderr=end, env=dict(env), start_new_session=True
    ) as command:
        os.close(end)
        screen, pressed = b"", False
        while True:
            try:
                piece = os.read(terminal, 4096)
            except OSError:  # Linux says so when the last one has left
                break
            if not piece:
                break
            screen += piece
            if (
                interrupt_after is not None
                and not pressed
                and (interrupt_after or "import 'langchain_dmx_omni").encode() in screen
            ):
                pressed = True
                command.send_signal(signal.SIGINT)
        os.close(terminal)
        return command.wait(30), screen.decode("utf-8", "replace")
