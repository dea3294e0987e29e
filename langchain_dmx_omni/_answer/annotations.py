"""The wire's annotations of text → LangChain's standard ones, such as citations.

In content that is a list of blocks they stand on the text block. Where content is a plain string they wait in
`additional_kwargs`, and `content_blocks` puts them on the block that it makes of the string.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from langchain_core.messages.block_translators import register_translator

from langchain_dmx_omni._profiles import PROVIDER

if TYPE_CHECKING:
    from langchain_core.messages import AIMessage
    from langchain_core.messages.content import ContentBlock

KEY = "annotations"
_STANDARD = ("url", "title", "start_index", "end_index", "cited_text")


def standard_annotation(annotation: dict[str, Any]) -> dict[str, Any]:
    """Return an annotation of the Responses protocol (`url_citation` and others) in LangChain's form."""
    kind = annotation.get("type")
    if kind != "url_citation":
        return {"type": "non_standard_annotation", "value": annotation}
    fields = {**annotation, **(annotation.get(kind) or {})}
    cited = {name: fields[name] for name in _STANDARD if fields.get(name) is not None}
    extras = {name: value for name, value in fields.items() if name not in (*_STANDARD, "type", kind)}
    return {"type": "citation", **cited} | ({"extras": extras} if extras else {})


def _blocks(message: AIMessage) -> list[ContentBlock]:
    """Return the content blocks of a message whose annotations stand beside its text; LangChain makes all others."""
    annotations = message.additional_kwargs.get(KEY)
    if not annotations or not isinstance(message.content, str):
        raise NotImplementedError
    metadata = {name: value for name, value in message.response_metadata.items() if name != "model_provider"}
    blocks = message.model_copy(update={"response_metadata": metadata}).content_blocks
    return [cast("ContentBlock", {**block, KEY: annotations}) if block["type"] == "text" else block for block in blocks]


register_translator(PROVIDER, _blocks, _blocks)
