import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from analysis.figures.check_figure import check_figure
from analysis.figures.export import save_figure
from analysis.figures.style import BLUE, current, style
from analysis.figures.parts.text import font

WORDS = {"title": "t", "caption": "c", "alt": "a", "source": pd.DataFrame({"a": [1]})}


def good(journal="default", width_mm=None):
    """Draw a figure that keeps every rule."""
    with style(journal):
        width = (width_mm or current().double_mm) / 25.4
        figure = Figure(figsize=(width, 2.0))
        FigureCanvasAgg(figure)
        ax = figure.add_axes((0.2, 0.3, 0.7, 0.6))
        ax.plot([1, 2], [0, 1], "s", color=BLUE, gid="estimate")
        ax.plot([1, 2], [0.5, 0.6], color="black", linewidth=0.8, gid="line")
        ax.set_yticks([0, 1], ["Study A", "Study B"])
        ax.set_xticks([1, 2], ["1", "2"])
        for label in [*ax.get_xticklabels(), *ax.get_yticklabels()]:
            label.set_fontproperties(font())
    return figure


def rules(report):
    return [finding.rule for finding in report.findings]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    figure = good(width_mm=180)
    figure.text(0.5, 0.02, "tiny", fontsize=4)
    figure.axes[0].plot([1, 2], [0.1, 0.2], color="black", linewidth=0.2)
    paths = save_figure(figure, "bad", journal="plos", directory=folder, **WORDS)
    return {path.suffix: path for path in paths}


@pytest.mark.parametrize("suffix", [".pdf", ".eps"])
def test_letters_lines_and_size_of_a_file_are_found(files, suffix):
    report = check_figure(files[suffix], journal="elsevier")
    assert rules(report) == ["size of letters"]
    report = check_figure(files[suffix], journal="springer")
    expected = ["width", "size of letters", "width of lines"]
    assert rules(report) == (["format", *expected] if suffix == ".pdf" else expected)
    assert "the smallest of 4 pt" in str(report)
    assert "the thinnest of 0.2 pt" in str(report)
    assert "180.0 mm" in str(report)


def test_outlines_of_an_svg_are_found_where_letters_are_wanted(files):
    assert rules(check_figure(files[".svg"])) == ["width", "width of lines"]
    report = check_figure(files[".svg"], journal="nature")
    assert rules(report) == ["format", "width of lines", "fonts"]
    assert report.findings[2].found == "no letters: text is drawn as outlines"


def test_letters_of_an_svg_are_measured(tmp_path):
    path = tmp_path / "text.svg"
    path.write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" width="100mm" height="20mm" viewBox="0 0 200 40">'
        '<text style="font: 8px sans-serif">small</text><path style="stroke: #000; stroke-width: 1"/></svg>',
        encoding="utf-8",
    )
    report = check_figure(path)
    # Two hundred units are 100 mm: a unit is 1.417 points.
    assert report.passes
    path.write_text(path.read_text(encoding="utf-8").replace("8px", "4px"), encoding="utf-8")
    assert "the smallest of 5.67 pt (“small”)" in str(check_figure(path))


def test_fonts_of_type_3_and_fonts_that_are_not_embedded_are_found(tmp_path):
    figure = good()
    for kind, found in ((3, "is of Type 3"), (None, "is not embedded")):
        path = tmp_path / "own.pdf"
        with style():
            settings = {"pdf.fonttype": 3} if kind else {"pdf.use14corefonts": True}
            with mpl.rc_context(settings):
                if kind is None:
                    for label in [*figure.axes[0].get_xticklabels(), *figure.axes[0].get_yticklabels()]:
                        label.set_fontfamily("Helvetica")
                figure.savefig(path)
        report = check_figure(path)
        assert set(rules(report)) == {"fonts"}
        assert found in report.findings[0].found


def test_outlines_of_a_pdf_are_found(tmp_path):
    figure = Figure(figsize=(3, 2))
    figure.add_axes((0.1, 0.1, 0.8, 0.8), frameon=False, xticks=[], yticks=[]).plot([1, 2])
    path = tmp_path / "own.pdf"
    figure.savefig(path)
    assert rules(check_figure(path, journal="nature")) == ["fonts"]
    assert check_figure(path).passes


@pytest.mark.parametrize("suffix", ["png", "tiff"])
def test_resolution_is_found_at_the_printed_width(tmp_path, suffix):
    path = tmp_path / f"own.{suffix}"
    grey = Image.fromarray(np.full((300, 1000), 120, dtype=np.uint8))
    grey.save(path, dpi=(200, 200))
    report = check_figure(path, journal="plos")
    assert [one for one in rules(report) if one != "format"] == ["resolution"]
    assert report.findings[-1].found == "200 dpi at 127 mm"
    assert report.findings[-1].allowed == "at least 300 dpi for drawings with colours or greys"
    # Without a resolution of its own it is printed over the page.
    grey.save(path)
    assert check_figure(path, journal="plos").findings[-1].found == "133 dpi at 190 mm"
    grey.save(path, dpi=(300, 300))
    assert not [one for one in rules(check_figure(path, journal="plos")) if one != "format"]
    # Pure lines need more.
    Image.fromarray(np.zeros((300, 1000), dtype=np.uint8)).save(path, dpi=(300, 300))
    report = check_figure(path, journal="springer")
    assert report.findings[-1].allowed == "at least 1200 dpi for black and white drawings"


def test_a_format_that_the_journal_does_not_take_is_found(files):
    report = check_figure(files[".png"], journal="plos")
    assert rules(report) == ["format"]
    assert (report.findings[0].found, report.findings[0].allowed) == ("PNG", "TIFF, EPS")


def test_the_seam_of_an_area_in_a_file_is_no_line(tmp_path):
    figure = good()
    figure.axes[0].bar([1.5], [1], facecolor=BLUE, edgecolor=BLUE, linewidth=0.1)
    with style():
        figure.savefig(tmp_path / "own.pdf")
    assert check_figure(tmp_path / "own.pdf").passes
    figure.axes[0].bar([1.5], [0.5], facecolor=BLUE, edgecolor="black", linewidth=0.1)
    with style():
        figure.savefig(tmp_path / "own.pdf")
    assert rules(check_figure(tmp_path / "own.pdf")) == ["width of lines"]


def test_a_page_that_is_printed_smaller_has_smaller_letters_and_lines(tmp_path):
    from pypdf import PdfWriter

    with style():
        good(width_mm=160).savefig(tmp_path / "own.pdf")
    assert check_figure(tmp_path / "own.pdf").passes
    writer = PdfWriter(clone_from=tmp_path / "own.pdf")
    writer.pages[0].scale_by(0.4)
    writer.write(tmp_path / "half.pdf")
    report = check_figure(tmp_path / "half.pdf")
    assert rules(report) == ["size of letters", "width of lines"]
    assert "the smallest of 3 pt" in report.findings[0].found
    assert "the thinnest of 0.24 pt" in report.findings[1].found


def test_bad_input_is_named(tmp_path):
    for name in ("a.pdf", "a.svg", "a.eps", "a.png", "a.tif"):
        (tmp_path / name).write_text("nothing", encoding="utf-8")
        with pytest.raises(ValueError, match=f"that can be read, but '{name}' is not"):
            check_figure(tmp_path / name)
    with pytest.raises(ValueError, match=r"must be a Figure or end in .pdf, .*, but got 'a.docx'"):
        check_figure("a.docx")
