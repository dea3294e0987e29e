"""Answers that are kept elsewhere: on `memory://`, and on a real S3 server."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import fsspec
import pytest

from langchain_dmx_omni import errors, jobs
from langchain_dmx_omni.jobs import Job
from langchain_dmx_omni.testing import LocalGateway, scripts
from tests.calls import COLLECTED, model
from tests.job_calls import SCENES, TITLED, encoded_windows, run, says, topics_of
from tests.s3 import S3, s3

__all__ = ["s3"]

ROOT = Path(__file__).resolve().parent.parent


class Elsewhere(NamedTuple):
    url: str
    options: Mapping[str, Any]

    def files(self) -> dict[str, bytes]:
        """All files, by the end of their path."""
        filesystem, path = fsspec.core.url_to_fs(self.url, **self.options)
        filesystem.invalidate_cache()
        return {file.rpartition("/")[2]: filesystem.cat_file(file) for file in filesystem.find(path)}

    def write(self, name: str, data: bytes) -> None:
        filesystem, path = fsspec.core.url_to_fs(self.url, **self.options)
        (folder,) = {file.rpartition("/")[0] for file in filesystem.find(path)}
        filesystem.pipe_file(f"{folder}/{name}", data)


@pytest.fixture(params=["memory", "s3", "file by file"])
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Elsewhere:
    if request.param == "s3":
        server: S3 = request.getfixturevalue("s3")
        return Elsewhere(server.url(tmp_path.name), server.options)
    if request.param == "memory":
        return Elsewhere(f"memory://{tmp_path.name}", {})
    # A kind of place that has folders, and files that grow while they are written.
    monkeypatch.setattr("langchain_dmx_omni.jobs._places._OBJECT_STORES", frozenset())
    return Elsewhere(f"memory://{tmp_path.name}/kept", {})


@pytest.mark.parametrize("way", COLLECTED)
def test_answers_are_kept_and_found_again(
    gateway: LocalGateway, film: Path, place: Elsewhere, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway.play(says((0, 1, "大海")))
    job = Job(model(gateway), SCENES, window=5, overlap=0, folder=place.url, folder_options=place.options)
    assert [window.index for window in job.missing(film)] == [0, 1]
    result = run(job, way, film, max_concurrency=1)
    assert sorted(place.files()) == ["00000.json", "00001.json", "job.json"]
    assert json.loads(place.files()["00000.json"]) == {"scenes": [{"start": 0, "end": 1, "what": "大海"}]}
    encoded = encoded_windows(monkeypatch)
    again = pickle.loads(pickle.dumps(job))
    assert run(again, way, film) == result
    assert (again.missing(film), encoded, len(gateway.requests)) == ([], [], 2)

    place.write("00001.json", b'{"scenes"')
    assert [window.index for window in job.missing(film)] == [1]
    assert run(job, way, film) == result
    assert topics_of(gateway) == ["1", "2", "2"]

    job.forget(film)
    job.forget(film)
    assert place.files() == {}
    assert len(job.missing(film)) == 2


@pytest.mark.parametrize("way", COLLECTED)
def test_the_closing_question_is_kept_too(gateway: LocalGateway, film: Path, place: Elsewhere, way: str) -> None:
    job = Job(model(gateway), TITLED, window=5, overlap=0, folder=place.url, folder_options=place.options)
    assert run(job, way, film) == run(job, way, film)
    assert len(gateway.requests) == 3


@pytest.mark.parametrize("way", COLLECTED)
def test_what_another_machine_has_answered_meanwhile_is_not_asked_again(
    gateway: LocalGateway, film: Path, place: Elsewhere, way: str
) -> None:
    other = b'{"scenes": [{"start": 0, "end": 1, "what": "by another machine"}]}'
    steps: list[int] = []

    def meanwhile(step: jobs.Progress) -> None:
        steps.append(step.done)
        if step.done == 1:
            place.write("00001.json", other)

    job = Job(
        model(gateway),
        SCENES,
        window=2,
        overlap=0,
        folder=place.url,
        folder_options=place.options,
        progress=meanwhile,
    )
    result = run(job, way, film, max_concurrency=1)
    assert (2, 3, "by another machine") in [(scene.start, scene.end, scene.what) for scene in result.scenes]
    assert topics_of(gateway) == ["1", "3", "4", "5"]
    assert steps == [0, 1, 2, 3, 4, 5]


def test_two_machines_share_a_batch(gateway: LocalGateway, film: Path, tmp_path: Path, place: Elsewhere) -> None:
    films = []
    for number in range(4):
        films.append(tmp_path / f"{number}.mp4")
        films[-1].write_bytes(film.read_bytes() + _padding(number))
    job = Job(model(gateway), SCENES, folder=place.url, folder_options=place.options)
    threads = [threading.Thread(target=job.batch, args=(order,)) for order in (films, films[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [job.missing(each) for each in films] == [[]] * 4
    assert 4 <= len(gateway.requests) <= 8  # there is no lock


def _padding(number: int) -> bytes:
    return bytes.fromhex("0000000866726565") * (number + 1)  # empty `free` boxes


def test_translations_are_kept_too(gateway: LocalGateway, place: Elsewhere) -> None:
    gateway.play(scripts.sse(scripts.answer('{"lines": [{"number": 1, "text": "Hallo"}]}')))
    subtitles = jobs.Subtitles(lines=[jobs.Line(start=0, end=1, text="Hello")])
    runnable = jobs.translate(model(gateway), "German", folder=place.url, folder_options=place.options)
    assert [runnable.invoke(subtitles).lines[0].translation for _ in range(2)] == ["Hallo", "Hallo"]
    assert len(gateway.requests) == 1


# --- no place for it --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", COLLECTED)
def test_nothing_is_asked_where_there_is_no_bucket(gateway: LocalGateway, film: Path, s3: S3, way: str) -> None:
    job = Job(model(gateway), SCENES, folder="s3://nowhere/kept", folder_options=s3.options)
    with pytest.raises(
        errors.StorageError, match=r"can't keep answers in s3://nowhere/kept/scenes-\w+: .*bucket.*folder_options="
    ):
        run(job, way, film)
    assert gateway.requests == []


@pytest.mark.parametrize("way", COLLECTED)
def test_nothing_is_asked_where_nobody_listens(gateway: LocalGateway, film: Path, way: str) -> None:
    options = {
        "key": "k",
        "secret": "very-secret",
        "endpoint_url": "http://127.0.0.1:9",
        "config_kwargs": {"retries": {"max_attempts": 0}},
    }
    job = Job(model(gateway), SCENES, folder="s3://answers/kept", folder_options=options)
    with pytest.raises(errors.StorageError, match=r"in s3://answers/kept/scenes-\w+: .*127\.0\.0\.1:9") as caught:
        run(job, way, film)
    assert "very-secret" not in str(caught.value)
    assert gateway.requests == []


def test_an_answer_that_can_t_be_kept_is_in_the_error(
    gateway: LocalGateway, film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"memory://{tmp_path.name}"
    filesystem = fsspec.filesystem("memory")
    pipe_file = type(filesystem).pipe_file

    def full(self: Any, path: str, value: bytes, **kwargs: Any) -> None:
        if path.endswith("00000.json"):
            raise RuntimeError("no more room")
        pipe_file(self, path, value, **kwargs)

    monkeypatch.setattr(type(filesystem), "pipe_file", full)
    message = r"can't keep an answer in memory://.*RuntimeError: no more room"
    with pytest.raises(errors.StorageError, match=message) as caught:
        Job(model(gateway), SCENES, folder=url).invoke(film)
    assert [*caught.value.answers] == ["00000"]


UNUSABLE: dict[str, tuple[Any, Any, type[Exception], str]] = {
    "unknown": ("what://bucket/kept", None, errors.ConfigurationError, "fsspec knows no what: URLs"),
    "a path that was a URL": (Path("s3://bucket/kept"), None, errors.ConfigurationError, "give it as text"),
    "options of a path": ("kept", {"key": "k"}, errors.ConfigurationError, "folder_options are for URLs"),
    "options of nothing": (None, {"key": "k"}, errors.ConfigurationError, "folder_options are for URLs"),
    "a password": ("what://me:hidden@host/kept", None, errors.ConfigurationError, r"what://me:\*\*\*@host/kept"),
}


@pytest.mark.parametrize(("folder", "options", "kind", "message"), UNUSABLE.values(), ids=UNUSABLE)
def test_what_is_no_place(
    gateway: LocalGateway, folder: Any, options: Any, kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message):
        Job(model(gateway), SCENES, folder=folder, folder_options=options)


def test_a_file_url_is_a_folder(gateway: LocalGateway, film: Path, tmp_path: Path) -> None:
    Job(model(gateway), SCENES, folder=(tmp_path / "kept ü").as_uri()).invoke(film)
    Job(model(gateway), SCENES, folder=f"FILE://{tmp_path}/kept ü").invoke(film)
    assert len(list((tmp_path / "kept ü").glob("scenes-*/00000.json"))) == 1


MISSING = {
    "fsspec": "ImportError: folder='s3://a/b' needs: pip install \"langchain-dmx-omni[library]\"",
    "s3fs": "ImportError: folder='s3://a/b' needs one more package: Install s3fs to access S3",
}


@pytest.mark.parametrize(("package", "message"), MISSING.items(), ids=MISSING)
def test_a_missing_package_is_named(package: str, message: str) -> None:
    code = (
        f"import sys; sys.modules[{package!r}] = None\n"
        "from langchain_dmx_omni import ChatDMXOmni, jobs\n"
        "jobs.Job(ChatDMXOmni(api_key='sk'), jobs.captions(), folder='kept')\n"
        "jobs.Job(ChatDMXOmni(api_key='sk'), jobs.captions(), folder='s3://a/b')"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT)
    assert result.stderr.splitlines()[-1] == message
