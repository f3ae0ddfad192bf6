"""Lines of equal effect: every point of a line has the effect, and its value stands at its end."""

import numpy as np
import pytest

from analysis.figures.parts.labbe_lines import draw_lines, room_above, room_beside, write_values
from analysis.figures.parts.plane import plane_page
from analysis.figures.style import house_style
from analysis.measures.effect_size import effect_sizes
from analysis.meta.pooling import pool

GRID = np.linspace(0.0, 20.0, 60)


@pytest.mark.parametrize("measure", ["RR", "OR", "RD"])
def test_every_point_of_a_line_has_the_effect(by_gid, bcg_table, measure):
    estimate = pool(effect_sizes(bcg_table, measure)).estimate
    with house_style():
        ax = plane_page(ratio=1.0)
        (curve,) = draw_lines(ax, [estimate], GRID, 20.0)
    control, exposed = GRID[1:] / 100, curve[1:] / 100
    kept = np.isfinite(exposed)
    control, exposed = control[kept], exposed[kept]
    effect = {
        "RR": exposed / control,
        "RD": exposed - control,
        "OR": exposed * (1 - control) / (control * (1 - exposed)),
    }[measure]
    assert kept.sum() > 10
    assert effect == pytest.approx(np.full(kept.sum(), estimate.value.item()))
    (line,) = by_gid(ax, "pooled line")
    np.testing.assert_array_equal(line.get_ydata(), curve)


def test_room_is_made_for_values_where_lines_leave_the_panel(by_gid, bcg_table):
    estimate = pool(effect_sizes(bcg_table, "RR")).estimate
    with house_style():
        # A ratio below 1 leaves the panel on the right.
        assert room_above([estimate], 20.0) == 0.0
        assert room_beside([]) == 10.0 < room_beside([estimate])
        ax = plane_page(ratio=1.0)
        ax.set(xlim=(0.0, 20.0), ylim=(0.0, 20.0))
        write_values(ax, [estimate], GRID, draw_lines(ax, [estimate], GRID, 20.0))
    (value,) = by_gid(ax, "line value")
    assert value.get_text() == "RR 0.49"
