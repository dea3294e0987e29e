"""What is to be looked at: contact sheets, clips, and players in a notebook."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from IPython.core.formatters import DisplayFormatter
from PIL import Image, ImageDraw

from langchain_dmx_omni import errors, video
from langchain_dmx_omni.library import Moment, _fonts
from langchain_dmx_omni.library._citations import Citation
from langchain_dmx_omni.library._fonts import FontStack, printable, wrapped
from langchain_dmx_omni.library._player import player
from langchain_dmx_omni.library._sheet import contact_sheet
from langchain_dmx_omni.library.answers import Answer
from tests import awkward_clips, clips, gateway_clips

GREY, BLACK = (0xE3, 0xE3, 0xE3), (0, 0, 0)


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six seconds, dark and bright in turn, two seconds each."""
    return clips.make(tmp_path_factory.mktemp("scenes") / "scenes.mp4", 6.0, scene=2.0)


def center(sheet: Image.Image, column: int = 0, row: int = 0) -> Any:
    """The pixel a little below the middle of a tile's picture."""
    return sheet.getpixel((16 + column * 336 + 160, 16 + row * 322 + 130))


def ink(sheet: Image.Image, box: tuple[int, int, int, int]) -> int:
    """How many pixels of an area are not paper."""
    return sum(count for count, color in sheet.crop(box).getcolors(1 << 20) or [] if color != (255, 255, 255))


# --- contact sheets ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("moments", "columns", "size"),
    [
        (0, None, (352, 338)),
        (1, None, (352, 338)),
        (2, None, (688, 338)),
        (4, None, (688, 660)),
        (5, None, (1024, 660)),
        (17, None, (1360, 1626)),
        (2, 1, (352, 660)),
        (2, 9, (688, 338)),
    ],
)
def test_the_size_of_a_sheet(moments: int, columns: int | None, size: tuple[int, int]) -> None:
    gone = [Moment("/gone/film.mp4", 1.0, 2.0, "")] * moments
    assert contact_sheet(gone, columns=columns).size == size


@pytest.mark.parametrize(
    ("moments", "columns", "problem"),
    [(401, None, "401 moments don't fit on a sheet; give at most 400"), (1, 0, "columns=0: 1 or more")],
)
def test_a_sheet_that_cannot_be(moments: int, columns: int | None, problem: str) -> None:
    with pytest.raises(errors.ConfigurationError, match=problem):
        contact_sheet([Moment("/gone/film.mp4", 1.0, 2.0, "")] * moments, columns=columns)


def test_each_picture_is_the_one_at_the_moments_start(scenes: Path) -> None:
    times = [0.0, 1.9, 2.0, 3.9, 4.1, 6.0, 99.0]
    sheet = contact_sheet([Moment(str(scenes), time, time + 1, "") for time in times], columns=7)
    shades = [center(sheet, column)[0] for column in range(len(times))]
    dark, bright = clips.SHADES
    assert shades == pytest.approx([dark, dark, bright, bright, dark, dark, dark], abs=12)


def test_a_picture_keeps_its_shape(tmp_path: Path) -> None:
    tall = clips.make(tmp_path / "tall.mp4", 1.0, size=(64, 96))
    sheet = contact_sheet([Moment(str(tall), 0.0, 1.0, "")])
    row = [sheet.getpixel((16 + x, 16 + 130)) for x in range(320)]
    assert row.count(BLACK) == pytest.approx(200, abs=4)


@pytest.mark.parametrize(
    ("matrix", "brighter"),
    [(0, "top"), (90, "right"), (180, "bottom"), (270, "left"), ((1, 0, 0, -1), "bottom"), ((-1, 0, 0, 1), "top")],
    ids=repr,
)
def test_a_picture_is_upright(tmp_path: Path, matrix: Any, brighter: str) -> None:
    source = clips.make(tmp_path / "a.mp4", 1.0, size=(96, 96))
    film = awkward_clips.turned(source, matrix) if matrix else source
    sheet = contact_sheet([Moment(str(film), 0.0, 1.0, "")])
    middle = (16 + 160, 16 + 90)
    places = {"top": (0, -40), "bottom": (0, 40), "left": (-40, 0), "right": (40, 0)}
    light = {name: sheet.getpixel((middle[0] + x, middle[1] + y)) for name, (x, y) in places.items()}
    assert max(light, key=lambda name: light[name][0] if isinstance(light[name], tuple) else 0) == brighter  # type: ignore[index]


def thumbnail(folder: Path) -> str:
    Image.new("RGB", (640, 360), "#ff0000").save(folder / "thumbnail.jpg")
    return str(folder / "thumbnail.jpg")


def no_thumbnail(folder: Path) -> str:
    (folder / "broken.jpg").write_bytes(b"no picture")
    return str(folder / "broken.jpg")


@pytest.mark.parametrize(
    ("source", "picture", "color"),
    [
        ("gone.mp4", "", GREY),
        ("gone.mp4", thumbnail, (254, 0, 0)),
        ("gone.mp4", no_thumbnail, GREY),
        ("gone.mp4", "/gone/thumbnail.jpg", GREY),
        ("talk.wav", "", GREY),
        ("talk.wav", thumbnail, (254, 0, 0)),
        ("notes.mp4", "", GREY),
        ("s3://films/crane.mp4", "", GREY),
    ],
)
def test_where_there_is_no_picture(tmp_path: Path, source: str, picture: Any, color: tuple[int, int, int]) -> None:
    (tmp_path / "talk.wav").write_bytes(gateway_clips.sound(1.0, 0.5))
    (tmp_path / "notes.mp4").write_text("no film")
    path = source if ":" in source else str(tmp_path / source)
    sheet = contact_sheet([Moment(path, 0.0, 1.0, "", thumbnail=picture(tmp_path) if callable(picture) else picture)])
    assert center(sheet) == color
    if color == GREY:  # it says why
        assert len(sheet.crop((16, 16, 336, 60)).getcolors(1 << 20) or []) > 2


def test_all_that_is_said_of_a_moment_is_there() -> None:
    gone = Moment("/gone/film.mp4", 1.0, 2.0, "")
    areas = {"time": (16, 196, 336, 221), "title": (16, 222, 336, 242), "text": (16, 243, 336, 330)}

    def areas_of(moment: Moment, **options: Any) -> dict[str, int]:
        sheet = contact_sheet([moment], **options)
        return {name: ink(sheet, box) for name, box in areas.items()}

    bare = areas_of(gone)
    assert bare["text"] == 0
    assert bare["time"] > 0
    assert areas_of(gone, labels=["[12]"])["time"] > bare["time"]
    assert areas_of(replace(gone, title="The title of a film"))["title"] > bare["title"]
    assert areas_of(replace(gone, text="The crane stops"))["text"] > 0
    long = areas_of(replace(gone, text="The crane stops. " * 1000))
    assert long["text"] > areas_of(replace(gone, text="The crane stops. " * 10))["text"] * 0.5
    assert contact_sheet([replace(gone, text="The crane stops. " * 1000)]).size == (352, 338)


def test_the_sheet_of_an_answer_shows_what_it_cites() -> None:
    moments = [Moment(f"/gone/{id}.mp4", 1.0, 2.0, "", id=id) for id in "abc"]
    citation = Citation("/gone/b.mp4", 1.0, 2.0, "", number=2, moment_id="b")
    assert Answer("It is [2].", [citation], moments).contact_sheet().size == (352, 338)
    assert Answer("Nothing.", [], moments).contact_sheet(columns=3).size == (1024, 338)
    assert Answer("Nothing.", [], []).contact_sheet().size == (352, 338)


# --- text -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "crane",
        "起重机停了。",
        "繁體字",
        "クレーン",
        "크레인",
        "кран",
        "γερανός",
        "🏗🎬👍🏽",
        "ρ∑√",
        "رافعة",
        "क्रेन",
        "ปั้นจั่น",
        "“–…”",
    ],
)
def test_every_script_is_drawn(text: str) -> None:
    fonts = FontStack(15)
    page = Image.new("RGB", (200, 30), "white")
    fonts.draw(ImageDraw.Draw(page), 0, 0, text, "black")
    assert fonts.missing == set()
    assert 0 < fonts.width(text) < 200
    assert ink(page, (0, 0, 200, 30)) > 20
    assert ink(page, (int(fonts.width(text)) + 4, 0, 200, 30)) == 0


def test_joined_emoji_are_one_sign() -> None:
    fonts = FontStack(15)
    assert fonts.width("👩‍🚀") < 1.5 * fonts.width("👩")
    assert fonts.width("🇨🇳") < 1.5 * fonts.width("👩")
    assert fonts.width("👍🏽") < 1.5 * fonts.width("👍")


def test_what_no_font_has_is_named_once() -> None:
    text = "\u13a0 \U00012000 \U00012000 \U00013000"  # Cherokee, cuneiform, hieroglyphs
    with pytest.warns(errors.DMXOmniWarning) as caught:
        contact_sheet([Moment("/gone/film.mp4", 0.0, 1.0, text), Moment("/gone/film.mp4", 0.0, 1.0, text)])
    (warning,) = caught
    assert "CUNEIFORM SIGN A" in str(warning.message)
    assert str(warning.message).startswith("no font has ")


@pytest.fixture
def no_packages(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    _fonts._packaged.cache_clear()
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    yield
    _fonts._packaged.cache_clear()


@pytest.mark.usefixtures("no_packages")
def test_without_the_packages_of_fonts_latin_is_drawn_and_the_rest_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_fonts, "_OF_SYSTEMS", ("no-such-font.ttf",))
    fonts = FontStack(15)
    assert fonts.width("crane") > 0
    assert fonts.missing == set()
    with pytest.warns(errors.DMXOmniWarning, match=r"no font has CJK UNIFIED IDEOGRAPH-.* brings fonts for Chinese"):
        contact_sheet([Moment("/gone/film.mp4", 0.0, 1.0, "起重机")])


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("two\nlines\tand  more ", "two lines and more"),
        ("bell\x07 \ud800 \ue000 \u202eturned", "bell turned"),
        ("👩\u200d🚀 ❤\ufe0f", "👩\u200d🚀 ❤\ufe0f"),
        ("", ""),
    ],
)
def test_what_can_be_drawn_on_a_line(text: str, plain: str) -> None:
    assert printable(text) == plain


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", []),
        ("the crane", ["the crane"]),
        ("the crane did stop at once", ["the crane did", "stop at once"]),
        ("起重机在今天停了下来", ["起重机在今天", "停了下来"]),
        ("起重机在今天，停了", ["起重机在今", "天，停了"]),
        ("thecranedidstopatonceandforall", ["thecranedidst", "opatonceandf", "orall"]),
        ("the crane did stop at once and for all of us", ["the crane did", "stop at once", "and for all o…"]),
        ("起重机在今天停了下来起重机在今天停了下来", ["起重机在今天", "停了下来起重", "机在今天停…"]),
    ],
)
def test_lines(text: str, lines: list[str]) -> None:
    fonts = FontStack(15)
    assert wrapped(fonts, text, 100, 3) == lines
    assert all(fonts.width(line) <= 100 for line in lines)


# --- clips ------------------------------------------------------------------------------------------------------------


def test_a_clip_is_the_span(scenes: Path, tmp_path: Path) -> None:
    path = Moment(str(scenes), 1.5, 4.0, "").clip(tmp_path / "clips" / "crane.mp4")
    assert path == tmp_path / "clips" / "crane.mp4"
    info = video.probe(path)
    assert info.duration == pytest.approx(2.5, abs=0.05)
    assert (info.width, info.height) == (160, 96)
    assert info.fps == pytest.approx(10, abs=0.5)  # the source's own, which a model would not need
    assert video.scenes(path) == pytest.approx([0.5], abs=0.15)
    assert [each.name for each in path.parent.iterdir()] == ["crane.mp4"]


def test_a_clip_replaces_what_is_there(scenes: Path, tmp_path: Path) -> None:
    target = tmp_path / "clip.mp4"
    target.write_text("old")
    assert video.probe(Moment(str(scenes), 0, 1, "").clip(target)).duration == pytest.approx(1.0, abs=0.05)


def test_a_clip_in_the_cache_is_written_once(scenes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DMX_OMNI_CACHE_DIR", str(tmp_path))
    first = Moment(str(scenes), 0, 1, "").clip()
    written = first.stat().st_ino
    assert first.parent == tmp_path
    assert Moment(str(scenes), 0, 1, "again").clip().stat().st_ino == written
    assert Moment(str(scenes), 0, 2, "").clip() != first


def test_a_clip_of_sound(tmp_path: Path) -> None:
    talk = tmp_path / "talk.wav"
    talk.write_bytes(gateway_clips.sound(5.0, 0.5))
    info = video.probe(Moment(str(talk), 1.0, 3.0, "").clip(tmp_path / "clip.m4a"))
    assert info.kind == "audio"
    assert info.duration == pytest.approx(2.0, abs=0.1)


@pytest.mark.parametrize(
    ("span", "target", "kind", "problem"),
    [
        ((7.0, 9.0), "clip.mp4", errors.ConfigurationError, "there is nothing from 7 to 9 s; the recording has 0 to 6"),
        ((2.0, 2.0), "clip.mp4", errors.ConfigurationError, "there is nothing from 2 to 2 s"),
        ((0.0, 1.0), ".", errors.ConfigurationError, "is a folder; name a file, such as"),
        ((0.0, 1.0), "scenes.mp4", errors.ConfigurationError, "is the recording itself"),
        ((0.0, 1.0), "notes.txt/clip.mp4", errors.StorageError, "can't write a clip"),
    ],
    ids=repr,
)
def test_a_clip_that_cannot_be(
    scenes: Path, tmp_path: Path, span: tuple[float, float], target: str, kind: type[Exception], problem: str
) -> None:
    source = tmp_path / "scenes.mp4"
    source.write_bytes(scenes.read_bytes())
    (tmp_path / "notes.txt").write_text("a file")
    before = sorted(tmp_path.iterdir())
    with pytest.raises(kind, match=problem):
        Moment(str(source), *span, "").clip(tmp_path / target)
    assert sorted(tmp_path.iterdir()) == before
    assert source.read_bytes() == scenes.read_bytes()


def test_a_clip_of_what_is_gone(tmp_path: Path) -> None:
    with pytest.raises(errors.ContentBlockError, match="No such file"):
        Moment(str(tmp_path / "gone.mp4"), 0, 1, "").clip(tmp_path / "clip.mp4")
    assert list(tmp_path.iterdir()) == []


# --- players ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("moment", "html"),
    [
        (
            Moment("{cwd}/films/a b.mp4", 1.5, 4.0, "a <crane>", title="Crane & co"),
            '<div><video src="films/a%20b.mp4#t=1.500,4.000" controls preload="none" width="480"></video><br>'
            "Crane &amp; co, 0:01–0:04: a &lt;crane&gt;</div>",
        ),
        (
            Moment("/elsewhere/汉.mp4", 0, 1, "", thumbnail="{cwd}/t.jpg"),
            '<div><video src="file:///elsewhere/%E6%B1%89.mp4#t=0.000,1.000" controls preload="none" width="480" '
            'poster="t.jpg"></video><br>汉.mp4, 0:00–0:01</div>',
        ),
        (
            Moment("https://example.com/a.mp4?x=1&y=2", 0, 1, ""),
            '<div><video src="https://example.com/a.mp4?x=1&amp;y=2#t=0.000,1.000" controls preload="none" '
            'width="480"></video><br>a.mp4?x=1&amp;y=2, 0:00–0:01</div>',
        ),
        (
            Moment("/talks/talk.mp3", 0, 1, "", thumbnail="/t.jpg"),
            '<div><audio src="file:///talks/talk.mp3#t=0.000,1.000" controls preload="none"></audio><br>'
            "talk.mp3, 0:00–0:01</div>",
        ),
    ],
)
def test_a_player(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: Moment, html: str) -> None:
    monkeypatch.chdir(tmp_path)
    source, thumbnail = (text.replace("{cwd}", str(tmp_path)) for text in (moment.source, moment.thumbnail))
    moment = replace(moment, source=source, thumbnail=thumbnail)
    assert player(moment) == moment._repr_html_() == html
    formatter: Any = DisplayFormatter()
    formats, _ = formatter.format(moment)
    assert formats["text/html"] == html
    shown: list[Any] = []
    monkeypatch.setattr("IPython.display.display", shown.append)
    moment.show()
    assert [each.data for each in shown] == [html]


@pytest.mark.parametrize(
    "text",
    ["x", "汉", "<&>", "\ud800"],
    ids=ascii,
)
def test_a_player_is_small(text: str) -> None:
    html = player(Moment("/films/crane.mp4", 0, 1, text * 10_000))
    assert 1_500 < len(html.encode()) <= 2_000
    assert html.endswith("…</div>")


def test_showing_needs_a_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "IPython", None)
    monkeypatch.setitem(sys.modules, "IPython.display", None)
    with pytest.raises(ImportError, match="pip install ipython"):
        Moment("/films/crane.mp4", 0, 1, "").show()


# --- extras -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("missing", "use"),
    [
        ("langgraph", "from langchain_dmx_omni.library._graph import build_graph; build_graph(None, None)"),
        ("PIL", "from langchain_dmx_omni.library._sheet import contact_sheet; contact_sheet([])"),
    ],
)
def test_an_extra_that_is_missing_is_named(missing: str, use: str) -> None:
    code = f"import sys; sys.modules[{missing!r}] = None\n{use}"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.stderr.splitlines()[-1].endswith('needs: pip install "langchain-dmx-omni[library]"')


def test_nothing_is_imported_before_it_is_needed() -> None:
    code = (
        "import sys, langchain_dmx_omni.library, langchain_dmx_omni.library._graph, langchain_dmx_omni.library._sheet, "
        "langchain_dmx_omni.library._tools\n"
        "print([each for each in ('langgraph', 'PIL', 'IPython', 'lancedb', 'fsspec') if each in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
