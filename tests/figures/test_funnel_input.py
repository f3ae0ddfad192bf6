"""What a funnel plot shows: places and lines follow from the results."""

import numpy as np
import pytest

from analysis.figures.parts.funnel_input import checked_funnel
from analysis.meta.pooling import pool


def funnel_of(effects, **options):
    given = {"pooled": None, "size": "std_error", "n": None, "contours": None}
    given |= {"filled": None, "egger": None, "limit": None, "annotate": ()}
    return checked_funnel(effects, **(given | options))


def test_heights_are_the_size_that_was_asked_for(bcg):
    error = np.array([0.1, 0.5])
    assert funnel_of(bcg).height(error) == pytest.approx(error)
    assert funnel_of(bcg, size="variance").height(error) == pytest.approx(error**2)
    assert funnel_of(bcg, size="precision").height(error) == pytest.approx(1 / error)


def test_the_region_is_as_wide_as_its_level(bcg):
    pooled = pool(bcg)
    funnel = funnel_of(bcg, pooled=pooled)
    low, high = (line.effect for line in funnel.lines() if line.gid == "region")
    assert (high - low) / 2 == pytest.approx(1.959963984540054 * funnel.errors())
    assert (high + low) / 2 == pytest.approx(float(pooled.mean))


def test_studies_are_named_once_in_the_order_asked_for(bcg):
    assert funnel_of(bcg, annotate=[4, 1, 4]).named() == (4, 1)
    assert funnel_of(bcg).levels == (0.1, 0.05, 0.01)
    assert funnel_of(bcg).null() == 0.0
