"""langchain-tests' own tests for embeddings: the unit tests, and the integration tests over the local gateway."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_tests.integration_tests import EmbeddingsIntegrationTests
from langchain_tests.unit_tests import EmbeddingsUnitTests

from langchain_dmx_omni import DMXEmbeddings
from langchain_dmx_omni.testing import LocalGateway


class TestUnit(EmbeddingsUnitTests):
    @property
    def embeddings_class(self) -> type[DMXEmbeddings]:
        return DMXEmbeddings

    @property
    def embedding_model_params(self) -> dict[str, Any]:
        return {"api_key": "sk-test"}

    @property
    def init_from_env_params(self) -> tuple[dict[str, str], dict[str, Any], dict[str, Any]]:
        environment = {"DMXAPI_API_KEY": "sk-env", "DMXAPI_BASE_URL": "http://127.0.0.1:8/v1"}
        return environment, {}, {"api_key": "sk-env", "base_url": "http://127.0.0.1:8/v1"}


class TestIntegration(EmbeddingsIntegrationTests):
    @pytest.fixture(autouse=True)
    def _gateway(self, gateway: LocalGateway, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DMXAPI_API_KEY", gateway.api_key)
        monkeypatch.setenv("DMXAPI_BASE_URL", gateway.base_url)

    @property
    def embeddings_class(self) -> type[DMXEmbeddings]:
        return DMXEmbeddings
