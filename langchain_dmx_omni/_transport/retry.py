"""When a call is tried again, and how long that waits: the only module that imports tenacity.

What is retried stands in `langchain_dmx_omni.errors`. It is tried again after the time that the service asks for
in `Retry-After`, else after a growing, random time. A service that asks for more than a minute is not waited
for: its error goes to the caller, who can decide better.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import tenacity

from langchain_dmx_omni.errors import APIStatusError, DMXOmniError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

T = TypeVar("T")

_LONGEST_WAIT = 60.0
"""Seconds of `Retry-After` that are honoured."""

_backoff = tenacity.wait_random_exponential(multiplier=0.5, max=8.0)


def call(attempt: Callable[[], T], max_retries: int, on_retry: Callable[[Any], Any] | None = None) -> T:
    """Return what `attempt` returns, trying again as long as that may help.

    Args:
        attempt: Makes one try.
        max_retries: Tries after the first; 0 turns retrying off.
        on_retry: Called with tenacity's state before each wait.
    """
    return tenacity.Retrying(**_policy(max_retries, on_retry))(attempt)


async def acall(
    attempt: Callable[[], Awaitable[T]], max_retries: int, on_retry: Callable[[Any], Awaitable[Any]] | None = None
) -> T:
    """Async version of `call`."""
    return await tenacity.AsyncRetrying(**_policy(max_retries, on_retry))(attempt)


def _policy(max_retries: int, on_retry: Callable[[Any], Any] | None) -> dict[str, Any]:
    def stop(state: tenacity.RetryCallState) -> bool:
        error = state.outcome.exception() if state.outcome else None
        bound = error.max_retries if isinstance(error, APIStatusError) else None
        return state.attempt_number > (max_retries if bound is None else min(bound, max_retries))

    policy: dict[str, Any] = {
        "stop": stop,
        "wait": _wait,
        "retry": tenacity.retry_if_exception(should_retry),
        "reraise": True,
    }
    if on_retry is not None:
        policy["before_sleep"] = on_retry
    return policy


def should_retry(error: BaseException) -> bool:
    """Whether a second try may mend an error, and need not wait too long."""
    return isinstance(error, DMXOmniError) and error.is_retryable and (retry_after(error) or 0.0) <= _LONGEST_WAIT


def _wait(state: tenacity.RetryCallState) -> float:
    seconds = retry_after(state.outcome.exception() if state.outcome else None)
    return _backoff(state) if seconds is None else seconds


def retry_after(error: BaseException | None) -> float | None:
    """Return the seconds that the service asks to wait, or None."""
    return error.retry_after if isinstance(error, APIStatusError) else None
