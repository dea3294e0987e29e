"""The routes beside `POST /v1/responses`: embeddings, rerank and models. Pure: a body goes in, JSON comes out.

Vectors and scores come from shared words, not from meaning, so the same text is the same vector on every machine.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping
from struct import pack
from typing import Any, Final
from uuid import uuid4

from ._features import features, vector
from ._refusal import Refusal, bad, upstream
from ._rules import check_json, check_model
from ._token_counts import count_text

EMBEDDING_MODELS: Final = ("text-embedding-v4", "text-embedding-3-small", "text-embedding-3-large", "doubao-embedding")
RERANK_MODELS: Final = ("bge-reranker-v2-m3", "jina-reranker-m0")
"""How the names of the models of a route begin; versions follow."""

MODELS: Final = (
    "qwen3.5-omni-plus-all",
    "qwen3-omni-flash-all",
    "text-embedding-v4",
    "text-embedding-3-small",
    "text-embedding-3-large",
    "bge-reranker-v2-m3-free",
    "jina-reranker-m0",
)

DIMENSIONS: Final = (64, 128, 256, 512, 768, 1024, 1536, 2048)
"""Lengths of vectors that `text-embedding-v4` has (Alibaba Model Studio's page on it)."""
DEFAULT_DIMENSIONS: Final = 1024
MOST_TEXTS: Final = 10
"""Texts of one request to `text-embedding-v4`."""
MOST_TOKENS: Final = 8_192
"""Of each of them."""

Route = Callable[[object], dict[str, Any]]
"""From a request's body, as `_rules.parse` gives it, to the answer's JSON."""


def find(method: str, path: str) -> Route | None:
    """Return the function of a route; None for that of the chat model.

    Raises:
        Refusal: There is no such place.
    """
    if (method, path) not in _ROUTES:
        raise Refusal(404, f"Invalid URL ({method} {path})", code="invalid_url")
    return _ROUTES[method, path]


def _embeddings(body: object) -> dict[str, Any]:
    request = check_json(body)
    model = check_model(request, EMBEDDING_MODELS)
    texts = _texts(request)
    dimensions = request.get("dimensions", DEFAULT_DIMENSIONS)
    if isinstance(dimensions, bool) or dimensions not in DIMENSIONS:
        raise upstream(f"Value error, dimension {dimensions!r} is invalid, it should be in {DIMENSIONS}", "dimensions")
    encoding = request.get("encoding_format", "float")
    if encoding not in ("float", "base64"):
        raise bad("encoding_format must be float or base64", "encoding_format")
    vectors = [vector(text, dimensions) for text in texts]
    tokens = sum(map(count_text, texts))
    return {
        "object": "list",
        "data": [
            {"object": "embedding", "index": index, "embedding": each if encoding == "float" else _packed(each)}
            for index, each in enumerate(vectors)
        ],
        "model": model,
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
        "id": uuid4().hex,
    }


def _texts(request: Mapping[str, Any]) -> list[str]:
    texts = request.get("input")
    if isinstance(texts, str):
        texts = [texts]
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) for text in texts):
        raise upstream("Value error, contents is neither str nor list of str.: input.contents", "input")
    if len(texts) > MOST_TEXTS:
        problem = f"Value error, batch size is invalid, it should not be larger than {MOST_TEXTS}.: input.contents"
        raise upstream(problem, "input")
    if not all(text.strip() and count_text(text) <= MOST_TOKENS for text in texts):
        raise upstream(f"Range of input length should be [1, {MOST_TOKENS}]: input.contents", "input")
    return texts


def _packed(numbers: list[float]) -> str:
    return b64encode(pack(f"<{len(numbers)}f", *numbers)).decode()


def _rerank(body: object) -> dict[str, Any]:
    request = check_json(body)
    model = check_model(request, RERANK_MODELS)
    query, documents = request.get("query"), request.get("documents")
    if not isinstance(query, str) or not query.strip():
        raise bad("query is required", "query")
    if not isinstance(documents, list) or not documents or not all(isinstance(text, str) for text in documents):
        raise bad("documents must be a list of texts", "documents")
    most = request.get("top_n", len(documents))
    if not isinstance(most, int) or isinstance(most, bool) or most < 1:
        raise bad("top_n must be a positive integer", "top_n")
    wanted = set(features(query))
    scores = [len(wanted & set(features(text))) / max(len(wanted), 1) for text in documents]
    best = sorted(range(len(documents)), key=lambda index: (-scores[index], index))[:most]
    tokens = sum(map(count_text, [query, *documents]))
    return {
        "id": uuid4().hex,
        "model": model,
        "results": [{"index": index, "relevance_score": round(scores[index], 6)} for index in best],
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }


def _models(_: object) -> dict[str, Any]:
    data = [{"id": model, "object": "model", "created": 1_735_689_600, "owned_by": "dmxapi"} for model in MODELS]
    return {"object": "list", "data": data}


_ROUTES: Final[Mapping[tuple[str, str], Route | None]] = {
    ("POST", "/v1/responses"): None,
    ("POST", "/v1/embeddings"): _embeddings,
    ("POST", "/v1/rerank"): _rerank,
    ("GET", "/v1/models"): _models,
}
