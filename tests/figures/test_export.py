import hashlib
import json
import os
import re
import struct
import subprocess
import sys
import xml.etree.ElementTree as ET
import zlib

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from analysis.figures.export import save_figure
from analysis.figures.record import FigureRecord, keep_record
from analysis.figures.style import BLUE, current, style
from analysis.figures.parts.text import font

SVG = "{http://www.w3.org/2000/svg}"
SUFFIXES = ["pdf", "svg", "png", "csv", "json"]
SCRIPT = """
import sys, warnings
from analysis.figures.fonts import FontWarning
warnings.simplefilter("ignore", FontWarning)
from test_export import make
make(sys.argv[1])
make(sys.argv[1] + "/plos", journal="plos")
"""


TABLE = pd.DataFrame({"label": ["Émile 1999", "Б & <c> 2001"], "risk_ratio": [1.2, 1.6], "third": 1 / 3})
WORDS = {
    "title": "Risk of fracture",
    "caption": "Two studies – made up.",
    "alt": "Forest plot of two studies; both risk ratios < 2 & above 1.",
}


LABELS = ("Émile 1999 τ² ≥ 0", "Б & <c> 結核 2001", "دراسة שלום $1$")


def draw(journal="default", labels=LABELS):
    """Draw marks of each kind, and labels in five scripts."""
    with style(journal):
        figure = Figure(figsize=(current().double_mm / 25.4, 2.0))
        FigureCanvasAgg(figure)
        ax = figure.add_axes((0.3, 0.3, 0.6, 0.6))
        ax.plot([1.2, 1.6], [0, 1], "s", color=BLUE, gid="estimate")
        ax.hlines([0, 1], [0.9, 1.1], [1.6, 2.4], color="black")
        ax.fill_between([1.0, 2.0], -0.5, -0.2, color="#D9D9D9")
        ax.set_yticks([0, 1, 2], labels)
        ax.set_xticks([1, 2], ["1", "2"])
        for label in [*ax.get_xticklabels(), *ax.get_yticklabels()]:
            label.set_fontproperties(font())
            label.set_parse_math(False)
        ax.set_xlabel("Risk ratio")
    return figure


def make(directory, *, journal=None, **changes):
    arguments = {"source": TABLE, "directory": directory} | WORDS | changes
    return save_figure(draw(journal or "default"), "fig_1", journal=journal, **arguments)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    return make(tmp_path_factory.mktemp("figures"))


@pytest.fixture(scope="module")
def printed(tmp_path_factory):
    return {path.suffix: path for path in make(tmp_path_factory.mktemp("plos"), journal="plos")}


def digests(folder):
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.iterdir()
        if path.is_file()
    }


def test_five_files_and_nothing_else(saved):
    assert [path.name for path in saved] == [f"fig_1.{suffix}" for suffix in SUFFIXES]
    assert sorted(path.name for path in saved[0].parent.iterdir()) == sorted(path.name for path in saved)


def test_bytes_are_the_same_twice(saved, tmp_path):
    Figure().add_subplot().plot([1, 2])
    make(tmp_path)
    assert digests(tmp_path) == digests(saved[0].parent)


def test_every_format_of_a_journal_has_the_same_bytes_twice(printed, tmp_path):
    assert list(printed) == [".pdf", ".svg", ".png", ".eps", ".tiff", ".csv", ".json"]
    make(tmp_path, journal="plos")
    assert digests(tmp_path) == digests(printed[".pdf"].parent)


def test_bytes_are_the_same_in_another_process(saved, printed, tmp_path):
    environment = os.environ | {
        "PYTHONHASHSEED": "12345",
        "PYTHONPATH": os.path.dirname(__file__),  # noqa: PTH120
        "MPLCONFIGDIR": str(tmp_path / "config"),
        "TZ": "Asia/Tokyo",
        "LC_ALL": "C.UTF-8",
    }
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "matplotlibrc").write_text(
        "font.family: serif\naxes.grid: True\nsvg.fonttype: none\n"
    )
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path / "out")], check=True, env=environment, cwd=elsewhere
    )
    assert digests(tmp_path / "out") == digests(saved[0].parent)
    assert digests(tmp_path / "out" / "plos") == digests(printed[".pdf"].parent)


def test_the_eps_has_truetype_letters_and_no_date(printed):
    content = printed[".eps"].read_bytes()
    head = content.partition(b"%%EndComments")[0]
    assert content.startswith(b"%!PS-Adobe-3.0 EPSF-3.0\n%%Title: fig_1\n")
    assert b"CreationDate" not in head
    assert b"Creator" not in head
    assert b"BoundingBox" in head
    assert b"/FontType 42 def" in content
    assert b"LiberationSans" in content or b"DejaVuSans" in content or b"Arial" in content
    # The bounding box is the printed size.
    box = [float(x) for x in re.search(rb"%%HiResBoundingBox: (.*)", head).group(1).split()]
    assert box[2] - box[0] == pytest.approx(190.5 / 25.4 * 72, abs=1)


def test_the_tiff_has_the_journals_resolution_and_no_alpha(printed):
    with Image.open(printed[".tiff"]) as picture:
        assert picture.mode == "RGB"
        assert picture.info["compression"] == "tiff_lzw"
        assert picture.info["dpi"] == (600, 600)
        assert picture.size == (int(190.5 / 25.4 * 600), 1200)
        assert picture.getpixel((0, 0)) == (255, 255, 255)
        # DateTime and Software would differ from run to run.
        assert not {305, 306} & set(picture.tag_v2)


def test_the_environment_is_as_it_was(printed):
    assert "SOURCE_DATE_EPOCH" not in os.environ


@pytest.mark.parametrize("journal", ["lancet", "bmj", "jama", "nejm", "nature", "elsevier", "springer"])
def test_each_journal_gets_its_formats(journal, tmp_path):
    figure = draw(journal, labels=("a", "b", "c"))
    paths = save_figure(figure, "own", journal=journal, source=TABLE, directory=tmp_path, **WORDS)
    assert {path.suffix for path in paths} == {".pdf", ".svg", ".png", ".eps", ".tiff", ".csv", ".json"}


def test_what_a_figure_brings_along_is_written(tmp_path):
    figure = keep_record(draw(), FigureRecord(numbers=TABLE, **WORDS))
    paths = save_figure(figure, "own", directory=tmp_path)
    assert json.loads(paths[-1].read_text(encoding="utf-8")) == WORDS
    assert pd.read_csv(paths[-2])["risk_ratio"].tolist() == [1.2, 1.6]
    paths = save_figure(figure, "own", title="Another", directory=tmp_path)
    assert json.loads(paths[-1].read_text(encoding="utf-8")) == WORDS | {"title": "Another"}


def test_a_figure_without_a_record_needs_words(tmp_path):
    with pytest.raises(
        ValueError,
        match=r"`source`, `title`, `caption` and `alt` must be given, because `fig` brings no record",
    ):
        save_figure(draw(), "own", directory=tmp_path)
    with pytest.raises(ValueError, match=r"^`alt` must be given, because `fig`"):
        make(tmp_path, alt=None)
    assert list(tmp_path.iterdir()) == []


def test_half_transparent_marks_are_flattened_for_eps_only_where_nothing_lies_below(tmp_path):
    figure = draw(labels=("a", "b", "c"))
    ax = figure.axes[0]
    ax.set_ylim(-3, 3)
    band = ax.fill_between([1.0, 2.0], -3.0, -2.0, facecolor="#FF0000", alpha=0.5, zorder=0.1, gid="band")
    words = {"source": TABLE, "directory": tmp_path, "journal": "plos"} | WORDS
    paths = {path.suffix: path for path in save_figure(figure, "own", **words)}
    assert b"1 0.5 0.5 setrgbcolor" in paths[".eps"].read_bytes()
    assert band.get_alpha() == 0.5
    assert band.get_facecolor() == pytest.approx(np.array([[1, 0, 0, 0.5]]))
    before = digests(tmp_path)
    ax.fill_between([1.0, 2.0], -3.0, 2.0, facecolor="#FF0000", alpha=0.5, zorder=5, gid="veil")
    with pytest.raises(ValueError, match="half transparent mark 'veil' that lies on"):
        save_figure(figure, "own", **words)
    assert digests(tmp_path) == before


def test_an_unknown_journal_is_refused_with_a_list(tmp_path):
    with pytest.raises(ValueError, match="`journal` must be one of 'default', 'lancet', .* but got 'cell'"):
        save_figure(draw(), "own", source=TABLE, journal="cell", directory=tmp_path / "new", **WORDS)
    assert not (tmp_path / "new").exists()


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path):
    (tmp_path / "file").write_text("no folder", encoding="utf-8")
    with pytest.raises(
        OSError, match=r"`directory` must be a folder that files can be written to, but '.*file'"
    ):
        make(tmp_path / "file")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_disk_that_is_full_leaves_the_former_files(tmp_path, monkeypatch):
    from analysis.data import provenance

    make(tmp_path)
    before = digests(tmp_path)
    whole = provenance.write_atomic

    def fail(path, content):
        if str(path).endswith(".csv"):
            raise OSError(28, "No space left on device")
        whole(path, content)

    monkeypatch.setattr(provenance, "write_atomic", fail)
    with pytest.raises(OSError, match="No space left on device"):
        make(tmp_path, title="Another title")
    assert digests(tmp_path) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(before)


def test_the_pdf_can_be_searched_in_every_script(saved):
    from pypdf import PdfReader

    text = PdfReader(saved[0]).pages[0].extract_text()
    for part in ("Émile 1999 τ² ≥ 0", "Б & <c>", "結核", "Risk ratio"):
        assert part in text
    # Letters that are read from the right stand in the order in which they are seen.
    assert "םולש" in text or "שלום" in text


def test_the_pdf_embeds_truetype_and_has_no_date(saved):
    content = saved[0].read_bytes()
    assert b"/Type0" in content
    assert b"CIDFontType2" in content
    assert b"FontFile2" in content
    assert b"/Type3" not in content
    for word in (b"CreationDate", b"ModDate", b"Producer", b"Creator"):
        assert word not in content
    assert b"Risk of fracture" in content


def test_the_svg_is_an_image_with_a_name_and_a_description(saved):
    root = ET.fromstring(saved[1].read_text(encoding="utf-8"))  # noqa: S314 -- written by ourselves
    assert root.get("role") == "img"
    title, description = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
    assert title.text == "Risk of fracture"
    assert description.text == "Forest plot of two studies; both risk ratios < 2 & above 1."
    assert root.get("aria-labelledby") == f"{title.get('id')} {description.get('id')}"
    assert root.findall(f".//{SVG}text") == []
    assert "date" not in saved[1].read_text(encoding="utf-8")


def test_the_png_has_300_dots_an_inch_and_no_software(saved):
    content = saved[2].read_bytes()
    width, height = struct.unpack(">II", content[16:24])
    assert (width, height) == (int(174 / 25.4 * 300), height)
    position = content.index(b"pHYs")
    chunk = content[position : position + 13]
    assert struct.unpack(">II", chunk[4:12]) == (11811, 11811)
    assert struct.unpack(">I", content[position + 13 : position + 17])[0] == zlib.crc32(chunk)
    assert b"Software" not in content


def test_the_numbers_have_twelve_digits_and_plain_line_ends(saved):
    content = saved[3].read_bytes()
    assert b"\r" not in content
    text = content.decode("utf-8")
    assert text == "label,risk_ratio,third\nÉmile 1999,1.2,0.333333333333\nБ & <c> 2001,1.6,0.333333333333\n"


def test_the_words_are_sorted_json(saved):
    text = saved[4].read_text(encoding="utf-8")
    assert list(json.loads(text)) == ["alt", "caption", "title"]
    assert "–" in text


def test_the_folder_is_the_callers_or_the_environments_or_the_projects(tmp_path, monkeypatch):
    monkeypatch.setenv("REANALYSIS_FIGURES_DIR", str(tmp_path / "named"))
    assert make(None)[0].parent == tmp_path / "named"
    assert make(tmp_path / "own")[0].parent == tmp_path / "own"
    monkeypatch.delenv("REANALYSIS_FIGURES_DIR")
    (tmp_path / "data" / "raw").mkdir(parents=True)
    (tmp_path / "pyproject.toml").touch()
    monkeypatch.setenv("REANALYSIS_ROOT", str(tmp_path))
    assert make(None)[0].parent.resolve() == (tmp_path / "figures").resolve()


def test_nothing_is_written_if_drawing_fails(tmp_path, monkeypatch):
    make(tmp_path)
    before = digests(tmp_path)

    def fail(self, *args, **kwargs):
        if kwargs["format"] == "png":
            raise OSError("no room")
        return savefig(self, *args, **kwargs)

    savefig = Figure.savefig
    monkeypatch.setattr(Figure, "savefig", fail)
    with pytest.raises(OSError, match="no room"):
        make(tmp_path, title="Another title")
    assert digests(tmp_path) == before


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"title": ""}, ValueError, "`title` must be a text, but got ''"),
        ({"caption": " "}, ValueError, "`caption` must be a text"),
        ({"alt": 3}, ValueError, "`alt` must be a text, but got 3"),
        ({"source": pd.DataFrame()}, ValueError, "`source` must hold the plotted numbers, but is empty"),
        (
            {"source": np.ones(3)},
            TypeError,
            "`source` must be a DataFrame of the plotted numbers, but got ndarray",
        ),
    ],
)
def test_what_is_missing_is_named(tmp_path, changes, error, message):
    with pytest.raises(error, match=message):
        make(tmp_path, **changes)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["", "Fig1", "fig-1", "../fig", "fig.1", "fig 1", "fig\n"])
def test_names_are_plain(tmp_path, name):
    words = {"title": "t", "caption": "c", "alt": "a", "directory": tmp_path}
    figure = Figure()
    figure.text(0, 0, "x")
    with pytest.raises(ValueError, match="`name` must be small letters, digits and underscores, but got"):
        save_figure(figure, name, source=pd.DataFrame({"a": [1]}), **words)


def test_an_empty_figure_is_refused(tmp_path):
    figure = Figure()
    words = {"title": "t", "caption": "c", "alt": "a", "directory": tmp_path}
    with pytest.raises(ValueError, match="`fig` must show something, but is empty"):
        save_figure(figure, "a", source=pd.DataFrame({"a": [1]}), **words)
    figure.add_subplot()
    with pytest.raises(ValueError, match="`fig` must show something, but is empty"):
        save_figure(figure, "a", source=pd.DataFrame({"a": [1]}), **words)
    with pytest.raises(TypeError, match="`fig` must be a Figure, but got Axes"):
        save_figure(figure.axes[0], "a", source=pd.DataFrame({"a": [1]}), **words)
