"""Take the pictures of the documentation anew: `make pictures`, or `python tools/pictures.py ask` for one of them.

The commands run in a pseudo-terminal and the notebook in a kernel, all against the local gateway, and Debian's Chromium
draws what they show. The pictures of the page in the browser are taken by its tests.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import itertools
import json
import os
import pty
import re
import runpy
import shlex
import shutil
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import nbformat
from nbclient import NotebookClient
from PIL import Image
from playwright.sync_api import sync_playwright
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer
from rich.console import Console
from rich.text import Text

from langchain_dmx_omni.testing import LocalGateway, Request

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"

COLUMNS, ROWS = 100, 40
COLOURS = 256
"""Of a picture: few make it small."""

ANSWER = """\
A pale square crosses three scenes of two seconds each:
- 0:00 a red one, with a melody that rises
- 0:02 a green one, with a melody that falls
- 0:04 a blue one, in A minor"""
SAID = (
    "Good morning, and welcome to this talk.",
    "The first thing to know: a minute of video is larger than you think.",
    "Let us look at the numbers on this slide.",
    "If there are any questions, ask them at the end.",
)


def answer(request: Request) -> str:
    """Return what the gateway says: lines with times where JSON is wanted, else what the clip shows."""
    if "JSON" not in str(request.body):
        return ANSWER
    spans = [(4.0 * number, 4.0 * number + 3.5, text) for number, text in enumerate(SAID)]
    return json.dumps({"lines": [{"start": start, "end": end, "text": text} for start, end, text in spans]})


class Studio:
    """A folder with recordings, the gateway, and a browser that draws."""

    def __init__(self, folder: Path, gateway: LocalGateway, browser: Browser) -> None:
        self.folder = folder
        self.browser = browser
        self.environment = {
            **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
            "DMXAPI_API_KEY": gateway.api_key,
            "DMXAPI_BASE_URL": gateway.base_url,
            "DMX_OMNI_CACHE_DIR": str(folder / "cache"),
            "NO_PROXY": "127.0.0.1",
            "PYTHONPATH": str(ROOT),
            "PYTHONUTF8": "1",
            "TERM": "xterm-256color",
        }

    def clip(self, name: str, seconds: float, **size: int) -> None:
        """Make a video for the commands to work with."""
        runpy.run_path(str(ROOT / "examples" / "make_clip.py"))["make_clip"](self.folder / name, seconds, **size)

    def run(self, command: str, **environment: str) -> str:
        """Run `dmx-omni` in a pseudo-terminal, and return all that it writes there, control sequences too."""
        terminal, end = pty.openpty()
        termios.tcsetwinsize(end, (ROWS, COLUMNS))
        words = shlex.split(command)[1:]
        files = [
            [str(path.relative_to(self.folder)) for path in sorted(self.folder.glob(word))] if "*" in word else [word]
            for word in words
        ]
        arguments = [sys.executable, str(ROOT / "_dmx_omni.py"), *itertools.chain(*files)]
        written = b""
        with subprocess.Popen(  # noqa: S603  our own command
            arguments, stdin=end, stdout=end, stderr=end, cwd=self.folder, env=self.environment | environment
        ) as process:
            os.close(end)
            with contextlib.suppress(OSError):  # Linux says so when the last one has left
                while piece := os.read(terminal, 4096):
                    written += piece
            os.close(terminal)
        assert process.returncode in (0, 1), written
        return written.decode()

    def draw_terminal(self, name: str, command: str, written: str) -> None:
        """Draw a terminal in which a command has been run."""
        console = Console(file=io.StringIO(), record=True, width=COLUMNS, force_terminal=True, legacy_windows=False)
        console.print(Text.assemble(("$ ", "bold green"), command), soft_wrap=True)
        for line in on_screen(written):
            text = Text.from_ansi(line)
            for row in text.divide(range(COLUMNS, max(len(text), 1), COLUMNS)):  # as a terminal wraps, in mid-word
                console.print(row, soft_wrap=True)
        console.print()  # what reaches below the last line is cut off
        svg = re.sub(r"@font-face \{.*?\}", "", console.export_svg(title="dmx-omni"), flags=re.DOTALL)
        with self.page() as page:
            page.set_content(f"<style>body {{ margin: 0 }} svg {{ width: 980px; display: block }}</style>{svg}")
            self.photograph(page, "svg", name)

    @contextmanager
    def page(self) -> Iterator[Page]:
        """Open a page that is drawn at twice its size."""
        context = self.browser.new_context(viewport={"width": 1000, "height": 900}, device_scale_factor=2, offline=True)
        try:
            yield context.new_page()
        finally:
            context.close()

    def photograph(self, page: Page, selector: str, name: str) -> None:
        """Write a picture of a part of a page into docs."""
        picture = Image.open(io.BytesIO(page.locator(selector).screenshot())).convert("RGB")
        path = DOCS / f"{name}.png"
        picture.quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)
        print(f"{path.relative_to(ROOT)}: {path.stat().st_size / 1000:.0f} kB")


def on_screen(written: str) -> list[str]:
    """Return the lines that stand on a terminal's screen, with their colours, after all that was written to it."""
    lines, at, returned = [""], 0, False
    for sign in re.findall(r"\x1b\[[0-9;?]*[A-Za-z]|\n|\r|[^\x1b\r\n]+", written):
        if sign == "\n":
            at += 1
            lines += [""] * (at == len(lines))
            returned = False
        elif sign == "\r":
            returned = True
        elif sign == "\x1b[2K":
            lines[at] = ""
        elif up := re.fullmatch(r"\x1b\[(\d*)A", sign):
            at -= int(up[1] or 1)
        elif not sign.startswith("\x1b") or sign.endswith("m"):
            lines[at] = sign if returned and not sign.startswith("\x1b") else lines[at] + sign
            returned = returned and sign.startswith("\x1b")
    return lines[:-1] if not lines[-1].strip() else lines


def ask(studio: Studio) -> None:
    """A question about a video, with a spoken answer."""
    studio.clip("clip.mp4", 6.0)
    command = 'dmx-omni ask "What happens here?" -a clip.mp4 --voice Tina --save answer.wav'
    studio.draw_terminal("terminal-ask", command, studio.run(command))


def subtitles(studio: Studio) -> None:
    """Subtitles of several recordings, in mid-run: those that are done, and the bar."""
    (studio.folder / "day1").mkdir()
    lengths = {"closing": 100, "demo": 115, "keynote": 155, "opening": 110, "panel": 160, "questions": 120}
    for name, seconds in lengths.items():
        studio.clip(f"day1/{name}.mp4", seconds, width=160, height=90, fps=5)
    command = "dmx-omni subtitles day1/*.mp4 --output-dir subtitles"
    written = studio.run(command)
    steps = re.finditer(r"(\d+)/(\d+) windows[^\r\n]*", written)
    shown = [step for step in steps if int(step[1]) <= 0.85 * int(step[2])][-1]
    studio.draw_terminal("terminal-subtitles", command, written[: shown.end()])


def doctor(studio: Studio) -> None:
    """A wrong key."""
    command = "dmx-omni doctor"
    studio.draw_terminal("terminal-doctor", command, studio.run(command, DMXAPI_API_KEY="sk-wrong"))


def notebook(studio: Studio) -> None:
    """The cell of a spoken answer: its text, a player and a waveform."""
    studio.clip("clip.mp4", 6.0)
    Image.new("RGB", (160, 120), "#d03030").save(studio.folder / "picture.png")
    path = ROOT / "examples" / "notebooks" / "first_answer.ipynb"
    cells = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    NotebookClient(cells, resources={"metadata": {"path": str(studio.folder)}}, timeout=60).execute(
        env=studio.environment
    )
    shown = next(cell for cell in cells.cells if "<audio" in json.dumps(cell.get("outputs")))
    (studio.folder / "notebook.html").write_text(f"{_NOTEBOOK}{_drawn(shown)}</main>", "utf-8")
    with studio.page() as page:
        page.goto((studio.folder / "notebook.html").as_uri())
        page.wait_for_function("[...document.querySelectorAll('audio')].every((audio) => audio.readyState > 0)")
        studio.photograph(page, "main", "notebook")


_NOTEBOOK = """<!doctype html><meta charset="utf-8"><style>
main { width: 860px; padding: 12px; background: #fff; font: 14px "DejaVu Sans", sans-serif }
.in, .out { display: grid; grid-template-columns: 64px 1fr; gap: 8px; margin: 4px 0 10px }
.in > div { border: 1px solid #ddd; border-radius: 2px; background: #f7f7f7; padding: 6px 10px }
.prompt, .in pre { font: 13px/1.4 "DejaVu Sans Mono", monospace; margin: 0 }
.in .prompt { color: #307fc1; padding-top: 7px } .out .prompt { color: #bf5b3d }
</style><main>"""


def _drawn(cell: Any) -> str:
    code = highlight(cell.source, PythonLexer(), HtmlFormatter(noclasses=True, nobackground=True))
    number = cell.execution_count
    outputs = "".join(
        f'<div class="out"><span class="prompt">[{number}]:</span><div>{_html(output)}</div></div>'
        for output in cell.outputs
    )
    return f'<div class="in"><span class="prompt">[{number}]:</span><div>{code}</div></div>{outputs}'


def _html(output: Any) -> str:
    data = output.get("data", {})
    return data.get("text/html") or f"<pre>{escape(data.get('text/plain', output.get('text', '')))}</pre>"


PICTURES: dict[str, Callable[[Studio], None]] = {
    "ask": ask,
    "subtitles": subtitles,
    "doctor": doctor,
    "notebook": notebook,
}


def main() -> int:
    """Take the pictures that are named, or all."""
    parser = argparse.ArgumentParser(description="Take the pictures of the documentation anew.")
    parser.add_argument("names", nargs="*", choices=[*PICTURES, []], metavar="NAME", help=", ".join(PICTURES))
    names = parser.parse_args().names or [*PICTURES]
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("Chromium is not installed: apt-get install chromium")
    with TemporaryDirectory() as folder, LocalGateway(answer=answer) as gateway, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        studio = Studio(Path(folder), gateway, browser)
        for name in names:
            PICTURES[name](studio)
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
