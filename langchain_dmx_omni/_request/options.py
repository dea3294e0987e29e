"""The options of one call: the model's fields, overridden by the call's own keyword arguments."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from langchain_dmx_omni._profiles import DEFAULT_MODEL, DEFAULT_VOICE
from langchain_dmx_omni._warnings import warn_user
from langchain_dmx_omni.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

SystemWithAudio = Literal["fold", "send", "error"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a request asks for beside its messages. None means: not asked for, and not sent."""

    model: str = DEFAULT_MODEL
    modalities: Sequence[str] | None = None
    voice: str | None = None
    audio_format: str = "wav"
    temperature: float | None = None
    top_p: float | None = None
    presence_penalty: float | None = None
    seed: int | None = None
    max_tokens: int | None = None
    stop: Sequence[str] | str | None = None
    enable_search: bool | None = None
    search_options: Mapping[str, Any] | None = None
    enable_thinking: bool | None = None
    extra_body: Mapping[str, Any] | None = None
    stream_usage: bool = True
    system_with_audio: SystemWithAudio = "fold"
    media_roots: Sequence[Path | str] = ()
    tools: Sequence[Mapping[str, Any]] | None = None
    tool_choice: str | Mapping[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    response_format: Any = None

    @property
    def speaks(self) -> bool:
        """Whether speech is asked for: a voice switches it on, `modalities` decides where it is given."""
        return self.voice is not None if self.modalities is None else "audio" in self.modalities

    @property
    def spoken_by(self) -> str | None:
        """The voice that is sent, or None where no speech is asked for."""
        return (self.voice or DEFAULT_VOICE) if self.speaks else None


NAMES = tuple(each.name for each in fields(Options))
"""The options that a model has as fields, and that a call may override."""

_HARMLESS = frozenset({"stream"})  # LangChain's own switch; the service streams always

_FOREIGN = {
    "max_output_tokens": "max_tokens",
    "max_completion_tokens": "max_tokens",
    "max_new_tokens": "max_tokens",
    "stop_sequences": "stop",
    "model_kwargs": "extra_body",
    "request_timeout": "timeout",
    "openai_api_key": "api_key",
    "dashscope_api_key": "api_key",
    "openai_api_base": "base_url",
    "speaker": "voice",
}
"""Names that other integrations give to the same thing."""

_BY_EXTRA_BODY = frozenset({"frequency_penalty", "repetition_penalty", "top_k"})
"""Parameters of the service's kin, which look like misspelt ones of ours."""

_OF_THE_MODEL = (
    "api_key",
    "auth_scheme",
    "base_url",
    "default_headers",
    "event_log",
    "first_event_timeout",
    "http_async_client",
    "http_client",
    "idle_timeout",
    "max_answer_bytes",
    "max_event_bytes",
    "max_retries",
    "timeout",
)
"""What is set on the model alone: how to reach the service, not what to ask of it."""

_SYSTEM_WITH_AUDIO = get_args(SystemWithAudio)


def resolve(of_model: Mapping[str, Any], call: Mapping[str, Any]) -> Options:
    """Return the options of a call.

    Args:
        of_model: The model's fields.
        call: The call's keyword arguments, which win; `extra_body` is merged. One that is no option warns.

    Raises:
        ConfigurationError: An option has a value that can't be, or two contradict each other.
    """
    warn_unknown([name for name in call if name not in NAMES and name not in _HARMLESS], NAMES)
    merged = {name: values[name] for values in (of_model, call) for name in NAMES if name in values}
    _check(merged)
    if of_model.get("extra_body") and call.get("extra_body"):
        merged["extra_body"] = {**of_model["extra_body"], **call["extra_body"]}
    roots = merged.get("media_roots") or ()
    # A string is a sequence as well, and its first character the root of the whole disk.
    merged["media_roots"] = [Path(root) for root in ([roots] if isinstance(roots, str | Path) else roots)]
    options = Options(**merged)
    if call.get("voice") is not None and not options.speaks:
        raise ConfigurationError(
            f"voice={call['voice']!r} asks for speech and modalities={[*(options.modalities or ())]!r} for none; "
            "leave modalities out, or give modalities=['text', 'audio']"
        )
    if options.tools and options.enable_search:
        message = "enable_search is left out: the service takes no tools together with it"
        warn_user(message)
        return replace(options, enable_search=None, search_options=None)
    return options


def _check(merged: Mapping[str, Any]) -> None:
    """Check what pydantic has not seen: a call's own arguments."""
    modalities = merged.get("modalities")
    if modalities is not None and (
        isinstance(modalities, str) or not modalities or any(each not in ("text", "audio") for each in modalities)
    ):
        raise ConfigurationError(f"modalities={modalities!r}: give ['text'], or ['text', 'audio'] for speech")
    extra = merged.get("extra_body")
    if not isinstance(extra, Mapping | None):
        raise ConfigurationError(f"extra_body is a {type(extra).__name__}: give a dict of further parameters")
    way = merged.get("system_with_audio", "fold")
    if way not in _SYSTEM_WITH_AUDIO:
        raise ConfigurationError(f"system_with_audio={way!r}: give one of {', '.join(map(repr, _SYSTEM_WITH_AUDIO))}")


def warn_unknown(names: Iterable[str], known: Iterable[str]) -> None:
    """Warn about arguments that are not known, each with its likely spelling."""
    known = [*known]
    for name in names:
        close = difflib.get_close_matches(name, [*known, *_OF_THE_MODEL], n=1, cutoff=0.7)
        suggestion = _FOREIGN.get(name) or (close[0] if close else None)
        if suggestion is None or name in _BY_EXTRA_BODY:
            hint = f"to send it to the service, use extra_body={{{name!r}: …}}"
        elif suggestion in known:
            hint = f"did you mean {suggestion}=?"
        else:
            hint = f"{suggestion}= is given to the model, not to a call: ChatDMXOmni({suggestion}=…)"
        warn_user(f"{name}= is not an argument and is ignored; {hint}")
