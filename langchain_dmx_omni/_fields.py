"""The fields of `ChatDMXOmni`, and its identity, which follows from them."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from langchain_core.language_models import BaseChatModel, LangSmithParams, ModelProfile
from pydantic import AliasChoices, Field, model_validator

from . import _profiles
from ._connection import KEY, Connection, Seconds
from ._request.options import NAMES, SystemWithAudio
from ._transport.endpoint import Bounds, Endpoint, Timeout, without_user_info

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Self

    from langchain_core.load.serializable import SerializedConstructor, SerializedNotImplemented

    # What may be given, since type checkers take a field's type for that of the argument.
    Folders = Sequence[Path | str]
    Folder = Path | str
else:
    # What pydantic makes of it.
    Folders = list[Path]
    Folder = Path

_HEADERS = "DMXAPI_DEFAULT_HEADERS"
"""What stands for the headers in a serialized model; `load(secrets_map=…)` takes them by this name."""


class Fields(Connection, BaseChatModel):
    """Everything that a user can set. All of it is keyword arguments."""

    model: str = Field(default=_profiles.DEFAULT_MODEL, validation_alias=AliasChoices("model", "model_name"))
    """Name of the model."""

    modalities: list[Literal["text", "audio"]] | None = None
    """What to answer in; `["text", "audio"]` asks for speech. By default, a voice does."""

    voice: str | None = None
    """The voice that speaks; giving one switches speech on. See `langchain_dmx_omni.voices`."""

    audio_format: str = "wav"
    """Format of the speech. Only `"wav"` is sure to work."""

    temperature: float | None = None
    """Randomness, from 0 up to, but not including, 2. The service's default is 0.7."""

    top_p: float | None = None
    """Share of probability to sample from, over 0 up to 1. The service's default is 0.8."""

    presence_penalty: float | None = None
    """Penalty for what has been said already, from -2 to 2. The service's default is 1.5."""

    seed: int | None = None
    """Seed for sampling."""

    max_tokens: int | None = None
    """Most tokens of the answer. An answer cut here has the finish reason `"length"`."""

    stop: list[str] | str | None = None
    """Texts before which the answer stops."""

    enable_search: bool | None = None
    """Whether the model may search the web."""

    search_options: dict[str, Any] | None = None
    """How it searches."""

    enable_thinking: bool | None = None
    """Whether the model reasons first; only for models that can, and then without speech."""

    extra_body: dict[str, Any] | None = None
    """Further parameters for the request's body, sent as they are, over everything else."""

    stream_usage: bool = True
    """Whether to ask for usage metadata."""

    system_with_audio: SystemWithAudio = "fold"
    """What to do with a system message when speech is on, which the service does not take together:
    `"fold"` its text into the first user message, `"send"` it all the same, or raise an `"error"`."""

    media_roots: Folders = Field(default_factory=list)
    """Folders below which `file://` URLs in messages are honoured. None by default: a message can't read files."""

    first_event_timeout: Seconds | None = 300.0
    """Seconds from the end of sending to the first event of the answer."""

    idle_timeout: Seconds | None = 120.0
    """Seconds from one event to the next. Comments that keep the connection alive don't count."""

    max_event_bytes: int | None = Field(default=512 << 20, ge=1)
    """Bytes that one event of an answer may have, 512 MiB by default: a two-hour speech in one event has 461 MB. None
    for no limit."""

    max_answer_bytes: int | None = Field(default=2 << 30, ge=1)
    """Bytes that a whole answer may have, 2 GiB by default: speech may come up to three times over. None for no
    limit."""

    event_log: Folder | None = None
    """A folder for each call's raw events as JSON lines, without media and without the key."""

    streaming: bool = False
    """Whether `invoke` streams through callbacks, as LangChain defines it. The service itself streams always."""

    @model_validator(mode="after")
    def _follow_timeout(self) -> Self:
        """Let a `timeout` that is given alone stand for the two event timeouts as well."""
        if "timeout" in self.model_fields_set:
            for name in {"first_event_timeout", "idle_timeout"} - self.model_fields_set:
                self.__dict__[name] = self.timeout.read if isinstance(self.timeout, Timeout) else self.timeout
        return self

    @model_validator(mode="after")
    def _check_profile_keys(self) -> Self:
        """Check a profile that is given; our own is tested, and LangChain's check takes longer than all the rest."""
        if _profiles.is_own(self.model, self.profile):
            return self
        return cast("Callable[[], Self]", super()._check_profile_keys)()

    # Identity

    @property
    def model_name(self) -> str:
        """Name of the model, under LangChain's other name for it."""
        return self.model

    @property
    def _llm_type(self) -> str:
        return "dmx-omni"

    @property
    def lc_secrets(self) -> dict[str, str]:
        """Where the secret fields come from when a serialized model is loaded."""
        return {"api_key": KEY, "default_headers": _HEADERS}

    @property
    def lc_attributes(self) -> dict[str, Any]:
        """What a serialized model holds in other words: its address without a user's name and password."""
        return {"base_url": without_user_info(self.base_url)}

    def to_json(self) -> SerializedConstructor | SerializedNotImplemented:
        """Serialize the model, as LangChain does for traces and for the cache's key.

        Bounds go in only where they are not the default ones: they change no answer, so answers that were cached
        before there were any are found again.
        """
        serialized = super().to_json()
        if serialized["type"] == "constructor":
            for name in ("max_event_bytes", "max_answer_bytes"):
                if getattr(self, name) == type(self).model_fields[name].default:
                    serialized["kwargs"].pop(name, None)
        return serialized

    @classmethod
    def is_lc_serializable(cls) -> bool:
        """Return that LangChain can serialize this class."""
        return True

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {name: value for name, value in self._options().items() if value is not None and value != []}

    def _options(self) -> dict[str, Any]:
        """Return the fields that are options of a call."""
        return {name: getattr(self, name) for name in NAMES if name in type(self).model_fields}

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        params = super()._get_ls_params(stop=stop or self._stops(), **kwargs)
        params["ls_provider"] = _profiles.PROVIDER
        return params

    def _resolve_model_profile(self) -> ModelProfile | None:
        return _profiles.profile(self.model)

    def _stops(self) -> list[str] | None:
        return [self.stop] if isinstance(self.stop, str) else self.stop

    # Requests

    def _endpoint(self, key: str) -> Endpoint:
        return self._endpoint_of(
            "responses",
            key,
            first_event_timeout=self.first_event_timeout,
            idle_timeout=self.idle_timeout,
            bounds=Bounds(self.max_event_bytes or math.inf, self.max_answer_bytes or math.inf),
        )
