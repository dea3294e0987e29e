"""How a call begins: what it may be given, and which line of the user's it comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._fields import Fields
from ._request.inputs import as_messages, readable
from ._warnings import from_here

if TYPE_CHECKING:
    from langchain_core.language_models import LanguageModelInput
    from langchain_core.messages import AIMessage
    from langchain_core.prompt_values import PromptValue
    from langchain_core.runnables import RunnableConfig


class Calls(Fields):
    """LangChain's ways to call that differ here; the others are as they are."""

    def _convert_input(self, model_input: LanguageModelInput) -> PromptValue:
        """Return LangChain's prompt value; a block, or a list of blocks and texts, is one human message."""
        try:
            return super()._convert_input(as_messages(model_input))
        except (ValueError, NotImplementedError) as error:
            if short := readable(error):
                raise short from None
            raise

    # These go on in other threads and tasks; their warnings point at the line that began them.

    async def ainvoke(
        self,
        input: LanguageModelInput,
        config: RunnableConfig | None = None,
        *,
        stop: list[str] | None = None,
        **kwargs: Any,
    ) -> AIMessage:
        """Async version of `invoke`."""
        with from_here():
            return await super().ainvoke(input, config, stop=stop, **kwargs)

    def batch(
        self,
        inputs: list[LanguageModelInput],
        config: RunnableConfig | list[RunnableConfig] | None = None,
        *,
        return_exceptions: bool = False,
        **kwargs: Any,
    ) -> list[AIMessage]:
        """Return the answer to each input, in order; `max_concurrency` in the config bounds the calls in flight."""
        with from_here():
            return super().batch(inputs, config, return_exceptions=return_exceptions, **kwargs)

    async def abatch(
        self,
        inputs: list[LanguageModelInput],
        config: RunnableConfig | list[RunnableConfig] | None = None,
        *,
        return_exceptions: bool = False,
        **kwargs: Any,
    ) -> list[AIMessage]:
        """Async version of `batch`."""
        with from_here():
            return await super().abatch(inputs, config, return_exceptions=return_exceptions, **kwargs)
