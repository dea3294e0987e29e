"""The fields of `ChatDMXOmni`, and what follows from them: identity and copies."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

from langchain_core.language_models import BaseChatModel, LangSmithParams, ModelProfile
from langchain_core.utils import from_env, secret_from_env
from pydantic import AliasChoices, ConfigDict, Field, SecretStr, model_validator

from . import _profiles
from ._request.options import NAMES, SystemWithAudio, warn_unknown
from ._secrets import Secrets
from ._transport.clients import proxy_secrets
from ._transport.endpoint import AsyncClient, Bounds, Client, Endpoint, Timeout, headers, without_user_info
from .errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Self

    from langchain_core.load.serializable import SerializedConstructor, SerializedNotImplemented

    # What may be given, since type checkers take a field's type for that of the argument.
    Folders = Sequence[Path | str]
    Folder = Path | str
    Secret = SecretStr | str
else:
    # What pydantic makes of it.
    Folders = list[Path]
    Folder = Path
    Secret = SecretStr

_KEY = "DMXAPI_API_KEY"
_UNSHOWN = {"model", "base_url", "api_key", "metadata", "profile"}
"""Fields that `repr` has shown already, or leaves out: a key's stars tell nothing, LangChain fills the others."""

_HEADERS = "DMXAPI_DEFAULT_HEADERS"
"""What stands for the headers in a serialized model; `load(secrets_map=…)` takes them by this name."""

Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Fields(BaseChatModel):
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

    api_key: Secret | None = Field(default_factory=secret_from_env(_KEY, default=None))
    """The API key, by default from `DMXAPI_API_KEY`. It is never pickled: a copy in another process reads its own."""

    base_url: str = Field(default_factory=from_env("DMXAPI_BASE_URL", default=_profiles.DEFAULT_BASE_URL))
    """Where the service is, by default from `DMXAPI_BASE_URL`; any server that speaks the protocol will do."""

    auth_scheme: str | None = None
    """What goes before the key in the `Authorization` header: nothing by default, `"Bearer"` for other servers."""

    default_headers: dict[str, str] | None = Field(default=None, repr=False)
    """Further headers of every request. Their values are secret: no repr, trace, cache key or error has them, and
    `dumps` leaves them out. A pickle keeps them, for the process that it goes to."""

    timeout: Seconds | Timeout | None = 60.0
    """Seconds for connecting and for sending each piece; an `httpx.Timeout` sets them apart; None for no limit.
    Given without the two below, it stands for them as well."""

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

    max_retries: int = Field(default=2, ge=0)
    """Tries after the first, for errors that another try may mend; 0 turns retrying off."""

    http_client: Client | None = Field(default=None, exclude=True)
    """An `httpx.Client` for sync calls, used as it is and never closed; by default all models share one."""

    http_async_client: AsyncClient | None = Field(default=None, exclude=True)
    """An `httpx.AsyncClient` for async calls, used as it is and never closed; by default each event loop has one."""

    event_log: Folder | None = None
    """A folder for each call's raw events as JSON lines, without media and without the key."""

    streaming: bool = False
    """Whether `invoke` streams through callbacks, as LangChain defines it. The service itself streams always."""

    model_config = ConfigDict(populate_by_name=True, hide_input_in_errors=True, protected_namespaces=())

    @model_validator(mode="before")
    @classmethod
    def _warn_misspelt(cls, values: Any) -> Any:
        if isinstance(values, dict) and not values.keys() <= cls.model_fields.keys():
            known = [*cls.model_fields, "model_name"]
            # LangChain makes copies from a model's whole __dict__, with what it keeps there for itself.
            warn_unknown([name for name in values if name not in known and name[:1] != "_"], known)
        return values

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
        return {"api_key": _KEY, "default_headers": _HEADERS}

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

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        """Return for `repr` the model's name and what was set, without what may be secret in it."""
        yield "model", self.model
        if self.base_url != _profiles.DEFAULT_BASE_URL:
            yield "base_url", without_user_info(self.base_url)
        for name, field in type(self).model_fields.items():
            value = getattr(self, name)
            if field.repr and name not in _UNSHOWN and name in self.model_fields_set and value != field.default:
                yield name, value

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

    # Copies

    def __getstate__(self) -> dict[Any, Any]:
        for name in ("http_client", "http_async_client"):
            if getattr(self, name) is not None:
                raise TypeError(f"a model with its own {name} can't be pickled: make it anew in the other process")
        state = super().__getstate__()
        return {**state, "__dict__": {**state["__dict__"], "api_key": None}}

    def __setstate__(self, state: dict[Any, Any]) -> None:
        super().__setstate__(state)
        self.api_key = secret_from_env(_KEY, default=None)()

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        memo = {} if memo is None else memo
        for client in (self.http_client, self.http_async_client):
            memo[id(client)] = client  # connections can be shared, not copied
        return super().__deepcopy__(memo)

    # Requests

    def _key(self) -> str:
        key = self.api_key.get_secret_value().strip() if isinstance(self.api_key, SecretStr) else ""
        if not key:
            raise ConfigurationError(f"there is no API key: set {_KEY}, or pass ChatDMXOmni(api_key=…)")
        if not key.isascii() or not key.isprintable():
            raise ConfigurationError(f"the API key holds characters that no header can carry: check {_KEY}")
        return key

    def _secrets(self, key: str) -> Secrets:
        return Secrets(key, self.default_headers, proxy_secrets())

    def _endpoint(self, key: str) -> Endpoint:
        return Endpoint(
            base_url=self.base_url,
            headers=headers(key, auth_scheme=self.auth_scheme, default_headers=self.default_headers),
            timeout=self.timeout if isinstance(self.timeout, Timeout) else Timeout(self.timeout),
            client=self.http_client,
            async_client=self.http_async_client,
            first_event_timeout=self.first_event_timeout,
            idle_timeout=self.idle_timeout,
            bounds=Bounds(self.max_event_bytes or math.inf, self.max_answer_bytes or math.inf),
        )
