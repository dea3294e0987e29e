"""LangChain's door to DMXAPI's `qwen3.5-omni-plus-all`: a chat model that sees, hears and speaks."""

import importlib
import typing

from . import errors, media, voices
from ._transport.endpoint import VERSION as _VERSION
from .chat_models import ChatDMXOmni
from .errors import DMXOmniError
from .speech import Speech

if typing.TYPE_CHECKING:
    from .embeddings import DMXEmbeddings
    from .rerankers import DMXReranker

__all__ = ["ChatDMXOmni", "DMXEmbeddings", "DMXOmniError", "DMXReranker", "Speech", "errors", "media", "voices"]

_LAZY = {"DMXEmbeddings": "embeddings", "DMXReranker": "rerankers"}
"""Names that are imported when they are first used → their modules."""


__version__ = _VERSION


def __getattr__(name: str) -> object:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_LAZY[name]}", __name__), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
