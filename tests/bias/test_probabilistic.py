"""Probabilistic bias analysis against episensr, against expectations and integrals, and its invariants."""

import numpy as np
import pytest
from scipy import stats

from analysis import EffectSizes, TwoByTwo, feasible_tables, odds_ratio, risk_ratio
from analysis.bias.distributions import LogNormal, Trapezoidal, Triangular, Uniform
from analysis.bias.methods.draw_quantiles import FineHistogram, quantiles_of
from analysis.bias.probabilistic import probabilistic_bias_analysis
from analysis.bias.spec import (
    ExposureMisclassification,
    OutcomeMisclassification,
    SelectionBias,
    UnmeasuredConfounding,
)
from reference_values import records

RESINS = TwoByTwo.from_cells(exposed_cases=45, control_cases=94, exposed_noncases=257, control_noncases=945)
HAZARD_RATIO = EffectSizes.from_estimates(1.83, 1.58, 2.11, measure="HR")


def _episensr(record):
    """Return table and biases of a record, whose rows are the outcome and columns the exposure."""
    (a, c), (b, d) = record["inputs"]["tab"]["rows"]
    table = TwoByTwo.from_cells(exposed_cases=a, exposed_noncases=b, control_cases=c, control_noncases=d)
    inputs = record["inputs"]
    if record["id"] == "probsens/exposure/trapezoidal-nd":
        bias = ExposureMisclassification(
            sensitivity=Trapezoidal(*inputs["se"]), specificity=Trapezoidal(*inputs["sp"])
        )
    elif record["id"] == "probsens/outcome/uniform-nd":
        bias = OutcomeMisclassification(sensitivity=Uniform(*inputs["u"]), specificity=Uniform(*inputs["u"]))
    elif record["id"] == "probsens.conf/triangular":
        bias = UnmeasuredConfounding(
            prevalence_exposed=_triangular(inputs["pe"]),
            prevalence_control=_triangular(inputs["pn"]),
            risk_ratio=_triangular(inputs["rk"]),
        )
    else:
        assert record["id"] == "probsens.sel/or-triangular"
        bias = SelectionBias(bias_factor=_triangular(inputs["o"]))
    return table, bias


def _triangular(parameters):
    low, high, mode = parameters
    return Triangular(low, mode, high)


def _measures():
    return [
        pytest.param(record, name.removeprefix("corr."), id=f"{record['id']}-{name}")
        for record in records("episensr_probsens")
        for name in record["outputs"]
        if name.startswith("corr.")
    ]


@pytest.mark.parametrize(("record", "measure"), _measures())
def test_quantiles_are_those_of_episensr(record, measure):
    table, bias = _episensr(record)
    result = probabilistic_bias_analysis(
        table, biases=bias, measure=measure, rng=20260101, draws=1_000_000, random_error="conventional"
    )
    for name, quantiles, errors in (
        ("corr", result.systematic, result.systematic_error),
        ("tot", result.total, result.total_error),
    ):
        theirs = record["outputs"][f"{name}.{measure}"]
        assert theirs["prob"] == pytest.approx(result.probabilities)
        error = np.hypot(errors, theirs["mc_se_log"])
        # Four standard errors of the difference of two Monte-Carlo quantiles.
        assert (np.abs(np.log(quantiles) - np.log(theirs["quantile"])) < 4 * error).all()
        # Both estimate the same standard error; by another method, so to a fifth.
        np.testing.assert_allclose(errors, theirs["mc_se_log"], rtol=0.2)
    lost = result.draws - record["outputs"][f"corr.{measure}"]["n_used"]
    spread = np.sqrt(2 * lost * (1 - lost / result.draws))
    assert abs(result.impossible_draws - lost) <= 4 * spread


def test_the_standard_error_of_the_quantiles_holds():
    """Forty analyses scatter as each says that it does."""
    bias = ExposureMisclassification(sensitivity="beta(46, 6)", specificity="beta(90, 6)")
    for sampling, draws in (("random", 4000), ("latin-hypercube", 4000), ("sobol", 4096)):
        results = [
            probabilistic_bias_analysis(
                RESINS, biases=bias, rng=seed, draws=draws, sampling=sampling, random_error="none"
            )
            for seed in range(40)
        ]
        scatter = np.std([np.log(result.systematic) for result in results], axis=0, ddof=1)
        said = np.sqrt(np.mean([result.systematic_error**2 for result in results], axis=0))
        # A standard deviation of 40 has a relative error of 11 %.
        assert (np.abs(np.log(scatter / said)) < 0.5).all(), sampling


def test_plans_beat_random_draws():
    bias = UnmeasuredConfounding(
        prevalence_exposed="uniform(0.3, 0.5)",
        prevalence_control="uniform(0.1, 0.2)",
        risk_ratio="uniform(2, 3)",
    )
    errors = [
        probabilistic_bias_analysis(
            HAZARD_RATIO, biases=bias, rng=1, draws=2**14, sampling=sampling
        ).systematic_error[2]
        for sampling in ("random", "latin-hypercube", "sobol")
    ]
    assert errors[1] < errors[0]
    assert errors[2] < errors[0] / 4


def test_a_normal_factor_has_a_normal_sum():
    """ln HR - N(0.3, 0.2) + N(0, SE): the total is exactly normal."""
    bias = SelectionBias(bias_factor=LogNormal(0.3, 0.2))
    result = probabilistic_bias_analysis(HAZARD_RATIO, biases=bias, rng=5, draws=500_000)
    mean = HAZARD_RATIO.effect - 0.3
    for quantiles, errors, sd in (
        (result.systematic, result.systematic_error, 0.2),
        (result.total, result.total_error, np.hypot(0.2, HAZARD_RATIO.std_error)),
    ):
        exact = stats.norm(mean, sd).ppf(result.probabilities)
        assert (np.abs(np.log(quantiles) - exact) < 4 * errors).all()


def test_quantiles_of_a_monotone_bias_are_the_bias_of_the_quantiles():
    bias = OutcomeMisclassification(sensitivity="uniform(0.6, 0.9)", specificity=1.0)
    result = probabilistic_bias_analysis(RESINS, biases=bias, measure="OR", rng=2, random_error="none")
    a, n1, c, n0 = 45, 302, 94, 1039
    for place, p in enumerate(result.probabilities):
        # The odds ratio falls with sensitivity.
        se = 0.6 + 0.3 * (1 - p)
        exact = (a / se) * (n0 - c / se) / ((n1 - a / se) * (c / se))
        difference = np.log(result.systematic[place]) - np.log(exact)
        assert abs(difference) < 4 * result.systematic_error[place]


@pytest.mark.parametrize("random_error", ["resampling", "delta"])
def test_random_error_of_a_known_classification_is_the_adjusted_standard_error(random_error):
    bias = ExposureMisclassification(sensitivity=0.9, specificity=0.97)
    large = TwoByTwo.from_cells(
        exposed_cases=4500, control_cases=9400, exposed_noncases=25700, control_noncases=94500
    )
    result = probabilistic_bias_analysis(large, biases=bias, rng=2, draws=200_000, random_error=random_error)
    # Greenland's variance: of each group's true exposed, over its exposed times its unexposed, squared.
    variance = 0.0
    for exposed, total in ((4500, 13900), (25700, 120200)):
        true = (exposed - 0.03 * total) / 0.87
        variance += (total / (true * (total - true)) / 0.87) ** 2 * exposed * (total - exposed) / total
    exact = np.log(result.systematic[2]) + stats.norm.ppf(result.probabilities) * np.sqrt(variance)
    # The resampled log ratio is normal up to the size of the cells.
    np.testing.assert_allclose(np.log(result.total), exact, atol=4 * result.total_error.max() + 2e-4)
    assert result.systematic_error.max() == 0
    narrow = probabilistic_bias_analysis(large, biases=bias, rng=2, random_error="conventional")
    assert np.log(narrow.total[4] / narrow.total[0]) < 0.95 * np.log(result.total[4] / result.total[0])


NOTHING = [
    ExposureMisclassification(sensitivity=1, specificity=1),
    OutcomeMisclassification(sensitivity=1, specificity=1),
    UnmeasuredConfounding(prevalence_exposed=0.6, prevalence_control="beta(2, 3)", risk_ratio=1),
    UnmeasuredConfounding(prevalence_exposed=0.3, prevalence_control=0.3, risk_ratio="uniform(1, 2)"),
    SelectionBias(exposed_cases=0.5, exposed_noncases=0.5, control_cases=0.5, control_noncases=0.5),
]


@pytest.mark.parametrize("measure", ["OR", "RR", "RD"])
@pytest.mark.parametrize("number", range(len(NOTHING)))
def test_a_bias_of_no_effect_changes_nothing(measure, number):
    result = probabilistic_bias_analysis(
        RESINS, biases=NOTHING[number], measure=measure, rng=1, draws=1000, random_error="delta"
    )
    assert result.impossible_draws == 0
    if (measure, number) == ("OR", 3):
        # Odds ratios are not collapsible: the strata of a risk factor have a larger one than the table.
        assert (result.systematic > result.conventional.value).all()
        return
    np.testing.assert_allclose(result.systematic, result.conventional.value, rtol=1e-12)


def test_total_of_no_bias_is_the_conventional_interval():
    result = probabilistic_bias_analysis(
        RESINS, biases=NOTHING[0], rng=1, draws=2**17, sampling="sobol", random_error="delta"
    )
    np.testing.assert_allclose(
        result.total[[0, 4]], [result.conventional.low, result.conventional.high], 1e-3
    )


def test_the_order_of_biases_is_kept():
    first = ExposureMisclassification(sensitivity=0.9, specificity=0.95)
    second = SelectionBias(exposed_cases=0.9, exposed_noncases=0.5, control_cases=0.9, control_noncases=0.8)
    values = []
    for biases in ([first, second], [second, first]):
        result = probabilistic_bias_analysis(RESINS, biases=biases, rng=1, draws=100, random_error="none")
        values.append(float(result.systematic[2]))
        cells = [45.0, 257.0, 94.0, 945.0]
        for bias in biases:
            if bias is first:
                a = (cells[0] - 0.05 * (cells[0] + cells[2])) / 0.85
                b = (cells[1] - 0.05 * (cells[1] + cells[3])) / 0.85
                cells = [a, b, cells[0] + cells[2] - a, cells[1] + cells[3] - b]
            else:
                cells = [cell / share for cell, share in zip(cells, (0.9, 0.5, 0.9, 0.8), strict=True)]
        assert values[-1] == pytest.approx(cells[0] * cells[3] / cells[1] / cells[2], rel=1e-12)
    assert values[0] != pytest.approx(values[1], rel=1e-3)


def test_every_feasible_table_meets_the_same_draws():
    tables = feasible_tables(
        exposed_total=5476, exposed_risk="4.7%", control_total=27657, control_risk="2.8%"
    )
    bias = OutcomeMisclassification(sensitivity="uniform(0.7, 0.9)", specificity="uniform(0.995, 1)")
    options = {"biases": bias, "measure": "RR", "rng": 9, "draws": 5000, "random_error": "conventional"}
    together = probabilistic_bias_analysis(tables, **options)
    assert together.shape == (len(tables),)
    assert len(tables) == 168
    for number in (0, 100, 167):
        alone = probabilistic_bias_analysis(tables[number], **options)
        np.testing.assert_allclose(together.systematic[:, number], alone.systematic, rtol=1e-12)
        np.testing.assert_allclose(together.total[:, number], alone.total, rtol=1e-12)
    assert "in 168 tables" in str(together)
    frame = together.to_frame()
    assert len(frame) == 3 * 168
    assert frame.loc[frame["error"] == "conventional", "value"].to_numpy() == pytest.approx(
        risk_ratio(tables).value
    )


def test_impossible_draws_are_counted_with_their_reasons():
    bias = ExposureMisclassification(sensitivity="uniform(0, 1)", specificity="uniform(0, 1)")
    result = probabilistic_bias_analysis(RESINS, biases=bias, rng=1, draws=100_000)
    shares = {reason: count / 1e5 for reason, count in result.impossible.items()}
    # Half of the square has a sum of at most 1.
    assert shares["sensitivity + specificity of at most 1"] == pytest.approx(0.5, abs=0.007)
    # Possible where Sp > 257/1202 x ..: 1 - Sp below the smaller share of exposed, Se above the larger one.
    expected = 1 - (257 / 1202) * (1 - 45 / 139)
    assert result.share_impossible == pytest.approx(expected, abs=0.006)
    assert "contradict the data" in str(result)
    assert np.isfinite(result.systematic).all()
    assert result.impossible_resampled > 0


def test_a_risk_above_one_is_impossible():
    table = TwoByTwo(exposed_cases=80, exposed_total=100, control_cases=40, control_total=100)
    bias = UnmeasuredConfounding(prevalence_exposed=0.5, prevalence_control=0.5, risk_ratio="uniform(1, 4)")
    result = probabilistic_bias_analysis(table, biases=bias, measure="RR", rng=1, random_error="none")
    # 0.8 r / (0.5 (r - 1) + 1) exceeds 1 from r = 5/3 on.
    assert result.share_impossible == pytest.approx(1 - (5 / 3 - 1) / 3, abs=0.006)
    assert list(result.impossible) == ["a risk above 1"]


def test_a_confounder_of_the_odds_is_the_factor_of_the_odds():
    bias = UnmeasuredConfounding(prevalence_exposed=0.4, prevalence_control=0.1, odds_ratio=3)
    result = probabilistic_bias_analysis(RESINS, biases=bias, rng=1, draws=100, random_error="none")
    assert result.systematic[2] == pytest.approx(odds_ratio(RESINS).value / (1.8 / 1.2), rel=1e-12)
    hazard = UnmeasuredConfounding(prevalence_exposed=0.4, prevalence_control=0.1, risk_ratio=3)
    result = probabilistic_bias_analysis(HAZARD_RATIO, biases=hazard, rng=1, draws=100)
    assert result.systematic[2] == pytest.approx(1.83 / 1.5, rel=1e-12)


def test_correlation_narrows_a_differential_classification():
    def width(correlation):
        bias = ExposureMisclassification(
            sensitivity="uniform(0.7, 0.95)",
            noncases_sensitivity="uniform(0.7, 0.95)",
            specificity=0.99,
            noncases_specificity=0.99,
            correlations=[("sensitivity", "noncases_sensitivity", correlation)],
        )
        result = probabilistic_bias_analysis(RESINS, biases=bias, rng=3, draws=20_000, random_error="none")
        return np.log(result.systematic[4] / result.systematic[0])

    widths = [width(correlation) for correlation in (-1, 0, 0.8, 1)]
    assert widths == sorted(widths, reverse=True)
    same = ExposureMisclassification(sensitivity="uniform(0.7, 0.95)", specificity=0.99)
    one = probabilistic_bias_analysis(RESINS, biases=same, rng=3, draws=20_000, random_error="none")
    assert widths[-1] == pytest.approx(np.log(one.systematic[4] / one.systematic[0]), rel=0.02)


def test_a_seed_gives_the_same_result_and_a_generator_goes_on():
    bias = SelectionBias(bias_factor="uniform(0.8, 1.2)")
    one, two = (probabilistic_bias_analysis(RESINS, biases=bias, rng=4, draws=1000) for _ in range(2))
    np.testing.assert_array_equal(one.total, two.total)
    assert one.seed == 4
    rng = np.random.default_rng(4)
    three, four = (probabilistic_bias_analysis(RESINS, biases=bias, rng=rng, draws=1000) for _ in range(2))
    assert three.total[0] != four.total[0]
    assert three.seed is None


def test_a_zero_cell_leaves_the_interval_open():
    table = TwoByTwo(exposed_cases=0, exposed_total=20, control_cases=5, control_total=20)
    bias = SelectionBias(bias_factor="uniform(0.8, 1.2)")
    for random_error in ("conventional", "delta"):
        result = probabilistic_bias_analysis(table, biases=bias, rng=1, draws=1000, random_error=random_error)
        assert result.systematic.tolist() == [0] * 5
        assert result.total[0] == 0
        assert result.total[4] == np.inf
    resampled = probabilistic_bias_analysis(table, biases=bias, rng=1, draws=1000)
    assert resampled.total[4] == 0


def test_quantiles_next_to_an_infinite_draw_are_draws():
    values = np.array([[-np.inf, 1.0, 2.0, np.inf, np.nan]])
    quantiles, _ = quantiles_of(values, (0.1, 0.2, 0.5, 0.8, 0.9))
    assert quantiles[:, 0].tolist() == [-np.inf, 1.0, 1.5, 2.0, np.inf]


def test_a_fine_histogram_is_as_good_as_sorting(monkeypatch):
    rng = np.random.default_rng(1)
    values = np.concatenate([rng.standard_cauchy(200_000), [np.inf, -np.inf, np.nan]])
    p = (0.025, 0.25, 0.5, 0.75, 0.975)
    histogram = FineHistogram()
    for piece in np.array_split(values, 7):
        histogram.add(piece)
    binned, binned_error = histogram.quantiles(p)
    exact, error = quantiles_of(values[np.newaxis].copy(), p)
    assert (np.abs(binned - exact[:, 0]) < 0.02 * error[:, 0]).all()
    np.testing.assert_allclose(binned_error, error[:, 0], rtol=0.02)

    import analysis.bias.probabilistic as module

    bias = ExposureMisclassification(sensitivity="uniform(0.7, 0.95)", specificity="uniform(0.9, 1)")
    sorted_ = probabilistic_bias_analysis(RESINS, biases=bias, rng=1, draws=200_000, keep=1000)
    monkeypatch.setattr(module, "_HELD", 1000)
    counted = probabilistic_bias_analysis(RESINS, biases=bias, rng=1, draws=200_000, keep=1000)
    assert (np.abs(np.log(counted.total / sorted_.total)) < 0.05 * sorted_.total_error).all()
    np.testing.assert_array_equal(counted.kept_total, sorted_.kept_total)
    assert counted.impossible_draws == sorted_.impossible_draws


def test_a_table_that_no_draw_fits_is_reported_beside_those_that_are_fitted():
    tables = TwoByTwo(
        exposed_cases=[1, 45], exposed_total=[300, 302], control_cases=[200, 94], control_total=1039
    )
    bias = OutcomeMisclassification(sensitivity=0.9, specificity="uniform(0.92, 0.95)")
    result = probabilistic_bias_analysis(tables, biases=bias, rng=1, draws=1000)
    assert np.isnan(result.systematic[:, 0]).all()
    assert result.impossible_draws.tolist() == [1000, 0]
    with pytest.raises(ValueError, match="all 1000 draws contradict them: negative adjusted cells"):
        probabilistic_bias_analysis(tables[0], biases=bias, rng=1, draws=1000)


GOOD = SelectionBias(bias_factor="uniform(0.8, 1.2)")


@pytest.mark.parametrize(
    ("data", "options", "match"),
    [
        (RESINS, {"biases": []}, "at least one bias"),
        (RESINS, {"biases": [GOOD, 1.2]}, "but got float at index 1"),
        (RESINS, {"measure": "HR"}, "`measure` must be one of"),
        (RESINS, {"measure": "RD"}, "four probabilities"),
        (RESINS, {"random_error": "z"}, "`random_error` must be one of"),
        (RESINS, {"keep": -1}, "`keep`"),
        (RESINS, {"rng": None}, "`rng`"),
        (HAZARD_RATIO, {"random_error": "resampling"}, "no cells"),
        (HAZARD_RATIO, {"measure": "OR"}, "`measure`"),
        (HAZARD_RATIO, {"biases": NOTHING[0]}, "needs the cells"),
        (HAZARD_RATIO, {"biases": NOTHING[4]}, "needs `bias_factor`"),
        (
            HAZARD_RATIO,
            {"biases": UnmeasuredConfounding(prevalence_exposed=0.5, prevalence_control=0.2, odds_ratio=2)},
            "needs `risk_ratio`",
        ),
        (EffectSizes(effect=0.1, variance=0.1), {}, "must be ratios"),
        (EffectSizes(effect=np.nan, variance=0.1, measure="OR"), {}, "must be finite"),
        ([[1, 2], [3, 4]], {}, "TwoByTwo or EffectSizes"),
    ],
)
def test_what_is_wrong_with_a_call_is_named(data, options, match):
    with pytest.raises((TypeError, ValueError), match=match):
        probabilistic_bias_analysis(data, **({"biases": GOOD, "rng": 1, "draws": 1000} | options))


def test_the_result_prints_what_a_paper_prints():
    bias = ExposureMisclassification(sensitivity="uniform(0.7, 0.9)", specificity=0.95)
    result = probabilistic_bias_analysis(RESINS, biases=bias, rng=2026, draws=20_000)
    lines = str(result).splitlines()
    assert lines[0] == "OR, no bias, random error: 1.76 (1.20 to 2.58)"
    assert lines[1].startswith("OR, bias alone: 2.06 (1.99 to 2.15)")
    frame = result.to_frame()
    assert frame["error"].tolist() == ["conventional", "systematic", "total"]
    np.testing.assert_allclose(
        result.monte_carlo_error("total")[0], frame["value"][2] * frame["value_monte_carlo_error"][2]
    )
    assert "<table" in result._repr_html_()
    with pytest.raises(ValueError, match="`error` must be"):
        result.monte_carlo_error("random")
    without = probabilistic_bias_analysis(RESINS, biases=bias, rng=2026, draws=200, random_error="none")
    with pytest.raises(ValueError, match="no total interval"):
        without.total_interval  # noqa: B018
