"""What a job keeps: which runs know it, what an interrupted one asks again."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest
from langchain_core.callbacks import BaseCallbackHandler

from langchain_dmx_omni import errors, video
from langchain_dmx_omni.jobs import Job, Task
from langchain_dmx_omni.testing import LocalGateway, Script, scripts
from tests.calls import COLLECTED, model, until
from tests.job_calls import (
    SCENES,
    TITLED,
    Film,
    Scene,
    Scenes,
    Title,
    encoded_windows,
    join,
    run,
    says,
    topics_of,
)

ROOT = Path(__file__).resolve().parent.parent


def test_what_is_kept_is_small_and_readable(gateway: LocalGateway, film: Path, tmp_path: Path) -> None:
    gateway.play(says((0, 1, "大海")))
    job = Job(model(gateway), SCENES, folder=tmp_path / "kept")
    job.invoke(film)
    (folder,) = (tmp_path / "kept").iterdir()
    assert folder.name.startswith("scenes-")
    assert sorted(file.name for file in folder.iterdir()) == ["00000.json", "job.json"]
    assert json.loads((folder / "00000.json").read_text("utf-8")) == {
        "scenes": [{"start": 0, "end": 1, "what": "大海"}]
    }
    about = json.loads((folder / "job.json").read_text("utf-8"))
    assert about["asked_of"] == {
        "method": "json_schema",
        "model": {"provider": "dmxapi", "model_name": "qwen3.5-omni-plus-all", "base_url": gateway.base_url},
    }
    job.forget(film)
    job.forget(film)
    assert not folder.exists()
    assert [window.index for window in job.missing(film)] == [0]


CHANGES: dict[str, tuple[dict[str, Any], bool]] = {
    "nothing": ({}, True),
    "a longer timeout": ({"llm": {"timeout": 90}}, True),
    "another key": ({"llm": {"default_headers": {"x": "y"}}}, True),
    "another model": ({"llm": {"model": "other"}}, False),
    "another temperature": ({"llm": {"temperature": 0.1}}, False),
    "another prompt": ({"task": Task("scenes", "Name the places.", Scenes, join)}, False),
    "another schema": ({"task": Task("scenes", "Name the scenes.", Film, join)}, False),
    "another name": ({"task": Task("places", "Name the scenes.", Scenes, join)}, False),
    "another way to join": ({"task": Task("scenes", "Name the scenes.", Scenes, lambda parts: Film(scenes=[]))}, True),
    "other windows": ({"job": {"window": 6}}, False),
    "another overlap": ({"job": {"overlap": 1}}, False),
    "other frames": ({"job": {"fps": 1}}, False),
    "another method": ({"job": {"method": "function_calling"}}, False),
}


@pytest.mark.parametrize(("change", "known"), CHANGES.values(), ids=CHANGES)
def test_only_the_same_job_is_known(
    gateway: LocalGateway, film: Path, tmp_path: Path, change: dict[str, Any], known: bool
) -> None:
    Job(model(gateway), SCENES, window=5, overlap=0, folder=tmp_path).invoke(film)
    changed = Job(
        model(gateway, **change.get("llm", {})),
        change.get("task", SCENES),
        **{"window": 5, "overlap": 0, "folder": tmp_path} | change.get("job", {}),
    )
    assert (changed.missing(film) == []) is known


def test_any_name_makes_a_folder(gateway: LocalGateway, film: Path, tmp_path: Path) -> None:
    task = Task("../what is/where?", "Name the scenes.", Scenes, join)
    Job(model(gateway), task, folder=tmp_path).invoke(film)
    (folder,) = tmp_path.iterdir()
    assert folder.name.startswith("-what-is-where--")


def test_only_the_same_bytes_are_known(
    gateway: LocalGateway, film: Path, make_clip: Callable[..., Path], tmp_path: Path
) -> None:
    job = Job(model(gateway), SCENES, folder=tmp_path / "kept")
    job.invoke(film)
    moved = tmp_path / "moved.mp4"
    moved.write_bytes(film.read_bytes())
    assert job.missing(moved) == []
    moved.write_bytes(film.read_bytes() + bytes.fromhex("0000000866726565"))  # an empty `free` box
    assert len(job.missing(moved)) == 1


SPOILT = [b"", b"{", b"[]", b'{"scenes": 1}', b"\xff", b'{"scenes": ' + b"[" * 100_000, b'{"a": ' + b"9" * 5000 + b"}"]


@pytest.mark.parametrize("spoilt", SPOILT, ids=lambda spoilt: repr(spoilt)[:20])
def test_a_file_that_can_t_be_read_is_asked_for_again(
    gateway: LocalGateway, film: Path, tmp_path: Path, spoilt: bytes
) -> None:
    job = Job(model(gateway), SCENES, window=5, overlap=0, folder=tmp_path)
    result = job.invoke(film)
    next(tmp_path.glob("*/00001.json")).write_bytes(spoilt)
    assert [window.index for window in job.missing(film)] == [1]
    assert job.invoke(film) == result
    assert sorted(topics_of(gateway)) == ["1", "2", "2"]


def test_the_cache_folder(gateway: LocalGateway, film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DMX_OMNI_CACHE_DIR", str(tmp_path))
    Job(model(gateway), SCENES).invoke(film)
    assert len(list(tmp_path.glob("jobs/scenes-*/00000.json"))) == 1
    assert list(tmp_path.glob("*.mp4")) == []  # what was encoded is gone


@pytest.mark.parametrize("time", [b"1e400", b"1" + b"0" * 400, b"NaN", b"null", b"-1e300"])
def test_an_absurd_time_in_a_file_breaks_nothing(
    gateway: LocalGateway, film: Path, tmp_path: Path, time: bytes
) -> None:
    job = Job(model(gateway), SCENES, folder=tmp_path)
    job.invoke(film)
    next(tmp_path.glob("*/00000.json")).write_bytes(
        b'{"scenes": [{"start": %s, "end": %s, "what": "a"}]}' % (time, time)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it fits in no way
        assert [(scene.start, scene.end) for scene in job.invoke(film).scenes] == [(0, 10)]
    assert len(gateway.requests) == 1


def test_half_a_character_is_kept(gateway: LocalGateway, film: Path, tmp_path: Path) -> None:
    gateway.play(scripts.sse(scripts.answer('{"scenes": [{"start": 0, "end": 1, "what": "a\\ud83d"}]}')))
    job = Job(model(gateway), SCENES, folder=tmp_path)
    result = job.invoke(film)
    assert result.scenes[0].what == "a\ud83d"
    assert job.invoke(film) == result
    assert len(gateway.requests) == 1


# --- no place for it --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", COLLECTED)
@pytest.mark.parametrize("on_error", ["raise", "skip"])
def test_nothing_is_asked_where_answers_can_t_be_kept(
    gateway: LocalGateway, film: Path, tmp_path: Path, way: str, on_error: Literal["raise", "skip"]
) -> None:
    (tmp_path / "kept").touch()
    job = Job(model(gateway), SCENES, folder=tmp_path / "kept", on_error=on_error)
    with pytest.raises(errors.StorageError, match=r"can't keep answers in .*kept/scenes-.*: .*; .* folder=") as caught:
        run(job, way, film)
    assert isinstance(caught.value, OSError)
    assert caught.value.errno == errno.ENOTDIR
    assert Path(str(caught.value.path)).parent == tmp_path / "kept"
    assert gateway.requests == []


@pytest.mark.parametrize("way", COLLECTED)
def test_nothing_is_asked_where_the_disk_is_full(
    gateway: LocalGateway, film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    monkeypatch.setattr("langchain_dmx_omni.jobs._places._LEAST_FREE", shutil.disk_usage(tmp_path).total)
    with pytest.raises(errors.StorageError, match="No space left on device; free some space") as caught:
        run(Job(model(gateway), SCENES, folder=tmp_path), way, film)
    assert caught.value.errno == errno.ENOSPC
    assert gateway.requests == []


@pytest.mark.parametrize("way", COLLECTED)
def test_no_place_for_temporary_files(
    gateway: LocalGateway, film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    with pytest.raises(errors.StorageError, match=r"can't make a temporary folder in .*nowhere.*; set TMPDIR"):
        run(Job(model(gateway), SCENES, folder=tmp_path / "kept"), way, film)
    assert gateway.requests == []


class Losing(BaseCallbackHandler):
    """Takes the folder away while a call is in flight."""

    raise_error = True

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.calls = 0

    def on_llm_end(self, *_: Any, **kwargs: Any) -> None:
        self.calls += 1
        if self.calls == 2:
            self.folder.rename(self.folder.with_name("away"))


@pytest.mark.parametrize("way", COLLECTED)
@pytest.mark.parametrize("task", [SCENES, TITLED], ids=["a window", "the closing question"])
def test_an_answer_that_can_t_be_kept_is_in_the_error(
    gateway: LocalGateway, film: Path, tmp_path: Path, way: str, task: Any
) -> None:
    gateway.play(says((0, 1, "a")))
    if task is TITLED:
        Job(model(gateway), task, window=5, overlap=0, folder=tmp_path).missing(film)
        gateway.play(scripts.sse(scripts.answer('{"title": "Two"}')))
        window = 10.0
    else:
        gateway.play(says((1, 2, "b")))
        window = 2.0
    job = Job(model(gateway), task, overlap=0, folder=tmp_path / "kept", on_error="skip", window=window)
    with pytest.raises(errors.StorageError, match=r"can't keep an answer in .*kept/") as caught:
        run(job, way, film, max_concurrency=1, callbacks=[Losing(tmp_path / "kept")])
    ((name, answer),) = caught.value.answers.items()
    if task is TITLED:
        assert (name[:8], answer) == ("closing-", Title(title="Two"))
    else:
        assert (name, answer) == ("00001", Scenes(scenes=[Scene(start=1, end=2, what="b")]))
    assert len(gateway.requests) == 2


SCRIPT = """
import sys
from langchain_dmx_omni import ChatDMXOmni
from langchain_dmx_omni.jobs import Job
from tests.job_calls import SCENES

base_url, film, folder, calls = sys.argv[1:]
llm = ChatDMXOmni(base_url=base_url, api_key="sk-local", max_retries=0)


def tell(step):
    print(step.done, flush=True)
    if step.done == 2 and calls == "1":
        sys.stdin.read()  # until the signal has been sent


job = Job(llm, SCENES, window=2, overlap=0, folder=folder, progress=tell)
config = {"max_concurrency": int(calls)}
if "," in film:
    job.batch(film.split(","), config)
else:
    print(len(job.invoke(film, config).scenes))
"""


def start(
    gateway: LocalGateway, films: Path | str, folder: Path, calls: int, **environment: str
) -> subprocess.Popen[str]:
    """Start the job in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, gateway.base_url, str(films), str(folder), str(calls)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=os.environ | environment,
    )


@pytest.mark.parametrize("how", ["SIGINT", "SIGKILL"])
def test_an_interrupted_run_goes_on_where_it_was(
    film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    with LocalGateway(pace=0.05) as gateway:
        process = start(gateway, film, tmp_path, 1)
        assert process.stdout is not None
        for line in process.stdout:
            if line == "2\n":
                process.send_signal(getattr(signal, how))
                break
        _, stderr = process.communicate(timeout=30)
        assert process.returncode == (-signal.SIGKILL if how == "SIGKILL" else -signal.SIGINT)
        assert ("KeyboardInterrupt" in stderr) is (how == "SIGINT")
        before = topics_of(gateway)
        assert before in (["1", "2"], ["1", "2", "3"])

        job = Job(model(gateway), SCENES, window=2, overlap=0, folder=tmp_path)
        missing = [window.index for window in job.missing(film)]
        # On Ctrl-C, what is in flight is awaited and kept.
        assert missing == ([2, 3, 4] if how == "SIGKILL" else list(range(len(before), 5)))
        encoded = encoded_windows(monkeypatch)
        gateway.reset()
        result = job.invoke(film)
    assert sorted(topics_of(gateway)) == [str(index + 1) for index in missing]
    assert encoded == missing
    fresh = tmp_path / "fresh"
    with LocalGateway() as gateway:
        assert Job(model(gateway), SCENES, window=2, overlap=0, folder=fresh).invoke(film) == result


@pytest.mark.parametrize("moment", ["before its thread starts", "after its thread has started", "while it is awaited"])
def test_what_has_begun_is_kept_wherever_ctrl_c_comes(
    film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    start, calls = threading.Thread.start, 0

    def interrupted(thread: threading.Thread) -> None:
        nonlocal calls
        calls += (mine := thread.name == "_answer")
        if mine and calls == 2 and moment.startswith("before"):
            raise KeyboardInterrupt
        start(thread)
        if mine and calls == 2 and moment.startswith("after"):
            raise KeyboardInterrupt

    def awaited(futures: Any, timeout: float) -> Any:
        monkeypatch.undo()
        raise KeyboardInterrupt

    with LocalGateway(pace=0.02) as gateway:
        job = Job(model(gateway), SCENES, window=2, overlap=0, folder=tmp_path)
        monkeypatch.setattr(threading.Thread, "start", interrupted)
        if moment.startswith("while"):
            monkeypatch.setattr("langchain_dmx_omni.jobs._background.wait", awaited)
        with pytest.raises(KeyboardInterrupt):
            job.invoke(film)
        monkeypatch.undo()
        asked = {"before": 1, "after": 2, "while": 5}[moment.partition(" ")[0]]
        assert (len(gateway.requests), 5 - len(job.missing(film))) == (asked, asked)
        assert job.invoke(film)
        assert len(gateway.requests) == 5


STUCK = Script(body=(b": PING\n\n", 120.0))
"""An answer that does not come while the test runs."""


@pytest.mark.parametrize("recordings", [1, 2])
def test_a_second_ctrl_c_stops_at_once_and_keeps_what_is_answered(film: Path, tmp_path: Path, recordings: int) -> None:
    other = tmp_path / "other.mp4"
    other.write_bytes(film.read_bytes() + bytes.fromhex("0000000866726565"))  # an empty `free` box
    with LocalGateway() as gateway:
        gateway.play(says((0, 1, "a")), STUCK, STUCK, STUCK)
        process = start(gateway, ",".join(map(str, [film, other][:recordings])), tmp_path, 3)
        until(lambda: len(gateway.requests) == 4)
        until(lambda: len(list(tmp_path.glob("*/0*.json"))) == 1)
        process.send_signal(signal.SIGINT)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(1)  # it waits for what is paid for
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=30)
        assert process.returncode == -signal.SIGINT
        assert "KeyboardInterrupt" in stderr
        assert len(gateway.requests) == 4
        assert len(list(tmp_path.glob("*/0*.json"))) == 1


def test_killed_runs_leave_nothing_behind(film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scratch, kept = tmp_path / "scratch", tmp_path / "kept"
    scratch.mkdir()
    with LocalGateway() as gateway:
        for number in range(1, 4):
            gateway.play(STUCK)
            process = start(gateway, film, kept, 1, TMPDIR=str(scratch))
            until(lambda: len(gateway.requests) == number)  # noqa: B023 - it has been called when the loop goes on
            assert len([each for each in scratch.iterdir() if each.is_dir()]) == 1  # those before are gone
            process.kill()
            process.communicate()
        monkeypatch.setattr(tempfile, "tempdir", str(scratch))
        (folder,) = kept.iterdir()
        (folder / ".killed.part").touch()
        Job(model(gateway), SCENES, window=2, overlap=0, folder=kept).invoke(film)
    assert list(scratch.iterdir()) == []
    assert sorted(file.name for file in folder.iterdir()) == [*(f"0000{at}.json" for at in range(5)), "job.json"]


@pytest.mark.parametrize("way", COLLECTED)
def test_two_processes_ask_about_each_window_once(film: Path, tmp_path: Path, way: str) -> None:
    with LocalGateway(pace=0.02) as gateway:
        other = start(gateway, film, tmp_path, 2)
        until(lambda: len(gateway.requests) > 0)
        result = run(Job(model(gateway), SCENES, window=2, overlap=0, folder=tmp_path), way, film)
        stdout, stderr = other.communicate(timeout=60)
        assert stdout.splitlines()[-1] == str(len(result.scenes)), stderr
        assert sorted(topics_of(gateway)) == ["1", "2", "3", "4", "5"]


@pytest.mark.parametrize("way", ["batch", "abatch"])
def test_a_recording_that_is_twice_in_a_batch_is_asked_about_once(
    gateway: LocalGateway, film: Path, tmp_path: Path, way: str
) -> None:
    job = Job(model(gateway), SCENES, window=5, overlap=0, folder=tmp_path)
    films: list[str | os.PathLike[str]] = [film, film]
    first, second = job.batch(films) if way == "batch" else asyncio.run(job.abatch(films))
    assert first == second
    assert sorted(topics_of(gateway)) == ["1", "2"]


@pytest.mark.parametrize("way", COLLECTED)
def test_the_second_process_goes_on_when_the_first_is_killed(film: Path, tmp_path: Path, way: str) -> None:
    with LocalGateway() as gateway:
        gateway.play(says((0, 1, "a")), STUCK)
        other = start(gateway, film, tmp_path, 2)
        until(lambda: len(gateway.requests) == 3)
        until(lambda: len(list(tmp_path.glob("*/0*.json"))) == 2)
        steps: list[int] = []

        def kill(step: Any) -> None:
            steps.append(step.done)
            if len(steps) == 1:
                other.kill()

        job = Job(model(gateway), SCENES, window=2, overlap=0, folder=tmp_path, progress=kill)
        run(job, way, film)
        other.communicate()
        assert 2 <= steps[0] < 5  # the first process may have had time for more, and not for the one that is stuck


def test_a_recording_is_read_once_for_its_hash(film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = tmp_path / "copy.mp4"
    shutil.copyfile(film, copy)
    read: list[str] = []
    digest = hashlib.file_digest
    monkeypatch.setattr(hashlib, "file_digest", lambda file, name: read.append(file.name) or digest(file, name))
    first = video.content_hash(copy)
    video.content_hash(copy)
    assert len(read) == 2  # it has only just been written: its times would not tell another change
    real = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: real() + 3_000_000_000)
    assert [video.content_hash(copy) for _ in range(3)] == [first] * 3
    assert len(read) == 3
    moved = copy.rename(tmp_path / "moved.mp4")
    assert video.content_hash(moved) == first
    data = bytearray(moved.read_bytes())
    data[-1] ^= 1
    moved.write_bytes(data)
    assert video.content_hash(moved) != first
