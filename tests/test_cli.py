"""The command `dmx-omni`: questions, files, voices, and how it ends."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import wave
from pathlib import Path
from typing import Any

import pytest

from langchain_dmx_omni import voices
from langchain_dmx_omni.testing import LocalGateway, Request, Script, scripts

from .cli_calls import COMMAND, ROOT, Shell, application, environment, in_terminal, process


def parts(gateway: LocalGateway, number: int = -1) -> list[Any]:
    body = gateway.requests[number].body
    assert body is not None
    content = body["input"][-1]["content"]
    return (
        [content]
        if isinstance(content, str)
        else [each["text"] if "text" in each else each["type"] for each in content]
    )


# --- ask --------------------------------------------------------------------------------------------------------------

ASKED: dict[str, tuple[list[str], bytes, list[Any]]] = {
    "a question": (["What?"], b"", ["What?"]),
    "what is piped in goes first": (["What?"], "你好\n".encode(), ["你好\nWhat?"]),
    "what is piped in, alone": ([], b"Tell me.\r\n", ["Tell me."]),
    "a byte order mark": ([], b"\xef\xbb\xbfTell me.", ["Tell me."]),
    "a file": (["What?", "-a", "clip.mp4"], b"", ["video_url", "What?"]),
    "a file that says what it is": (["What?", "-a", "audio:clip.mp4"], b"", ["input_audio", "What?"]),
    "a URL by its name": (["What?", "-a", "https://example.com/a.png?x=1"], b"", ["image_url", "What?"]),
    "a URL that says what it is": (["What?", "-a", "video:https://example.com/a"], b"", ["video_url", "What?"]),
    "several, in order": (
        ["What?", "-a", "https://example.com/a.wav", "-a", "clip.mp4"],
        b"",
        ["input_audio", "video_url", "What?"],
    ),
    "nothing but a file": (["-a", "clip.mp4"], b"", ["video_url"]),
    "a large file that is made to fit": (["What?", "-a", "big.mp4", "--fit"], b"", ["video_url", "What?"]),
}


@pytest.mark.parametrize(("arguments", "stdin", "expected"), ASKED.values(), ids=ASKED)
def test_what_is_asked(
    arguments: list[str], stdin: bytes, expected: list[Any], shell: Shell, gateway: LocalGateway
) -> None:
    outcome = shell("ask", *arguments, stdin=stdin)
    assert (outcome.status, parts(gateway)) == (0, expected), outcome.err
    assert outcome.out.startswith("This is a simulated answer")
    assert re.fullmatch(r"tokens: [\d,]+ in, \d+ out, [\d,]+ in all; about CNY [\d.]+ \(an estimate\)\n", outcome.err)


def test_a_file_from_standard_input(shell: Shell, gateway: LocalGateway, clip: Path) -> None:
    outcome = shell("ask", "What?", "-a", "-", stdin=clip.read_bytes())
    assert (outcome.status, parts(gateway)) == (0, ["video_url", "What?"]), outcome.err


def test_speech_is_saved(shell: Shell, gateway: LocalGateway) -> None:
    outcome = shell("ask", "Hello!", "--voice", "Ethan", "--save", "a ü.wav", "--system", "Be kind.")
    assert outcome.status == 0, outcome.err
    assert outcome.err.startswith("a ü.wav: ")
    with wave.open("a ü.wav") as file:
        assert file.getnframes() > 0
    body = gateway.requests[-1].body
    assert body is not None
    assert (body["audio"]["voice"], body["input"][0]["role"]) == ("Ethan", "user")
    assert "Be kind." in json.dumps(body["input"])
    assert shell("ask", "Hello!", "--save", "b.wav").status == 0
    body = gateway.requests[-1].body
    assert body is not None
    assert body["audio"]["voice"] == "Tina"


def test_an_answer_as_json(shell: Shell, gateway: LocalGateway) -> None:
    gateway.play(scripts.sse(scripts.answer("你好")))
    outcome = shell("ask", "Hi", "--json", "--prices", "text=1000000")
    assert (outcome.status, outcome.err) == (0, "")
    facts = json.loads(outcome.out)
    assert (facts["text"], facts["usage"]["total_tokens"], facts["estimated_cost_cny"]) == ("你好", 18, 18.0)


MISTAKES: dict[str, tuple[list[str], int, str]] = {
    "nothing": (["ask"], 2, "ask something"),
    "MP3": (["ask", "x", "--save", "a.mp3"], 2, "end in .wav"),
    "no such folder": (["ask", "x", "--save", "no/a.wav"], 2, "no folder"),
    "a folder": (["ask", "x", "--save", "folder.wav"], 2, "is a folder"),
    "a voice that nobody hears": (["ask", "x", "--voice", "Tina"], 2, "--save answer.wav"),
    "an unknown option": (["ask", "x", "--vioce", "Tina"], 2, "--vioce"),
    "an unknown command": (["aks"], 2, "aks"),
    "no such file": (["ask", "x", "-a", "no.mp4"], 1, "no.mp4: it can't be read"),
    "a text": (["ask", "x", "-a", "notes.txt"], 1, "text/plain"),
    "too large": (["ask", "x", "-a", "big.mp4"], 1, "--fit"),
    "a URL that tells nothing": (["ask", "x", "-a", "https://example.com/a"], 2, "video:https://example.com/a"),
    "standard input twice": (["ask", "x", "-a", "-", "-a", "-"], 2, "once only"),
    "nothing on standard input": (["ask", "x", "-a", "-"], 1, "standard input: it is empty"),
    "prices": (["ask", "x", "--prices", "text=cheap"], 2, "text=7,audio=53"),
    "a picture to convert": (["ask", "x", "-a", "photo.tiff"], 1, "here: dmx-omni ask … --fit"),
    "samples of all voices": (["voices", "--sample", "."], 2, "--yes"),
    "a language without a voice": (["voices", "Klingon"], 1, "Cantonese"),
    "a probe of nothing": (["probe"], 2, "FILE"),
    "a fit that can't be": (["fit", "clip.mp4", "--max-bytes", "500"], 1, "16,384"),
    "a fit into a text": (["fit", "clip.mp4", "-o", "a.txt"], 1, "let it end in .mp4"),
    "an unknown way to split": (["split", "clip.mp4", "--by", "chance"], 2, "silence"),
}


@pytest.mark.parametrize(("arguments", "status", "said"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_said_before_anything_is_asked(
    arguments: list[str], status: int, said: str, shell: Shell, gateway: LocalGateway
) -> None:
    Path("folder.wav").mkdir()
    Path("photo.tiff").write_bytes(b"II*\0" + bytes(60))
    outcome = shell(*arguments)
    unwrapped = " ".join(re.sub("[│╭╰─╮╯]", " ", outcome.err).split())
    assert (outcome.status, outcome.out) == (status, ""), outcome
    assert said in unwrapped
    assert "Traceback" not in outcome.err
    assert gateway.requests == []


FAILURES: dict[str, tuple[Script, str]] = {
    "a wrong key": (scripts.ERRORS["401_invalid_token"](), "dmx-omni doctor"),
    "no quota": (scripts.ERRORS["403_quota"](), "top it up"),
    "an empty answer": (Script(), "nothing in it"),
    "an answer that breaks off": (scripts.ARRIVALS["closes_early"](), "closed before the answer ended"),
}


@pytest.mark.parametrize(("script", "said"), FAILURES.values(), ids=FAILURES)
def test_a_failure_of_the_service_is_status_1(script: Script, said: str, shell: Shell, gateway: LocalGateway) -> None:
    gateway.play(script)
    outcome = shell("ask", "Hello?", "--retries", "0")
    assert outcome.status == 1
    assert outcome.err.startswith("error: ")
    assert said in outcome.err
    assert gateway.api_key not in outcome.err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_output_that_can_not_be_written_is_named(gateway: LocalGateway) -> None:
    command = [*COMMAND, "ask", "Hello?"]
    with Path("/dev/full").open("wb") as full:
        result = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, env=environment(gateway), check=False)
    assert (result.returncode, result.stderr) == (1, b"error: standard output: No space left on device\n")


def test_a_conversation_is_remembered(shell: Shell, gateway: LocalGateway) -> None:
    def answer(request: Request) -> str:
        return f"{len(request.messages)} messages, {len(request.media)} media"

    application(gateway)._settings.__dict__["answer"] = answer
    lines = b"Hello!\n/a no.mp4\n/a clip.mp4\nWhat is it?\nAnd now?\n\nnot asked\n"
    outcome = shell("chat", "--system", "Be kind.", stdin=lines)
    assert outcome.status == 0
    assert outcome.out == "2 messages, 0 media\n4 messages, 1 media\n6 messages, 1 media\n"
    assert outcome.err.startswith("error: no.mp4")


def test_a_conversation_is_heard(shell: Shell) -> None:
    for lines, files in ((b"One.\nTwo.\n", ["001.wav", "002.wav"]), (b"Three.\n", ["001.wav", "002.wav", "003.wav"])):
        outcome = shell("chat", "--voice", "Tina", "--save", "said", stdin=lines)
        assert outcome.status == 0, outcome.err
        assert sorted(path.name for path in Path("said").iterdir()) == files
    assert shell("chat", "--voice", "Tina").status == 2


# --- files and voices -------------------------------------------------------------------------------------------------


def test_files_are_probed_fitted_and_split(shell: Shell) -> None:
    probed = shell("probe", "clip.mp4", "notes.txt")
    assert probed.status == 1
    assert re.search(r"clip.mp4 +video +mp4 +2\.0 +160x90 +10", probed.out)
    assert "text/plain" in probed.out
    facts = json.loads(shell("probe", "clip.mp4", "--json").out)
    assert [(each["kind"], each["width"], each["problem"]) for each in facts] == [("video", 160, None)]
    fitted = shell("fit", "big.mp4", "-o", "small.mp4")
    assert (fitted.status, fitted.out) == (0, f"{Path('small.mp4').absolute()}\n")
    assert Path("small.mp4").stat().st_size < 7_000_000
    segments = json.loads(shell("split", "clip.mp4", "--window", "1", "-o", "parts", "--json").out)
    assert [(Path(each["path"]).name, each["start"]) for each in segments] == [
        ("clip-0000.mp4", 0),
        ("clip-0001.mp4", 1),
    ]


@pytest.mark.parametrize(
    ("term", "names"),
    [
        ("粤语", ["Kiki", "Rocky"]),
        ("cantonese", ["Kiki", "Rocky"]),
        ("甜甜", ["Tina"]),
        ("tinaa", ["Tina", "Katerina"]),
    ],
)
def test_voices_are_listed(term: str, names: list[str], shell: Shell) -> None:
    listed = shell("voices", term)
    assert [line.split()[0] for line in listed.out.splitlines()[2:]] == names
    assert [each["name"] for each in json.loads(shell("voices", term, "--json").out)] == names


def test_all_voices_are_listed(shell: Shell) -> None:
    assert len(shell("voices").out.splitlines()) == len(voices.VOICES) + 2


def test_a_voice_is_heard(shell: Shell, gateway: LocalGateway) -> None:
    outcome = shell("voices", "粤语", "--sample", "heard")
    assert (outcome.status, outcome.out.split()) == (
        0,
        [str(Path("heard", name)) for name in ("Kiki.wav", "Rocky.wav")],
    )
    assert [request.body["audio"]["voice"] for request in gateway.requests if request.body] == ["Kiki", "Rocky"]


# --- as a process -----------------------------------------------------------------------------------------------------

ENCODINGS = {
    "gbk": ({"PYTHONIOENCODING": "gbk"}, "gbk", "你好 ... Ün\n".replace("Ü", "U")),
    "cp437": ({"PYTHONIOENCODING": "cp437"}, "cp437", "\\u4f60\\u597d ... Ün\n"),
    "ascii": ({"PYTHONIOENCODING": "ascii"}, "ascii", "\\u4f60\\u597d ... Un\n"),
    "C": ({"LC_ALL": "C", "LANG": "C"}, "utf-8", "你好 … Ün\n"),
}


@pytest.mark.parametrize(("changes", "encoding", "expected"), ENCODINGS.values(), ids=ENCODINGS)
def test_any_terminal_shows_the_answer(
    changes: dict[str, str], encoding: str, expected: str, gateway: LocalGateway, tmp_path: Path
) -> None:
    gateway.play(scripts.sse(scripts.answer("你好 … Ün")))
    env = environment(gateway, HTTP_PROXY="http://127.0.0.1:9", **changes)
    del env["PYTHONUTF8"]
    result = process("ask", "说", env=env, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    if encoding == "gbk":
        expected = expected.replace("...", "…")
    assert result.stdout.decode(encoding).replace("\r\n", "\n") == expected
    assert b"\x1b" not in result.stdout + result.stderr


def test_without_typer_it_says_what_to_install(tmp_path: Path) -> None:
    code = "import sys; sys.modules['typer'] = None; import _dmx_omni; _dmx_omni.main()"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment(), cwd=ROOT
    )
    assert (result.returncode, result.stderr) == (1, 'error: dmx-omni needs: pip install "langchain-dmx-omni[cli]"\n')


@pytest.mark.skipif(os.name == "nt", reason="needs a POSIX shell")
def test_a_reader_that_leaves_is_no_error() -> None:
    command = " ".join(f"'{each}'" for each in COMMAND)
    result = subprocess.run(
        ["/bin/sh", "-c", f"{command} voices --json | head -c 1"], capture_output=True, check=False, env=environment()
    )
    assert (result.stdout, result.stderr) == (b"[", b"")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no pseudo-terminals of this kind")
def test_ctrl_c_ends_it_without_a_traceback(gateway: LocalGateway) -> None:
    whole = scripts.sse(scripts.answer()).payload
    gateway.play(Script(body=(whole[: whole.index(b"Hello ") + 200], 30.0)))
    status, screen = in_terminal("ask", "Tell me.", env=environment(gateway), interrupt_after="Hello")
    assert status == 130
    assert "Hello" in screen
    assert "Traceback" not in screen
    # While it is still being loaded, which takes a second.
    status, screen = in_terminal("ask", "Tell me.", env=environment(gateway), interrupt_after="")
    assert status == 130
    assert "Traceback" not in screen


@pytest.mark.skipif(os.name == "nt", reason="Windows has no pseudo-terminals of this kind")
def test_a_service_on_this_machine(tmp_path: Path) -> None:
    served = subprocess.Popen(
        [*COMMAND, "serve", "--port", "0"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment()
    )
    try:
        assert served.stdout is not None
        lines = [served.stdout.readline().strip() for _ in range(2)]
        exports = dict(line.removeprefix("export ").split("=", 1) for line in lines)
        result = process("ask", "Hello!", env={**environment(), **exports}, cwd=tmp_path)
        assert result.returncode == 0, result.stderr
        served.send_signal(signal.SIGINT)
        _, err = served.communicate(timeout=20)
    finally:
        served.kill()
        served.wait()
    assert served.returncode == 0
    assert "Traceback" not in err
    assert err.splitlines()[-1] == "ended"


@pytest.mark.parametrize("encoding", ["gbk", "cp437", "ascii"])
def test_the_demo_speaks_to_any_terminal(encoding: str, tmp_path: Path, clip: Path) -> None:
    folder = tmp_path / "视频"
    folder.mkdir()
    (folder / "片段.mp4").write_bytes(clip.read_bytes())
    env = environment(PYTHONIOENCODING=encoding, HTTP_PROXY="http://127.0.0.1:9")
    del env["PYTHONUTF8"]
    command = [sys.executable, str(ROOT / "examples" / "demo.py"), "--video=片段.mp4", "--question=发生了什么？ …"]
    result = subprocess.run(command, capture_output=True, check=False, env=env, cwd=folder, timeout=50)
    assert result.returncode == 0, result.stderr
    said = result.stdout.decode(encoding)
    assert ("发生了什么？ …" if encoding == "gbk" else "...") in said
    assert "simulated" in said


def test_a_shell_completes(tmp_path: Path) -> None:
    words = {"COMP_WORDS": "dmx-omni ask --voice Ki", "COMP_CWORD": "3", "_DMX_OMNI_COMPLETE": "complete_bash"}
    result = process(env={**environment(), **words}, cwd=tmp_path)
    assert result.stdout.decode().split() == ["Kiki"]


WITHOUT = """
import sys
for name in ("av", "uvicorn"):
    sys.modules[name] = None
from langchain_dmx_omni.cli import main
for arguments in (["minutes", "clip.mp4"], ["probe", "clip.mp4"], ["serve"], ["ask", "x", "-a", "clip.mp4", "--fit"]):
    sys.stderr.write(f"{arguments[0]} {main(arguments)}\\n")
"""


def test_a_missing_extra_is_named(tmp_path: Path, clip: Path) -> None:
    (tmp_path / "clip.mp4").write_bytes(clip.read_bytes())
    env = environment(DMXAPI_API_KEY="sk-x", DMXAPI_BASE_URL="http://127.0.0.1:9/v1")
    result = subprocess.run(
        [sys.executable, "-c", WITHOUT], capture_output=True, text=True, check=False, env=env, cwd=tmp_path
    )
    video = 'needs: pip install "langchain-dmx-omni[video]"'
    assert result.stderr.splitlines() == [
        f"error: langchain_dmx_omni.jobs {video}",
        "minutes 1",
        f"error: langchain_dmx_omni.video {video}",
        "probe 1",
        'error: LocalGateway needs: pip install "langchain-dmx-omni[local]"',
        "serve 1",
        f"error: media.video(…, fit=True) {video}",
        "ask 1",
    ]
