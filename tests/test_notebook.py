"""In a notebook: messages, blocks and streams as players and pictures, and not a character of base64 in the cell."""

from __future__ import annotations

import asyncio
import json
import re
import wave
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from IPython.core.formatters import DisplayFormatter
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage, ToolCall, ToolMessage

from langchain_dmx_omni import Speech, media, notebook
from langchain_dmx_omni.errors import InvalidInputError, StorageError
from langchain_dmx_omni.testing.scripts import PCM, TEXT

from . import gateway_clips as clips
from .calls import model, plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from langchain_dmx_omni.testing import LocalGateway

PNG = clips.image("png", clips.RED, width=16, height=16)
MP4 = clips.clip(clips.RED, seconds=0.2, amplitude=None)
MP3 = clips.sound(0.3, 0.5, container="mp3", codec="mp3")
WAV = clips.sound(20.0, 0.5)
SPOKEN = AIMessage([{"type": "text", "text": "1 < 2 & so on"}, media.audio(WAV)], id="1")
# As a checkpoint or a file gives it back: LangChain's own strings.
REVIVED = AIMessage.model_validate_json(SPOKEN.model_dump_json())
PNG_URL = f"data:image/png;base64,{media.image(PNG)['base64']}"
CALL = ToolCall(name="f", args={"x": "<1>"}, id="1")
CHUNKS = [AIMessageChunk(content=text, id=id) for text, id in [("Good ", "2"), ("morning", "2"), ("Again", "3")]]


@pytest.fixture
def ipython(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A shell's formatters with the extension, and the folder of a notebook."""
    monkeypatch.chdir(tmp_path)
    shell = SimpleNamespace(display_formatter=DisplayFormatter())
    notebook.load_ipython_extension(shell)
    yield shell
    notebook.unload_ipython_extension(shell)


def cell(ipython: Any, shown: Any) -> dict[str, str]:
    data, _ = ipython.display_formatter.format(shown)
    return dict(data)


def links(html: str) -> list[str]:
    return re.findall(r'src="([^"]+)"', html)


SHOWN: dict[str, tuple[Any, list[str], str]] = {
    "a message": (SPOKEN, ["wav"], "1 &lt; 2 &amp; so on"),
    "a message from a checkpoint": (REVIVED, ["wav"], "<svg"),
    "a question": (HumanMessage([media.image(PNG), media.video(MP4), "What?"]), ["png", "mp4"], "What?"),
    "OpenAI's block": (HumanMessage([{"type": "image_url", "image_url": {"url": PNG_URL}}]), ["png"], "<img"),
    "a block": (media.audio(WAV), ["wav"], "20.0 s"),
    "sound that is no WAV": (media.audio(MP3), ["mp3"], "<audio controls"),
    "blocks": ([media.image(PNG), media.audio(WAV)], ["png", "wav"], "<img"),
    "a conversation": ([HumanMessage("Hi"), SPOKEN], ["wav"], ">human<"),
    "an agent's state": ({"messages": [SPOKEN], "more": 1}, ["wav"], ">ai<"),
    "chunks": (CHUNKS, [], '>Good morning</div></div><div style="margin:4px 0"><b style="color:#888">ai</b>'),
    "speech": (Speech(bytes(48_000)), ["wav"], "1.0 s"),
    "a call and its result": (
        [AIMessage("", tool_calls=[CALL]), ToolMessage("2", tool_call_id="1")],
        [],
        "f({&quot;x&quot;: &quot;&lt;1&gt;&quot;})",
    ),
    "reasoning": (AIMessage([{"type": "reasoning", "reasoning": "Hm."}]), [], ">Hm.</div>"),
    "broken base64": ({"type": "audio", "base64": "A!"}, [], "[audio: it is not base64"),
}  # fmt: skip


@pytest.mark.parametrize(("shown", "suffixes", "holds"), SHOWN.values(), ids=SHOWN)
def test_a_cell_shows_it_and_holds_no_media(ipython: Any, shown: Any, suffixes: list[str], holds: str) -> None:
    data = cell(ipython, shown)
    assert holds in data["text/html"]
    assert [link.rpartition(".")[2] for link in links(data["text/html"])] == suffixes
    assert all(Path(link).stat().st_size for link in links(data["text/html"]))
    assert len(json.dumps(data)) <= 2_500 * max(1, len(suffixes)) if len(suffixes) > 1 else 2_000


def test_a_file_is_what_the_block_holds_and_is_there_once(ipython: Any) -> None:
    first, again = (
        links(cell(ipython, shown)["text/html"]) for shown in (media.video(MP4), HumanMessage([media.video(MP4)]))
    )
    assert first == again
    assert Path(first[0]).read_bytes() == MP4
    assert [path.name for path in notebook.FOLDER.iterdir()] == [Path(first[0]).name]
    assert notebook.FOLDER.stat().st_mode & 0o777 == 0o700


REFERENCES: dict[str, tuple[str, str]] = {
    "the web's": ("https://example.com/a.png?x=1&y=2", 'src="https://example.com/a.png?x=1&amp;y=2"'),
    "a file beside the notebook": ("file://{}/a%20b.png", 'src="a%20b.png"'),
    "a file elsewhere": ("file://{}/../a.png", "[image: /"),
    "a script": ("javascript:alert(1)", "[image: javascript:alert(1)]"),
    "an attempt to break out": ('https://h/"onerror="x', 'src="https://h/&quot;onerror=&quot;x"'),
}


@pytest.mark.parametrize(("url", "holds"), REFERENCES.values(), ids=REFERENCES)
def test_a_reference_is_linked_to_where_a_browser_may_open_it(ipython: Any, url: str, holds: str) -> None:
    block = {"type": "image", "url": url.format(Path.cwd()), "mime_type": "image/png"}
    assert holds in cell(ipython, block)["text/html"]
    assert not notebook.FOLDER.exists()


@pytest.mark.parametrize("shown", [{"a": 1}, [1, 2], [], {}, {"messages": "none"}, "text"], ids=repr)
def test_everything_else_is_shown_as_ever(ipython: Any, shown: Any) -> None:
    assert cell(ipython, shown) == {"text/plain": repr(shown)}


def test_what_shows_itself_still_does(ipython: Any) -> None:
    class Table(dict[str, Any]):
        def _repr_html_(self) -> str:
            return "<table>"

    class Rows(list[Any]):
        def _repr_html_(self) -> str:
            return "<tr>"

    assert cell(ipython, Table())["text/html"] == "<table>"
    assert cell(ipython, Rows())["text/html"] == "<tr>"


def test_unloaded_it_shows_nothing(ipython: Any) -> None:
    notebook.unload_ipython_extension(ipython)
    assert set(cell(ipython, HumanMessage("Hi"))) == {"text/plain"}


@pytest.mark.parametrize("way", ["sync", "async"])
@pytest.mark.parametrize("wrapped", [False, True], ids=["chunks", "LangGraph's messages"])
def test_a_stream_is_shown_and_returned(
    gateway: LocalGateway, ipython: Any, way: str, wrapped: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    gateway.play(plain())
    llm = model(gateway)

    async def asked() -> AIMessage:
        return await notebook.ashow((chunk, {}) if wrapped else chunk async for chunk in llm.astream("Hi"))

    if way == "async":
        answer = asyncio.run(asked())
    else:
        answer = notebook.show((chunk, {}) if wrapped else chunk for chunk in llm.stream("Hi"))
    assert answer.text == TEXT
    assert type(answer) is AIMessage
    assert capsys.readouterr().out == TEXT  # no kernel is there to draw a cell


def test_a_stream_without_an_answer_is_an_error(ipython: Any) -> None:
    with pytest.raises(InvalidInputError, match="there is no answer in this stream"):
        notebook.show([HumanMessage("Hi")])


def test_a_folder_that_can_not_be_written_is_named(ipython: Any) -> None:
    notebook.FOLDER.write_text("a file")
    with pytest.raises(StorageError, match="can't keep media in dmx_omni_media"):
        notebook._message(SPOKEN)


def test_a_kept_wav_is_one_that_players_take(ipython: Any) -> None:
    (link,) = links(cell(ipython, Speech(PCM))["text/html"])
    with wave.open(link) as reader:
        assert reader.readframes(reader.getnframes()) == PCM
