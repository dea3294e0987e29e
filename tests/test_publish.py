"""`publish=`: a local file goes once to storage of the user's own, and the block's URL gives its very bytes."""

from __future__ import annotations

import errno
import hashlib
import pickle
import re
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
import httpx
import pytest

from langchain_dmx_omni import ChatDMXOmni, _publish, errors, media
from langchain_dmx_omni.testing import LocalGateway

from .calls import body_of
from .gateway_clips import image, sound
from .s3 import BUCKET, S3, serving

ROOT = Path(__file__).resolve().parent.parent
HTTP = httpx.Client(verify=False, trust_env=False)


@pytest.fixture(scope="module")
def _server() -> Iterator[S3]:
    with serving() as s3:
        yield s3


@pytest.fixture
def s3(_server: S3) -> S3:
    """The server, its bucket empty."""
    for name in _server.names():
        _server.files().rm(name)
    return _server


def name_of(data: bytes, ending: str) -> str:
    return f"{BUCKET}/long/{hashlib.sha256(data).hexdigest()}{ending}"


@pytest.fixture
def files(tmp_path: Path, clip: Path) -> dict[str, Path]:
    """A file of each kind, under names that do not tell."""
    data = {"video": clip.read_bytes(), "audio": sound(0.2, 0.5), "image": image("png", (200, 40, 40))}
    for kind, each in data.items():
        (tmp_path / f"{kind}.dat").write_bytes(each)
    return {kind: tmp_path / f"{kind}.dat" for kind in data}


MAKERS: dict[str, Callable[..., dict[str, Any]]] = {"video": media.video, "audio": media.audio, "image": media.image}
TYPES = {"video": ("video/mp4", ".mp4"), "audio": ("audio/wav", ".wav"), "image": ("image/png", ".png")}


@pytest.mark.parametrize("kind", MAKERS)
def test_the_url_gives_the_very_bytes(s3: S3, files: dict[str, Path], kind: str) -> None:
    data, (mime, ending) = files[kind].read_bytes(), TYPES[kind]
    block = MAKERS[kind](files[kind], publish=s3.place())
    assert block == {"type": kind, "url": block["url"], "mime_type": mime}
    assert s3.names() == [name_of(data, ending)]
    answer = HTTP.get(block["url"])
    assert (answer.status_code, answer.content, answer.headers["content-type"]) == (200, data, mime)


def test_it_is_sent_as_a_url(s3: S3, files: dict[str, Path], gateway: LocalGateway) -> None:
    block = media.video(str(files["video"]), publish=s3.place(), fps=1.0)
    llm = ChatDMXOmni(base_url=gateway.base_url, api_key=gateway.api_key)
    llm.invoke([("human", [block, {"type": "text", "text": "What happens?"}])])
    part = body_of(gateway.requests[0])["input"][0]["content"][0]
    assert part == {"type": "video_url", "video_url": {"url": block["url"]}, "fps": 1.0}


def test_what_is_there_is_not_uploaded_again(s3: S3, files: dict[str, Path], tmp_path: Path) -> None:
    (again := tmp_path / "the same.mp4").write_bytes(files["video"].read_bytes())
    media.video(files["video"], publish=s3.place())
    (name,) = s3.names()
    first = s3.files().info(name)["LastModified"], s3.files().info(name)["ETag"]
    media.video(again, publish=s3.place())
    assert s3.names() == [name]
    assert (s3.files().info(name)["LastModified"], s3.files().info(name)["ETag"]) == first


def test_what_is_there_in_another_size_is_uploaded_again(s3: S3, files: dict[str, Path]) -> None:
    data = files["video"].read_bytes()
    s3.files().pipe(name_of(data, ".mp4"), data[:100])
    assert HTTP.get(media.video(files["video"], publish=s3.place())["url"]).content == data


def test_a_file_of_many_parts(s3: S3, tmp_path: Path) -> None:
    data = wav_header(20_000_000) + bytes(range(250)) * 80_000
    (path := tmp_path / "long.wav").write_bytes(data)
    block = media.audio(path, publish=s3.place())
    assert HTTP.get(block["url"]).content == data
    assert s3.uploads() == []


def wav_header(size: int) -> bytes:
    """The head of 8-bit sound of 8 kHz: a second has 8,000 bytes."""
    form = struct.pack("<IHHIIHH", 16, 1, 1, 8_000, 8_000, 1, 8)
    return b"RIFF" + struct.pack("<I", 36 + size) + b"WAVEfmt " + form + b"data" + struct.pack("<I", size)


@pytest.mark.parametrize("src", ["https://example.com/a.mp4", "http://example.com/a.mp4"])
def test_a_url_stays_as_it_is(src: str) -> None:
    assert media.video(src, publish="s3://nowhere/at-all") == media.video(src)


# Interrupted


@pytest.mark.parametrize(
    ("fault", "kind", "told"),
    [
        (KeyboardInterrupt("now"), KeyboardInterrupt, "now"),
        (OSError(errno.ECONNRESET, "reset"), errors.StorageError, "can't write in s3://films/long: "),
        (None, errors.ContentBlockError, "it changed while it was being uploaded; publish it again"),
    ],
    ids=["interrupt", "failure", "another file"],
)
def test_an_upload_that_ends_early_leaves_nothing(
    s3: S3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: BaseException | None, kind: Any, told: str
) -> None:
    (path := tmp_path / "long.wav").write_bytes(wav_header(20_000_000) + bytes(20_000_000))
    real, readings = _publish._pieces, []

    def faulty(path: Path) -> Iterator[bytes]:
        readings.append(path)
        for number, piece in enumerate(real(path)):
            if len(readings) == 2 and number == 2:  # the second reading is the upload
                if fault is not None:
                    raise fault
                yield b"other" + piece[5:]
            else:
                yield piece

    with monkeypatch.context() as patch:
        patch.setattr(_publish, "_pieces", faulty)
        with pytest.raises(kind, match=re.escape(told)):
            media.audio(path, publish=s3.place())
    assert (s3.names(), s3.uploads()) == ([], [])
    media.audio(path, publish=s3.place())
    assert len(s3.names()) == 1


FLAT = """
import resource, sys
from langchain_dmx_omni import media
place = media.Place("s3://films/long", key="test-key", secret="test-secret", endpoint_url=sys.argv[1])
media.audio(sys.argv[2], publish=place)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
media.audio(sys.argv[3], publish=place)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other systems count a process's memory in other units, or not")
def test_memory_does_not_grow_with_the_file(s3: S3, tmp_path: Path) -> None:
    small, large = tmp_path / "small.wav", tmp_path / "large.wav"
    for path, size in ((small, 30_000_000), (large, 60_000_000)):
        path.write_bytes(wav_header(size) + bytes(size))
    arguments = [sys.executable, "-c", FLAT, s3.endpoint, str(small), str(large)]
    result = subprocess.run(arguments, capture_output=True, text=True, check=True, cwd=ROOT)
    assert float(result.stdout) < 15  # MiB; the larger file has 30 MB more


# What is not uploaded


def too_large_video(folder: Path, clip: Path) -> Path:
    (path := folder / "large.mp4").write_bytes(clip.read_bytes())
    with path.open("r+b") as file:
        file.truncate(2_000_000_001)
    return path


def too_large_image(folder: Path, clip: Path) -> Path:
    (path := folder / "large.png").write_bytes(image("png", (1, 2, 3)))
    with path.open("r+b") as file:
        file.truncate(20_000_001)
    return path


def too_long_audio(folder: Path, clip: Path) -> Path:
    size = 8_000 * 3 * 3_600 + 80_000
    (path := folder / "long.wav").write_bytes(wav_header(size))
    with path.open("r+b") as file:
        file.truncate(44 + size)
    return path


def too_long_video(folder: Path, clip: Path) -> Path:
    path = folder / "long.mp4"
    with av.open(path, "w") as container:
        stream = container.add_stream("mpeg4", rate=1)
        stream.width, stream.height = 64, 48
        for second in range(0, 3_720, 60):
            frame = av.VideoFrame(64, 48, "yuv420p")
            frame.pts = second
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


REFUSED: dict[str, tuple[Callable[[Path, Path], Path], str, type[errors.DMXOmniError], str]] = {
    "a large video": (
        too_large_video,
        "video",
        errors.MediaTooLargeError,
        "large.mp4 is 2,000,000,001 bytes; by URL the service takes 2,000,000,000 of video: cut it into segments: "
        "video.split(path)",
    ),
    "a large image": (
        too_large_image,
        "image",
        errors.MediaTooLargeError,
        "large.png is 20,000,001 bytes; by URL the service takes 20,000,000 of image: scale it down",
    ),
    "long audio": (
        too_long_audio,
        "audio",
        errors.ContentBlockError,
        "long.wav lasts 10,810 s; the service takes 10,800 s of audio: cut it: video.split(path)",
    ),
    "a long video": (
        too_long_video,
        "video",
        errors.ContentBlockError,
        "s; the service takes 3,600 s of video",
    ),
    "no file": (lambda folder, _: folder / "none.mp4", "video", errors.ContentBlockError, "none.mp4: it can't be read"),
    "another kind": (lambda _, clip: clip, "image", errors.ContentBlockError, "its bytes are video/mp4, which is no"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_the_service_does_not_take_is_not_uploaded(s3: S3, tmp_path: Path, clip: Path, name: str) -> None:
    make, kind, error, told = REFUSED[name]
    with pytest.raises(error, match=re.escape(told)) as caught:
        MAKERS[kind](make(tmp_path, clip), publish=s3.place())
    assert type(caught.value) is error
    assert s3.names() == []


@pytest.mark.parametrize("src", [b"RIFF", "file:///tmp/a.mp4", "data:;base64,AAAA", 7])
def test_what_is_no_file(src: Any) -> None:
    with pytest.raises(errors.ContentBlockError, match="publish= needs a file: write the bytes to one"):
        media.video(src, publish="s3://films/long")


@pytest.mark.parametrize(("option", "told"), [({"fit": True}, "fit=True"), ({"inline": False}, "inline=False")])
@pytest.mark.parametrize("kind", MAKERS)
def test_options_that_do_not_go_together(clip: Path, kind: str, option: dict[str, Any], told: str) -> None:
    with pytest.raises(errors.ConfigurationError, match=f"leave out {told}"):
        MAKERS[kind](clip, publish="s3://films/long", **option)


# Places


@pytest.mark.parametrize("scheme", ["file", "memory"])
def test_a_place_that_can_not_sign(clip: Path, tmp_path: Path, scheme: str) -> None:
    place = f"{scheme}://{tmp_path}/published"
    with pytest.raises(errors.ConfigurationError, match=r"can't sign URLs: name storage that can, such as s3://"):
        media.video(clip, publish=place)
    assert not (tmp_path / "published").exists()


PLACES: dict[str, tuple[Any, type[Exception], str]] = {
    "no storage": (lambda _: "bucket/folder", errors.ConfigurationError, "names no storage: write it as s3://bucket"),
    "an unknown one": (lambda _: "nowhere://b/f", errors.ConfigurationError, "publish='nowhere://b/f' can't be used"),
    "no package": (lambda _: "gs://b/f", ImportError, "publish='gs://b/f' needs: pip install gcsfs"),
    "no bucket": (
        lambda s3: s3.place("s3://no-such-bucket/long"),
        errors.StorageError,
        "can't write in s3://no-such-bucket/long: The specified bucket does not exist; check that it is there, and",
    ),
    "a wrong option": (
        lambda s3: s3.place(no_such=1),
        errors.ConfigurationError,
        "publish='s3://films/long' can't sign URLs (AioSession.__init__() got an unexpected keyword",
    ),
    "nobody there": (
        lambda s3: s3.place(endpoint_url="http://127.0.0.1:9", config_kwargs={"retries": {"max_attempts": 0}}),
        errors.StorageError,
        "can't look in s3://films/long: Could not connect to the endpoint URL: \"http://127.0.0.1:9/",
    ),
}


@pytest.mark.parametrize("name", PLACES)
def test_a_place_that_can_not_be_used(s3: S3, clip: Path, name: str) -> None:
    place, kind, told = PLACES[name]
    with pytest.raises(kind, match=re.escape(told)) as caught:
        media.video(clip, publish=place(s3))
    assert type(caught.value) is kind
    assert "s3cret" not in str(caught.value)
    assert s3.names() == []


@pytest.mark.parametrize(
    ("missing", "told"), [("fsspec", "pip install s3fs"), ("s3fs", "pip install s3fs (Install s3fs to access S3)")]
)
def test_a_package_that_is_not_installed(clip: Path, missing: str, told: str) -> None:
    code = f"import sys; sys.modules[{missing!r}] = None; from langchain_dmx_omni import media; "
    code += f"media.video({str(clip)!r}, publish='s3://films/long')"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT)
    assert result.stderr.splitlines()[-1] == f"ImportError: publish='s3://films/long' needs: {told}"


@pytest.mark.parametrize("expires", [0, -1, float("nan")])
def test_a_url_has_to_be_good_for_some_time(expires: float) -> None:
    with pytest.raises(errors.ConfigurationError, match="a URL has to be good for some seconds"):
        media.Place("s3://films/long", expires=expires)


@pytest.mark.parametrize(("expires", "seconds"), [(None, 86_400), (60, 60), (0.5, 1)])
def test_how_long_a_url_is_good(s3: S3, files: dict[str, Path], expires: float | None, seconds: int) -> None:
    options: dict[str, Any] = {} if expires is None else {"expires": expires}
    place = s3.place(config_kwargs={"signature_version": "s3v4"}, **options)
    url = httpx.URL(media.image(files["image"], publish=place)["url"])
    assert url.params["X-Amz-Expires"] == str(seconds)


def test_a_place_keeps_what_opens_it_to_itself() -> None:
    place = media.Place("s3://films/long/", key="k", secret="s3cret-of-mine", expires=60)
    assert repr(place) == "Place(url='s3://films/long', expires=60)"
    assert pickle.loads(pickle.dumps(place)) == place
    assert len({place, place}) == 1
