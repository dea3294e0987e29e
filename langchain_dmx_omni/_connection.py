"""How the service is reached: the fields that everything which calls it shares, and what keeps the key in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from langchain_core.utils import from_env, secret_from_env
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, SecretStr, model_validator

from . import _profiles
from ._request.options import warn_unknown
from ._secrets import Secrets
from ._transport.clients import proxy_secrets
from ._transport.endpoint import AsyncClient, Bounds, Client, Endpoint, Timeout, headers, without_user_info
from .errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Self

    # What may be given, since type checkers take a field's type for that of the argument.
    Secret = SecretStr | str
else:
    # What pydantic makes of it.
    Secret = SecretStr

KEY = "DMXAPI_API_KEY"
"""The environment variable with the key."""

_UNSHOWN = {"model", "base_url", "api_key", "metadata", "profile"}
"""Fields that `repr` has shown already, or leaves out: a key's stars tell nothing, LangChain fills the others."""

Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Connection(BaseModel):
    """Key, host, timeouts, retries and clients. All of it is keyword arguments."""

    api_key: Secret | None = Field(default_factory=secret_from_env(KEY, default=None))
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
    It also stands for the deadlines of the answer, where they are not given apart."""

    max_retries: int = Field(default=2, ge=0)
    """Tries after the first, for errors that another try may mend; 0 turns retrying off."""

    http_client: Client | None = Field(default=None, exclude=True)
    """An `httpx.Client` for sync calls, used as it is and never closed; by default everything shares one."""

    http_async_client: AsyncClient | None = Field(default=None, exclude=True)
    """An `httpx.AsyncClient` for async calls, used as it is and never closed; by default each event loop has one."""

    model_config = ConfigDict(
        arbitrary_types_allowed=True, populate_by_name=True, hide_input_in_errors=True, protected_namespaces=()
    )

    @model_validator(mode="before")
    @classmethod
    def _warn_misspelt(cls, values: Any) -> Any:
        if isinstance(values, dict) and not values.keys() <= cls.model_fields.keys():
            known = [*cls.model_fields, *_aliases(cls)]
            # LangChain makes copies from a model's whole __dict__, with what it keeps there for itself.
            warn_unknown([name for name in values if name not in known and name[:1] != "_"], known)
        return values

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        """Return for `repr` the model's name and what was set, without what may be secret in it."""
        fields = type(self).model_fields
        yield from [("model", getattr(self, "model"))] if "model" in fields else []  # noqa: B009  # a subclass's field
        if self.base_url != _profiles.DEFAULT_BASE_URL:
            yield "base_url", without_user_info(self.base_url)
        for name, field in fields.items():
            value = getattr(self, name)
            if field.repr and name not in _UNSHOWN and name in self.model_fields_set and value != field.default:
                yield name, value

    # Copies

    def __getstate__(self) -> dict[Any, Any]:
        for name in ("http_client", "http_async_client"):
            if getattr(self, name) is not None:
                raise TypeError(f"a model with its own {name} can't be pickled: make it anew in the other process")
        state = super().__getstate__()
        return {**state, "__dict__": {**state["__dict__"], "api_key": None}}

    def __setstate__(self, state: dict[Any, Any]) -> None:
        super().__setstate__(state)
        self.api_key = secret_from_env(KEY, default=None)()

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        memo = {} if memo is None else memo
        for client in (self.http_client, self.http_async_client):
            memo[id(client)] = client  # connections can be shared, not copied
        return super().__deepcopy__(memo)

    # Requests

    def _key(self) -> str:
        key = self.api_key.get_secret_value().strip() if isinstance(self.api_key, SecretStr) else ""
        if not key:
            raise ConfigurationError(f"there is no API key: set {KEY}, or pass {type(self).__name__}(api_key=…)")
        if not key.isascii() or not key.isprintable():
            raise ConfigurationError(f"the API key holds characters that no header can carry: check {KEY}")
        return key

    def _secrets(self, key: str) -> Secrets:
        return Secrets(key, self.default_headers, proxy_secrets())

    def _endpoint_of(
        self,
        route: str,
        key: str,
        *,
        first_event_timeout: float | None,
        idle_timeout: float | None,
        bounds: Bounds,
        accept: str = "text/event-stream",
    ) -> Endpoint:
        """Return where requests of a route go, such as `"responses"`."""
        return Endpoint(
            base_url=self.base_url,
            route=route,
            headers=headers(key, auth_scheme=self.auth_scheme, default_headers=self.default_headers, accept=accept),
            timeout=self.timeout if isinstance(self.timeout, Timeout) else Timeout(self.timeout),
            client=self.http_client,
            async_client=self.http_async_client,
            first_event_timeout=first_event_timeout,
            idle_timeout=idle_timeout,
            bounds=bounds,
        )


def connection_of(model: Connection) -> dict[str, Any]:
    """Return the fields by which a model reaches the service, for another one that is to reach it likewise."""
    return {name: getattr(model, name) for name in Connection.model_fields}


def _aliases(kind: type[BaseModel]) -> list[str]:
    choices = [field.validation_alias for field in kind.model_fields.values()]
    return [str(name) for each in choices if isinstance(each, AliasChoices) for name in each.choices]
