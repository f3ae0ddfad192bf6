import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from analysis.figures.check_figure import FigureReport, check_figure
from analysis.figures.export import save_figure
from analysis.figures.journals import JOURNALS
from analysis.figures.style import BLUE, GREEN, GREY, ORANGE, SKY_BLUE, VERMILLION, current, style
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


@pytest.mark.parametrize("journal", JOURNALS)
def test_a_figure_in_a_journals_style_passes(journal, tmp_path):
    figure = good(journal)
    report = check_figure(figure, journal=journal)
    used = current().fonts[0] if journal == "default" else None
    # Without any font of Arial's kind on the machine, the font is what remains to be said.
    findings = [finding for finding in report.findings if finding.rule != "font" or used]
    assert findings == [], str(report)
    save_figure(figure, "good", journal=journal, directory=tmp_path, **WORDS)
    for suffix in JOURNALS[journal].formats:
        report = check_figure(tmp_path / f"good.{suffix}", journal=journal)
        assert report.passes, str(report)
        assert report.subject == f"good.{suffix}"


def test_small_letters_are_found():
    figure = good()
    figure.text(0.5, 0.02, "tiny", fontsize=6.5)
    report = check_figure(figure)
    assert rules(report) == ["size of letters"]
    assert report.findings[0].found == "1 text, the smallest of 6.5 pt (“tiny”)"
    assert report.findings[0].allowed == "at least 7 pt"
    assert check_figure(figure, journal="nature").findings[0].rule != "size of letters"


def test_letters_that_are_not_drawn_do_not_count():
    figure = good()
    figure.text(0.5, 0.02, "tiny", fontsize=3, visible=False)
    figure.axes[0].tick_params(axis="y", labelleft=False)
    figure.axes[0].set_yticks([0, 1], ["Study A", "Study B"], fontsize=2)
    assert check_figure(figure).passes


def test_thin_lines_are_found_of_each_kind():
    for add in (
        lambda ax: ax.plot([1, 2], [0, 1], color="black", linewidth=0.2, gid="thin"),
        lambda ax: ax.hlines([0.2], [1], [2], color="black", linewidth=0.2, gid="thin"),
        lambda ax: ax.bar([1.5], [1], facecolor="white", edgecolor="black", linewidth=0.2)[0].set_gid("thin"),
        lambda ax: ax.plot([1.5], [0.5], "o", markeredgewidth=0.2, markeredgecolor="red", color="black"),
        lambda ax: ax.spines["left"].set_linewidth(0.2),
    ):
        figure = good()
        add(figure.axes[0])
        report = check_figure(figure)
        assert rules(report) == ["width of lines"]
        assert "the thinnest of 0.2 pt" in report.findings[0].found
        assert report.findings[0].allowed == "at least 0.3 pt"


def test_the_seam_of_an_area_is_no_line():
    figure = good()
    figure.axes[0].bar([1.5], [1], facecolor=BLUE, edgecolor=BLUE, linewidth=0.1)
    assert check_figure(figure).passes


def test_size_is_found():
    figure = Figure(figsize=(10, 12))
    figure.text(0.5, 0.5, "text", fontsize=8)
    report = check_figure(figure)
    assert rules(report) == ["width", "height"]
    assert report.findings[0].found == "254.0 mm"
    assert report.findings[0].allowed == "at most 174 mm"
    assert report.findings[1].allowed == "at most 234 mm"


def test_texts_over_one_another_and_outside_are_found():
    figure = good()
    figure.text(0.5, 0.05, "one text", fontsize=8)
    figure.text(0.51, 0.06, "another", fontsize=8)
    figure.text(0.97, 0.5, "leaves the page", fontsize=8)
    report = check_figure(figure)
    assert rules(report) == ["text over text", "text outside"]
    assert report.findings[0].found == "1 pair, “one text” and “another”"
    assert report.findings[1].found == "1 text, “leaves the page”"


def test_turned_text_has_a_turned_box():
    figure = good()
    figure.text(0.02, 0.2, "upwards, a long label", fontsize=8, rotation=90)
    figure.text(0.06, 0.05, "beside", fontsize=8)
    assert check_figure(figure).passes
    figure.text(0.02, 0.6, "across", fontsize=8)
    assert rules(check_figure(figure)) == ["text over text"]


@pytest.mark.parametrize(
    ("one", "other", "vision"),
    [(ORANGE, SKY_BLUE, "greyscale"), (GREEN, VERMILLION, "greyscale"), (BLUE, GREY, "greyscale")],
)
def test_colours_that_are_alike_for_some_are_found(one, other, vision):
    figure = good()
    ax = figure.axes[0]
    ax.plot([1], [0.3], "o", color=one, gid="series")
    ax.plot([2], [0.3], "o", color=other, gid="series")
    report = check_figure(figure)
    assert rules(report) == ["reliance on colour"]
    assert f"in {vision} by" in report.findings[0].found
    # A second sign: another marker, or a hollow one.
    ax.lines[-1].set_marker("^")
    assert check_figure(figure).passes
    ax.lines[-1].set_marker("o")
    ax.lines[-1].set_markerfacecolor("white")
    assert check_figure(figure).passes


def test_areas_and_points_are_compared_too():
    figure = good()
    ax = figure.axes[0]
    bars = ax.bar([1, 2], [0.2, 0.2], color=[ORANGE, SKY_BLUE])
    assert rules(check_figure(figure)) == ["reliance on colour"]
    bars[0].set_hatch("//")
    assert check_figure(figure).passes
    bars[0].set_hatch("")
    for bar, sign in zip(bars, "+-", strict=True):
        ax.text(bar.get_x() + 0.4, 0.1, sign, ha="center", va="center")
    assert check_figure(figure).passes
    ax.scatter([1, 2], [0.5, 0.9], c=[GREEN, VERMILLION])
    assert rules(check_figure(figure)) == ["reliance on colour"]


def test_colours_that_everybody_can_tell_apart_are_fine():
    figure = good()
    ax = figure.axes[0]
    ax.plot([1], [0.3], "o", color=BLUE, gid="series")
    ax.plot([2], [0.3], "o", color=ORANGE, gid="series")
    assert check_figure(figure).passes


def test_the_font_is_found():
    report = check_figure(good("default", width_mm=150), journal="nature")
    assert rules(report) == ["font"]
    assert report.findings[0].allowed == "Arial, Helvetica, Liberation Sans, Arimo"


def test_the_figure_is_left_as_it_was():
    figure = good()
    former = figure.dpi
    check_figure(figure)
    assert figure.dpi == former


def test_a_report_is_read_and_tabled():
    figure = good()
    passed = check_figure(figure)
    assert isinstance(passed, FigureReport)
    assert str(passed).startswith("Figure: keeps the rules of default (width, height, size of letters")
    assert passed.to_frame().empty
    assert list(passed.to_frame().columns) == ["subject", "journal", "rule", "found", "allowed"]
    figure.text(0.5, 0.02, "tiny", fontsize=3)
    report = check_figure(figure)
    assert str(report).splitlines()[1] == (
        "- size of letters: 1 text, the smallest of 3 pt (“tiny”); allowed: at least 7 pt."
    )
    assert report.to_frame()["rule"].tolist() == ["size of letters"]


def test_bad_input_is_named(tmp_path):
    with pytest.raises(TypeError, match="`figure` must be a Figure or the path of a file, but got int"):
        check_figure(3)
    with pytest.raises(
        ValueError, match="`journal` must be one of 'default', 'lancet', .* but got 'science'"
    ):
        check_figure(good(), journal="science")
    with pytest.raises(FileNotFoundError, match="there is no '.*no.pdf'"):
        check_figure(tmp_path / "no.pdf")
