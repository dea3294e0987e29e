import errno
import random
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings

from langchain_dmx_omni.errors import ConfigurationError, InvalidInputError, StorageError
from langchain_dmx_omni.library import _table
from langchain_dmx_omni.library._searcher import Mode
from langchain_dmx_omni.library.retriever import VideoMomentRetriever
from langchain_dmx_omni.library.store import MomentStore

from .library_store import MOMENTS, Topics, moment


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> MomentStore:
    store = MomentStore.open(tmp_path_factory.mktemp("films"), embeddings=Topics())
    store.add_documents(MOMENTS)
    return store


async def ids(store: MomentStore, query: str, **options: Any) -> list[str]:
    """Return what both ways of searching give."""
    results = store.search_moments(query, **options)
    assert await store.asearch_moments(query, **options) == results
    scores = [score for _document, score in results]
    assert scores == sorted(scores, reverse=True)
    return [document.id or "" for document, _score in results]


SEARCHES: list[tuple[str, dict[str, Any], list[str]]] = [
    # English is stemmed, whatever its case; stop words find nothing.
    ("crane", {"mode": "words"}, ["a1"]),
    ("CRANES stop", {"mode": "words"}, ["a1"]),
    ("ｃｒａｎｅ", {"mode": "words"}, ["a1"]),
    ("the", {"mode": "words"}, []),
    # Chinese is found by its words.
    ("起重机", {"mode": "words"}, ["b1"]),
    ("工人们什么时候吃饭?", {"mode": "words"}, ["b1"]),
    ("钢琴", {"mode": "words"}, ["b2"]),
    # Nothing is syntax.
    ("-crane", {"mode": "words"}, ["a1"]),
    ('crane" AND (NOT *', {"mode": "words"}, ["a1"]),
    ("crane~2 text:crane^3 +crane", {"mode": "words"}, ["a1"]),
    ("", {"mode": "words"}, []),
    ("  \n", {"mode": "words"}, []),
    ('"', {"mode": "words"}, []),
    ("***---???", {"mode": "words"}, []),
    ("😀", {"mode": "words"}, []),
    ("\0\ud800", {"mode": "words"}, []),
    # Meaning is found across languages.
    ("起重机", {"mode": "meaning", "k": 2}, ["a1", "a2"]),
    ("piano", {"mode": "meaning", "k": 2}, ["b2", "c1"]),
    # Both: what both find is first, ties are in the order of ids.
    ("起重机", {"k": 2}, ["b1", "a1"]),
    ("piano", {"k": 2}, ["c1", "b2"]),
    (" ", {}, []),
    # Every k.
    ("crane", {"k": 0}, []),
    ("crane", {"k": 1}, ["a1"]),
    ("crane", {"k": 10**9, "mode": "words"}, ["a1"]),
    ("crane", {"k": 10**9, "sources": "工地.mp4"}, ["b1", "b2"]),
]


@pytest.mark.parametrize(("query", "options", "expected"), SEARCHES)
async def test_what_is_found(store: MomentStore, query: str, options: dict[str, Any], expected: list[str]) -> None:
    assert await ids(store, query, **options) == expected


FILTERS: list[tuple[dict[str, Any], set[str]]] = [
    ({}, {"a1", "a2", "a3", "b1", "b2", "c1"}),
    ({"sources": "O'Brien.mp4"}, {"a1", "a2", "a3"}),
    ({"sources": ["O'Brien.mp4", "工地.mp4"]}, {"a1", "a2", "a3", "b1", "b2"}),
    ({"sources": r'C:\new "one"\film.mp4'}, {"c1"}),
    ({"sources": "' OR 1=1 --"}, set()),
    ({"sources": []}, set()),
    ({"kinds": "speech"}, {"a2"}),
    ({"kinds": ["speech", "text"]}, {"a2", "b2"}),
    ({"kinds": ["speech", "text"], "sources": "工地.mp4"}, {"b2"}),
    ({"between": (0, 10)}, {"a1", "b1", "c1"}),
    ({"between": (9.5, 20)}, {"a1", "a2", "b1", "b2"}),
    ({"between": (5, 5)}, {"a1", "b1", "c1"}),
    ({"between": (10, 10)}, {"a2", "b2"}),
    ({"between": (20, None)}, {"a3"}),
    ({"between": (None, 5)}, {"a1", "b1"}),
    ({"between": (None, None)}, {"a1", "a2", "a3", "b1", "b2", "c1"}),
    ({"between": (1e-7, 1e300)}, {"a1", "a2", "a3", "b1", "b2", "c1"}),
]
ALL_TOPICS = "crane hoist cook piano 起重机 钢琴"


@pytest.mark.parametrize("mode", ["words", "meaning", "hybrid"])
@pytest.mark.parametrize(("options", "expected"), FILTERS)
async def test_filters_choose_before_the_search(
    store: MomentStore, mode: Mode, options: dict[str, Any], expected: set[str]
) -> None:
    assert set(await ids(store, ALL_TOPICS, mode=mode, k=6, **options)) == expected
    one = await ids(store, ALL_TOPICS, mode=mode, k=1, **options)
    assert len(one) == min(1, len(expected))
    assert set(one) <= expected
    assert store.count(**options) == len(expected)
    assert {document.id for document in store.documents(**options)} == expected


BAD_SEARCHES: list[tuple[dict[str, Any], str]] = [
    ({"k": -1}, "k is how many moments to return, 0 or more, not -1"),
    ({"k": 1.5}, "k is how many moments to return, 0 or more, not 1.5"),
    ({"mode": "both"}, "mode is one of hybrid, words, meaning, not 'both'"),
    ({"kinds": "picture"}, "kinds are caption, speech, text, not picture"),
    ({"between": (5, 1)}, "between ends before it starts: (5, 1)"),
    ({"between": (1,)}, "between is (start, end) in seconds, either may be None, not (1,)"),
    ({"between": ("1", 2)}, "a time is a number of seconds, not '1'"),
    ({"between": (float("nan"), 2)}, "a time is a number of seconds, not nan"),
]


@pytest.mark.parametrize(("options", "message"), BAD_SEARCHES)
async def test_what_can_not_be_searched(store: MomentStore, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInputError) as raised:
        store.search_moments("crane", **options)
    assert str(raised.value) == message
    with pytest.raises(InvalidInputError):
        await store.asearch_moments("crane", **options)


METADATA: list[dict[str, Any]] = [
    {},
    {"source": "a", "start_seconds": 1, "end_seconds": 2.5, "speaker": None, "title": ""},
    {"source": 5, "start_seconds": "1", "kind": True, "end_seconds": True},
    {"source": "\udcff.mp4", "tags": ["a", {"b": None}], "extra": {"id": 1}, "id": "mine", "text": "x", "vector": []},
    {"O'Brien": "O'Brien", "工": "工", "new\nline": "\\"},
]


@pytest.mark.parametrize("metadata", METADATA)
def test_nothing_of_the_metadata_is_lost(tmp_path: Path, metadata: dict[str, Any]) -> None:
    store = MomentStore.open(tmp_path)
    document = Document("crane", metadata=metadata)
    [id] = store.add_documents([document])
    assert store.get_by_ids([id]) == [Document("crane", metadata=metadata, id=id)]
    assert store.add_documents([document]) == [id]
    assert store.count() == 1
    if isinstance(source := metadata.get("source"), str):
        assert store.count(sources=source) == 1


def test_metadata_that_is_no_json_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        InvalidInputError, match=r"the metadata of document a can't be kept .* 'when', each must be JSON"
    ):
        MomentStore.open(tmp_path).add_documents([Document("x", id="a", metadata={"when": object()})])


@pytest.mark.parametrize("embeddings", [Topics(), None])
async def test_what_is_written_last_is_found(tmp_path: Path, embeddings: Embeddings | None) -> None:
    store = MomentStore.open(tmp_path, embeddings=embeddings)
    reader = MomentStore.open(tmp_path, embeddings=embeddings)
    assert await ids(reader, "crane") == []
    await store.aadd_documents([moment("a", "a", 0, 1, "a crane")])
    assert await ids(reader, "crane") == ["a"]
    store.optimize()
    store.add_documents([moment("b", "b", 0, 1, "two cranes"), moment("b", "b", 0, 1, "three cranes")])
    assert sorted(await ids(reader, "crane", mode="words")) == ["a", "b"]
    store.add_documents([moment("a", "a", 0, 1, "起重机")])
    assert await ids(reader, "crane", mode="words") == ["b"]
    assert await ids(reader, "起重机", mode="words") == ["a"]
    store.delete(filter={"source": "b"})
    assert await ids(reader, "crane", mode="words") == []
    assert [document.page_content for document in reader.documents()] == ["起重机"]
    store.delete(filter={"source": ["a"]})
    assert reader.count() == 0


OVERLAPS: list[tuple[list[tuple[str, str, float, float]], list[str]]] = [
    # id, source, start, end of moments with the same text: those of later ids are worse.
    ([("a", "x", 0, 10), ("b", "x", 2, 12)], ["a"]),
    ([("a", "x", 0, 10), ("b", "x", 5, 15)], ["a", "b"]),
    ([("a", "x", 0, 10), ("b", "y", 0, 10)], ["a", "b"]),
    ([("a", "x", 0, 10), ("b", "x", 0, 10), ("c", "x", 10, 20)], ["a", "c"]),
    ([("a", "x", 3, 3), ("b", "x", 3, 3)], ["a"]),
]


@pytest.mark.parametrize(("spans", "expected"), OVERLAPS)
async def test_one_place_is_told_once(tmp_path: Path, spans: list[Any], expected: list[str]) -> None:
    store = MomentStore.open(tmp_path, embeddings=Topics())
    store.add_documents([moment(id, source, start, end, "a crane") for id, source, start, end in spans])
    for mode in ("words", "meaning", "hybrid"):
        assert await ids(store, "crane", mode=mode) == expected


# Embeddings


def test_other_embeddings_are_refused_until_vectors_are_made_anew(tmp_path: Path) -> None:
    old, new = Topics("old"), Topics("new", dimensions=3)
    store = MomentStore.open(tmp_path, embeddings=old)
    store.add_documents(MOMENTS)
    for other in (new, Topics("other")):
        with pytest.raises(
            ConfigurationError, match=r"made with Topics\(old\), not with Topics\((new|other)\).*reembed"
        ):
            MomentStore.open(tmp_path, embeddings=other)
    with pytest.raises(ConfigurationError, match=r"have 4 dimensions, these have 3"):
        MomentStore.open(tmp_path, embeddings=Topics("old", dimensions=3)).search_moments("crane")

    words = MomentStore.open(tmp_path)
    assert [document.id for document, _score in words.search_moments("crane")] == ["a1"]
    with pytest.raises(ConfigurationError, match="opened without embeddings"):
        words.search_moments("crane", mode="meaning")
    with pytest.raises(ConfigurationError, match=r"was made with Topics\(old\), not with none"):
        words.add_documents(MOMENTS[:1])

    before = sorted(store.documents(), key=lambda document: document.id or "")
    words.reembed(new)
    assert words.embedding == ("Topics(new)", 3)
    assert sorted(words.documents(), key=lambda document: document.id or "") == before
    assert [document.id for document, _score in words.search_moments("起重机", k=2)] == ["b1", "a1"]
    with pytest.raises(ConfigurationError, match=r"was made with Topics\(new\), not with Topics\(old\)"):
        store.search_moments("crane")

    words.reembed(None)
    assert [document.id for document, _score in words.search_moments("起重机", k=2)] == ["b1"]


class Breaking(Topics):
    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_vectors_are_made_anew_whole_or_not_at_all(tmp_path: Path) -> None:
    store = MomentStore.open(tmp_path, embeddings=Topics())
    store.add_documents(MOMENTS)
    with pytest.raises(StorageError, match="make room"):
        store.reembed(Breaking("breaking"))
    again = MomentStore.open(tmp_path, embeddings=Topics())
    assert [document.id for document, _score in again.search_moments("起重机", k=2)] == ["b1", "a1"]


def test_an_empty_store_takes_any_embeddings(tmp_path: Path) -> None:
    store = MomentStore.open(tmp_path, embeddings=Topics())
    store.add_documents(MOMENTS)
    store.delete()
    other = MomentStore.open(tmp_path, embeddings=Topics("other", dimensions=3))
    assert other.search_moments("crane") == []
    other.add_documents(MOMENTS)
    assert other.embedding == ("Topics(other)", 3)


# The place


class Scattered(Topics):
    """Vectors that lie about everywhere, the same ones for a text each time."""

    def embed_query(self, text: str) -> list[float]:
        return [random.Random(f"{text} {axis}").gauss(0, 1) for axis in range(self.dimensions)]


async def test_many_are_searched_through_indices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    many = MomentStore.open(tmp_path, embeddings=Scattered(dimensions=8))

    def indices() -> set[str]:
        return {index.name for index in many._table.lance.list_indices()}

    def write(numbers: range) -> None:
        many.add_documents([moment(f"{number}", f"film {number % 7}", number, number, "a") for number in numbers])
        many.optimize()

    write(range(300))
    assert indices() == {"words_idx"}
    monkeypatch.setattr(_table, "_ROWS_FOR_INDICES", 300)
    for rows, names in (
        (300, {"words_idx", "source_idx", "vector_300"}),
        (599, {"words_idx", "source_idx", "vector_300"}),
        (600, {"words_idx", "source_idx", "vector_600"}),
    ):
        write(range(many.count(), rows))
        assert (many.count(), indices()) == (rows, names)
        texts = [document.metadata["source"] for document in many.documents(sources="film 3")]
        assert texts == ["film 3"] * len(range(3, rows, 7))
        assert len(await ids(many, "what?", k=99, sources="film 3", mode="meaning")) == min(99, len(texts))
    found = await ids(many, "what?", k=20, mode="meaning")
    many._table.lance.drop_index("vector_600")
    assert len({*found} & {*await ids(many, "what?", k=20, mode="meaning")}) >= 18


def test_places_that_are_no_library(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    damaged = tmp_path / "damaged" / "moments.lance" / "_versions"
    damaged.mkdir(parents=True)
    (damaged / "1.manifest").write_bytes(b"garbage")
    cases: list[tuple[str | Path, str]] = [
        (file, "a library is a folder: name another place"),
        ("/proc/films.library", "restore it, or index into another place"),
        (tmp_path / "damaged", "restore it, or index into another place"),
        ("nowhere://films", "name a folder, or a place such as s3://bucket/films.library"),
        (f"{tmp_path}/\udcca\udcd3", "LanceDB takes names in UTF-8 alone: name another place"),
    ]
    for place, remedy in cases:
        with pytest.raises(StorageError) as raised:
            MomentStore.open(place).search_moments("crane")
        assert str(raised.value).endswith(remedy)
        assert str(place) in str(raised.value)


def test_two_writers_lose_nothing(tmp_path: Path) -> None:
    stores = [MomentStore.open(tmp_path, embeddings=Topics()) for _ in range(2)]

    def write(index: int) -> None:
        for n in range(15):
            same = moment("same", "s", 0, 1, f"writer {index} {n}")
            stores[index].add_documents([moment(f"{index}-{n}", f"film {n}", 0, 1, "a crane"), same])

    stores[0].add_documents([moment("same", "s", 0, 1, "first")])
    threads = [threading.Thread(target=write, args=(index,)) for index in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    reader = MomentStore.open(tmp_path, embeddings=Topics())
    names = sorted(document.id or "" for document in reader.documents())
    assert names == sorted(["same", *(f"{index}-{n}" for index in range(2) for n in range(15))])


WRITER = """
import sys
from langchain_dmx_omni.library.store import MomentStore
from tests.library_store import Topics, moment
store = MomentStore.open(sys.argv[1], embeddings=Topics())
for n in range(10_000):
    store.add_documents([moment(f"{n}-{m}", f"film {n}", m, m + 1, "a crane") for m in range(10)])
    print(n, flush=True)
"""


@pytest.mark.timeout(180)
def test_a_killed_writer_leaves_whole_writes(tmp_path: Path) -> None:
    for last in (2, 7):
        with subprocess.Popen([sys.executable, "-c", WRITER, tmp_path], stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            while int(writer.stdout.readline()) < last:
                pass
            writer.send_signal(signal.SIGKILL)
        store = MomentStore.open(tmp_path, embeddings=Topics())
        films = [document.metadata["source"] for document in store.documents()]
        assert {films.count(film) for film in films} == {10}
        assert len(set(films)) > last
        assert len(store.search_moments("crane", k=20)) == 20


# Over other stores too


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, ["b1", "a1", "a2", "b2", "c1"]),
        ({"k": 1}, ["b1"]),
        ({"source": "O'Brien.mp4", "k": 2}, ["a1", "a2"]),
        ({"between": (15, None), "k": 1}, ["a2"]),
        ({"mode": "words"}, ["b1"]),
    ],
)
async def test_retriever(store: MomentStore, options: dict[str, Any], expected: list[str]) -> None:
    for documents in (
        VideoMomentRetriever(vectorstore=store, **options).invoke("起重机"),
        await VideoMomentRetriever(vectorstore=store).ainvoke("起重机", **options),
    ):
        assert [document.id for document in documents] == expected
        assert all(isinstance(document.metadata["score"], float) for document in documents)
