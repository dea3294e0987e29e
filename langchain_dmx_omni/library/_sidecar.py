"""Subtitles in a file beside a recording: `talk.srt`, `talk.vtt`, `talk.en.srt` or `talk.ass` beside `talk.mp4`."""

from __future__ import annotations

import codecs
import html
import logging
import mimetypes
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from langchain_dmx_omni.errors import ContentBlockError
from langchain_dmx_omni.jobs import Line

from ._listing import SUBTITLES

if TYPE_CHECKING:
    from pysubs2 import SSAEvent

_log = logging.getLogger(__name__)

_KINDS: Final = {".srt": 0, ".vtt": 1}
"""Which kind is taken, of several for the same language: the one that says less about looks."""


def read_sidecar(path: Path, language: str | None = None) -> list[Line] | None:
    """Return what is said in a recording, by the subtitles beside it; None where there are none.

    Of several, it is the one without a language in its name, else the one in `language`, else the first by name, and
    `forced` ones, which have foreign words only, come last. The log says which (level INFO).

    Args:
        path: The recording.
        language: As it stands in the names, such as `"en"`.

    Raises:
        ContentBlockError: The file can't be read, or holds no subtitles; the message names it.
        ImportError: `pysubs2` is missing.
    """
    files = sidecars(path, language)
    if not files:
        return None
    if len(files) > 1:
        _log.info("%s: of %d files with subtitles, %s is taken", path.name, len(files), files[0].name)
    return read_subtitles(files[0])


def sidecars(path: Path, language: str | None = None) -> list[Path]:
    """Return the files with subtitles beside a recording, the one to take first."""
    names = [each.name for each in path.parent.iterdir() if not each.name.startswith(".")]
    others = [Path(name).stem for name in names if _may_be_recording(name, path) and _belongs(name, path.stem)]

    def tags(name: str) -> list[str] | None:
        """Return the words between the recording's name and the suffix; None for the file of another recording."""
        stem = Path(name).stem
        if Path(name).suffix.lower() not in SUBTITLES or any(_belongs(stem, other) for other in others):
            return None
        own = next((each for each in (path.name, path.stem) if _belongs(stem, each)), None)
        return None if own is None else stem[len(own) :].lower().split(".")[1:]

    def order(name: str) -> tuple[bool, bool, bool, int, str]:
        words, wanted = tags(name) or [], (language or "").lower()
        other = not words or (words[0] != wanted and not words[0].startswith(f"{wanted}-"))
        kind = _KINDS.get(Path(name).suffix.lower(), len(_KINDS))
        return "forced" in words, bool(words), other, kind, name

    return [path.with_name(name) for name in sorted((name for name in names if tags(name) is not None), key=order)]


def read_subtitles(path: Path) -> list[Line]:
    """Return the lines of a file with subtitles, in order: SubRip, WebVTT, or (Advanced) SubStation Alpha.

    Raises:
        ContentBlockError: It can't be read, or holds no subtitles; the message names it.
        ImportError: `pysubs2` is missing.
    """
    try:
        import pysubs2  # noqa: PLC0415  # an extra
    except ModuleNotFoundError:
        raise ImportError('subtitles beside a recording need: pip install "langchain-dmx-omni[library]"') from None
    try:
        text = _decoded(path.read_bytes())
    except OSError as error:
        raise ContentBlockError(f"{path}: it can't be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise _broken(path, "its text is neither UTF-8, UTF-16 nor GB 18030; save it as UTF-8") from None
    is_vtt = text.startswith("WEBVTT")
    try:
        format = path.suffix[1:].lower() if path.suffix.lower() in (".ass", ".ssa") else None  # else by its text
        subtitles = pysubs2.SSAFile.from_string(_plain_vtt(text) if is_vtt else text, format_=format)
    except Exception as error:  # noqa: BLE001  # its readers raise whatever they stumble on
        raise _broken(path, str(error) or type(error).__name__) from None
    lines = [_line(event, is_vtt) for event in subtitles if not event.is_comment and not event.is_drawing]
    if not lines and not is_vtt:  # a WebVTT file without cues says that nobody speaks
        raise _broken(path, "there is no line in it")
    return sorted((line for line in lines if line.text), key=lambda line: (line.start, line.end))


def _belongs(stem: str, recording: str) -> bool:
    """Whether a file's name, without suffix, is a recording's, or that with more words behind a dot."""
    return stem == recording or stem.startswith(f"{recording}.")


def _may_be_recording(name: str, path: Path) -> bool:
    """Whether a file beside a recording may be another one, whose name begins like the first one's."""
    known = (mimetypes.guess_type(name)[0] or "").startswith(("audio/", "video/"))
    return Path(name).stem != path.stem and (known or Path(name).suffix.lower() == path.suffix.lower())


def _broken(path: Path, what: str) -> ContentBlockError:
    return ContentBlockError(f"{path}: it can't be read as subtitles: {what}; mend it, or move it away")


# --- texts ------------------------------------------------------------------------------------------------------------

_BOMS: Final = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_BEGINNING: Final = 200  # bytes in which there are times, which are ASCII
_HIGH: Final = re.compile(rb"[\x80-\xff]+")


def _decoded(data: bytes) -> str:
    """Return a text in UTF-8, UTF-16, GB 18030, or Windows' Western European."""
    encoding = next((name for bom, name in _BOMS if data.startswith(bom)), None)
    if encoding is None and b"\0" in data[:_BEGINNING]:
        encoding = "utf-16-be" if data[:1] == b"\0" else "utf-16-le"
    if encoding is not None:
        return data.decode(encoding)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        # A Chinese character is two high bytes or more; letters with accents stand alone among others.
        runs = [len(run) for run in _HIGH.findall(data)]
        alone = sum(1 for run in runs if run == 1)
        return data.decode("cp1252" if 2 * alone > len(runs) else "gb18030")


_VTT_ASIDE: Final = re.compile(r"(?:NOTE|STYLE|REGION)(?:[ \t\n]|$)")
_VTT_VOICE: Final = re.compile(r"<v(?:\.[^\s>]*)*[ \t]+([^>]*)>")
_SPEAKER: Final = re.compile(r"\{\\v ([^}]*)\}")


def _plain_vtt(text: str) -> str:
    """Return a WebVTT text without what its reader takes for text: notes and styles; voices become a tag it keeps."""
    blocks = re.split(r"\n{2,}", text.replace("\r\n", "\n").replace("\r", "\n"))
    cues = "\n\n".join(block for block in blocks if not _VTT_ASIDE.match(block))
    return _VTT_VOICE.sub(r"{\\v \1}", cues)


def _line(event: SSAEvent, is_vtt: bool) -> Line:
    voice = _SPEAKER.search(event.text) if is_vtt else None
    text, speaker = event.plaintext, voice[1] if voice else event.name
    if is_vtt:
        text, speaker = html.unescape(text), html.unescape(speaker)
    start, end = sorted((max(event.start, 0) / 1000, max(event.end, 0) / 1000))
    return Line(start=start, end=end, text=text.strip(), speaker=speaker.strip())
