import math
from pathlib import Path
from typing import Any, Literal

import pytest
from langchain_core.documents import Document
from langchain_core.indexing import aindex, index

from langchain_dmx_omni.errors import InvalidInputError
from langchain_dmx_omni.library._records import Records
from langchain_dmx_omni.library.store import MomentStore

from .library_store import Topics, moment

Cleanup = Literal["incremental", "full", "scoped_full"]


def film(source: str, *texts: str) -> list[Document]:
    return [moment("", source, n, n + 1, text) for n, text in enumerate(texts)]


# What is indexed one after another, and what each does: added, skipped, deleted.
STEPS: list[tuple[list[Document], dict[Cleanup, tuple[int, int, int]]]] = [
    (
        film("a", "crane", "soup", "piano") + film("b", "song"),
        {"incremental": (4, 0, 0), "full": (4, 0, 0), "scoped_full": (4, 0, 0)},
    ),
    (
        film("a", "crane", "soup", "piano") + film("b", "song"),
        {"incremental": (0, 4, 0), "full": (0, 4, 0), "scoped_full": (0, 4, 0)},
    ),
    (
        film("a", "crane", "stew", "piano"),
        {"incremental": (1, 2, 1), "full": (1, 2, 2), "scoped_full": (1, 2, 1)},
    ),
    (
        film("a", "crane") + film("O'Brien", "钢琴"),
        {"incremental": (1, 1, 2), "full": (1, 1, 2), "scoped_full": (1, 1, 2)},
    ),
]
LEFT: dict[Cleanup, set[str]] = {
    "incremental": {"crane", "钢琴", "song"},
    "full": {"crane", "钢琴"},
    "scoped_full": {"crane", "钢琴", "song"},
}


@pytest.mark.parametrize("cleanup", ["incremental", "full", "scoped_full"])
@pytest.mark.parametrize("way", ["sync", "async"])
async def test_indexing_again_and_again(tmp_path: Path, cleanup: Cleanup, way: str) -> None:
    store = MomentStore.open(tmp_path, embeddings=Topics())
    for documents, expected in STEPS:
        options: dict[str, Any] = {"cleanup": cleanup, "source_id_key": "source", "key_encoder": "blake2b"}
        # Each time the place is opened anew, as another process would.
        records = MomentStore.open(tmp_path, embeddings=Topics()).records()
        if way == "sync":
            result = index(documents, records, store, **options)
        else:
            result = await aindex(documents, records, store, **options)
        assert (result["num_added"], result["num_skipped"], result["num_deleted"]) == expected[cleanup]
        assert sorted(records.list_keys()) == sorted(id for id, _source in store.ids())
    assert {document.page_content for document in store.documents()} == LEFT[cleanup]


@pytest.mark.parametrize("way", ["sync", "async"])
async def test_records(tmp_path: Path, way: str) -> None:
    records, others = (Records.open(tmp_path, namespace=name) for name in ("O'Brien", "other"))
    if way == "sync":
        records.create_schema()
        assert records.list_keys() == []
        start = records.get_time()
        records.update(["a", "b", "工"], group_ids=["x", "y", None])
        records.update(["a"], time_at_least=start)
        later = records.get_time()
        records.update(["c", "c"], group_ids=["x'y", "x'y"])
        assert records.exists(["c", "a", "工", "d"]) == [True, True, True, False]
        listed = [
            sorted(records.list_keys(before=before, after=after, group_ids=groups))
            for before, after, groups in LISTS(start, later)
        ]
        records.delete_keys(["a", "d"])
        assert len(records.list_keys(limit=2)) == 2
    else:
        await records.acreate_schema()
        assert await records.alist_keys() == []
        start = await records.aget_time()
        await records.aupdate(["a", "b", "工"], group_ids=["x", "y", None])
        await records.aupdate(["a"], time_at_least=start)
        later = await records.aget_time()
        await records.aupdate(["c", "c"], group_ids=["x'y", "x'y"])
        assert await records.aexists(["c", "a", "工", "d"]) == [True, True, True, False]
        listed = [
            sorted(await records.alist_keys(before=before, after=after, group_ids=groups))
            for before, after, groups in LISTS(start, later)
        ]
        await records.adelete_keys(["a", "d"])
        assert len(await records.alist_keys(limit=2)) == 2
    assert listed == [["a", "b", "c", "工"], ["a", "b", "工"], ["c"], ["a"], ["c"], ["a", "b"], []]
    assert sorted(records.list_keys()) == ["b", "c", "工"]
    assert others.list_keys() == []


def LISTS(start: float, later: float) -> list[tuple[float | None, float | None, list[str] | None]]:
    return [
        (None, start, None),
        (later, None, None),
        (None, later, None),
        (None, None, ["x"]),
        (None, None, ["x'y"]),
        (None, None, ["x", "y"]),
        (None, None, []),
    ]


def test_time_does_not_go_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    records = Records.open(tmp_path)
    records.update(["a"], time_at_least=4e9)  # in the year 2096
    assert Records.open(tmp_path).get_time() > 4e9
    monkeypatch.setattr("time.time", lambda: 5e9)
    first = records.get_time()
    monkeypatch.setattr("time.time", lambda: 1.0)
    assert records.get_time() == math.nextafter(first, math.inf)


def test_as_many_groups_as_keys(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="1 group ids for 2 keys"):
        Records.open(tmp_path).update(["a", "b"], group_ids=["x"])
