"""LangChain's door to DMXAPI's `qwen3.5-omni-plus-all`: a chat model that sees, hears and speaks."""

from . import errors, media, voices
from ._transport.endpoint import VERSION as _VERSION
from .chat_models import ChatDMXOmni
from .errors import DMXOmniError
from .speech import Speech

__all__ = ["ChatDMXOmni", "DMXOmniError", "Speech", "errors", "media", "voices"]

__version__ = _VERSION


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
