import hashlib
import json
import os
import struct
import subprocess
import sys
import xml.etree.ElementTree as ET
import zlib

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from analysis.figures.export import save_figure
from analysis.figures.forest import figure_forest
from analysis.values.estimate import EffectSizes

SVG = "{http://www.w3.org/2000/svg}"
SUFFIXES = ["pdf", "svg", "png", "csv", "json"]
SCRIPT = """
import sys
from test_export import make
make(sys.argv[1])
"""


def make(directory, **changes):
    effects = EffectSizes(
        effect=[0.2, 0.5], variance=[0.1, 0.2], measure="RR", label=["Émile 1999", "Б & <c> 2001"]
    )
    arguments = {
        "source": effects.to_frame().assign(third=1 / 3, text='a "b", c', whole=5),
        "title": "Risk of fracture",
        "caption": "Two studies – made up.",
        "alt": "Forest plot of two studies; both risk ratios < 2 & above 1.",
        "directory": directory,
    }
    return save_figure(figure_forest(effects, synthetic=True), "fig_1", **(arguments | changes))


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    return make(tmp_path_factory.mktemp("figures"))


def digests(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def test_five_files_and_nothing_else(saved):
    assert [path.name for path in saved] == [f"fig_1.{suffix}" for suffix in SUFFIXES]
    assert sorted(path.name for path in saved[0].parent.iterdir()) == sorted(path.name for path in saved)


def test_bytes_are_the_same_twice(saved, tmp_path):
    Figure().add_subplot().plot([1, 2])
    make(tmp_path)
    assert digests(tmp_path) == digests(saved[0].parent)


def test_bytes_are_the_same_in_another_process(saved, tmp_path):
    environment = os.environ | {
        "PYTHONHASHSEED": "12345",
        "PYTHONPATH": os.path.dirname(__file__),  # noqa: PTH120
        "MPLCONFIGDIR": str(tmp_path / "config"),
        "TZ": "Asia/Tokyo",
    }
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "matplotlibrc").write_text(
        "font.family: serif\naxes.grid: True\nsvg.fonttype: none\n"
    )
    subprocess.run([sys.executable, "-c", SCRIPT, str(tmp_path / "out")], check=True, env=environment)
    assert digests(tmp_path / "out") == digests(saved[0].parent)


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
    assert text.startswith("label,effect,variance,measure,scale,third,text,whole\n")
    assert "Émile 1999,0.2,0.1,RR,log,0.333333333333" in text
    assert '"a ""b"", c",5\n' in text


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
        ({"alt": None}, ValueError, "`alt` must be a text, but got None"),
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
