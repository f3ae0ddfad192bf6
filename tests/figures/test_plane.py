"""The page, key and y-axis that plots of studies share."""

import math

import pytest

from analysis.figures.parts.plane import (
    KeyEntry,
    draw_key,
    figure_of,
    null_of,
    panel_points,
    plane_page,
    set_y_axis,
    study_labels,
)
from analysis.figures.style import POINTS_PER_MM, house_style
from analysis.values.estimate import EffectSizes


def test_the_page_has_its_width_and_a_square_stays_one():
    with house_style():
        ax = plane_page(width_mm=84)
        assert 72 * figure_of(ax).get_size_inches()[0] == pytest.approx(84 * POINTS_PER_MM)
        for width in (84, 174, 300):
            across, up = panel_points(plane_page(width_mm=width, ratio=1.0))
            assert across == pytest.approx(up)
            assert up <= 100 * POINTS_PER_MM + 1e-6


def test_the_key_breaks_into_rows_and_keeps_shades_together(check_texts, by_gid):
    key = [
        KeyEntry(text="study", marker="o"),
        KeyEntry(text="a line with a long name of its own", line="-"),
        KeyEntry(text="P ≥ $0.05", patch="#FFFFFF"),
        KeyEntry(text="less", patch="#AAAAAA"),
    ]
    with house_style():
        ax = plane_page(width_mm=84, key=key)
        set_y_axis(ax, "y", 1.0, 0.0)
        draw_key(ax, key)
        texts = check_texts(figure_of(ax))
    assert {entry.text for entry in key} <= set(texts)
    places = {text.get_text(): text.get_position() for text in by_gid(ax, "key") if hasattr(text, "get_text")}
    assert places["P ≥ $0.05"][1] == places["less"][1] < places["study"][1]
    # The sign of an entry stands left of its words.
    assert all(x > 13 for x, _ in places.values())


def test_the_y_axis_runs_as_it_is_told():
    with house_style():
        ax = plane_page()
        set_y_axis(ax, "Standard error", 0.8, 0.0)
        assert ax.get_ylim() == (0.8, 0.0)
        assert next(text.get_text() for text in ax.get_yticklabels()) in {"0.0", "0"}
        set_y_axis(ax, "Persons", 100.0, 1e5, log=True)
        assert ax.get_yscale() == "log"
        assert all(100 <= tick <= 1e5 for tick in ax.get_yticks())


def test_pages_of_no_sensible_width_are_refused():
    with house_style():
        for width in (59.9, 401, float("nan")):
            with pytest.raises(ValueError, match="`width_mm` must be between 60 and 400 millimetres"):
                plane_page(width_mm=width)


def test_no_effect_lies_at_zero_on_the_scale_of_the_analysis():
    assert null_of("OR") == 0.0
    assert null_of("RD") == 0.0
    assert math.isnan(null_of("PLO"))


def test_studies_without_names_have_their_number():
    effects = EffectSizes(effect=[0.1, 0.2], variance=[0.1, 0.1])
    assert study_labels(effects) == ("Study 1", "Study 2")
    named = EffectSizes(effect=[0.1, 0.2], variance=[0.1, 0.1], label=["A", "A"])
    assert study_labels(named) == ("A", "A")
