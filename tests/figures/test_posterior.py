import time

import numpy as np
import pytest
from matplotlib.figure import Figure

from analysis.figures.export import save_figure
from analysis.figures.journals import JOURNALS
from analysis.figures.posterior import figure_posterior, plot_posterior
from analysis.figures.record import record_of
from analysis.figures.style import style
from analysis.meta.bayes import pool_bayes
from analysis.meta.priors import DuMouchel, HalfNormal, ImproperUniform, LogT
from analysis.values.estimate import EffectSizes


@pytest.fixture(scope="module")
def fit(bcg):
    return pool_bayes(bcg, tau_prior=HalfNormal(0.5), mean_prior=(0.0, 1.5))


def test_the_mean_has_its_density_interval_and_prior(fit, by_gid):
    ax = plot_posterior(fit)
    assert ax.get_xscale() == "log"
    (curve,) = by_gid(ax, "posterior")
    x = np.log(curve.get_xdata())
    assert curve.get_ydata() == pytest.approx(fit.mean.density(x))
    # A density: what is drawn adds up to all but the tails.
    assert np.trapezoid(curve.get_ydata(), x) == pytest.approx(0.996, abs=1e-4)
    (prior,) = by_gid(ax, "prior")
    assert prior.get_ydata() == pytest.approx(np.exp(-0.5 * (x / 1.5) ** 2) / (1.5 * np.sqrt(2 * np.pi)))
    (area,) = by_gid(ax, "interval")
    corners = area.get_paths()[0].vertices
    assert corners[:, 0].min() == pytest.approx(float(fit.estimate.low))
    assert corners[:, 0].max() == pytest.approx(float(fit.estimate.high))
    (median,) = by_gid(ax, "median")
    assert median.get_xdata() == pytest.approx([float(fit.estimate.value)] * 2)
    assert by_gid(ax, "null line")[0].get_xdata()[0] == 1


def test_tau_has_its_density_interval_and_prior(fit, by_gid):
    ax = plot_posterior(fit, part="tau")
    (curve,) = by_gid(ax, "posterior")
    x = curve.get_xdata()
    assert curve.get_ydata() == pytest.approx(fit.tau.density(x))
    (prior,) = by_gid(ax, "prior")
    assert prior.get_ydata() == pytest.approx(np.sqrt(2 / np.pi) / 0.5 * np.exp(-2 * x**2))
    corners = by_gid(ax, "interval")[0].get_paths()[0].vertices
    assert corners[:, 0].max() == pytest.approx(float(fit.heterogeneity.high))
    assert ax.get_xlim()[0] == 0


def test_posterior_and_prior_differ_in_more_than_colour(fit, by_gid):
    ax = plot_posterior(fit, part="tau")
    assert by_gid(ax, "posterior")[0].get_linestyle() == "-"
    assert by_gid(ax, "prior")[0].get_linestyle() == "--"


def test_studies_are_drawn_as_observed_and_shrunken(fit, bcg, by_gid):
    ax = plot_posterior(fit, part="studies", effects=bcg)
    (observed,), (shrunken,), (mean,) = (by_gid(ax, gid) for gid in ("observed", "shrunken", "mean"))
    assert observed.get_xdata() == pytest.approx(np.exp(bcg.effect))
    own = fit.shrinkage()
    assert shrunken.get_xdata() == pytest.approx(np.exp(own.median))
    assert (
        np.round(observed.get_ydata()).tolist() == np.round(shrunken.get_ydata()).tolist() == list(range(13))
    )
    assert mean.get_xdata()[0] == pytest.approx(float(fit.estimate.value))
    rows = np.arange(13)
    # Of each pair what was observed stands above: the axis runs downwards.
    assert (observed.get_ydata() < rows).all()
    assert (shrunken.get_ydata() > rows).all()
    low, high = ax.get_xlim()
    for gid, ends in (
        ("shrunken interval", own.central()),
        ("mean interval", ([np.log(fit.estimate.low)], [np.log(fit.estimate.high)])),
    ):
        (lines,) = by_gid(ax, gid)
        segments = np.array(lines.get_segments())
        assert segments[:, 0, 0] == pytest.approx(np.maximum(np.exp(ends[0]), low))
        assert segments[:, 1, 0] == pytest.approx(np.minimum(np.exp(ends[1]), high))
    # Each lies between what was observed and the mean.
    between = (np.log(shrunken.get_xdata()) - bcg.effect) * (np.log(float(fit.estimate.value)) - bcg.effect)
    assert (between > 0).all()
    assert observed.get_markerfacecolor() == "white" != shrunken.get_markerfacecolor()


def test_proportions_have_the_density_of_their_axis(by_gid, check_texts):
    effects = EffectSizes(effect=[-1.0, -0.5, 0.2, 0.4], variance=[0.1, 0.2, 0.1, 0.1], measure="PLO")
    fit = pool_bayes(effects)
    figure = figure_posterior(fit, effects=effects)
    check_texts(figure)
    (curve,) = by_gid(figure.axes[0], "posterior")
    assert np.trapezoid(curve.get_ydata(), curve.get_xdata()) == pytest.approx(0.996, abs=2e-3)
    assert 0 <= curve.get_xdata().min() < curve.get_xdata().max() <= 100


def test_priors_that_cannot_be_drawn_are_said(bcg, by_gid):
    flat = pool_bayes(bcg, tau_prior=ImproperUniform())
    figure = figure_posterior(flat, effects=bcg)
    assert not any(by_gid(ax, "prior") for ax in figure.axes)
    caption = record_of(figure).caption
    assert "The prior of τ is improper and not drawn." in caption
    assert "The prior of the mean is flat." in caption
    # This one knows the sampling variances, and so wants the effects.
    known = pool_bayes(bcg, tau_prior=DuMouchel())
    assert not by_gid(plot_posterior(known, part="tau"), "prior")
    (prior,) = by_gid(plot_posterior(known, part="tau", effects=bcg), "prior")
    scale = np.sqrt(13 / np.sum(1 / bcg.variance))
    assert prior.get_ydata() == pytest.approx(scale / (scale + prior.get_xdata()) ** 2)


def test_a_pole_at_zero_does_not_squeeze_the_rest(by_gid, check_texts):
    effects = EffectSizes(effect=[0.1, 0.2, 0.15, 0.12], variance=[0.1, 0.1, 0.2, 0.1])
    fit = pool_bayes(effects, tau_prior=LogT.of_variance(-3.0, 6.0, 5.0))
    figure = figure_posterior(fit)
    check_texts(figure)
    ax = figure.axes[1]
    (curve,), (median,) = (by_gid(ax, gid) for gid in ("posterior", "median"))
    top = ax.get_ylim()[1]
    # Uncut, the axis would end at 1.08 times the highest point.
    assert top < 1.05 * curve.get_ydata()[0]
    assert median.get_ydata()[1] > 0.15 * top


@pytest.mark.parametrize("journal", JOURNALS)
def test_it_holds_in_each_journal(journal, fit, bcg, check_texts):
    with style(journal):
        for width in (84, None):
            figure = figure_posterior(fit, effects=bcg, width_mm=width, note="$1 $2", synthetic=True)
            assert "$1 $2" in check_texts(figure)
            for ax in figure.axes:
                if ax.axison:
                    low, high = ax.get_xlim()
                    assert 3 <= sum(low <= tick <= high for tick in ax.get_xticks()) <= 9


def test_hard_labels_and_one_study(check_texts):
    labels = ["Ещё одно исследование", "β-Studie $x$", "same", "same", "wide " * 18]
    effects = EffectSizes(
        effect=[0.1, 0.4, -0.2, 0.3, 9.0], variance=[0.1, 0.2, 0.1, 0.3, 40.0], measure="OR", label=labels
    )
    for width in (84, 174):
        texts = check_texts(figure_posterior(pool_bayes(effects), effects=effects, width_mm=width))
        assert texts.count("same") == 2
    only = EffectSizes(effect=[0.3], variance=[0.1], measure="RR", label=["Only"])
    check_texts(figure_posterior(pool_bayes(only), effects=only))


def test_intervals_that_the_axis_cuts_end_in_arrows(by_gid):
    effects = EffectSizes(effect=[0.1, 0.2, 0.3, 0.2], variance=[0.01, 0.01, 0.01, 30.0], measure="OR")
    ax = plot_posterior(pool_bayes(effects), part="studies", effects=effects)
    ends = ax.get_xlim()
    assert sorted(arrow.get_xdata()[0] for arrow in by_gid(ax, "arrow")) == pytest.approx(list(ends))


def test_the_words_and_numbers_are_those_of_the_result(fit, bcg):
    record = record_of(figure_posterior(fit, effects=bcg))
    value, low, high = (float(part) for part in (fit.estimate.value, fit.estimate.low, fit.estimate.high))
    assert f"Risk ratio {value:.2f} (95% CrI {low:.2f} to {high:.2f})" in record.alt
    assert "HalfNormal(scale=0.5)" in record.caption
    assert "normal(0, 1.5)" in record.caption
    numbers = record.numbers
    shrunken = numbers[numbers["mark"] == "shrunken"]
    assert shrunken["label"].tolist() == list(bcg.label)
    assert shrunken["value"].to_numpy() == pytest.approx(np.exp(fit.shrinkage().median))
    assert {"mean posterior", "mean prior", "tau posterior", "tau prior", "observed", "tau"} <= set(
        numbers["mark"]
    )
    assert "shrunken" not in set(record_of(figure_posterior(fit)).numbers["mark"])


def test_two_hundred_studies_are_fast(tmp_path, check_texts):
    rng = np.random.default_rng(0)
    effects = EffectSizes(effect=rng.normal(0.3, 0.3, 200), variance=rng.uniform(0.01, 0.5, 200))
    fit = pool_bayes(effects)
    times = []
    for _ in range(4):
        start = time.process_time()
        figure = figure_posterior(fit, effects=effects)
        times.append(time.process_time() - start)
    assert min(times) < 0.3
    check_texts(figure)


def test_the_bytes_are_the_same_twice(fit, bcg, tmp_path):
    for folder in ("one", "two"):
        save_figure(figure_posterior(fit, effects=bcg), "x", directory=tmp_path / folder)
    for path in sorted((tmp_path / "one").iterdir()):
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes(), path.name


def test_it_draws_into_given_axes(fit, bcg):
    for part in ("mean", "tau", "studies"):
        ax = Figure().add_subplot()
        assert plot_posterior(fit, part=part, effects=bcg, ax=ax) is ax


def test_refusals(fit, bcg):
    with pytest.raises(TypeError, match="`result` must be what `pool_bayes` gives, but got int"):
        plot_posterior(1)
    with pytest.raises(ValueError, match="`part` must be"):
        plot_posterior(fit, part="theta")
    with pytest.raises(ValueError, match='`effects` must be given for part="studies"'):
        plot_posterior(fit, part="studies")
    with pytest.raises(TypeError, match="`effects` must be EffectSizes, but got list"):
        plot_posterior(fit, effects=[1])
    with pytest.raises(ValueError, match="the 13 of measure RR that were pooled, but are 1 of measure GEN"):
        plot_posterior(fit, effects=EffectSizes(effect=[0.1], variance=[0.1]))
    with pytest.raises(ValueError, match="`width_mm` must be at least 60, but got 50"):
        figure_posterior(fit, width_mm=50)
    stacked = EffectSizes(effect=np.stack([bcg.effect] * 2), variance=np.stack([bcg.variance] * 2))
    with pytest.raises(ValueError, match=r"one meta-analysis, but has shape \(2,\)"):
        plot_posterior(pool_bayes(stacked))
