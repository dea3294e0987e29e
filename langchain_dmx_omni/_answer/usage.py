"""The service's token counts → LangChain's usage metadata."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langchain_core.messages.ai import InputTokenDetails, OutputTokenDetails, UsageMetadata

_NAMES = {"cached": "cache_read"}
"""LangChain's names for details whose wire name, without `_tokens`, differs."""


def usage_metadata(usage: Mapping[str, Any] | None) -> UsageMetadata | None:
    """Return usage metadata, or None when the service gave none.

    Details are ints and absent where the service gives null: adding chunks adds ints only.
    """
    if not usage:
        return None
    input_tokens = _count(usage, "input_tokens", "prompt_tokens")
    output_tokens = _count(usage, "output_tokens", "completion_tokens")
    metadata: UsageMetadata = {
        "input_tokens": input_tokens,
        "output_tokens": output_tokens,
        "total_tokens": _count(usage, "total_tokens") or input_tokens + output_tokens,
    }
    if details := _details(usage, "input_tokens_details", "prompt_tokens_details"):
        metadata["input_token_details"] = cast("InputTokenDetails", details)
    if details := _details(usage, "output_tokens_details", "completion_tokens_details"):
        metadata["output_token_details"] = cast("OutputTokenDetails", details)
    return metadata


def _count(usage: Mapping[str, Any], *names: str) -> int:
    return next((int(usage[name]) for name in names if usage.get(name) is not None), 0)


def _details(usage: Mapping[str, Any], *names: str) -> dict[str, int]:
    details: Mapping[str, Any] = next((usage[name] for name in names if isinstance(usage.get(name), dict)), {})
    short = {name.removesuffix("_tokens"): value for name, value in details.items()}
    return {_NAMES.get(name, name): int(value) for name, value in short.items() if isinstance(value, int | float)}
