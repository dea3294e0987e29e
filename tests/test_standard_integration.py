"""langchain-tests' own integration tests for chat models, offline, against the local gateway."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from langchain_core.messages import AIMessage
from langchain_tests.integration_tests import ChatModelIntegrationTests

from langchain_dmx_omni import ChatDMXOmni, media
from langchain_dmx_omni.testing import LocalGateway
from tests.gateway_clips import image, sound
from tests.ways import total


def made_here(url: str, **_: Any) -> httpx.Response:
    """What the suite would download: no test leaves this machine."""
    return httpx.Response(200, content=sound(1.0, 0.5) if url.endswith(".wav") else image("png", (200, 40, 40)))


class TestIntegration(ChatModelIntegrationTests):
    @pytest.fixture(autouse=True)
    def _gateway(self, gateway: LocalGateway, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DMXAPI_API_KEY", gateway.api_key)
        monkeypatch.setenv("DMXAPI_BASE_URL", gateway.base_url)
        monkeypatch.setenv("LANGCHAIN_TESTS_USER_AGENT", "none: nothing is downloaded")
        monkeypatch.setattr(httpx, "get", made_here)

    @property
    def chat_model_class(self) -> type[ChatDMXOmni]:
        return ChatDMXOmni

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {}

    @property
    def model_override_value(self) -> str:
        return "qwen3-omni-flash-all"

    @property
    def supports_json_mode(self) -> bool:
        return True

    @property
    def supports_image_inputs(self) -> bool:
        return True

    @property
    def supports_image_urls(self) -> bool:
        return True

    @property
    def supports_image_tool_message(self) -> bool:
        return True

    @property
    def supports_audio_inputs(self) -> bool:
        return True

    @property
    def supports_video_inputs(self) -> bool:
        return True

    @property
    def supports_anthropic_inputs(self) -> bool:
        return True

    @property
    def supported_usage_metadata_details(self) -> dict[Any, Any]:
        return {
            "invoke": ["audio_input", "audio_output", "reasoning_output", "cache_read_input"],
            "stream": ["audio_input", "audio_output", "reasoning_output", "cache_read_input"],
        }

    def _ask(self, question: Any, *, stream: bool, **options: Any) -> AIMessage:
        model = ChatDMXOmni(**options)
        return total(list(model.stream(question))) if stream else model.invoke(question)

    def invoke_with_audio_input(self, *, stream: bool = False) -> AIMessage:
        heard = [media.audio(sound(1.0, 0.5)), {"type": "text", "text": "What do you hear?"}]
        return self._ask([("human", heard)], stream=stream)

    def invoke_with_audio_output(self, *, stream: bool = False) -> AIMessage:
        return self._ask("Say hello.", stream=stream, voice="Tina")

    def invoke_with_reasoning_output(self, *, stream: bool = False) -> AIMessage:
        return self._ask("Think it over.", stream=stream, enable_thinking=True)

    def invoke_with_cache_read_input(self, *, stream: bool = False) -> AIMessage:
        return self._ask("Hello again.", stream=stream)
