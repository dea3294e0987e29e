"""Formats that the service doesn't take: converted by `fit=True`, else an error that names them and the way out."""

from __future__ import annotations

import io
import struct
import warnings
from base64 import b64decode
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Literal

import av
import pi_heif
import pillow_heif
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from langchain_dmx_omni import media, video
from langchain_dmx_omni._media import images
from langchain_dmx_omni._media.mime import TAKEN, sniff
from langchain_dmx_omni.errors import ContentBlockError, DMXOmniWarning

from . import gateway_clips as clips

pillow_heif.register_heif_opener()  # writes HEIC; the package itself only reads it
pi_heif.register_heif_opener()

Kind = Literal["image", "audio", "video"]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DMX_OMNI_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


# Video and sound

_clip = partial(clips.clip, clips.RED, seconds=1.0, amplitude=None)
_sound = partial(clips.sound, 1.0, 0.5)
ID3 = b"ID3\x04\x00\x00\x00\x00\x10\x00" + bytes(2048)  # longer than the first bytes that are looked at


def dsf(seconds: float = 0.5) -> bytes:
    """One bit a sample at 2.8 MHz, in mono."""
    rate, block = 2_822_400, 4096
    blocks = int(rate * seconds / 8 / block)
    samples = b"\x69" * (block * blocks)
    layout = struct.pack("<4sQIIIIIIQII", b"fmt ", 52, 1, 0, 1, 1, rate, 1, len(samples) * 8, block, 0)
    data = struct.pack("<4sQ", b"data", 12 + len(samples)) + samples
    return struct.pack("<4sQQQ", b"DSD ", 28, 28 + len(layout) + len(data), 0) + layout + data


FITTED: dict[str, tuple[Kind, Callable[[], bytes], str]] = {
    "MPEG-TS": ("video", partial(clips.clip, clips.RED, container="mpegts"), "video/mp4"),
    "MPEG-PS": ("video", partial(_clip, container="mpeg", codec="mpeg2video", fps=25), "video/mp4"),
    "MXF": ("video", partial(_clip, container="mxf", codec="mpeg2video", fps=25), "video/mp4"),
    "WebM": ("video", partial(_clip, container="webm", codec="libvpx"), "video/mp4"),
    "GIF": ("video", partial(_clip, container="gif", codec="gif", pixels="rgb8"), "video/mp4"),
    "AIFF": ("audio", partial(_sound, container="aiff", codec="pcm_s16be"), "audio/mp4"),
    "AC-3": ("audio", partial(_sound, container="ac3", codec="ac3", rate=48_000), "audio/mp4"),
    "AU": ("audio", partial(_sound, container="au", codec="pcm_s16be"), "audio/mp4"),
    "CAF": ("audio", partial(_sound, container="caf"), "audio/mp4"),
    "WavPack": ("audio", partial(_sound, container="wv", codec="wavpack"), "audio/mp4"),
    "True Audio": ("audio", partial(_sound, container="tta", codec="tta"), "audio/mp4"),
    "DSD": ("audio", dsf, "audio/mp4"),
    "MP3 behind an ID3 tag": ("audio", lambda: ID3 + _sound(container="mp3", codec="libmp3lame"), "audio/mpeg"),
    "FLAC behind an ID3 tag": ("audio", lambda: ID3 + _sound(container="flac", codec="flac"), "audio/flac"),
    "the sound of a video": ("audio", partial(clips.clip, clips.RED), "audio/mp4"),
    "an MP4 that is taken": ("video", _clip, "video/mp4"),
}


@pytest.mark.parametrize(("kind", "make", "mime"), FITTED.values(), ids=FITTED)
def test_what_is_fitted_is_taken(kind: Kind, make: Callable[[], bytes], mime: str, tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(make())
    block: Any = getattr(media, kind)(path, fit=True)
    assert (block["type"], block["mime_type"]) == (kind, mime)
    fitted = b64decode(block["base64"])
    media_type = sniff(fitted)
    assert media_type is not None
    assert media_type.mime in TAKEN
    with av.open(io.BytesIO(fitted)) as container:
        assert any(stream.type == kind for stream in container.streams)
    assert block == getattr(media, kind)(fitted, fit=False)


def test_an_id3_tag_says_nothing_of_what_is_behind_it(tmp_path: Path) -> None:
    path = tmp_path / "a.mp3"
    path.write_bytes(ID3 + _sound(container="ac3", codec="ac3", rate=48_000))
    with pytest.raises(
        ContentBlockError, match="its bytes are audio/ac3, which the service doesn't take; let it be re"
    ):
        media.audio(path)


HEIC = b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + bytes(40)
AS_IMAGE = "send it as image, converted to JPEG or PNG"
DOES = " (media.image(path, fit=True) does)"
UNDECODABLE = partial(_clip, container="matroska")

NOT_FITTED: dict[str, tuple[Kind, Callable[[], bytes], str]] = {
    "text": ("video", lambda: b"No video at all.", "its bytes are text/plain, which is no video; send it as text"),
    "unknown bytes": ("video", lambda: b"\1\2\3\4", "it is no video or audio: its bytes are of no known format"),
    "MIDI": (
        "audio",
        lambda: b"MThd\0\0\0\6\0\1\0\1\0\x60MTrk",
        "its bytes are audio/midi (notes, not sound), which is no audio; render it to sound, such as WAV",
    ),
    "ZIP": (
        "video",
        lambda: b"PK\3\4 and more",
        "its bytes are application/zip (a ZIP archive), which is no video; unpack it, and send the media in it",
    ),
    "program": ("audio", lambda: b"\x7fELF\2\1\1\0", "its bytes are application/x-elf (a program), which is no audio"),
    "playlist": (
        "video",
        lambda: b"#EXTM3U\n#EXTINF:1,\n/etc/hostname\n",
        "its bytes are application/vnd.apple.mpegurl (a playlist), which is no video; send the media that it names",
    ),
    "HEIC": ("video", lambda: HEIC, f"its bytes are image/heic, which is no video; {AS_IMAGE}{DOES}"),
    "HEIC sequence": (
        "video",
        lambda: HEIC.replace(b"ftypheic", b"ftyphevc"),
        f"its bytes are image/heic, which is no video; {AS_IMAGE}{DOES}",
    ),
    "AVIF sequence": (
        "video",
        lambda: HEIC.replace(b"ftypheic", b"ftypavis"),
        f"its bytes are image/avif, which is no video; {AS_IMAGE}{DOES}",
    ),
    "CR3": (
        "video",
        lambda: HEIC.replace(b"ftypheic", b"ftypcrx "),
        f"its bytes are image/x-canon-cr3 (a camera's raw photo), which is no video; {AS_IMAGE}",
    ),
    "SVG": ("video", lambda: b"<svg/>", f"its bytes are image/svg+xml, which is no video; {AS_IMAGE}"),
    "GIF as audio": ("audio", partial(_clip, container="gif", codec="gif", pixels="rgb8"),
                     f"its bytes are image/gif, which is no audio; {AS_IMAGE}{DOES}"),
    "Monkey's Audio that is damaged": (
        "audio",
        lambda: b"MAC \x96\x0f\0\0" + bytes(200),
        "its header can't be read (audio/x-ape): Invalid argument",
    ),
    "a codec that nothing decodes": (
        "video",
        lambda: UNDECODABLE().replace(b"V_MPEG4/ISO/AVC", b"V_NOTHING/OF/IT"),
        "none of its pictures can be decoded (unknown codec)",
    ),
    "a piece of a stream": (
        "video",
        lambda: b"\0\0\0\x18stypmsdh" + bytes(12),
        "its bytes are video/iso.segment (a piece of a fragmented MP4 without its beginning), which the service "
        "doesn't take; convert it to MP4",
    ),
    "sound as video": (
        "video",
        partial(_sound, container="mpegts", codec="mp2"),
        "there are no pictures in it; send it as audio: media.audio(path, fit=True)",
    ),
    "pictures as audio": ("audio", _clip, "there is no sound in it; send it as video: media.video(path, fit=True)"),
}  # fmt: skip


@pytest.mark.parametrize(("kind", "make", "problem"), NOT_FITTED.values(), ids=NOT_FITTED)
def test_what_can_not_be_fitted_is_an_error(
    kind: Kind, make: Callable[[], bytes], problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.mp4").write_bytes(make())
    with pytest.raises(ContentBlockError) as caught:
        getattr(media, kind)("a.mp4", fit=True)
    assert str(caught.value) == f"a.mp4: {problem}"


PHOTOS = {
    "HEIC": (HEIC, "image/heic", f"{AS_IMAGE}{DOES}"),
    "AVIF": (HEIC.replace(b"heic", b"avif"), "image/avif", f"{AS_IMAGE}{DOES}"),
    "CR3": (HEIC.replace(b"heic", b"crx "), "image/x-canon-cr3 (a camera's raw photo)", AS_IMAGE),
    "PNG": (clips.image("png", clips.RED), "image/png", "send it as image (media.image)"),
}


@pytest.mark.parametrize(("data", "title", "way"), PHOTOS.values(), ids=PHOTOS)
def test_a_photo_is_no_video(data: bytes, title: str, way: str, tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(data)
    info = video.probe(path)
    problem = f"it is a picture, no video: its bytes are {title}"
    assert (info.kind, info.duration, info.streams, info.problem) == (None, 0.0, (), problem)
    for work in (video.fit, video.split, video.windows):
        with pytest.raises(ContentBlockError) as caught:
            work(path)
        assert str(caught.value) == f"a.mp4: {problem}; {way}"


# Images


def gradient(width: int = 60, height: int = 40) -> Image.Image:
    """Black on the left, white on the right."""
    return Image.linear_gradient("L").rotate(90).resize((width, height)).convert("RGB")


def saved(image: Image.Image, format: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def turned() -> Image.Exif:
    """The note of a camera that was held on its side: the top is at the right."""
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


IMAGES: dict[str, tuple[Callable[[], bytes], str, tuple[int, int]]] = {
    "HEIC": (lambda: saved(gradient(), "HEIF"), "image/jpeg", (60, 40)),
    "AVIF": (lambda: saved(gradient(), "AVIF"), "image/jpeg", (60, 40)),
    "TIFF": (lambda: saved(gradient(), "TIFF"), "image/jpeg", (60, 40)),
    "TIFF of inks": (lambda: saved(gradient().convert("CMYK"), "TIFF"), "image/jpeg", (60, 40)),
    "TIFF of 16 bits": (
        lambda: saved(gradient().convert("L").convert("I").point(lambda value: value * 257).convert("I;16"), "TIFF"),
        "image/jpeg",
        (60, 40),
    ),
    "TIFF of floats": (lambda: saved(gradient().convert("F"), "TIFF"), "image/jpeg", (60, 40)),
    "TIFF, turned": (lambda: saved(gradient(), "TIFF", exif=turned()), "image/jpeg", (40, 60)),
    "GIF": (lambda: saved(gradient(), "GIF"), "image/jpeg", (60, 40)),
    "JPEG 2000": (lambda: saved(gradient(), "JPEG2000"), "image/jpeg", (60, 40)),
    "icon": (lambda: saved(gradient(48, 48), "ICO", sizes=[(48, 48)]), "image/jpeg", (48, 48)),
    "JPEG, turned": (lambda: saved(gradient(), "JPEG", exif=turned()), "image/jpeg", (40, 60)),
    "what is transparent": (lambda: saved(see_through(), "TIFF"), "image/png", (60, 40)),
    "JPEG": (lambda: saved(gradient(), "JPEG"), "image/jpeg", (60, 40)),
    "PNG": (lambda: saved(gradient(), "PNG"), "image/png", (60, 40)),
    "WebP": (lambda: saved(gradient(), "WEBP"), "image/webp", (60, 40)),
    "BMP": (lambda: saved(gradient(), "BMP"), "image/bmp", (60, 40)),
    "200 to 1": (lambda: saved(gradient(2200, 11), "TIFF"), "image/jpeg", (2200, 11)),
}


def see_through() -> Image.Image:
    image = gradient().convert("RGBA")
    image.putalpha(100)
    return image


def brightness(gray: Image.Image, place: tuple[int, int]) -> int:
    return gray.tobytes()[place[1] * gray.width + place[0]]


@pytest.mark.parametrize("given", ["path", "bytes", "data url"])
@pytest.mark.parametrize(("make", "mime", "size"), IMAGES.values(), ids=IMAGES)
def test_an_image_is_made_to_fit(
    make: Callable[[], bytes], mime: str, size: tuple[int, int], given: str, tmp_path: Path
) -> None:
    data = make()
    path = tmp_path / "a.heic"
    path.write_bytes(data)
    sources: dict[str, Path | bytes | str] = {"path": path, "bytes": data, "data url": clips.data_url(data)}
    block = media.image(sources[given], fit=True)
    assert block["mime_type"] == mime
    fitted = b64decode(block["base64"])
    if mime in ("image/webp", "image/bmp") or (sniff(data) == sniff(fitted) and size == (60, 40)):
        assert fitted == data  # as it is
    with Image.open(io.BytesIO(fitted)) as image:
        assert image.size == size
        assert image.getexif().get(0x0112, 1) == 1
        gray = image.convert("L")
    # Upright, the dark side of what lay on its side is at the top.
    dark, bright = ((20, 2), (20, 57)) if size == (40, 60) else ((2, 5), (size[0] - 3, 5))
    assert brightness(gray, dark) < 30
    assert brightness(gray, bright) > 220


def test_an_image_that_is_too_large_is_shrunk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "_MOST_PIXELS", 300 * 200)
    noise = Image.effect_noise((600, 400), 90)
    shrunk = images.fit_image(saved(noise, "TIFF"), "a", 1_000_000)
    with Image.open(io.BytesIO(shrunk)) as image:
        assert image.size == (300, 200)
    for picture in (noise.convert("RGB"), noise.convert("RGBA").point(lambda value: value // 2)):
        fitted = images.fit_image(saved(picture, "PNG"), "a", 20_000)
        assert 8_000 < len(fitted) <= 15_000
        with Image.open(io.BytesIO(fitted)) as image:
            assert image.width / image.height == pytest.approx(1.5, abs=0.05)


def test_of_many_pictures_the_first_is_used_and_that_is_said() -> None:
    data = saved(gradient(), "GIF", save_all=True, append_images=[gradient().rotate(180)])
    with pytest.warns(DMXOmniWarning) as warned:
        media.image(data, fit=True)
    assert [str(each.message) for each in warned] == ["the media given: the first of its 2 pictures is used"]
    assert warned[0].filename == __file__


NO_IMAGES: dict[str, tuple[Callable[[], bytes], str]] = {
    "few pixels": (
        lambda: saved(gradient(40, 10), "TIFF"),
        "it is 40×10 pixels; the service takes images with more than 10 a side",
    ),
    "far wider than high": (
        lambda: saved(gradient(2211, 11), "AVIF"),
        "it is 2211×11 pixels; the service takes images whose longer side is at most 200 times the shorter: "
        "cut it into pieces",
    ),
    "cut off": (
        lambda: saved(gradient(600, 400), "JPEG")[:2000],
        "it can't be read as an image: image file is truncated",
    ),
    "unknown bytes": (lambda: b"\1\2\3\4", "its bytes are of no known format, which can't be opened"),
    "damaged HEIC": (lambda: HEIC, "its bytes are image/heic, which can't be opened"),
    "damaged JPEG 2000": (
        lambda: saved(gradient(), "JPEG2000")[:40],
        "it can't be read as an image: ",
    ),
    "video": (_clip, "its bytes are video/mp4, which is no image; send it as video (media.video)"),
    "text": (lambda: b"A thousand words.", "its bytes are text/plain, which is no image; send it as text"),
    "SVG": (
        lambda: b"<svg/>",
        "its bytes are image/svg+xml, which the service doesn't take; convert it to JPEG or PNG",
    ),
    "raw photo": (
        lambda: saved(gradient(), "TIFF", tiffinfo={254: 1}),
        "it is a camera's raw photo; develop it to JPEG",
    ),
}


@pytest.mark.parametrize(("make", "problem"), NO_IMAGES.values(), ids=NO_IMAGES)
def test_what_can_not_be_made_an_image_is_an_error(
    make: Callable[[], bytes], problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.jpg").write_bytes(make())
    with pytest.raises(ContentBlockError) as caught:
        media.image("a.jpg", fit=True)
    assert str(caught.value).startswith(f"a.jpg: {problem}")


@given(number=st.integers(0, 3), at=st.floats(0, 1), noise=st.binary(max_size=8), kept=st.floats(0, 1))
@settings(max_examples=100, deadline=None)
def test_any_image_is_made_to_fit_or_an_error(number: int, at: float, noise: bytes, kept: float) -> None:
    data = saved(gradient(), ("TIFF", "HEIF", "GIF", "JPEG")[number])
    start = int(len(data) * at)
    damaged = (data[:start] + noise + data[start + len(noise) :])[: int(len(data) * kept) + 1]
    with suppress(ContentBlockError), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of how many pictures there are
        assert media.image(damaged, fit=True)["mime_type"] in ("image/jpeg", "image/png")


def test_a_converted_image_has_no_file(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(saved(gradient(), "TIFF"))
    with pytest.raises(ContentBlockError, match=r"a\.png is converted, and sent inline: leave out inline=False"):
        media.image(path, fit=True, inline=False)
    path.write_bytes(saved(gradient(), "PNG"))
    assert media.image(path, fit=True, inline=False) == media.image(path, inline=False)
    assert media.image("https://example.com/a.heic", fit=True) == media.image("https://example.com/a.heic")


def test_without_the_extra_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "PIL", None)
    with pytest.raises(ImportError) as caught:
        media.image(HEIC, fit=True)
    assert str(caught.value) == 'media.image(…, fit=True) needs: pip install "langchain-dmx-omni[image]"'
