"""`Library`: recordings are indexed once, searched, asked, verified and removed; and what goes wrong is said."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain_core.documents import Document
from langchain_core.indexing import index
from langchain_core.language_models import FakeListChatModel
from PIL import Image

from langchain_dmx_omni.errors import (
    AuthenticationError,
    ConfigurationError,
    ContentBlockError,
    InvalidInputError,
    StorageError,
)
from langchain_dmx_omni.library import AddProgress, AddReport, Failed, Library, Problem, Stats
from langchain_dmx_omni.testing import LocalGateway, Request, scripts

from .calls import model, until
from .library_store import Topics

WAYS = ("threads", "asyncio")


def caption(request: Request) -> str:
    """What the model of these tests says of any window."""
    return json.dumps(
        {
            "title": "The yard",
            "seen": "A crane turns.",
            "entities": ["crane"],
            "written": [{"start": 0, "end": 1, "text": "GATE 4"}],
            "said": [{"start": 0, "end": 1.5, "text": "Stop it.", "speaker": "Ada"}],
        }
    )


@pytest.fixture
def gateway() -> Iterator[LocalGateway]:
    with LocalGateway(answer=caption) as gateway:
        yield gateway


@pytest.fixture
def films(film: Path, silent_film: Path, tmp_path: Path) -> Path:
    """A folder with two recordings, one of them in a folder of its own."""
    folder = tmp_path / "films"
    (folder / "more").mkdir(parents=True)
    shutil.copy(film, folder / "yard.mp4")
    shutil.copy(silent_film, folder / "more" / "silent.mp4")
    return folder


def opened(gateway: LocalGateway, folder: Path, **options: Any) -> Library:
    return Library.open(folder / "films.library", llm=model(gateway), embeddings=Topics(), by="time", **options)


def add(library: Library, way: str, *args: Any, **options: Any) -> AddReport:
    if way == "asyncio":
        return asyncio.run(library.aadd(*args, **options))
    return library.add(*args, **options)


def names(sources: list[str]) -> list[str]:
    return [Path(source).name for source in sources]


# Adding


@pytest.mark.parametrize("way", WAYS)
def test_recordings_are_indexed_once(gateway: LocalGateway, films: Path, tmp_path: Path, way: str) -> None:
    library = opened(gateway, tmp_path, window=5)
    steps: list[AddProgress] = []
    report = add(library, way, films, progress=steps.append)
    assert (names(report.added), report.unchanged, report.failed, report.missing) == (
        ["yard.mp4", "silent.mp4"],
        [],
        [],
        {},
    )
    assert [step.done for step in steps] == [0, 1, 2]
    asked = len(gateway.requests)
    assert asked == 1 + 3  # windows of 5 seconds that share 1.25
    assert library.verify() == []
    stats = library.stats()
    assert stats == Stats(2, library.store.count(), stats.seconds, "Topics(topics)", 4)
    assert stats.seconds == pytest.approx(12.0, abs=0.1)

    again = add(opened(gateway, tmp_path, window=5), way, [films, films / "yard.mp4"])
    assert (again.added, names(again.unchanged)) == ([], ["yard.mp4", "silent.mp4"])
    assert len(gateway.requests) == asked


def documents(library: Library) -> list[Document]:
    return sorted(library.store.documents(), key=lambda document: str(document.id))


def test_threads_and_the_loop_index_the_same(gateway: LocalGateway, films: Path, tmp_path: Path) -> None:
    first, second = (opened(gateway, tmp_path / way) for way in WAYS)
    for library, way in zip((first, second), WAYS, strict=True):
        add(library, way, films)
    assert documents(first) == documents(second)
    bodies = Counter(str(request.body) for request in gateway.requests)
    assert set(bodies.values()) == {2}


def test_a_moment_has_flat_metadata(gateway: LocalGateway, films: Path, tmp_path: Path) -> None:
    library = opened(gateway, tmp_path)
    library.add(films / "yard.mp4")
    source = str(films / "yard.mp4")
    spoken = next(each for each in documents(library) if each.metadata["kind"] == "speech")
    assert spoken.page_content == "Ada: Stop it."
    video_id, version = spoken.metadata.pop("video_id"), spoken.metadata.pop("prompt_version")
    assert len(video_id) == 64
    assert version
    picture = tmp_path / "films.library" / spoken.metadata.pop("thumbnail")
    with Image.open(picture) as image:
        assert (image.format, image.size) == ("JPEG", (320, 240))
    (moment,) = library.search("Stop it.", k=1)
    assert moment.thumbnail == str(picture)
    assert spoken.metadata == {
        "source": source,
        "uri": f"{source}#t=0.000,1.500",
        "kind": "speech",
        "start_seconds": 0.0,
        "end_seconds": 1.5,
        "duration_seconds": pytest.approx(10.0, abs=0.1),
        "title": "yard",
        "speaker": "Ada",
        "model": "qwen3.5-omni-plus-all",
    }


BAD: dict[str, tuple[bytes, str]] = {
    "notes.txt": (b"Buy milk.\n", "notes.txt"),
    "empty.mp4": (b"", "empty"),
    "broken.mp4": (bytes.fromhex("00000018667479706d703432000000006d70343269736f6d") + bytes(100), "broken.mp4"),
    "photo.png": (bytes.fromhex("89504e470d0a1a0a0000000d49484452"), "photo.png"),
}


@pytest.mark.parametrize("way", WAYS)
def test_what_is_no_recording_is_in_the_report(gateway: LocalGateway, films: Path, tmp_path: Path, way: str) -> None:
    for name, (data, _) in BAD.items():
        (films / name).write_bytes(data)
    (films / ".hidden").write_bytes(b"x")
    library = opened(gateway, tmp_path)
    report = add(library, way, films)
    assert names(report.added) == ["yard.mp4", "silent.mp4"]
    assert names([each.source for each in report.failed]) == sorted(BAD)
    for source, error in report.failed:
        assert isinstance(error, ContentBlockError)
        assert BAD[Path(source).name][1] in str(error)
    assert len(str(report).splitlines()) == 1 + len(BAD)
    assert library.verify() == []


def test_a_library_beside_its_recordings_is_no_recording(gateway: LocalGateway, films: Path) -> None:
    library = opened(gateway, films)
    assert names(library.add(films).added) == ["yard.mp4", "silent.mp4"]
    again = library.add([films, str(films / "**")])
    assert (names(again.unchanged), again.failed) == (["yard.mp4", "silent.mp4"], [])


NOWHERE: dict[str, tuple[Any, str]] = {
    "a file": ("nowhere.mp4", "nowhere.mp4: there is no such file or folder"),
    "a glob": ("*.nothing", "no file has a name like this"),
    "no name": ("", "is no path"),
    "a place": ("memory://nothing/here", "memory://nothing/here: there is nothing"),
    "one of several": (["films", "nowhere"], "nowhere: there is no such"),
}


@pytest.mark.parametrize(("paths", "message"), NOWHERE.values(), ids=NOWHERE)
def test_where_nothing_is(
    gateway: LocalGateway, films: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, paths: Any, message: str
) -> None:
    monkeypatch.chdir(films.parent)
    with pytest.raises(ConfigurationError, match=message):
        opened(gateway, tmp_path).add(paths)
    assert gateway.requests == []


def test_globs_and_urls(gateway: LocalGateway, films: Path, tmp_path: Path) -> None:
    import fsspec

    library = opened(gateway, tmp_path)
    assert names(library.add(f"{films}/**/*.mp4").added) == ["silent.mp4", "yard.mp4"]
    memory = fsspec.filesystem("memory")
    memory.pipe("/archive/copy.mp4", (films / "yard.mp4").read_bytes())
    asked = len(gateway.requests)
    assert library.add("memory://archive").added == ["memory:///archive/copy.mp4"]
    assert len(gateway.requests) == asked  # the same bytes
    assert library.add("memory://archive/*.mp4").unchanged == ["memory:///archive/copy.mp4"]
    memory.rm("/archive", recursive=True)


def test_a_renamed_file_costs_nothing(gateway: LocalGateway, films: Path, tmp_path: Path) -> None:
    library = opened(gateway, tmp_path)
    library.add(films)
    asked, before = len(gateway.requests), library.store.count()
    (films / "yard.mp4").rename(films / "garden.mp4")
    assert names(library.add(films).added) == ["garden.mp4"]
    assert (len(gateway.requests), library.store.count()) == (asked, before)
    assert {Path(each.metadata["source"]).name for each in documents(library)} == {"garden.mp4", "silent.mp4"}
    assert library.verify() == []


def test_a_changed_file_is_indexed_anew(gateway: LocalGateway, films: Path, tmp_path: Path) -> None:
    library = opened(gateway, tmp_path)
    library.add(films)
    shutil.copy(films / "more" / "silent.mp4", films / "yard.mp4")
    asked = len(gateway.requests)
    assert names(library.add(films).added) == ["yard.mp4"]
    assert len(gateway.requests) == asked  # the other file has these bytes
    assert all(each.metadata["duration_seconds"] < 3 for each in documents(library))


SRT = "1\n00:00:01,000 --> 00:00:03,000\nThe hoist is old.\n"


@pytest.mark.parametrize(("captions", "asks", "kinds"), [
    ("model", 1, {"caption", "speech", "text"}),
    ("subtitles", 0, {"speech"}),
    ("none", 0, {"caption"}),
])  # fmt: skip
def test_where_it_is_known_from(
    gateway: LocalGateway, films: Path, tmp_path: Path, captions: Any, asks: int, kinds: set[str]
) -> None:
    (films / "yard.srt").write_text(SRT)
    library = opened(gateway, tmp_path)
    report = library.add(films / "yard.mp4", captions=captions)
    assert report.added == [str(films / "yard.mp4")]
    assert len(gateway.requests) == asks
    assert {each.metadata["kind"] for each in documents(library)} == kinds
    spoken = [each.page_content for each in documents(library) if each.metadata["kind"] == "speech"]
    assert spoken == (["The hoist is old."] if captions != "none" else [])
    # Subtitles that change are read again.
    (films / "yard.srt").write_text(SRT.replace("old", "new and shiny"))
    assert len(library.add(films / "yard.mp4", captions=captions).added) == 1
    assert len(gateway.requests) == asks


def test_another_language_takes_other_subtitles(films: Path, tmp_path: Path) -> None:
    texts = {"en": "The hoist is old.", "de": "Der Kran ist alt."}
    for language, text in texts.items():
        (films / f"yard.{language}.srt").write_text(SRT.replace(texts["en"], text))
    for language, text in texts.items():
        library = Library.open(tmp_path / "library", embeddings=Topics(), language=language)
        assert names(library.add(films / "yard.mp4").added) == ["yard.mp4"]
        assert [each.page_content for each in documents(library)] == [text]


def test_without_subtitles_or_a_model(films: Path, tmp_path: Path) -> None:
    library = Library.open(tmp_path / "library", embeddings=Topics())
    (failed,) = library.add(films / "yard.mp4").failed
    assert "there are no subtitles beside it (such as yard.srt" in str(failed.error)
    for call in (lambda: library.add(films, captions="model"), lambda: library.ask("Why?"), library.as_tools):
        with pytest.raises(ConfigurationError, match="llm=ChatDMXOmni"):
            call()


def test_refused_windows_are_asked_again(gateway: LocalGateway, films: Path, tmp_path: Path) -> None:
    library = opened(gateway, tmp_path, window=5)
    gateway.play(scripts.error(400, "data_inspection_failed"))
    report = library.add(films / "yard.mp4", max_concurrency=1)
    (source,) = report.added
    assert [gap.window.index for gap in report.missing[source]] == [0]
    assert [problem.what for problem in library.verify()] == ["1 windows have no answer"]
    asked = len(gateway.requests)
    assert library.add(films / "yard.mp4").missing == {}
    assert len(gateway.requests) == asked + 1
    assert library.verify() == []


def test_a_wrong_key_ends_it(films: Path, tmp_path: Path) -> None:
    with LocalGateway(answer=caption) as gateway:
        llm = model(gateway, api_key="sk-wrong")
        library = Library.open(tmp_path / "library", llm=llm, embeddings=Topics())
        with pytest.raises(AuthenticationError) as caught:
            library.add([films / "yard.mp4", films / "more"], max_concurrency=1)
        assert len(gateway.requests) == 1
    assert "0 of 2 recordings are indexed" in caught.value.__notes__[-1]
    assert library.verify() == []


# Searching


def test_search(gateway: LocalGateway, films: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library = opened(gateway, tmp_path)
    library.add(films)
    best = library.search("hoist", mode="meaning")[0]
    assert (names([best.source]), best.kind) in [(["yard.mp4"], "caption"), (["silent.mp4"], "caption")]
    monkeypatch.chdir(films)
    for source in ("yard.mp4", films / "yard.mp4", [films / "yard.mp4"]):
        moments = library.search("gate", source=source, mode="words")
        assert {Path(each.source).name for each in moments} == {"yard.mp4"}
    assert library.search("gate", source="nothing.mp4") == []
    assert library.search("stop", between=(9.0, None), mode="words") == []
    found = asyncio.run(library.asearch("stop it", k=1))
    assert found == library.search("stop it", k=1)
    assert library.moments([found[0].id])[0].text == found[0].text
    assert library.as_retriever(k=1).invoke("stop it")[0].id == found[0].id
    assert "yard.mp4" in library
    assert "other.mp4" not in library


# Moments that are known already


def given(source: Any = "talk", start: Any = 0, end: Any = 5, text: str = "A crane.", **more: Any) -> Document:
    return Document(text, metadata={"source": source, "start_seconds": start, "end_seconds": end, **more})


def test_documents_are_added(tmp_path: Path) -> None:
    library = Library.open(tmp_path / "library", embeddings=Topics())
    ids = library.add_documents([given(), given(text="Soup."), given("other", 5, 9, chapter=2)])
    assert len(set(ids)) == 3
    assert library.add_documents([given(), given(text="Soup.")]) == ids[:2]
    assert library.store.count() == 3
    (moment,) = library.search("crane", source="other", k=1)
    assert (moment.source, moment.start, moment.end, moment.uri) == ("other", 5.0, 9.0, "other#t=5.000,9.000")
    assert library.store.get_by_ids([ids[2]])[0].metadata["chapter"] == 2
    assert library.verify() == []
    assert library.stats().recordings == 2
    library.remove("talk")
    assert library.store.count() == 1
    assert library.verify() == []
    with pytest.raises(InvalidInputError, match="talk: no such recording"):
        library.remove("talk")


def test_langchain_indexes_into_it(tmp_path: Path) -> None:
    library = Library.open(tmp_path / "library", embeddings=Topics())
    for expected in ({"num_added": 2, "num_skipped": 0}, {"num_added": 0, "num_skipped": 2}):
        result = index(
            [given(), given("other")],
            library.records,
            library.store,
            cleanup="incremental",
            source_id_key="source",
            key_encoder="blake2b",
        )
        assert expected.items() <= dict(result).items()
    assert library.verify() == []
    assert {each.source for each in library.search("crane", k=9)} == {"talk", "other"}


UNUSABLE: dict[str, tuple[Document, str]] = {
    "no source": (given(None), r"documents\[1\].metadata has no 'source'"),
    "empty source": (given(""), "has no 'source'"),
    "no time": (given(start=None), "start_seconds=None"),
    "text": (given(end="5"), "end_seconds='5'"),
    "backwards": (given(start=6), "the start no later than the end"),
    "negative": (given(start=-1), "start_seconds=-1"),
    "endless": (given(end=float("inf")), "end_seconds=inf"),
}


@pytest.mark.parametrize(("document", "message"), UNUSABLE.values(), ids=UNUSABLE)
def test_documents_that_say_too_little(tmp_path: Path, document: Document, message: str) -> None:
    library = Library.open(tmp_path / "library", embeddings=Topics())
    with pytest.raises(InvalidInputError, match=message):
        library.add_documents([given(), document])
    assert library.store.count() == 0


# Its make


def test_other_embeddings(gateway: LocalGateway, films: Path, tmp_path: Path) -> None:
    opened(gateway, tmp_path).add(films)
    place = tmp_path / "films.library"
    with pytest.raises(ConfigurationError, match=r"made with Topics\(topics\), not with Topics\(new\).*reembed"):
        Library.open(place, embeddings=Topics("new"))
    library = Library.open(place, embeddings="none")
    assert library.search("gate", k=1)
    library.reembed(Topics("new", 5))
    assert Library.open(place, embeddings=Topics("new", 5)).search("hoist", mode="meaning", k=1)
    assert library.stats().dimensions == 5


def test_a_place_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(StorageError, match="file"):
        Library.open(tmp_path / "file", embeddings=Topics()).add_documents([given()])


TROUBLE: dict[str, tuple[Callable[[Library, str], Any], list[str]]] = {
    "moments are gone": (lambda library, source: library.store.delete(filter={"kind": "text"}), [
        "1 moments are recorded, and not there",
        "3 moments were indexed, 2 are there",
    ]),
    "moments are nobody's": (lambda library, source: library._writer.recordings.delete([source]), [
        "there are 3 moments of a recording that is not indexed to its end",
    ]),
    "the record is gone": (lambda library, source: library._writer.records.delete_keys(
        library._writer.records.list_keys()), ["3 of its moments are not recorded"]),
    "the file is gone": (lambda library, source: Path(source).unlink(), [
        "the file is gone: it can be neither looked at nor cut",
    ]),
}  # fmt: skip


@pytest.mark.parametrize(("trouble", "said"), TROUBLE.values(), ids=TROUBLE)
def test_verify_sees_what_is_out_of_step(
    gateway: LocalGateway, films: Path, tmp_path: Path, trouble: Callable[[Library, str], Any], said: list[str]
) -> None:
    library = opened(gateway, tmp_path)
    (source,) = library.add(films / "yard.mp4").added
    trouble(library, source)
    problems = library.verify()
    assert sorted(problem.what for problem in problems) == sorted(said)
    assert all(isinstance(problem, Problem) and problem.remedy for problem in problems)
    # Each remedy works.
    if Path(source).exists():
        asked = len(gateway.requests)
        library.remove(source)
        library.add(source)
        assert len(gateway.requests) == asked
    else:
        library.remove(source)
    assert library.verify() == []


# Interrupted


def start(gateway: LocalGateway, library: Path, films: Path) -> subprocess.Popen[str]:
    code = """
import sys
from langchain_dmx_omni import ChatDMXOmni
from langchain_dmx_omni.library import Library
from tests.library_store import Topics

base_url, library, films = sys.argv[1:]
llm = ChatDMXOmni(base_url=base_url, api_key="sk-local", max_retries=0)
library = Library.open(library, llm=llm, embeddings=Topics(), window=2, by="time")
report = library.add(films, max_concurrency=2)
print(len(report.added))
"""
    command = [sys.executable, "-W", "error", "-c", code, gateway.base_url, str(library), str(films)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ})


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT], ids=["killed", "interrupted"])
def test_an_interrupted_run_goes_on(films: Path, tmp_path: Path, how: signal.Signals) -> None:
    place = tmp_path / "films.library"
    with LocalGateway(answer=caption) as gateway:
        for number in (2, 5):
            process = start(gateway, place, films)
            until(lambda number=number: len(gateway.requests) >= number)  # type: ignore[misc]
            process.send_signal(how)
            process.communicate(timeout=60)
        last = start(gateway, place, films)
        stdout, stderr = last.communicate(timeout=60)
        assert (last.returncode, bool(stdout)) == (0, True), stderr
        windows = Counter(str(request.body) for request in gateway.requests)
        in_flight = 2 * 2 if how == signal.SIGKILL else 0
        assert sum(windows.values()) - len(windows) <= in_flight
        library = Library.open(place, llm=model(gateway), embeddings=Topics(), window=2, by="time")
        assert library.verify() == []
        assert library.add(films).added == []
        whole = Library.open(tmp_path / "whole", llm=model(gateway), embeddings=Topics(), window=2, by="time")
        whole.add(films)
        assert documents(library) == documents(whole)


def test_two_writers_take_turns(films: Path, tmp_path: Path) -> None:
    with LocalGateway(answer=caption, pace=0.01) as gateway:
        both = [start(gateway, tmp_path / "films.library", films) for _ in range(2)]
        outputs = [process.communicate(timeout=60) for process in both]
        assert sorted(stdout.split()[-1] for stdout, _ in outputs) == ["0", "2"], outputs
        windows = Counter(str(request.body) for request in gateway.requests)
        assert set(windows.values()) == {1}
        assert any("somebody else writes" in stderr for _, stderr in outputs)


def test_a_model_of_somebody_else(films: Path, tmp_path: Path) -> None:
    library = Library.open(tmp_path / "library", llm=FakeListChatModel(responses=["no"]), embeddings=Topics())
    report = library.add(films / "yard.mp4", captions="none")
    assert report.failed == []
    assert isinstance(Failed("a", ValueError()), tuple)
