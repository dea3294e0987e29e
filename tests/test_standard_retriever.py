from pathlib import Path
from typing import Any

import pytest
from langchain_core.documents import Document
from langchain_core.embeddings import DeterministicFakeEmbedding
from langchain_core.vectorstores import InMemoryVectorStore, VectorStore
from langchain_tests.integration_tests import RetrieversIntegrationTests

from langchain_dmx_omni.library.retriever import VideoMomentRetriever
from langchain_dmx_omni.library.store import MomentStore

MOMENTS = [
    Document(
        f"the crane lifts box {n}", metadata={"source": "a", "start_seconds": n * 10.0, "end_seconds": n * 10.0 + 10}
    )
    for n in range(5)
]


class Retriever(RetrieversIntegrationTests):
    @pytest.fixture(autouse=True)
    def _moments(self, tmp_path: Path) -> None:
        self.store = self.vectorstore(tmp_path)
        self.store.add_documents(MOMENTS)

    def vectorstore(self, place: Path) -> VectorStore:
        raise NotImplementedError

    @property
    def retriever_constructor(self) -> type[VideoMomentRetriever]:
        return VideoMomentRetriever

    @property
    def retriever_constructor_params(self) -> dict[str, Any]:
        return {"vectorstore": self.store}

    @property
    def retriever_query_example(self) -> str:
        return "When does the crane lift a box?"


class TestOverMoments(Retriever):
    def vectorstore(self, place: Path) -> VectorStore:
        return MomentStore.open(place, embeddings=DeterministicFakeEmbedding(size=6))


class TestOverAnotherStore(Retriever):
    def vectorstore(self, place: Path) -> VectorStore:
        return InMemoryVectorStore(DeterministicFakeEmbedding(size=6))
