"""The gateway's routes beside the chat model's: what they answer, and what they refuse as the service does."""

from __future__ import annotations

import base64
import json
import math
import struct
from typing import Any

import pytest

from langchain_dmx_omni.testing import LocalGateway
from langchain_dmx_omni.testing.scripts import ERRORS

from .gateway_calls import HTTP, post

EMBED: dict[str, Any] = {"model": "text-embedding-v4", "input": ["A crane lifts a beam.", "吊车停了。"]}
RERANK: dict[str, Any] = {
    "model": "bge-reranker-v2-m3-free",
    "query": "When did the crane stop?",
    "documents": ["Bread is baked.", "The crane stopped at noon.", "a crane"],
}


def vectors(gateway: LocalGateway, *texts: str, **options: Any) -> list[list[float]]:
    data = post(gateway, {**EMBED, "input": [*texts], **options}, path="/embeddings").json()["data"]
    return [item["embedding"] for item in data]


def cosine(one: list[float], other: list[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


def test_embeddings(gateway: LocalGateway) -> None:
    response = post(gateway, EMBED, path="/embeddings")
    body = response.json()
    assert response.headers["content-type"] == "application/json"
    assert {**body, "data": None, "id": None} == {
        "object": "list",
        "data": None,
        "model": "text-embedding-v4",
        "usage": {"prompt_tokens": 11, "total_tokens": 11},
        "id": None,
    }
    assert [(item["object"], item["index"], len(item["embedding"])) for item in body["data"]] == [
        ("embedding", 0, 1024),
        ("embedding", 1, 1024),
    ]
    assert gateway.requests[0].body == EMBED


@pytest.mark.parametrize("dimensions", [64, 128, 256, 512, 768, 1024, 1536, 2048])
@pytest.mark.parametrize("text", ["A crane", "吊车", "!", "the", "a" * 3_000, "\ud83d"])
def test_a_vector_has_the_length_that_was_asked_for_and_the_length_one(
    gateway: LocalGateway, dimensions: int, text: str
) -> None:
    one, again = vectors(gateway, text, text, dimensions=dimensions)
    assert (len(one), one == again) == (dimensions, True)
    assert math.hypot(*one) == pytest.approx(1.0, abs=1e-4)


def test_a_text_alone_and_base64(gateway: LocalGateway) -> None:
    (plain,) = vectors(gateway, "A crane")
    body = {**EMBED, "input": "A crane", "encoding_format": "base64"}
    (item,) = post(gateway, body, path="/embeddings").json()["data"]
    assert [*struct.unpack("<1024f", base64.b64decode(item["embedding"]))] == pytest.approx(plain)


@pytest.mark.parametrize(
    ("question", "near", "far"),
    [
        ("When did the crane stop?", "The cranes stopped at noon.", "When did the bread rise?"),
        ("吊车什么时候停了？", "中午吊车停了。", "面包什么时候烤好？"),
        ("Which shop sells QWEN-35?", "We sell qwen-35 here.", "Which shop sells bread?"),
    ],
)
def test_texts_that_share_words_are_near(gateway: LocalGateway, question: str, near: str, far: str) -> None:
    asked, one, other = vectors(gateway, question, near, far)
    assert cosine(asked, one) > cosine(asked, other)


def test_rerank(gateway: LocalGateway) -> None:
    body = post(gateway, RERANK, path="/rerank").json()
    assert (body["model"], [result["index"] for result in body["results"]]) == (RERANK["model"], [1, 2, 0])
    scores = [result["relevance_score"] for result in body["results"]]
    assert scores == sorted(scores, reverse=True)
    assert (0 <= scores[2] < scores[1] < scores[0] <= 1, body["usage"]["total_tokens"]) == (True, 19)
    best = post(gateway, {**RERANK, "top_n": 1}, path="/rerank").json()["results"]
    assert best == body["results"][:1]


def test_models(gateway: LocalGateway) -> None:
    response = HTTP.get(f"{gateway.base_url}/models", headers={"authorization": "sk-local"})
    assert {"qwen3.5-omni-plus-all", "text-embedding-v4", "bge-reranker-v2-m3-free"} <= {
        model["id"] for model in response.json()["data"]
    }
    assert gateway.requests[0].path == "/v1/models"


REFUSED: dict[str, tuple[str, Any, int, str]] = {
    "no model": ("/embeddings", {"input": ["a"]}, 400, "model is required"),
    "another model": (
        "/embeddings",
        {**EMBED, "model": "qwen3.5-omni-plus-all"},
        503,
        "No available channel for model",
    ),
    "no input": ("/embeddings", {"model": EMBED["model"]}, 400, "contents is neither str nor list of str"),
    "an empty list": ("/embeddings", {**EMBED, "input": []}, 400, "contents is neither str nor list of str"),
    "numbers": ("/embeddings", {**EMBED, "input": [1]}, 400, "contents is neither str nor list of str"),
    "11 texts": ("/embeddings", {**EMBED, "input": ["a"] * 11}, 400, "batch size is invalid, it should not be larger"),
    "an empty text": ("/embeddings", {**EMBED, "input": ["a", " "]}, 400, "Range of input length should be [1, 8192]"),
    "a long text": (
        "/embeddings",
        {**EMBED, "input": ["停" * 8_193]},
        400,
        "Range of input length should be [1, 8192]",
    ),
    "dimensions": ("/embeddings", {**EMBED, "dimensions": 63}, 400, "dimension 63 is invalid"),
    "an encoding": (
        "/embeddings",
        {**EMBED, "encoding_format": "int8"},
        400,
        "encoding_format must be float or base64",
    ),
    "no JSON": ("/embeddings", b"{", 400, "The request body is not valid JSON"),
    "a list": ("/embeddings", [], 400, "The request body must be a JSON object"),
    "no query": ("/rerank", {**RERANK, "query": " "}, 400, "query is required"),
    "no documents": ("/rerank", {**RERANK, "documents": []}, 400, "documents must be a list of texts"),
    "documents that are none": ("/rerank", {**RERANK, "documents": [1]}, 400, "documents must be a list of texts"),
    "top_n": ("/rerank", {**RERANK, "top_n": 0}, 400, "top_n must be a positive integer"),
    "another reranker": ("/rerank", {**RERANK, "model": "text-embedding-v4"}, 503, "No available channel for model"),
    "another method": ("/models", {}, 404, "Invalid URL (POST /v1/models)"),
    "another route": ("/images", {}, 404, "Invalid URL (POST /v1/images)"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(gateway: LocalGateway, name: str) -> None:
    path, body, status, told = REFUSED[name]
    response = post(gateway, body, path=path)
    assert (response.status_code, told in response.json()["error"]["message"]) == (status, True)


@pytest.mark.parametrize(("path", "body"), [("/embeddings", EMBED), ("/rerank", RERANK)])
def test_the_key_is_checked_and_scripts_are_played(gateway: LocalGateway, path: str, body: dict[str, Any]) -> None:
    assert post(gateway, body, path=path, key="sk-wrong").status_code == 401
    assert HTTP.get(f"{gateway.base_url}/models").status_code == 401
    gateway.play(ERRORS["503"]())
    assert [post(gateway, body, path=path).status_code for _ in range(2)] == [503, 200]
    assert json.loads(post(gateway, json.dumps(body).encode(), path=path).text)
