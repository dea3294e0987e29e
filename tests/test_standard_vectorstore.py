from pathlib import Path

import pytest
from langchain_core.vectorstores import VectorStore
from langchain_tests.integration_tests import VectorStoreIntegrationTests

from langchain_dmx_omni.library.store import MomentStore


class TestMomentStore(VectorStoreIntegrationTests):
    @pytest.fixture
    def vectorstore(self, tmp_path: Path) -> VectorStore:
        return MomentStore.open(tmp_path / "films.library", embeddings=self.get_embeddings())
