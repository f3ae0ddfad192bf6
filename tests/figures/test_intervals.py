import numpy as np
import pytest

from analysis import TwoByTwo, figure_intervals, odds_ratio, plot_intervals, risk_difference, risk_ratio

TABLE = TwoByTwo(exposed_cases=11, exposed_total=66, control_cases=1, control_total=39)
METHODS = ("woolf", "gart", "score", "exact", "mid-p", "baptista-pike")


def _estimates(table=TABLE, methods=METHODS):
    return [odds_ratio(table, method=method) for method in methods]


def test_intervals_stand_where_their_numbers_are():
    ax = plot_intervals(_estimates())
    assert ax.get_xscale() == "log"
    lines = [line for line in ax.lines if line.get_gid() == "interval"]
    assert len(lines) == len(METHODS)
    for place, (line, estimate) in enumerate(zip(lines, _estimates(), strict=True)):
        assert set(line.get_ydata()) == {place}
        low, high = max(float(estimate.low), ax.get_xlim()[0]), min(float(estimate.high), ax.get_xlim()[1])
        assert np.sort(line.get_xdata()) == pytest.approx([low, high])
    assert [label.get_text() for label in ax.get_yticklabels()] == list(METHODS)


@pytest.mark.parametrize("width_mm", [174, 120])
@pytest.mark.parametrize(
    "estimates",
    [
        _estimates(),
        _estimates(TwoByTwo(exposed_cases=0, exposed_total=20, control_cases=5, control_total=20)),
        [risk_difference(TABLE, method=method) for method in ("wald", "newcombe", "mee")],
        [risk_ratio(TABLE)],
    ],
)
def test_text_fits(estimates, width_mm, check_texts):
    coverage = [f"{i}.0 / 95.{i}" for i in range(len(estimates))]
    check_texts(
        figure_intervals(estimates, beside={"Coverage\nleast / mean": coverage}, width_mm=width_mm, note="N.")
    )


@pytest.mark.parametrize(
    ("estimates", "options", "message"),
    [
        ([], {}, "at least one estimate"),
        ([odds_ratio(TABLE), risk_ratio(TABLE)], {}, "must be of one measure, but are of OR, RR"),
        (_estimates(), {"beside": {"x": ["1"]}}, "must have 6 texts in every column, but 'x' has 1"),
        (
            [odds_ratio(TwoByTwo(exposed_cases=[1], exposed_total=2, control_cases=1, control_total=2))],
            {},
            "an array",
        ),
    ],
)
def test_bad_input_is_named(estimates, options, message):
    with pytest.raises(ValueError, match=message):
        figure_intervals(estimates, **options)
