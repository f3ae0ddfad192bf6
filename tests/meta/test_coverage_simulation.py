from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis.errors import ConvergenceError
from analysis.meta import interval_coverage
from analysis.meta.interval_coverage import (
    SIMULATED_INTERVALS,
    scaled_chi_square_variances,
    simulate_coverage,
)
from analysis.meta.pooling import INTERVALS, pool
from analysis.values.estimate import EffectSizes

DOCS = Path(__file__).resolve().parents[2] / "docs"


def _once(interval, *, k=5, tau2=0.3, rng=1, **options):
    found = simulate_coverage(studies=[k], tau2=[tau2], intervals=[interval], rng=rng, **options)
    return float(found.coverage.item()), float(found.monte_carlo_error.item())


def _drawn(rng, shape, tau2, variances=scaled_chi_square_variances):
    """Return the meta-analyses of the first cell of a simulation."""
    return interval_coverage._draw(np.random.default_rng(rng).spawn(1)[0], shape, tau2, variances)


@pytest.mark.parametrize("k", [3, 5, 10])
@pytest.mark.parametrize("level", [0.5, 0.8, 0.95])
def test_t_interval_of_equal_variances_and_the_true_tau2_has_its_exact_coverage(k, level):
    # The mean is normal with the variance that is taken for it, but the quantile is one of t.
    exact = 2 * stats.norm.cdf(stats.t.ppf((1 + level) / 2, k - 1)) - 1
    found, _ = _once("t/known", k=k, variances=0.2, confidence_level=level, draws=40_000)
    assert abs(found - exact) < 3 * np.sqrt(exact * (1 - exact) / 40_000)


@pytest.mark.parametrize("tau2", [0.0, 0.3])
def test_wald_interval_with_the_true_tau2_is_exact_for_any_variances(tau2):
    found, error = _once("wald/known", tau2=tau2, draws=40_000)
    assert abs(found - 0.95) < 3 * error


@pytest.mark.parametrize("k", [2, 3, 10])
@pytest.mark.parametrize("tau2", [0.0, 0.5])
def test_hartung_knapp_is_exact_for_equal_variances(k, tau2):
    found, error = _once("hartung-knapp/REML", k=k, tau2=tau2, variances=0.2, draws=20_000)
    assert abs(found - 0.95) < 3 * error
    # It is the t test of the effects there, whatever estimates tau2.
    assert _once("hartung-knapp/DL", k=k, tau2=tau2, variances=0.2, draws=20_000)[0] == found


def test_wald_interval_falls_short_with_few_studies():
    # What Brockwell and Gordon found; the test sees a simulation in which every interval holds its level.
    found, error = _once("wald/DL", k=3, tau2=0.5)
    assert found + 10 * error < 0.9


@pytest.mark.parametrize("interval", SIMULATED_INTERVALS)
def test_every_interval_is_that_of_one_meta_analysis_after_the_other(interval):
    effects = _drawn(5, (40, 4), 0.2)
    ci, tau2 = interval.split("/")
    held, widths = [], []
    for y, v in zip(effects.effect, effects.variance, strict=True):
        one = EffectSizes(effect=y, variance=v)
        if ci == "prediction":
            limits = pool(one, tau2=tau2).prediction
            held.append(np.diff(stats.norm.cdf([limits.low, limits.high], scale=np.sqrt(0.2))).item())
        else:
            limits = pool(one, tau2=tau2, ci=ci).estimate
            held.append(float(limits.low <= 0 <= limits.high))
        widths.append(float(limits.high - limits.low))
    found = simulate_coverage(studies=[4], tau2=[0.2], intervals=[interval], draws=40, rng=5)
    assert found.coverage.item() == pytest.approx(np.mean(held), rel=1e-12)
    assert found.monte_carlo_error.item() == pytest.approx(np.std(held) / np.sqrt(40), rel=1e-9, abs=1e-15)
    assert found.median_width.item() == pytest.approx(np.median(widths), rel=1e-9)
    mean = np.mean(widths) if max(widths) < 1e100 else np.inf
    assert found.mean_width.item() == pytest.approx(mean, rel=1e-9)


def test_all_intervals_of_pool_are_simulated():
    assert {name.split("/")[0] for name in SIMULATED_INTERVALS} == {*INTERVALS, "prediction"}


def test_prediction_covers_as_often_as_it_holds_effects_that_are_drawn():
    draws, tau2 = 20_000, 0.2
    limits = pool(_drawn(3, (draws, 6), tau2), tau2="REML").prediction
    further = np.random.default_rng(8).normal(0, np.sqrt(tau2), draws)
    counted = ((limits.low <= further) & (further <= limits.high)).mean()
    found, error = _once("prediction/REML", k=6, tau2=tau2, rng=3, draws=draws)
    binomial = np.sqrt(found * (1 - found) / draws)
    assert abs(found - counted) < 3 * binomial
    # To compute the probability is what makes it more precise than counting.
    assert error < binomial
    none, _ = _once("prediction/REML", k=6, tau2=0.0, rng=3, draws=2000)
    limits = pool(_drawn(3, (2000, 6), 0.0), tau2="REML").prediction
    assert none == ((limits.low <= 0) & (limits.high >= 0)).mean()


def test_a_seed_gives_the_same_numbers_whatever_else_is_asked_for():
    options = {"studies": [3, 5], "tau2": [0.0, 0.2], "draws": 200}
    first = simulate_coverage(rng=4, intervals=["wald/DL", "t/PM", "henmi-copas/DL"], **options)
    again = simulate_coverage(rng=np.random.default_rng(4), intervals=["t/PM"], **options)
    assert np.array_equal(first.of("t/PM").coverage, again.coverage)
    assert np.array_equal(first.of("t/PM").mean_width, again.mean_width)
    other = simulate_coverage(rng=5, intervals=["t/PM"], **options)
    assert not np.array_equal(other.mean_width, again.mean_width)


def test_variances_follow_the_truncated_chi_square():
    drawn = scaled_chi_square_variances(np.random.default_rng(1), (500, 20)).ravel()
    law = stats.chi2(1, scale=0.25)
    low, high = law.cdf([0.009, 0.6])
    assert drawn.min() >= 0.009
    assert drawn.max() <= 0.6
    assert stats.kstest(drawn, lambda x: (law.cdf(x) - low) / (high - low)).pvalue > 0.01
    # What the docstring says.
    assert law.ppf((low + high) / 2) == pytest.approx(0.12, abs=0.005)
    assert drawn.mean() == pytest.approx(0.17, abs=0.006)


def test_variances_may_be_a_number_or_a_function():
    def equal(rng, shape):
        assert isinstance(rng, np.random.Generator)
        return np.full(shape, 0.2)

    options = {"studies": [4], "tau2": [0.1], "intervals": ["t/DL"], "draws": 50, "rng": 1}
    by_number = simulate_coverage(variances=0.2, **options)
    by_function = simulate_coverage(variances=equal, **options)
    assert by_number.mean_width.item() == by_function.mean_width.item()


def test_an_interval_without_end_has_no_mean_width():
    # Kenward and Roger's degrees of freedom may be near 0 with two studies.
    found = simulate_coverage(studies=[2], tau2=[0.0], intervals=["kenward-roger/REML"], draws=300, rng=1)
    assert found.mean_width.item() == np.inf
    assert np.isfinite(found.median_width.item())


def test_the_table_and_the_text():
    found = simulate_coverage(
        studies=[3, 5], tau2=[0.2, 0.0], intervals=["wald/DL", "prediction/known"], draws=100, rng=1
    )
    frame = found.to_frame()
    assert list(frame.columns) == [
        "target",
        "interval",
        "tau2_method",
        "studies",
        "tau2",
        "confidence_level",
        "draws",
        "coverage",
        "monte_carlo_error",
        "mean_width",
        "median_width",
    ]
    assert frame["target"].tolist() == ["mean"] * 4 + ["further study"] * 4
    assert frame["tau2_method"].tolist() == ["DL"] * 4 + ["known"] * 4
    assert frame["studies"].tolist() == [3, 3, 5, 5] * 2
    assert frame["tau2"].tolist() == [0.2, 0.0] * 4
    row = frame.query("interval == 'prediction' and studies == 5 and tau2 == 0").iloc[0]
    assert row["coverage"] == found.coverage[1, 1, 1]
    p = found.coverage[0]
    assert found.monte_carlo_error[0] == pytest.approx(np.sqrt(p * (1 - p) / 100))
    half = 1.959963984540054 * np.sqrt(0.95 * 0.05 / 100)
    assert found.band == pytest.approx((0.95 - half, 0.95 + half))
    lines = str(found).splitlines()
    assert lines[0] == "Coverage of 95% intervals in percent, τ² = 0.2, 0; 100 meta-analyses each"
    assert lines[1].startswith(
        f"wald/DL           k = 3: {100 * p[0].min():.1f} to {100 * p[0].max():.1f}, k = 5:"
    )
    assert "<table" in found._repr_html_()
    with pytest.raises(ValueError, match="read-only"):
        found.coverage[0] = 1
    with pytest.raises(
        ValueError, match="`interval` must be one of 'wald/DL', 'prediction/known', but got 't/DL'"
    ):
        found.of("t/DL")


def test_progress_is_told():
    told = []
    simulate_coverage(
        studies=[3],
        tau2=[0.0, 0.1],
        intervals=["wald/DL", "t/DL"],
        draws=10,
        rng=1,
        progress=lambda *news: told.append(news),
    )
    assert told == [
        (0, 4, "k = 3, τ² = 0: wald/DL"),
        (1, 4, "k = 3, τ² = 0: t/DL"),
        (2, 4, "k = 3, τ² = 0.1: wald/DL"),
        (3, 4, "k = 3, τ² = 0.1: t/DL"),
        (4, 4, "done"),
    ]


def test_what_does_not_converge_is_not_left_out(monkeypatch):
    def stubborn(effects, **options):
        if effects.effect.ndim > 1:
            raise ConvergenceError("tau2 by REML did not converge for 1 set of studies.")
        return pool(effects, **options)

    monkeypatch.setattr(interval_coverage, "pool", stubborn)
    with pytest.raises(
        ConvergenceError, match=r"wald/REML of 5 studies with tau2 = 0\.3: tau2 by REML did not"
    ):
        _once("wald/REML", draws=10)


def test_an_interval_without_limits_is_not_a_miss(monkeypatch):
    def silent(effects, **options):
        if effects.effect.ndim == 1:
            return pool(effects, **options)
        lost = np.ones(effects.effect.shape, dtype=bool)
        lost[3, 1:] = False
        return pool(effects, where=lost, **options)

    monkeypatch.setattr(interval_coverage, "pool", silent)
    with pytest.raises(
        ConvergenceError, match="t/DL of 5 studies .* 1 of 10 meta-analyses have no limits, .* 3"
    ):
        _once("t/DL", draws=10)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"rng": None}, ValueError, "`rng` must be a generator or a seed"),
        ({"studies": [1]}, ValueError, "`studies` must be 2 or greater, but got 1"),
        ({"studies": [3.0]}, TypeError, r"`studies` must be whole numbers, but got 3\.0"),
        ({"studies": [True]}, TypeError, "`studies` must be whole numbers, but got True"),
        ({"studies": 3}, TypeError, r"`studies` must be a sequence, but got 3; write \[3\]"),
        ({"studies": []}, ValueError, "`studies` must hold at least one entry, but is empty"),
        ({"studies": [3, 3]}, ValueError, "`studies` must name each entry once, but got 3, 3"),
        (
            {"studies": [2], "intervals": ["prediction/DL"]},
            ValueError,
            "`studies` must be 3 or greater, but got 2; a prediction interval needs three studies",
        ),
        (
            {"tau2": [0.1, -0.1]},
            ValueError,
            r"`tau2` must be 0 or greater and finite, but got -0\.1 at index 1",
        ),
        ({"tau2": [np.nan]}, ValueError, "`tau2` must be 0 or greater and finite, but got nan at index 0"),
        ({"tau2": 0.1}, TypeError, "`tau2` must be a sequence"),
        ({"tau2": ["REML"]}, TypeError, "`tau2` must be numbers, but got text"),
        ({"intervals": "wald/DL"}, TypeError, r"`intervals` must be a sequence, .* write \['wald/DL'\]"),
        (
            {"intervals": ["wald"]},
            ValueError,
            "`intervals` must name an estimator of tau2, 'wald/REML', but got",
        ),
        ({"intervals": ["wold/DL"]}, ValueError, "`intervals` must be one of .* Did you mean 'wald'?"),
        ({"intervals": ["wald/LD"]}, ValueError, "`tau2` must be one of .*, but got 'LD'"),
        ({"intervals": ["profile/DL"]}, ValueError, '`ci` = "profile" is built on tau2="ML"'),
        ({"intervals": ["wald/GENQ"]}, ValueError, "`weights` must be given for tau2='GENQ'"),
        ({"draws": 0}, ValueError, "`draws` must be 1 or greater, but got 0"),
        ({"draws": 1e4}, TypeError, r"`draws` must be whole numbers, but got 10000\.0"),
        (
            {"confidence_level": 95},
            ValueError,
            "`confidence_level` must be between 0 and 1, .* For 95 % write",
        ),
        ({"variances": 0.0}, ValueError, "`variances` must be a number greater than 0, but got 0"),
        ({"variances": [0.1, 0.2]}, ValueError, "`variances` must be one number or a function"),
        (
            {"variances": lambda _rng, shape: np.ones(shape[1])},
            ValueError,
            r"`variances` must return shape \(10, 3\), but returned \(3,\)",
        ),
        ({"variances": lambda _rng, shape: np.zeros(shape)}, ValueError, "a variance greater than 0"),
    ],
)
def test_bad_input_is_named(options, error, message):
    usual = {"studies": [3], "tau2": [0.1], "intervals": ["wald/DL"], "draws": 10, "rng": 1}
    with pytest.raises(error, match=message):
        simulate_coverage(**(usual | options))


def test_the_documented_numbers_are_those_of_the_simulation():
    printed = pd.read_csv(DOCS / "meta_coverage.csv")
    assert len(printed) == len(SIMULATED_INTERVALS) * 4 * 6
    names = (printed["interval"] + "/" + printed["tau2_method"]).drop_duplicates()
    assert tuple(names) == SIMULATED_INTERVALS
    chosen = ["hartung-knapp-adhoc/DL", "wald/PM", "kenward-roger/REML"]
    first = simulate_coverage(rng=2001, studies=[3], tau2=[0.0], intervals=chosen).to_frame()
    keys = ["interval", "tau2_method", "studies", "tau2", "draws"]
    both = first.merge(printed, on=keys, suffixes=("", "_printed"), validate="one_to_one")
    assert len(both) == 3
    for column in ("coverage", "monte_carlo_error", "median_width"):
        assert both[column].to_numpy() == pytest.approx(both[f"{column}_printed"].to_numpy(), rel=1e-6)


def test_the_documented_tables_are_those_of_the_numbers():
    text = (DOCS / "meta_coverage.md").read_text(encoding="utf-8")
    printed = pd.read_csv(DOCS / "meta_coverage.csv")
    for studies, part in printed.groupby("studies"):
        table = text.split(f"## Coverage with {studies} studies")[1].split("##")[0]
        for (ci, tau2), row in part.groupby(["interval", "tau2_method"]):
            assert (
                f"| {ci}/{tau2} | {' | '.join(f'{100 * value:.1f}' for value in row['coverage'])} |" in table
            )
