"""Facts about models, as data: the only module, beside `voices`, that knows a model's name.

Sources, read 2026-11: DMXAPI's pages on the model ("qwen3.5-omni-plus-all"), Alibaba Model Studio's pages
on the same model ("qwen-omni"), and third-party model cards for the context lengths. Where they disagree,
the smaller promise is taken. What a model can do beyond this is for the service to refuse.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from langchain_core.language_models import ModelProfile

DEFAULT_MODEL = "qwen3.5-omni-plus-all"
DEFAULT_BASE_URL = "https://www.dmxapi.cn/v1"
DEFAULT_VOICE = "Tina"
PROVIDER = "dmxapi"


class Limits(NamedTuple):
    """What the service takes. Sizes in bytes."""

    data_url: int
    """Longest data URL of one media part, its prefix included ("max bytes per data-uri item")."""
    remote_file: int
    """Largest video or sound by public URL."""
    remote_image: int = 20_000_000
    """Largest image by public URL; some pages say 10 MB."""
    video_seconds: int = 3_600
    """Longest video."""
    audio_seconds: int = 10_800
    """Longest sound."""
    image_side: int = 10
    """Pixels that each side of an image must have more than."""
    image_ratio: int = 200
    """How many times the shorter side of an image the longer may be."""


LIMITS = Limits(data_url=10_485_760, remote_file=2_000_000_000)


class Abilities(NamedTuple):
    """What decides how a request is written. An unknown model counts as able to do everything."""

    require_a_tool: bool = True
    """Whether `tool_choice` may be `"required"`."""
    json_schema: bool = True
    """Whether `response_format` may be a JSON schema."""


_ABILITIES = {DEFAULT_MODEL: Abilities(require_a_tool=False, json_schema=False)}

_PROFILES: dict[str, ModelProfile] = {
    DEFAULT_MODEL: {
        "name": "Qwen3.5-Omni-Plus",
        "last_updated": "2026-11-01",
        "max_input_tokens": 262_144,
        "max_output_tokens": 65_536,
        "text_inputs": True,
        "image_inputs": True,
        "image_url_inputs": True,
        "audio_inputs": True,
        "video_inputs": True,
        "pdf_inputs": False,
        "image_tool_message": True,
        "pdf_tool_message": False,
        "text_outputs": True,
        "audio_outputs": True,
        "image_outputs": False,
        "video_outputs": False,
        "reasoning_output": False,
        "tool_calling": True,
        "tool_choice": True,
        "tool_call_streaming": True,
        "mid_conversation_system_messages": True,
        "mid_conversation_tools": False,
        "structured_output": False,
        "attachment": True,
        "temperature": True,
    },
}


def abilities(model: str) -> Abilities:
    """Return the abilities of a model."""
    return _ABILITIES.get(model, Abilities())


def profile(model: str) -> ModelProfile | None:
    """Return a copy of the profile of a model, or None for an unknown one."""
    stored = _PROFILES.get(model)
    return stored.copy() if stored is not None else None


def is_own(model: str, profile: ModelProfile | None) -> bool:
    """Whether a profile is the one that this package has for the model."""
    return profile == _PROFILES.get(model)
