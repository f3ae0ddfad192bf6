import pytest

from analysis.figures.journals import JOURNALS
from analysis.figures.parts.sheet import draw_sheet, sheet_width, size_in_points, write_block
from analysis.figures.style import current, style
from analysis.figures.parts.text import text_width


@pytest.mark.parametrize("journal", JOURNALS)
def test_coordinates_are_points_from_the_upper_left_corner(journal):
    with style(journal):
        sheet = draw_sheet(current().double_mm, 120.0, notes=["A note.", " "], synthetic=True)
    assert sheet.figure.get_figwidth() * 25.4 == pytest.approx(current_width(journal))
    assert size_in_points(sheet.axes) == pytest.approx((sheet.width, 120.0))
    corners = sheet.axes.transData.transform([(0, 0), (sheet.width, 120)])
    per_point = sheet.figure.dpi / 72
    assert (corners[1, 0] - corners[0, 0]) / per_point == pytest.approx(sheet.width)
    assert (corners[0, 1] - corners[1, 1]) / per_point == pytest.approx(120)


def current_width(journal):
    with style(journal):
        return current().double_mm


def test_notes_stand_under_the_axes_and_nothing_overlaps(check_texts):
    with style():
        sheet = draw_sheet(
            84, 40.0, notes=["A note that is long enough to be broken into lines " * 2, "B"], synthetic=True
        )
    texts = check_texts(sheet.figure)
    assert "B" in texts
    assert any("SYNTHETIC" in text for text in texts)
    notes = [text for text in sheet.axes.texts if text.get_gid() == "note"]
    assert len(notes) >= 3
    assert all(text.get_position()[1] > 40 for text in notes)


def test_a_block_is_written_line_below_line():
    with style():
        sheet = draw_sheet(84, 60.0)
        write_block(sheet.axes, ["One", "", "Three"], x=10, top=5, size=8, gid="here")
    texts = [text for text in sheet.axes.texts if text.get_gid() == "here"]
    assert [text.get_text() for text in texts] == ["One", "Three"]
    sheet.figure.draw_without_rendering()
    renderer = sheet.figure.canvas.get_renderer()
    box = texts[0].get_window_extent(renderer).transformed(sheet.axes.transData.inverted())
    assert box.x0 == pytest.approx(10, abs=1)
    # Room for accents above, room for descenders below.
    assert 5 <= min(box.y0, box.y1) <= 10
    assert texts[1].get_position()[1] - texts[0].get_position()[1] == pytest.approx(2 * 8 * 1.24)
    with style():
        assert box.width == pytest.approx(text_width("One", size=8), abs=0.7)


@pytest.mark.parametrize("width_mm", [39, 1001, float("nan")])
def test_an_impossible_width_is_named(width_mm):
    with pytest.raises(ValueError, match="`width_mm` must be between 40 and 1000 millimetres, but got"):
        sheet_width(width_mm)
