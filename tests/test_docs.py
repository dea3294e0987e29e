"""Every Python block of README and docs runs, and so does every example.

The blocks of a page share one namespace, in order. A block is exempted by a comment right above it:
`<!-- not run: reason -->`.
"""

from __future__ import annotations

import math
import os
import re
import shutil
import struct
import subprocess
import sys
import wave
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from types import FunctionType, ModuleType

import pytest
from IPython.core import oinspect
from langchain_core.language_models import BaseChatModel

from langchain_dmx_omni import ChatDMXOmni, errors, jobs, voices
from langchain_dmx_omni.testing import LocalGateway

from . import option_docs

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", ROOT / "README.zh-CN.md", *sorted(ROOT.glob("docs/**/*.md"))]
LINKED = [*PAGES, *(ROOT / name for name in ("CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "llms.txt"))]
EXAMPLES = sorted(path for path in ROOT.glob("examples/*.py") if path.name != "library.py")  # see test_library_films.py
FENCE = re.compile(r"^(?P<above>[^\n]*)\n```(?P<language>[^\n]*)\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)
EXEMPTION = re.compile(r"<!-- not run: \S.* -->")
LANGUAGES = {"python", "bash", "console", "text", "toml", "yaml"}


def blocks(page: Path) -> list[tuple[int, str]]:
    """Line number and code of each block that has to run."""
    text = page.read_text("utf-8")
    found = []
    for match in FENCE.finditer(text):
        language = match["language"]
        assert language in LANGUAGES, f"{page.name}: a block in {language!r}, which nobody runs or reads"
        if language == "python" and not EXEMPTION.fullmatch(match["above"]):
            found.append((text.count("\n", 0, match.start("code")), match["code"]))
    return found


@pytest.fixture
def folder(
    tmp_path: Path,
    clip: Path,
    gateway: LocalGateway,
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    """The folder that the pages talk about, with the service at hand."""
    shutil.copy(clip, tmp_path / "clip.mp4")
    # A `free` box is what MP4 has for padding: a valid video over the inline limit.
    padding = bytes(9_000_000)
    (tmp_path / "big.mp4").write_bytes(clip.read_bytes() + struct.pack(">I4s", len(padding) + 8, b"free") + padding)
    (tmp_path / "picture.png").write_bytes(png(64, 48))
    with wave.open(str(tmp_path / "talk.wav"), "wb") as talk:
        talk.setparams((1, 2, 16_000, 0, "NONE", "NONE"))
        talk.writeframes(
            struct.pack("<16000h", *(round(9_000 * math.sin(2 * math.pi * 440 * n / 16_000)) for n in range(16_000)))
        )
    (tmp_path / "words.mp4").write_text("no video")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DMX_OMNI_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("DMXAPI_API_KEY", gateway.api_key)
    monkeypatch.setenv("DMXAPI_BASE_URL", gateway.base_url)
    return tmp_path


def png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = (b"\0" + b"\xd0\x30\x30" * width) * height
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix().removeprefix("docs/")


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page)], ids=name_of)
def test_the_blocks_of_a_page_run(page: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with storage(monkeypatch) if "s3://" in page.read_text("utf-8") else nullcontext():
        run_blocks(page, monkeypatch)


@contextmanager
def storage(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An S3 server with a bucket `films`, in the environment."""
    import s3fs

    from .s3 import serving

    with serving() as s3:
        for name, value in s3.environment().items():
            monkeypatch.setenv(name, value)
        s3fs.S3FileSystem.clear_instance_cache()
        yield
    s3fs.S3FileSystem.clear_instance_cache()


def run_blocks(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = blocks(page)
    # A real module, so that classes and type hints in a block can be resolved.
    module = ModuleType(f"page_{page.stem.lower()}")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    for line, code in found:
        # Empty lines in front make a traceback name the line of the page.
        exec(compile("\n" * line + code, page, "exec", dont_inherit=True), vars(module))


def headings(page: Path) -> set[str]:
    """The anchors of a page, as code hosts make them."""
    text = FENCE.sub("", page.read_text("utf-8"))
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", LINKED, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    for path, anchor in re.findall(r"\]\((?!https?:)([^)#\s]*)#?([^)\s]*)\)", page.read_text("utf-8")):
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), path
        assert not anchor or anchor in headings(target), f"{path}#{anchor}"


def test_every_page_is_listed() -> None:
    site = (ROOT / "mkdocs.yml").read_text("utf-8")
    listed = set(re.findall(r": ([\w/-]+\.md)$", site, re.MULTILINE))
    assert {name_of(page) for page in ROOT.glob("docs/**/*.md")} <= listed
    named = (ROOT / "llms.txt").read_text("utf-8")
    missing = [page.name for page in ROOT.glob("docs/*.md") if f"(docs/{page.name})" not in named]
    assert set(missing) <= {"api.md"}


def test_every_error_has_its_anchor() -> None:
    classes = {name.lower() for name in errors.__all__ if name != "DMXOmniWarning"}
    assert classes <= headings(ROOT / "docs" / "errors.md")


def test_messages_that_are_explained_in_chinese_are_said() -> None:
    table = (ROOT / "docs" / "zh" / "errors.md").read_text("utf-8")
    rows = re.findall(r"^\| `(.+?)` \| (?:警告 )?`(\w+)` \|", table, re.MULTILINE)
    source = "".join(path.read_text("utf-8") for path in ROOT.glob("langchain_dmx_omni/**/*.py"))
    service = {"当前分组上游负载已饱和", "Failed to download multimodal content", "data_inspection_failed"}
    assert len(rows) > 15
    assert [said for said, _ in rows if said not in source and said not in service] == []
    assert {name for _, name in rows} - {"ImportError"} <= set(errors.__all__)


def test_the_page_about_voices_lists_them_all() -> None:
    rows = re.findall(
        r"^\| ([^|]+) \| ([^|]+) \| ([^|]+) \|", (ROOT / "docs" / "voices.md").read_text("utf-8"), re.MULTILINE
    )
    assert rows[1:] == [(voice.name, voice.chinese_name, voice.language or "—") for voice in voices.VOICES]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_an_example_runs(example: Path, folder: Path) -> None:
    result = run(example)
    assert result.returncode == 0, result.stderr
    assert result.stdout
    assert not result.stderr
    if '.save("answer.wav")' in example.read_text("utf-8") or example.name == "demo.py":
        with wave.open(str(folder / "answer.wav")) as answer:
            assert answer.getnframes() > 0


def test_the_demo_needs_no_key(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DMXAPI_API_KEY")
    monkeypatch.delenv("DMXAPI_BASE_URL")
    # A proxy that nobody answers: the gateway on this machine must not be sought behind it.
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    result = run(ROOT / "examples" / "demo.py")
    assert result.returncode == 0, result.stderr
    assert "simulated" in result.stdout


def test_the_demo_takes_a_question_word_for_word(folder: Path) -> None:
    question = """It's "who"? $HOME `id` 为什么 -- -x"""
    result = run(ROOT / "examples" / "demo.py", "--video=clip.mp4", f"--question={question}", "--output=o ü.wav")
    assert result.returncode == 0, result.stderr
    assert question in result.stdout
    assert (folder / "o ü.wav").is_file()


@pytest.mark.parametrize(
    ("arguments", "environment", "said"),
    [
        (["--video=nowhere.mp4"], {}, "nowhere.mp4"),
        (["--video=."], {}, "."),
        (["--video=talk.wav"], {}, "talk.wav"),
        (["--video=picture.png"], {}, "picture.png"),
        (["--video=words.mp4"], {}, "words.mp4"),
        (["--video=big.mp4"], {}, "10,485,760"),
        (["--video=clip.mp4", "--output=nowhere/answer.wav"], {}, "nowhere"),
        (["--video=clip.mp4"], {"DMXAPI_API_KEY": "sk-wrong"}, "Check the key"),
        (["--video=clip.mp4"], {"DMXAPI_BASE_URL": "http://127.0.0.1:9/v1"}, "127.0.0.1:9"),
    ],
    ids=[
        "missing",
        "folder",
        "sound",
        "picture",
        "text",
        "too large",
        "no place to save",
        "wrong key",
        "no connection",
    ],
)
def test_a_mistake_in_the_demo_is_one_line(
    arguments: list[str], environment: dict[str, str], said: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    result = run(ROOT / "examples" / "demo.py", *arguments)
    assert result.returncode == 1
    assert said in result.stderr
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    assert "sk-wrong" not in result.stderr


def test_the_readme_lists_every_option() -> None:
    table = re.search(r"^## Options\n(.*?)^## ", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE | re.DOTALL)
    assert table
    rows = re.findall(r"^\| (`.+?) \|", table[1], re.MULTILINE)
    listed = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    langchains_own = {*BaseChatModel.model_fields, "streaming"}
    assert listed == ChatDMXOmni.model_fields.keys() - langchains_own


DEFAULTS: dict[str, object] = {
    "none": None,
    "off": None,
    "the service's": None,
    "text only": None,
    "on": True,
    "fold": "fold",
    "512 MiB": 512 << 20,
    "2 GiB": 2 << 30,
    "qwen3.5-omni-plus-all": "qwen3.5-omni-plus-all",
    **{number: int(number) for number in ("60", "300", "120", "2")},
}


def test_the_readme_says_the_defaults() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    checked = 0
    for names, defaults in re.findall(r"^\| ((?:`\w+`(?:, )?)+) \| (.+?) \|", text, re.MULTILINE):
        options, words = re.findall(r"\w+", names), defaults.split(", ")
        for option, word in zip(options, words * len(options), strict=False):
            if (word := word.strip('`"')) in DEFAULTS:
                checked += 1
                field = ChatDMXOmni.model_fields[option]
                assert field.get_default(call_default_factory=True, validated_data={}) in (DEFAULTS[word], "wav", [])
    assert checked > 20


def test_the_docstring_says_of_each_option_what_its_field_says() -> None:
    assert option_docs.lines() in str(ChatDMXOmni.__doc__)


def test_an_editor_shows_every_option() -> None:
    data = oinspect.Inspector(theme_name="nocolor").info(ChatDMXOmni)
    assert all(f" {name}: " in str(data["docstring"]) for name in option_docs.options())


def test_the_page_about_jobs_lists_every_task() -> None:
    listed = re.findall(r"^\| `jobs\.(\w+)\(\)` \|", (ROOT / "docs" / "jobs.md").read_text("utf-8"), re.MULTILINE)
    functions = [getattr(jobs, name) for name in jobs.__all__ if isinstance(getattr(jobs, name), FunctionType)]
    assert sorted(listed) == sorted(
        function.__name__ for function in functions if str(function.__annotations__["return"]).startswith("Task")
    )


def test_a_made_clip_has_picture_and_sound(tmp_path: Path, make_clip: Callable[..., Path]) -> None:
    av = pytest.importorskip("av")
    path = make_clip(tmp_path / "clip.mp4", 6.0)
    assert path.stat().st_size < 500_000
    with av.open(str(path)) as container:
        assert container.duration / 1_000_000 == pytest.approx(6.0, abs=0.1)
        assert [stream.type for stream in container.streams] == ["video", "audio"]
        assert sum(1 for _ in container.decode(video=0)) == 150


def test_a_silent_clip_has_no_sound(tmp_path: Path, make_clip: Callable[..., Path]) -> None:
    av = pytest.importorskip("av")
    with av.open(str(make_clip(tmp_path / "clip.mp4", 1.0, sound=False))) as container:
        assert [stream.type for stream in container.streams] == ["video"]


def run(script: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a script as a person would, in the current folder."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"}
    return subprocess.run(
        [sys.executable, str(script), *arguments],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        env=environment,
        timeout=50,
    )
