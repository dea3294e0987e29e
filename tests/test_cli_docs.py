"""Every command that docs/cli.md shows runs, but those under a comment that says why not."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from langchain_dmx_omni.cli._app import app
from langchain_dmx_omni.testing import scripts

from .cli_calls import ROOT, Shell
from .test_docs import EXEMPTION, FENCE, png

PAGE = (ROOT / "docs" / "cli.md").read_text("utf-8")
NAMES = [command.name or "" for command in app.registered_commands]


def lines() -> list[str]:
    """The commands that have to run."""
    blocks = [match["code"] for match in FENCE.finditer(PAGE) if match["language"] == "bash"]
    exempted = [match["code"] for match in FENCE.finditer(PAGE) if EXEMPTION.fullmatch(match["above"])]
    return [
        line
        for block in blocks
        if block not in exempted
        for line in block.splitlines()
        if "dmx-omni " in line and not line.startswith("pip")
    ]


@pytest.mark.parametrize("line", lines())
def test_a_command_of_the_page_runs(line: str, shell: Shell) -> None:
    Path("picture.png").write_bytes(png(64, 48))
    Path("talk.wav").write_bytes(scripts.wav(scripts.PCM * 4))
    stdin = b""
    if match := re.fullmatch(r"(.*) < (\S+)", line):
        line, stdin = match[1], Path(match[2]).read_bytes()
    if match := re.fullmatch(r'echo "(.*?)" \| (.*)', line):
        line, stdin = match[2], match[1].encode()
    name, *arguments = shlex.split(line, comments=True)
    assert name == "dmx-omni"
    if arguments[0] == "library" and arguments[1] != "add":
        assert shell("library", "add", arguments[2], "clip.mp4").status == 0
    outcome = shell(*arguments, stdin=stdin)
    assert outcome.status == 0, outcome
    assert outcome.out


def test_the_page_lists_every_command() -> None:
    listed = re.findall(r"^\| `([\w-]+)` \|", PAGE, re.MULTILINE)
    callbacks = [command.callback.__name__.replace("_", "-") for command in app.registered_commands if command.callback]
    groups = {group.name: group.typer_instance for group in app.registered_groups}
    known = [name or callback for name, callback in zip(NAMES, callbacks, strict=True)]
    assert sorted(listed) == sorted([*known, *filter(None, groups)])
    assert groups["library"] is not None
    (row,) = re.findall(r"^\| `library` \|(.*)$", PAGE, re.MULTILINE)
    callbacks = [command.callback.__name__ for command in groups["library"].registered_commands if command.callback]
    assert re.findall(r"`(\w+)`", row) == callbacks
