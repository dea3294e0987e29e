"""`DMXReranker`: the best documents first, and answers that are whole or an error."""

from __future__ import annotations

import math
import re
from typing import Any

import pytest
from langchain_core.documents import Document
from pydantic import ValidationError

from langchain_dmx_omni import DMXReranker, errors
from langchain_dmx_omni.testing import LocalGateway

from .calls import body_of
from .json_calls import QUERY, answering_json, documents, reranker


def result(index: Any, score: Any) -> dict[str, Any]:
    return {"index": index, "relevance_score": score}


NO_NUMBER = "the relevance_score of index 1 is no finite number"
UNREAD: dict[str, tuple[Any, str]] = {
    "no results": ({"data": []}, "the answer holds no list of objects 'results'"),
    "results that are no objects": ({"results": [0.5, 0.25]}, "the answer holds no list of objects 'results'"),
    "one too few": ({"results": [result(0, 0.5)]}, "the answer has scores of 1 documents; 2 were asked for"),
    "none": ({"results": []}, "the answer has scores of 0 documents; 2 were asked for"),
    "one twice": ({"results": [result(0, 0.5), result(0, 0.4)]}, "the answer has index 0 twice"),
    "out of range": ({"results": [result(0, 0.5), result(2, 0.4)]}, "the answer has index 2, and 2 texts were sent"),
    "no index": ({"results": [{"relevance_score": 1}]}, "the answer has index None, and 2 texts were sent"),
    "no score": ({"results": [result(0, 0.5), {"index": 1}]}, NO_NUMBER),
    "a text": ({"results": [result(0, 0.5), result(1, "0.5")]}, NO_NUMBER),
    "a bool": ({"results": [result(0, 0.5), result(1, True)]}, NO_NUMBER),
    "not a number": ({"results": [result(0, 0.5), result(1, math.nan)]}, NO_NUMBER),
}


@pytest.mark.parametrize("name", UNREAD)
async def test_an_answer_is_whole_or_an_error(gateway: LocalGateway, name: str) -> None:
    answer, told = UNREAD[name]
    gateway.play(*[answering_json(answer)] * 2)
    model = reranker(gateway)
    with pytest.raises(errors.ProtocolError, match=re.escape(told)):
        model.compress_documents(documents(), QUERY)
    with pytest.raises(errors.ProtocolError, match=re.escape(told)):
        await model.acompress_documents(documents(), QUERY)


async def test_the_best_come_first_and_the_documents_stay_as_they_are(gateway: LocalGateway) -> None:
    answer = {"results": [result(0, -1.5), result(1, 3)]}
    gateway.play(*[answering_json(answer)] * 2)
    before = documents()
    ranked = reranker(gateway).compress_documents(before, QUERY)
    assert [(one.page_content, one.metadata) for one in ranked] == [
        (before[1].page_content, {"at": 1, "relevance_score": 3.0}),
        (before[0].page_content, {"at": 0, "relevance_score": -1.5}),
    ]
    assert before == documents()
    assert await reranker(gateway).acompress_documents(before, QUERY) == ranked


@pytest.mark.parametrize(("top_n", "sent"), [(None, 2), (1, 1), (2, 2), (9, 2)])
def test_top_n(gateway: LocalGateway, top_n: int | None, sent: int) -> None:
    ranked = reranker(gateway, top_n=top_n).compress_documents(documents(), QUERY)
    assert (len(ranked), ranked[0].metadata["at"]) == (sent, 0)
    assert body_of(gateway.requests[0])["top_n"] == sent


async def test_without_documents_nothing_is_sent(gateway: LocalGateway) -> None:
    assert reranker(gateway).compress_documents([], QUERY) == []
    assert await reranker(gateway).acompress_documents([], QUERY) == []
    assert gateway.requests == []


@pytest.mark.parametrize(
    ("texts", "query", "told"),
    [
        (["one", " "], "Why?", "documents[1] is empty, which the service does not take: leave it out"),
        (["one"], " ", "the query is empty: ask something"),
    ],
)
def test_what_is_not_sent(gateway: LocalGateway, texts: list[str], query: str, told: str) -> None:
    with pytest.raises(errors.InvalidInputError, match=re.escape(told)):
        reranker(gateway).compress_documents([Document(text) for text in texts], query)
    assert gateway.requests == []


def test_top_n_out_of_range() -> None:
    with pytest.raises(ValidationError, match="top_n"):
        DMXReranker(top_n=0)
