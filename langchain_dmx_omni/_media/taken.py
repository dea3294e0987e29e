"""What the service takes of what is known, and the way out where it doesn't. Pure."""

from __future__ import annotations

from langchain_dmx_omni._profiles import LIMITS

from .mime import CONVERTIBLE, TAKEN, MediaType, kind_of

PDF = "it is a PDF, which the model can't read; extract its text, or send its pages as images"

_DOES = " (media.image(path, fit=True) does)"

_UNPLAYABLE = frozenset({"audio/x-ofr", "video/iso.segment"})
"""Sound and video that FFmpeg doesn't open."""

_OTHERS = {
    "text/plain": "send it as text",
    "audio/midi": "render it to sound, such as WAV",
    "application/vnd.apple.mpegurl": "send the media that it names",
    **dict.fromkeys(
        (
            "application/zip",
            "application/gzip",
            "application/x-tar",
            "application/vnd.rar",
            "application/x-7z-compressed",
        ),
        "unpack it, and send the media in it",
    ),
    **dict.fromkeys(
        (
            *("application/msword", "application/vnd.openxmlformats-officedocument", "application/rtf"),
            *("application/vnd.oasis.opendocument", "application/epub+zip", "application/postscript"),
        ),
        "extract its text, or send its pages as images",
    ),
}
"""The way out for what is none of image, audio and video."""


def refusal(media: MediaType, kind: str | None, declared: str | None = None, *, fit: bool = False) -> str | None:
    """Return why media can't be sent as a kind, and what can be done; None where it can.

    Args:
        media: What its bytes are.
        kind: What it is to be sent as; None where its bytes decide.
        declared: The MIME type that it is said to have. The pages may not list every format of sound and video that is
            taken, so what is truly of another, and is said to be, is sent.
        fit: Whether it is about to be converted, so that only its kind matters.
    """
    if media.mime == "application/pdf":
        return PDF
    if not media.kinds or (kind is not None and kind not in media.kinds):
        way = elsewhere(media) if media.kinds else _OTHERS.get(media.mime)
        return f"its bytes are {media.title}, which is no {kind or 'image, audio or video'}{f'; {way}' if way else ''}"
    if media.mime in TAKEN or (_may_be_converted(media, kind) if fit else _means(declared, media)):
        return None
    return f"its bytes are {media.title}, which the service doesn't take; {_conversion(media, kind or media.kinds[0])}"


def elsewhere(media: MediaType) -> str:
    """Return how to send media that is of another kind than it was to be sent as."""
    kind = media.kinds[0]
    if media.mime in TAKEN:
        return f"send it as {kind} (media.{kind})"
    if kind == "image":
        return f"send it as image, converted to JPEG or PNG{_DOES if media.mime in CONVERTIBLE else ''}"
    if media.mime in _UNPLAYABLE:
        return _conversion(media, kind)
    return f"send it as {kind} (media.{kind}(path, fit=True))"


def agrees(kind: str, mime: str | None) -> bool:
    """Whether a MIME type is one of a kind; containers of sound and of video are the same."""
    held = kind_of(mime)
    return held is not None and not (mime or "").endswith("/*") and (held == kind or "image" not in (held, kind))


def image_problem(width: int | None, height: int | None) -> str | None:
    """Return why an image of a size in pixels is not taken, or None."""
    if width is None or height is None:
        return None
    if min(width, height) <= LIMITS.image_side:
        return f"it is {width}×{height} pixels; the service takes images with more than {LIMITS.image_side} a side"
    if max(width, height) > LIMITS.image_ratio * min(width, height):
        return (
            f"it is {width}×{height} pixels; the service takes images whose longer side is at most "
            f"{LIMITS.image_ratio} times the shorter: cut it into pieces"
        )
    return None


def _may_be_converted(media: MediaType, kind: str | None) -> bool:
    return media.mime in CONVERTIBLE if kind == "image" else media.mime not in _UNPLAYABLE


def _means(declared: str | None, media: MediaType) -> bool:
    essence = (declared or "").split(";", 1)[0].strip().lower()
    return "image" not in media.kinds and essence in {media.mime, *(media.mime.replace("video/", "audio/", 1),)}


def _conversion(media: MediaType, kind: str) -> str:
    if kind == "image":
        way = f"convert it to JPEG or PNG{_DOES if media.mime in CONVERTIBLE else ''}"
        return f"{way}, or send its motion as video (media.video(path, fit=True))" if "video" in media.kinds else way
    if media.mime in _UNPLAYABLE:
        return f"convert it to {'MP4' if kind == 'video' else 'WAV or M4A'}"
    return f"let it be re-encoded: media.{kind}(path, fit=True)"
