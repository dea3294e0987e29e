"""Content blocks → the service's parts: one function a kind, one table.

Every block shape that LangChain users pass is here: v1 and v0 blocks, OpenAI's (chat and Responses),
Anthropic's, Google's, and the service's own. What can't be sent is an error that names the block's type and
its place; nothing is dropped.

Source of the parts: DMXAPI's samples for the model. Audio and video go as `data:;base64,…`, images with their
MIME type.
"""

from __future__ import annotations

import binascii
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from langchain_dmx_omni._media import sources
from langchain_dmx_omni._media.base64_text import clean_base64
from langchain_dmx_omni._media.mime import audio_format
from langchain_dmx_omni._media.sources import Claim, Source
from langchain_dmx_omni.errors import ContentBlockError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Block = dict[str, Any]
    Part = dict[str, Any]

_PARAMETERS_BESIDE_MEDIA = ("fps", "min_pixels", "max_pixels", "total_pixels")
"""Parameters of one image or video that go beside it (source: Alibaba Model Studio)."""


class Place(NamedTuple):
    """Where a block stands, counted from 1, for error messages."""

    message: int
    role: str
    block: int | None = None
    kind: object = None

    def __str__(self) -> str:
        block = f", block {self.block}" if self.block is not None else ""
        kind = f" ({str(self.kind)[:40]})" if self.kind is not None else ""
        return f"message {self.message} ({self.role}){block}{kind}"

    def error(self, problem: str) -> ContentBlockError:
        """Return the error that says what is wrong here."""
        return ContentBlockError(f"{self}: {problem}")


class Rules(NamedTuple):
    """What may be sent."""

    media_roots: Sequence[Path | str] = ()
    """Folders below which `file://` URLs are honoured."""
    data_url_limit: int | None = None
    """Longest data URL in bytes, or None for no limit."""


def parts(content: str | Sequence[Any], place: Place, rules: Rules) -> list[Part]:
    """Return the parts for the content of a user message.

    Raises:
        ContentBlockError: A block can't be sent.
        MediaTooLargeError: Inline media is over the limit.
    """
    blocks = [content] if isinstance(content, str) else content
    return [_part(block, place._replace(block=number), rules) for number, block in enumerate(blocks, 1)]


def _part(block: Any, at: Place, rules: Rules) -> Part:
    if isinstance(block, str):
        return {"type": "text", "text": block}
    if not isinstance(block, dict):
        raise at.error(f"a {type(block).__name__} is no content block")
    kind = block.get("type")
    at = at._replace(kind=kind)
    block_kind = KINDS.get(kind) if isinstance(kind, str) else None
    if block_kind is None:
        problem = f"the service takes no block of type {str(kind)[:40]!r}" if kind else "the block has no type"
        raise at.error(f"{problem}; it takes text, image, audio and video")
    return block_kind.convert(block, at, rules)


# One function a kind


def _text(block: Block, at: Place, _rules: Rules) -> Part:
    text = block.get("text")
    if not isinstance(text, str):
        raise at.error("there is no text in it")
    return {"type": "text", "text": text}


def _text_plain(block: Block, at: Place, rules: Rules) -> Part:
    """A v1 text file: its text, or its bytes in base64."""
    data = block.get("base64")
    if not isinstance(data, str) or block.get("text") is not None:
        return _text(block, at, rules)
    try:
        text, start = clean_base64(data)
        return {"type": "text", "text": binascii.a2b_base64(text[start:]).decode("utf-8")}
    except ValueError as error:
        reason = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else error
        raise at.error(f"its data can't be read as text: {reason}") from None


def _image(block: Block, at: Place, rules: Rules) -> Part:
    return _image_part(_source(block, "image", at, rules), block)


def _audio(block: Block, at: Place, rules: Rules) -> Part:
    return _audio_part(_source(block, "audio", at, rules))


def _video(block: Block, at: Place, rules: Rules) -> Part:
    if isinstance(block.get("video"), list):
        return _frames(block, at, rules)
    return _video_part(_source(block, "video", at, rules), block)


def _frames(block: Block, at: Place, rules: Rules) -> Part:
    """A video as a list of frames, each a URL or a data URL of an image (qwen3-omni-flash-all's form)."""
    if not block["video"]:
        raise at.error("the list of frames is empty")
    frames = [
        sources.from_url(frame, _claim("image", at._replace(kind=f"video, frame {number}"), rules)).data
        for number, frame in enumerate(block["video"], 1)
    ]
    return {"type": "video", "video": frames, **_parameters(block)}


def _file(block: Block, at: Place, rules: Rules) -> Part:
    """A file of a kind that only its bytes, its MIME type or its name tell."""
    if block.get("source_type") == "text":  # v0; langchain-core reads the text from `url`
        return _text({"text": block.get("text", block.get("url"))}, at, rules)
    if isinstance(block.get("file"), dict):  # OpenAI's (chat)
        block = {**block["file"], **_parameters(block)}
    source = _source(block, None, at, rules)
    match source.kind:
        case "image":
            return _image_part(source, block)
        case "audio":
            return _audio_part(source)
        case "video":
            return _video_part(source, block)
    problem = f"its type is {source.mime[:60]}" if source.mime else "nothing tells what it is: give it a mime_type"
    raise at.error(f"the service takes image, audio and video files; {problem}")


def _document(block: Block, at: Place, rules: Rules) -> Part:
    """Anthropic's document: plain text goes as text."""
    source = block.get("source")
    if isinstance(source, dict) and source.get("type") == "text":
        return _text({"text": source.get("data")}, at, rules)
    return _file(block, at, rules)


def _image_url(block: Block, at: Place, rules: Rules) -> Part:
    """OpenAI's image, as an object (chat) or a string with `detail` beside it (Responses)."""
    url, beside = _object(block, "image_url", "url", at)
    if block.get("detail") is not None:
        beside["detail"] = block["detail"]
    part = _image_part(sources.from_url(url, _claim("image", at, rules)), block)
    part["image_url"] |= beside
    return part


def _video_url(block: Block, at: Place, rules: Rules) -> Part:
    url, beside = _object(block, "video_url", "url", at)
    part = _video_part(sources.from_url(url, _claim("video", at, rules)), block)
    part["video_url"] |= beside
    return part


def _audio_url(block: Block, at: Place, rules: Rules) -> Part:
    url, _ = _object(block, "audio_url", "url", at)
    return _audio_part(sources.from_url(url, _claim("audio", at, rules)))


def _input_audio(block: Block, at: Place, rules: Rules) -> Part:
    """OpenAI's audio, whose data is bare base64, and the service's own, whose data is a URL or a data URL."""
    data, beside = _object(block, "input_audio", "data", at)
    name = beside.get("format")
    if not isinstance(name, str | None):
        raise at.error(f"its format is a {type(name).__name__}")
    mime = f"audio/{name}" if name else None
    return _audio_part(sources.from_base64(data, _claim("audio", at, rules, mime)))


def _media(block: Block, at: Place, rules: Rules) -> Part:
    """Google's media: bytes or base64 with a MIME type, or a URI."""
    return _file({**block, "url": block.get("file_uri")}, at, rules)


def _non_standard(block: Block, at: Place, rules: Rules) -> Part:
    """Another provider's block in LangChain's v1 wrapper."""
    if not isinstance(block.get("value"), dict):
        raise at.error("there is no block in it")
    if block["value"].get("type") == "non_standard":
        raise at.error("there is a wrapper in the wrapper")
    return _part(block["value"], at, rules)


class BlockKind(NamedTuple):
    """What a type of block means."""

    convert: Callable[[Block, Place, Rules], Part]
    """Makes the part that is sent."""
    media: str | None
    """What its media is called, for `media.strip`; None if it holds text, or another block."""


KINDS: dict[str, BlockKind] = {
    "text": BlockKind(_text, None),
    "input_text": BlockKind(_text, None),
    "output_text": BlockKind(_text, None),
    "text-plain": BlockKind(_text_plain, None),
    "image": BlockKind(_image, "image"),
    "audio": BlockKind(_audio, "audio"),
    "video": BlockKind(_video, "video"),
    "file": BlockKind(_file, "file"),
    "image_url": BlockKind(_image_url, "image"),
    "input_image": BlockKind(_image_url, "image"),
    "video_url": BlockKind(_video_url, "video"),
    "audio_url": BlockKind(_audio_url, "audio"),
    "input_audio": BlockKind(_input_audio, "audio"),
    "input_file": BlockKind(_file, "file"),
    "document": BlockKind(_document, "file"),
    "media": BlockKind(_media, "media"),
    "non_standard": BlockKind(_non_standard, None),
}


# Parts on the wire


def _image_part(source: Source, block: Block) -> Part:
    return {"type": "image_url", "image_url": {"url": source.data}, **_parameters(block)}


def _audio_part(source: Source) -> Part:
    # Every sample names a format; the service looks at the audio itself.
    form = audio_format(source.mime) or "wav"
    return {"type": "input_audio", "input_audio": {"data": source.data, "format": form}}


def _video_part(source: Source, block: Block) -> Part:
    return {"type": "video_url", "video_url": {"url": source.data}, **_parameters(block)}


def _parameters(block: Block) -> Part:
    extras = block.get("extras")
    values = {**extras, **block} if isinstance(extras, dict) else block
    return {name: values[name] for name in _PARAMETERS_BESIDE_MEDIA if values.get(name) is not None}


# What blocks say of their media


def _claim(kind: str | None, at: Place, rules: Rules, mime: Any = None, name: Any = None) -> Claim:
    if not isinstance(mime, str | None):
        raise at.error(f"its MIME type is a {type(mime).__name__}")
    return Claim(
        what=str(at),
        kind=kind,
        mime=mime,
        name=name if isinstance(name, str) else None,
        roots=rules.media_roots,
        limit=rules.data_url_limit,
    )


def _object(block: Block, key: str, inner: str, at: Place) -> tuple[Any, Part]:
    """Return what `block[key]` holds, plainly or as an object with other keys beside it."""
    value = block.get(key)
    beside: Part = {}
    if isinstance(value, dict):
        beside = {name: other for name, other in value.items() if name != inner and other is not None}
        value = value.get(inner)
    if value is None:
        raise at.error(f"there is no {inner} in its {key}")
    return value, beside


def _source(block: Block, kind: str | None, at: Place, rules: Rules) -> Source:
    """Return where the media of a v1, v0, OpenAI, Anthropic or Google block comes from."""
    mime = block.get("mime_type")
    if isinstance(block.get("source"), dict):  # Anthropic's
        block = block["source"]
        mime = block.get("media_type") or mime
    extras = block.get("extras")
    name = block.get("filename", extras.get("filename") if isinstance(extras, dict) else None)
    claim = _claim(kind, at, rules, mime, name)
    for key in ("base64", "data", "file_data"):
        if block.get(key) is not None:
            return sources.from_base64(block[key], claim)
    for key in ("url", "file_url", kind or ""):  # the last is DashScope's: {"type": "image", "image": url}
        if block.get(key) is not None:
            return sources.from_url(block[key], claim)
    if block.get("file_id") is not None or block.get("source_type") == "id":
        raise at.error("a file id of another service can't be sent; give the bytes, a path or a URL")
    raise at.error("there is neither a url nor base64 data in it")
