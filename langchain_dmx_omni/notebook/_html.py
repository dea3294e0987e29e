"""Messages and content blocks → HTML: text, and media by link to a file."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote, urlsplit
from urllib.request import url2pathname

from langchain_core.messages import AIMessageChunk, BaseMessage, HumanMessage

from langchain_dmx_omni._media.kept import decoded, keep
from langchain_dmx_omni._secrets import without_media
from langchain_dmx_omni.errors import NoSpeechError
from langchain_dmx_omni.speech import Speech

from ._waveform import waveform

if TYPE_CHECKING:
    from collections.abc import Mapping

_MEDIA = ("image", "audio", "video")
_SHOWN = 300
"""Characters of a tool call's arguments, or of a block that nobody draws, that are shown."""

_ROW = "display:flex;align-items:center;gap:8px;margin:4px 0"
"""The style of a player, its waveform and its length, side by side."""

_TAGS = {
    "image": '<img src="{}" style="max-width:320px;max-height:240px">',
    "audio": '<audio controls preload="metadata" src="{}"></audio>',
    "video": '<video controls preload="metadata" src="{}" style="max-width:320px"></video>',
}


class Html:
    """Writes HTML, and the files that it links to.

    Args:
        folder: Where files go: below the folder of the notebook, since a notebook shows no others.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def conversation(self, messages: Sequence[BaseMessage]) -> str:
        """Return messages one below the other; chunks of one answer are one message."""
        return "".join(map(self.message, _joined(messages)))

    def message(self, message: BaseMessage) -> str:
        """Return a message: who says it, and its blocks."""
        role = message.type.removesuffix("MessageChunk").lower()
        head = f'<div style="margin:4px 0"><b style="color:#888">{escape(role)}</b>'
        return f"{head}{''.join(map(self.block, _blocks(message)))}</div>"

    def block(self, block: Mapping[str, Any]) -> str:
        """Return a content block of LangChain's standard, version 1."""
        match block:
            case {"type": "text", "text": str(text)}:
                return f'<div style="white-space:pre-wrap">{escape(text)}</div>'
            case {"type": "reasoning", "reasoning": str(text)}:
                return f'<div style="white-space:pre-wrap;color:#888">{escape(text)}</div>'
            case {"type": "tool_call" | "invalid_tool_call" | "tool_call_chunk", "name": name, "args": args}:
                arguments = args if isinstance(args, str) else json.dumps(args, ensure_ascii=False, default=repr)
                return f"<div>→ <code>{escape(f'{name}({arguments[:_SHOWN]})')}</code></div>"
            case {"type": "image" | "audio" | "video" as kind}:
                return f"<div>{self._media(kind, block)}</div>"
        return f"<div><code>{escape(without_media(repr(block))[:_SHOWN])}</code></div>"

    def speech(self, speech: Speech) -> str:
        """Return a player with a waveform."""
        link = self._link(keep(speech.wav, "audio/wav", self._folder))
        picture = waveform(speech.pcm) if speech.sample_width == 2 else ""
        return f'<div style="{_ROW}">{_TAGS["audio"].format(link)}{picture} {speech.duration:.1f} s</div>'

    def _media(self, kind: str, block: Mapping[str, Any]) -> str:
        match block:
            case {"base64": str(text)}:
                return self._inline(kind, text, block)
            case {"url": str(url)}:
                return self._referred(kind, url)
        return escape(f"[{kind}]")

    def _inline(self, kind: str, text: str, block: Mapping[str, Any]) -> str:
        if kind == "audio":
            try:
                return self.speech(Speech.from_message(HumanMessage([dict(block)])))
            except NoSpeechError:
                pass  # another format than WAV, which players know
        try:
            data = decoded(text)
        except ValueError as error:
            return escape(f"[{kind}: {error}]")
        return _TAGS[kind].format(self._link(keep(data, block.get("mime_type"), self._folder)))

    def _referred(self, kind: str, url: str) -> str:
        """Return what stands for media elsewhere; a browser opens the web's, and files below the notebook's folder."""
        scheme = urlsplit(url).scheme.lower()
        if scheme in ("http", "https"):
            return _TAGS[kind].format(escape(url))
        if scheme == "file":
            path = Path(os.path.normpath(url2pathname(unquote(urlsplit(url).path))))
            if path.is_relative_to(Path.cwd()):
                return _TAGS[kind].format(self._link(path.relative_to(Path.cwd())))
            return escape(f"[{kind}: {path}]")
        return escape(f"[{kind}: {url[:_SHOWN]}]")

    def _link(self, path: Path) -> str:
        return quote(path.as_posix())


def is_media(block: object) -> bool:
    """Whether something is a content block of LangChain's standard, version 1, that holds media."""
    return isinstance(block, dict) and block.get("type") in _MEDIA and ("base64" in block or "url" in block)


def _blocks(message: BaseMessage) -> list[dict[str, Any]]:
    try:
        return [dict(block) for block in message.content_blocks]
    except Exception:  # noqa: BLE001  # LangChain's reading of other models' blocks; what can't be read is shown as text
        return [{"type": "text", "text": message.text}]


def _joined(messages: Sequence[BaseMessage]) -> list[BaseMessage]:
    """Return messages with the chunks of an answer added up."""
    joined: list[BaseMessage] = []
    for message in messages:
        last = joined[-1] if joined else None
        if isinstance(message, AIMessageChunk) and isinstance(last, AIMessageChunk) and message.id == last.id:
            joined[-1] = last + message
        else:
            joined.append(message)
    return joined
