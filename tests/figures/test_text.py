import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.figures.text import text_width, wrap_text


def test_width_grows_with_size_weight_and_text():
    assert text_width("study", size=10) == pytest.approx(2 * text_width("study", size=5), rel=1e-6)
    assert text_width("study", bold=True) > text_width("study") > text_width("stud") > 0
    assert text_width("") == 0


@given(st.text(alphabet="ab -éИω,()", max_size=80), st.floats(15, 200))
def test_wrapping_keeps_the_text_and_the_width(text, width):
    lines = wrap_text(text, width)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert all(text_width(line) <= width for line in lines)


def test_line_feeds_are_kept_and_long_words_broken():
    assert wrap_text("a\nb", 100) == ("a", "b")
    assert wrap_text("", 100) == ()
    assert len(wrap_text("x" * 60, 50)) > 1


def test_a_letter_that_the_font_lacks_is_refused():
    with pytest.raises(
        ValueError, match="must use characters of DejaVu Sans, but '中文 2001' has '中', '文'"
    ):
        text_width("中文 2001")
