"""`DMXEmbeddings`: batches, and answers that are whole or an error."""

from __future__ import annotations

import asyncio
import math
import re
from base64 import b64encode
from struct import pack
from typing import Any

import pytest
from pydantic import ValidationError

from langchain_dmx_omni import DMXEmbeddings, errors
from langchain_dmx_omni.testing import LocalGateway, Script
from langchain_dmx_omni.testing.scripts import ERRORS

from .calls import body_of
from .json_calls import answering_json, embeddings
from .test_retries import at_once


def item(index: Any, embedding: Any) -> dict[str, Any]:
    return {"object": "embedding", "index": index, "embedding": embedding}


def packed(*numbers: float) -> str:
    return b64encode(pack(f"<{len(numbers)}f", *numbers)).decode()


# Answers to two texts, and the vectors that they mean
READ: dict[str, tuple[list[dict[str, Any]], list[list[float]]]] = {
    "in order": ([item(0, [1.0, 0.0]), item(1, [0.5, 0.25])], [[1.0, 0.0], [0.5, 0.25]]),
    "in another order": ([item(1, [0.5, 0.25]), item(0, [1.0, 0.0])], [[1.0, 0.0], [0.5, 0.25]]),
    "whole numbers": ([item(0, [1, 0]), item(1, [0, 1])], [[1.0, 0.0], [0.0, 1.0]]),
    "base64": ([item(0, packed(1.0, 0.0)), item(1, packed(0.5, 0.25))], [[1.0, 0.0], [0.5, 0.25]]),
    "both": ([item(0, packed(1.0, 0.0)), item(1, [0.5, 0.25])], [[1.0, 0.0], [0.5, 0.25]]),
}

ONE = item(0, [1.0, 0.0])
NO_NUMBERS = "the embedding of index 1 is no list of finite numbers"
UNREAD: dict[str, tuple[Any, str]] = {
    "no data": ({}, "the answer holds no list of objects 'data'"),
    "data that is no list": ({"data": {"0": ONE}}, "the answer holds no list of objects 'data'"),
    "items that are no objects": ({"data": [[1.0, 0.0]]}, "the answer holds no list of objects 'data'"),
    "one too few": ({"data": [ONE]}, "the answer has 1 vectors for 2 texts: none for index 1"),
    "none": ({"data": []}, "the answer has 0 vectors for 2 texts: none for index 0"),
    "one too many": ({"data": [ONE, item(1, [0.0]), item(2, [0.0])]}, "the answer has index 2, and 2 texts were sent"),
    "one twice": ({"data": [ONE, ONE]}, "the answer has index 0 twice"),
    "a negative index": ({"data": [ONE, item(-1, [0.0, 1.0])]}, "the answer has index -1, and 2 texts were sent"),
    "no index": ({"data": [ONE, {"embedding": [0.0, 1.0]}]}, "the answer has index None, and 2 texts were sent"),
    "an index that is a bool": ({"data": [ONE, item(True, [0.0])]}, "the answer has index True, and 2 texts were sent"),
    "an index that is a text": ({"data": [ONE, item("1", [0.0])]}, "the answer has index 1, and 2 texts were sent"),
    "an index that is a fraction": ({"data": [ONE, item(1.0, [0.0])]}, "the answer has index 1.0, and 2 texts"),
    "two lengths": ({"data": [ONE, item(1, [1.0])]}, "the vectors are not all of one length: 1, 2"),
    "no embedding": ({"data": [ONE, {"index": 1}]}, NO_NUMBERS),
    "an empty one": ({"data": [ONE, item(1, [])]}, NO_NUMBERS),
    "a text in it": ({"data": [ONE, item(1, [1.0, "2"])]}, NO_NUMBERS),
    "a bool in it": ({"data": [ONE, item(1, [1.0, True])]}, NO_NUMBERS),
    "a null in it": ({"data": [ONE, item(1, [1.0, None])]}, NO_NUMBERS),
    "not a number": ({"data": [ONE, item(1, [1.0, math.nan])]}, NO_NUMBERS),
    "infinity": ({"data": [ONE, item(1, [1.0, math.inf])]}, NO_NUMBERS),
    "a number beyond all floats": ({"data": [ONE, item(1, [1.0, 10**400])]}, NO_NUMBERS),
    "base64 of no whole number": ({"data": [ONE, item(1, "AAAAAAA=")]}, NO_NUMBERS),
    "base64 of infinity": ({"data": [ONE, item(1, packed(1.0, math.inf))]}, NO_NUMBERS),
    "no base64": ({"data": [ONE, item(1, "?")]}, NO_NUMBERS),
    "an empty base64": ({"data": [ONE, item(1, "")]}, NO_NUMBERS),
}
SENT = ["one", "two"]


@pytest.mark.parametrize("name", READ)
async def test_an_answer_is_read(gateway: LocalGateway, name: str) -> None:
    data, vectors = READ[name]
    gateway.play(*[answering_json({"object": "list", "data": data})] * 2)
    model = embeddings(gateway)
    assert model.embed_documents(SENT) == await model.aembed_documents(SENT) == vectors
    assert all(type(number) is float for vector in vectors for number in vector)


@pytest.mark.parametrize("name", UNREAD)
async def test_an_answer_is_whole_or_an_error(gateway: LocalGateway, name: str) -> None:
    answer, told = UNREAD[name]
    gateway.play(*[answering_json(answer)] * 2)
    model = embeddings(gateway)
    with pytest.raises(errors.ProtocolError, match=re.escape(told)) as caught:
        model.embed_documents(SENT)
    with pytest.raises(errors.ProtocolError, match=re.escape(told)):
        await model.aembed_documents(SENT)
    assert caught.value.is_retryable


def test_an_answer_that_can_not_be_read_is_asked_for_again(gateway: LocalGateway) -> None:
    gateway.play(answering_json({"data": [ONE]}))
    assert len(embeddings(gateway, max_retries=1).embed_documents(SENT)) == 2
    assert len(gateway.requests) == 2


def test_vectors_of_another_length_than_asked_for(gateway: LocalGateway) -> None:
    gateway.play(answering_json({"data": [ONE]}))
    with pytest.raises(errors.ProtocolError, match="the answer's vectors have 2 numbers; 64 were asked for"):
        embeddings(gateway, dimensions=64).embed_query("one")


def test_batches_of_two_lengths(gateway: LocalGateway) -> None:
    gateway.play(answering_json({"data": [ONE]}), answering_json({"data": [item(0, [1.0])]}))
    with pytest.raises(errors.ProtocolError, match="the vectors are not all of one length: 1, 2"):
        embeddings(gateway, batch_size=1, max_concurrency=1).embed_documents(SENT)


# Batches


@pytest.mark.parametrize(
    ("count", "fields", "batches"),
    [
        (0, {}, []),
        (1, {}, [1]),
        (10, {}, [10]),
        (11, {}, [1, 10]),
        (25, {}, [5, 10, 10]),
        (5, {"batch_size": 2}, [1, 2, 2]),
        (3, {"batch_size": 1, "max_concurrency": 1}, [1, 1, 1]),
    ],
)
async def test_batches(gateway: LocalGateway, count: int, fields: dict[str, Any], batches: list[int]) -> None:
    texts = [f"text {number}" for number in range(count)]
    model = embeddings(gateway, dimensions=64, **fields)
    vectors = model.embed_documents(texts)
    assert vectors == [model.embed_query(text) for text in texts]
    for request in gateway.requests[len(batches) :]:
        assert body_of(request)["dimensions"] == 64
    assert sorted(len(body_of(request)["input"]) for request in gateway.requests[: len(batches)]) == batches
    gateway.reset()
    assert await model.aembed_documents(texts) == vectors
    assert sorted(len(body_of(request)["input"]) for request in gateway.requests) == batches


@pytest.mark.parametrize("concurrency", [1, 3])
async def test_no_more_requests_under_way_than_allowed(concurrency: int) -> None:
    class Counted(LocalGateway):
        most = 0

        def _arrived(self, record: Any, method: str) -> Script | None:
            script = super()._arrived(record, method)
            self.most = max(self.most, sum(not request.finished.is_set() for request in self.requests))
            return script

    waiting = Script(body=(b'{"data": [', 0.05, b'{"index": 0, "embedding": [1.0]}]}'))
    with Counted() as gateway:
        gateway.play(*[waiting] * 18)
        model = embeddings(gateway, batch_size=1, max_concurrency=concurrency)
        texts = [str(number) for number in range(9)]
        await asyncio.to_thread(model.embed_documents, texts)
        await model.aembed_documents(texts)
        # The gateway learns a moment after the client that a request is finished, and of each the next may have begun.
        assert concurrency <= gateway.most <= 2 * concurrency


@pytest.mark.parametrize("way", ["sync", "async"])
def test_a_batch_that_fails_stops_the_others(gateway: LocalGateway, way: str) -> None:
    gateway.play(ERRORS["401_invalid_token"]())
    model = embeddings(gateway, batch_size=1, max_concurrency=1)
    texts = [str(number) for number in range(50)]
    with pytest.raises(errors.AuthenticationError) as caught:
        _ = model.embed_documents(texts) if way == "sync" else asyncio.run(model.aembed_documents(texts))
    assert caught.value.__notes__ == ["in the batch that begins with texts[0]"]
    assert len(gateway.requests) < 10


def test_only_the_batch_that_failed_is_tried_again(gateway: LocalGateway) -> None:
    gateway.play(at_once(ERRORS["429"]()))
    texts = [f"text {number}" for number in range(30)]
    assert len(embeddings(gateway, max_retries=1).embed_documents(texts)) == 30
    assert len(gateway.requests) == 4


# What is not sent


@pytest.mark.parametrize(
    ("texts", "told"),
    [
        (["one", ""], "texts[1] is empty, which the service does not take: leave it out"),
        (["one", " \n", "three"], "texts[1] is empty, which the service does not take: leave it out"),
        ([*["one"] * 20, None], "texts[20] is a NoneType, not a text"),
        ([b"one"], "texts[0] is a bytes, not a text"),
    ],
)
async def test_what_is_no_text_is_not_sent(gateway: LocalGateway, texts: list[Any], told: str) -> None:
    model = embeddings(gateway)
    with pytest.raises(errors.InvalidInputError, match=re.escape(told)):
        model.embed_documents(texts)
    with pytest.raises(errors.InvalidInputError, match=re.escape(told)):
        await model.aembed_documents(texts)
    assert gateway.requests == []


@pytest.mark.parametrize("fields", [{"batch_size": 0}, {"max_concurrency": 0}, {"dimensions": 0}, {"timeout": 0}])
def test_fields_out_of_range(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=next(iter(fields))):
        DMXEmbeddings(**fields)
