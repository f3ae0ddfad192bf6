"""The tornado: bars end where the numbers say."""

import numpy as np
import pytest
from matplotlib.patches import Rectangle

from analysis import EffectSizes
from analysis.bias.methods.draw_swings import parameter_swings
from analysis.bias.spec import SelectionBias, UnmeasuredConfounding
from analysis.figures.tornado import plot_tornado

RATIO = EffectSizes.from_estimates(1.83, 1.58, 2.11, measure="HR")
SWINGS = parameter_swings(
    RATIO,
    biases=UnmeasuredConfounding(
        prevalence_exposed="uniform(0.3, 0.5)", prevalence_control=0.1, risk_ratio="uniform(1, 3)"
    ),
)


def test_bars_end_at_the_measure(check_texts):
    ax = plot_tornado(SWINGS)
    bars = {gid: [p for p in ax.findobj(Rectangle) if p.get_gid() == gid] for gid in ("low", "high")}
    for gid, ends in (("low", SWINGS.at_low), ("high", SWINGS.at_high)):
        # The parameter that is known has no bar.
        assert len(bars[gid]) == 2
        for y, (bar, end) in enumerate(zip(bars[gid], ends, strict=False)):
            assert bar.get_x() + bar.get_width() == pytest.approx(end)
            assert bar.get_y() + bar.get_height() / 2 == pytest.approx(y)
    assert bars["low"][0].get_hatch()
    assert ax.get_xscale() == "log"
    texts = check_texts(ax.figure)
    assert "risk ratio" in texts
    assert "Hazard ratio (log scale)" in texts


def test_what_is_wrong_is_named():
    with pytest.raises(TypeError, match="ParameterSwings"):
        plot_tornado(np.ones(3))
    with pytest.raises(ValueError, match="moves the measure"):
        plot_tornado(parameter_swings(RATIO, biases=SelectionBias(bias_factor=1.2)))
