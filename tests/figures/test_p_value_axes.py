"""What P-value functions share: axes with levels on the right, and who has such a curve."""

import pytest

from analysis.figures.parts.p_value_axes import (
    check_one_curve,
    level_text,
    room_for_levels,
    set_p_axes,
    studies_with_curve,
)
from analysis.figures.parts.plane import figure_of, plane_page
from analysis.figures.style import house_style
from analysis.meta.pooling import pool
from analysis.values.estimate import EffectSizes


def test_a_level_stands_at_one_less_its_height(by_gid, check_texts):
    with house_style():
        ax = plane_page(widest="0.0", right=room_for_levels())
        ax.set_xticks([])
        set_p_axes(ax, 0.9)
        levels = {text.get_text(): text.xy[1] for text in by_gid(ax, "level")}
        check_texts(figure_of(ax))
    assert "90" in levels
    for text, height in levels.items():
        assert height == pytest.approx(1 - float(text) / 100)
    (line,) = by_gid(ax, "level line")
    assert line.get_ydata()[0] == pytest.approx(0.1)


def test_levels_have_the_decimals_that_they_need():
    assert [level_text(level) for level in (0.95, 0.995, 0.0, 0.9999)] == ["95%", "99.5%", "0%", "99.99%"]


def test_only_studies_that_were_pooled_have_a_curve():
    effects = EffectSizes(effect=[0.1, 0.2, 0.3], variance=[0.1, 0.1, 0.2])
    assert studies_with_curve(pool(effects, where=[True, False, True])).tolist() == [True, False, True]


def test_an_interval_that_is_not_symmetric_has_none(bcg):
    check_one_curve(pool(bcg))
    with pytest.raises(ValueError, match="Pool with ci='wald'"):
        check_one_curve(pool(bcg, ci="profile", tau2="ML"))
