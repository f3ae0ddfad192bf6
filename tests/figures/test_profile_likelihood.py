import time

import numpy as np
import pytest
from matplotlib.figure import Figure

from analysis.figures.export import save_figure
from analysis.figures.journals import JOURNALS
from analysis.figures.profile_likelihood import figure_profile_likelihood, plot_profile_likelihood
from analysis.figures.record import record_of
from analysis.figures.style import style
from analysis.meta.heterogeneity_interval import tau2_interval
from analysis.meta.pooling import pool
from analysis.meta.profile import profile_likelihood
from analysis.values.estimate import EffectSizes

EQUAL = EffectSizes(effect=[0.1, 0.12, 0.09, 0.11], variance=[0.1] * 4)


@pytest.fixture(scope="module")
def profile(bcg):
    return profile_likelihood(bcg)


@pytest.fixture(scope="module")
def interval(bcg_pooled):
    return tau2_interval(bcg_pooled, method="profile-likelihood")


def test_the_curve_is_the_likelihood_less_its_maximum(profile, by_gid):
    ax = plot_profile_likelihood(profile)
    (curve,) = by_gid(ax, "likelihood")
    assert curve.get_xdata() == pytest.approx(profile.tau2, abs=0)
    assert curve.get_ydata() == pytest.approx(profile.log_likelihood - profile.maximum_log_likelihood)
    (top,) = by_gid(ax, "maximum")
    assert top.get_xdata()[0] == profile.maximum_tau2
    assert top.get_ydata()[0] == 0


def test_a_grid_in_any_order_is_one_curve(bcg, by_gid):
    (curve,) = by_gid(plot_profile_likelihood(profile_likelihood(bcg, grid=[0.5, 0.1, 0.3])), "likelihood")
    assert curve.get_xdata().tolist() == [0.1, 0.3, 0.5]


def test_the_interval_ends_where_the_curve_crosses_the_line(profile, interval, by_gid):
    ax = plot_profile_likelihood(profile, interval=interval)
    (cut,) = by_gid(ax, "cut")
    assert cut.get_ydata()[0] == pytest.approx(-1.920729, abs=1e-6)
    (bar,) = by_gid(ax, "interval")
    assert bar.get_xdata() == pytest.approx([float(interval.tau2_low), float(interval.tau2_high)])
    assert bar.get_ydata() == pytest.approx([-1.920729] * 2, abs=1e-6)
    (curve,) = by_gid(ax, "likelihood")
    # The limits were found by the meta room; the drawn curve passes through the ends of the bar.
    for limit in bar.get_xdata():
        height = np.interp(limit, curve.get_xdata(), curve.get_ydata())
        assert height == pytest.approx(-1.920729, abs=0.1)
    assert [line.get_xdata()[0] for line in by_gid(ax, "limit")] == pytest.approx(list(bar.get_xdata()))


def test_the_level_is_that_of_the_interval(profile, bcg_pooled, by_gid):
    wide = tau2_interval(bcg_pooled, method="profile-likelihood", confidence_level=0.99)
    ax = plot_profile_likelihood(profile, interval=wide)
    assert by_gid(ax, "cut")[0].get_ydata()[0] == pytest.approx(-3.317448, abs=1e-5)
    assert [text.get_text() for text in ax.texts] == ["99%"]
    ax = plot_profile_likelihood(profile, confidence_level=0.9)
    assert by_gid(ax, "cut")[0].get_ydata()[0] == pytest.approx(-1.352772, abs=1e-5)
    assert not by_gid(ax, "interval")


def test_an_interval_beyond_the_grid_ends_in_an_arrow(bcg, interval, by_gid):
    short = profile_likelihood(bcg, grid=np.linspace(0.2, 0.5, 30))
    ax = plot_profile_likelihood(short, interval=interval)
    (arrow,) = by_gid(ax, "arrow")
    assert arrow.get_xdata()[0] == ax.get_xlim()[1] < interval.tau2_high


@pytest.mark.parametrize("journal", JOURNALS)
def test_it_holds_in_each_journal(journal, profile, interval, check_texts):
    with style(journal):
        for width in (60, 84, 190):
            figure = figure_profile_likelihood(
                profile, interval=interval, width_mm=width, note="$1 $2", synthetic=True
            )
            assert "$1 $2" in check_texts(figure)
            (ax,) = (ax for ax in figure.axes if ax.axison)
            for ticks, ends in ((ax.get_xticks(), ax.get_xlim()), (ax.get_yticks(), ax.get_ylim())):
                assert 3 <= sum(ends[0] <= tick <= ends[1] for tick in ticks) <= 9


def test_no_heterogeneity_and_a_long_grid_draw(bcg, check_texts, by_gid):
    at_zero = tau2_interval(pool(EQUAL), method="profile-likelihood")
    figure = figure_profile_likelihood(profile_likelihood(EQUAL), interval=at_zero)
    assert any(text.startswith("τ² = 0.00 (95% CI 0.00 to ") for text in check_texts(figure))
    figure = figure_profile_likelihood(profile_likelihood(bcg, tau2="ML", grid=np.linspace(0, 50, 300)))
    check_texts(figure)
    # The line stays readable however low the curve falls.
    bottom, top = figure.axes[0].get_ylim()
    assert -7 < bottom < -1.92 < top


def test_the_words_and_numbers_are_those_of_the_result(profile, interval):
    record = record_of(figure_profile_likelihood(profile, interval=interval))
    low, high = (f"{float(end):.2f}" for end in (interval.tau2_low, interval.tau2_high))
    assert f"τ² = {float(interval.tau2):.2f} (95% CI {low} to {high}), REML" in record.alt
    assert "the maximum less 1.92" in record.caption
    numbers = record.numbers.set_index("mark")
    assert numbers.loc["interval low", "tau2"] == interval.tau2_low
    assert numbers.loc["likelihood", "tau2"].to_numpy() == pytest.approx(profile.tau2, abs=0)
    assert numbers.loc["cut", "relative_log_likelihood"] == pytest.approx(-1.920729, abs=1e-6)


def test_it_is_fast(profile, interval, tmp_path):
    times = []
    for _ in range(4):
        start = time.process_time()
        figure_profile_likelihood(profile, interval=interval).savefig(tmp_path / "x.pdf")
        times.append(time.process_time() - start)
    assert min(times) < 0.3


def test_the_bytes_are_the_same_twice(profile, interval, tmp_path):
    for folder in ("one", "two"):
        save_figure(figure_profile_likelihood(profile, interval=interval), "x", directory=tmp_path / folder)
    for path in sorted((tmp_path / "one").iterdir()):
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes(), path.name


def test_it_draws_into_given_axes(profile):
    ax = Figure().add_subplot()
    assert plot_profile_likelihood(profile, ax=ax) is ax


def test_refusals(profile, interval, bcg, bcg_pooled):
    with pytest.raises(TypeError, match="`result` must be what `profile_likelihood` gives, but got dict"):
        plot_profile_likelihood({})
    with pytest.raises(ValueError, match="two or more values of tau2"):
        plot_profile_likelihood(profile_likelihood(bcg, grid=[0.1]))
    with pytest.raises(ValueError, match="two or more values of tau2"):
        plot_profile_likelihood(profile_likelihood(bcg, grid=[0.1, 0.1]))
    with pytest.raises(TypeError, match="`interval` must be what `tau2_interval` gives, but got tuple"):
        plot_profile_likelihood(profile, interval=(0.1, 0.9))
    with pytest.raises(ValueError, match="of method 'profile-likelihood', but is of 'q-profile'"):
        plot_profile_likelihood(profile, interval=tau2_interval(bcg_pooled))
    other = profile_likelihood(bcg, tau2="ML")
    with pytest.raises(ValueError, match="same meta-analysis and estimator"):
        plot_profile_likelihood(other, interval=interval)
    with pytest.raises(ValueError, match="`confidence_level` must be"):
        plot_profile_likelihood(profile, confidence_level=95)
    with pytest.raises(ValueError, match="`width_mm` must be at least 50, but got 30"):
        figure_profile_likelihood(profile, width_mm=30)
