"""What a job keeps: which runs know it, what an interrupted one asks again."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from langchain_dmx_omni.jobs import Job, Task
from langchain_dmx_omni.testing import LocalGateway
from tests.calls import model
from tests.job_calls import SCENES, Film, Scenes, encoded_windows, join, says, topics_of

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


@pytest.mark.parametrize("spoilt", [b"", b"{", b"[]", b'{"scenes": 1}', b"\xff"], ids=repr)
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


SCRIPT = """
import sys
from langchain_dmx_omni import ChatDMXOmni
from langchain_dmx_omni.jobs import Job
from tests.job_calls import SCENES

base_url, film, folder = sys.argv[1:]
llm = ChatDMXOmni(base_url=base_url, api_key="sk-local", max_retries=0)


def tell(step):
    print(step.done, flush=True)
    if step.done == 2:
        sys.stdin.read()  # until the signal has been sent


job = Job(llm, SCENES, window=2, overlap=0, folder=folder, progress=tell)
job.invoke(film, {"max_concurrency": 1})
"""


@pytest.mark.parametrize("how", ["SIGINT", "SIGKILL"])
def test_an_interrupted_run_goes_on_where_it_was(
    film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    with LocalGateway(pace=0.05) as gateway:
        process = subprocess.Popen(
            [sys.executable, "-c", SCRIPT, gateway.base_url, str(film), str(tmp_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
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
