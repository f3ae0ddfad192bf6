import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from analysis.figures.parts import text
from analysis.figures.style import style
from analysis.figures.parts.text import check_glyphs, font, text_width, wrap_text


def test_width_grows_with_size_weight_and_text():
    assert text_width("study", size=10) == pytest.approx(2 * text_width("study", size=5), rel=1e-6)
    assert text_width("study", bold=True) > text_width("study") > text_width("stud") > 0
    assert text_width("") == 0


@given(st.text(alphabet="ab -éИω,()", max_size=80), st.floats(15, 200))
def test_wrapping_keeps_the_text_and_the_width(words, width):
    lines = wrap_text(words, width)
    assert "".join(lines).replace(" ", "") == words.replace(" ", "")
    assert all(text_width(line) <= width for line in lines)


def test_line_feeds_are_kept_and_long_words_broken():
    assert wrap_text("a\nb", 100) == ("a", "b")
    assert wrap_text("", 100) == ()
    assert len(wrap_text("x" * 60, 50)) > 1


def test_a_letter_that_no_font_has_is_refused():
    with pytest.raises(
        ValueError,
        match=r"must use characters of DejaVu Sans or of another installed font, but 'x \U0001bc00' has "
        r"'\U0001bc00'. Install a font that has them \(such as Noto Sans CJK\), or write it",
    ):
        text_width("x \U0001bc00")


def test_without_the_packaged_font_its_installation_is_the_way_out(monkeypatch):
    monkeypatch.setattr(text, "font_chain", lambda *_: ("DejaVu Sans",))
    monkeypatch.setattr(text, "lacking_characters", lambda *_, **__: ["中"])
    with pytest.raises(ValueError, match=r"'epi-reanalysis\[cjk\]'"):
        check_glyphs("中")


def test_widths_follow_the_style():
    plain = text_width("Study 1")
    assert plain == pytest.approx(text_width("Study 1", size=7.5))
    with style("plos"):
        assert text_width("Study 1") == pytest.approx(text_width("Study 1", size=9))
        assert font().get_size() == 9
        family = font().get_family()[0]
        other = text_width("Study 1", size=7.5)
    # Letters of Arial's widths are narrower than those of DejaVu Sans.
    assert (other < plain) == (family != "DejaVu Sans")
    assert text_width("Study 1") == plain


def test_chinese_letters_are_as_wide_as_high():
    assert text_width("結核病学", size=10) == pytest.approx(40, rel=0.02)
    assert text_width("結核 2001", size=10) == pytest.approx(
        text_width("結核", size=10) + text_width(" 2001", size=10), rel=0.01
    )


def test_arabic_letters_are_joined():
    # Joined letters have other shapes than single ones, and so other widths.
    apart = sum(text_width(letter) for letter in "دراسة")
    assert text_width("دراسة") != pytest.approx(apart, rel=0.01)
    # The order of drawing changes no width.
    assert text_width("שלום") == pytest.approx(sum(text_width(letter) for letter in "שלום"), rel=0.02)


def _picture(words):
    with style():
        figure = Figure(figsize=(4, 0.6), dpi=144)
        FigureCanvasAgg(figure)
        figure.text(0.05, 0.3, words, fontproperties=font(20), parse_math=False)
        figure.canvas.draw()
    return np.asarray(figure.canvas.buffer_rgba())[:, :, 0] < 128


def test_hebrew_is_drawn_from_right_to_left():
    # A mark that forces left-to-right, before the letters in the order in which they are seen.
    assert (_picture("שלום") == _picture("\u202d" + "שלום"[::-1])).all()
    assert (_picture("שלום") != _picture("\u202dשלום")).any()


@pytest.mark.parametrize("words", ["دراسة رقم", "שלום 2001", "結核病学", "Häggström ≥ 2", "結核 שלום τ²"])
def test_what_is_drawn_is_as_wide_as_was_measured(words):
    columns = np.flatnonzero(_picture(words).any(axis=0))
    ink = (columns[-1] - columns[0] + 1) / 2
    # Letters have room at their sides.
    assert text_width(words, size=20) - 5 < ink <= text_width(words, size=20) + 1
