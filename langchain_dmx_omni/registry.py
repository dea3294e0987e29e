"""The opt-in that makes `init_chat_model("dmx_omni:…")` work.

LangChain keeps the list of providers that `init_chat_model` knows in its own code, closed to others. Calling
`register` adds this one for the running process. Everything else in LangChain takes a model instance, and needs
no registration.
"""

from __future__ import annotations

from typing import Any

from .chat_models import ChatDMXOmni

__all__ = ["PROVIDER", "register"]


def __dir__() -> list[str]:
    return __all__


PROVIDER = "dmx_omni"
"""The name before the colon, as in `init_chat_model("dmx_omni:qwen3.5-omni-plus-all")`."""


def register() -> None:
    """Make LangChain's `init_chat_model` know this package, in this process.

    It also makes strings such as `create_agent("dmx_omni:qwen3.5-omni-plus-all")` work. Calling it twice is fine.

    Raises:
        ImportError: `langchain` is not installed.
        RuntimeError: This `langchain` keeps its providers elsewhere; pass `ChatDMXOmni(…)` itself.
    """
    try:
        from langchain.chat_models import base  # noqa: PLC0415  # not needed otherwise
    except ImportError as error:
        raise ImportError("init_chat_model is part of langchain: pip install langchain") from error
    providers: Any = getattr(base, "_BUILTIN_PROVIDERS", None)
    if not isinstance(providers, dict):
        raise RuntimeError("this langchain keeps its list of providers elsewhere: pass ChatDMXOmni(…) itself")
    providers[PROVIDER] = (ChatDMXOmni.__module__, ChatDMXOmni.__name__, _make)


def _make(cls: type[ChatDMXOmni], **kwargs: Any) -> ChatDMXOmni:
    return cls(**kwargs)
