"""Every way to call a route that answers with one JSON text, as one table: what holds for one holds for all."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

from langchain_core.documents import Document

from langchain_dmx_omni import DMXEmbeddings, DMXReranker
from langchain_dmx_omni.testing import Script

from .calls import KEY, Server

TEXTS = ["A crane lifts a beam.", "Bread is baked at night."]
QUERY = "What does the crane lift?"


def embeddings(server: Server, **fields: Any) -> DMXEmbeddings:
    return DMXEmbeddings(**{"base_url": server.base_url, "api_key": KEY, "max_retries": 0} | fields)


def reranker(server: Server, **fields: Any) -> DMXReranker:
    return DMXReranker(**{"base_url": server.base_url, "api_key": KEY, "max_retries": 0} | fields)


def documents() -> list[Document]:
    return [Document(text, metadata={"at": at}) for at, text in enumerate(TEXTS)]


Way = Callable[..., Any]
WAYS: dict[str, Way] = {
    "embed": lambda server, **fields: embeddings(server, **fields).embed_documents(TEXTS),
    "aembed": lambda server, **fields: asyncio.run(embeddings(server, **fields).aembed_documents(TEXTS)),
    "rerank": lambda server, **fields: reranker(server, **fields).compress_documents(documents(), QUERY),
    "arerank": lambda server, **fields: asyncio.run(reranker(server, **fields).acompress_documents(documents(), QUERY)),
}


def answering_json(value: Any) -> Script:
    """An answer of the service that is one JSON text."""
    return Script(200, {"content-type": "application/json"}, (json.dumps(value).encode(),))
