"""What calls have used."""

from __future__ import annotations

import threading
from typing import Any
from uuid import UUID

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages.ai import UsageMetadata, add_usage
from langchain_core.outputs import LLMResult


class Used(BaseCallbackHandler):
    """Adds up what the answers of any model have used; LangChain tells it of each, from any thread.

    Attributes:
        tokens: The sum, or None where nothing was reported.
        calls: How many answers there were.
    """

    run_inline = True

    def __init__(self) -> None:
        self.tokens: UsageMetadata | None = None
        self.calls = 0
        self._lock = threading.Lock()

    def on_llm_end(self, response: LLMResult, *, run_id: UUID, **kwargs: Any) -> None:
        """Add what a call has used."""
        generation = response.generations[0][0]
        usage = getattr(getattr(generation, "message", None), "usage_metadata", None)
        with self._lock:
            self.calls += 1
            if usage is not None:
                self.tokens = add_usage(self.tokens, usage)
