"""Printed numbers against one another: each rule on numbers worked out by hand, then every study held."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.data import datasets
from analysis.forensics.coherence import check_coherence
from analysis.forensics.coherence_tables import check_tables
from analysis.forensics.finding import STRENGTHS


def _only(columns, **options):
    report = check_coherence(columns, **options)
    assert len(report) == 1, str(report)
    return report.findings[0]


@pytest.fixture(scope="module")
def tables():
    return check_tables(
        prevalence=datasets.load_prevalence(),
        comparative_counts=datasets.load_comparative_counts(),
        rates=datasets.load_rates(),
        published_estimates=datasets.load_published_estimates(),
        hla_b27=datasets.load_hla_b27(),
    )


# Percentages.


@pytest.mark.parametrize(
    ("total", "percent", "fits"),
    [
        (160, "1.84", "3/163"),
        (160, "1.23", "2/162, 2/163"),
        (80, "11.54", "9/78"),
        # 30.3 is no count of 84, and 23 of 76.
        (84, "30.3", "23/76"),
    ],
)
def test_a_percentage_that_no_count_gives(total, percent, fits):
    finding = _only({"total": total, "percent": percent})
    assert (finding.rule, finding.strength) == ("percentage of a total", "contradiction")
    assert fits in finding.fits


def test_neighbouring_counts_are_shown():
    assert _only({"total": 160, "percent": "1.84"}).arithmetic == "2/160 is 1.250% and 3/160 is 1.875%"
    assert "0/7" in _only({"total": 7, "percent": "3.0"}).arithmetic
    assert "7/7" in _only({"total": 7, "percent": "99.0"}).arithmetic


def test_percentages_of_one_study_name_the_total_that_fits_all():
    rows = {"study": "V", "total": [160, 160], "percent": ["1.84", "1.23"]}
    for finding in check_coherence(rows).findings:
        assert finding.fits.startswith(
            "a total of 163 (all of the 2 percentages printed of 160: 1.84%, 1.23%)"
        )
    lange = {"study": "L", "total": [84] * 5, "percent": ["9.2", "5", "30.3", "11.8", "17.6"]}
    report = check_coherence(lange)
    # 4 of 84 is 4.8 %, which prints as 5: that row fits.
    assert [finding.rows for finding in report.findings] == [(0,), (2,), (3,), (4,)]
    # 102 fits four of the five too, but another four.
    assert all("a total of 76 (4 of the 5" in finding.fits for finding in report.findings)


def test_a_count_and_its_percentage():
    assert len(check_coherence({"events": 229, "total": 424, "percent": "54"})) == 0
    finding = _only({"events": 31, "total": 298, "percent": "10.8"})
    assert finding.strength == "contradiction"
    assert "31/287" in finding.fits
    # The total that a count and a percentage give lies far from the printed one.
    assert "20/152" in _only({"events": 20, "total": 219, "percent": "13.2"}).fits


def test_decimals_cut_off_are_a_remark():
    finding = _only({"events": 15, "total": 80, "percent": "18.7"})
    assert (finding.strength, finding.fits) == ("remark", "the further decimals cut off instead of rounded")
    assert _only({"total": 45, "percent": "48"}).strength == "remark"
    # A tie may go either way.
    for printed in ("12", "13"):
        assert len(check_coherence({"events": 1, "total": 8, "percent": printed})) == 0


def test_weighted_percentages_are_a_remark():
    finding = _only({"events": 460, "total": 2875, "percent": "15.2", "pooled": "yes"})
    assert finding.strength == "remark"


def test_inequalities_and_large_totals_fit():
    assert len(check_coherence({"events": 0, "total": 40, "percent": "<1"})) == 0
    assert len(check_coherence({"total": 1_000_000, "percent": "4.7"})) == 0
    assert len(check_coherence({"total": 10**12, "events": 47 * 10**9, "percent": "4.70"})) == 0


def test_more_than_all():
    finding = _only({"events": 15, "total": 12})
    assert (finding.rule, finding.strength) == ("count and total", "contradiction")


@settings(max_examples=200, deadline=None)
@given(
    total=st.integers(1, 3000),
    share=st.floats(0, 1),
    digits=st.integers(0, 2),
    with_count=st.booleans(),
    cut=st.booleans(),
)
def test_true_percentages_are_never_contradicted(total, share, digits, with_count, cut):
    count = round(share * total)
    scaled = 100 * count * 10**digits
    whole = scaled // total if cut else (2 * scaled + total) // (2 * total)
    text = f"{whole // 10**digits}.{whole % 10**digits:0{digits}d}" if digits else str(whole)
    report = check_coherence({"events": count if with_count else None, "total": total, "percent": text})
    assert not report.contradictions, str(report)


# Sums.

PARTS = {"outcome": {"any": ("one", "two")}}


def _parts(any_, one, two, **more):
    return {"study": "s", "outcome": ["any", "one", "two"], "events": [any_, one, two], "total": 100} | more


def test_parts_add_up():
    assert len(check_coherence(_parts(30, 10, 20), parts=PARTS)) == 0
    finding = _only(_parts(31, 10, 20), parts=PARTS)
    assert (finding.rule, finding.strength, finding.rows) == (
        "parts and their whole",
        "contradiction",
        (0, 1, 2),
    )
    assert finding.arithmetic == "the parts add up to 30, the whole is 31"
    assert _only(_parts(31, 10, 20, pooled="yes"), parts=PARTS).strength == "discrepancy"


def test_percentages_add_up_as_counts():
    # 39 % and 16 % of 424 are at least 164 and 66, together 230; 54 % may be 229, 229 it is.
    rows = {"study": "s", "outcome": ["any", "one", "two"], "total": 424, "percent": ["54", "39", "16"]}
    assert len(check_coherence(rows | {"events": [None, None, None]}, parts=PARTS)) == 0
    assert len(check_coherence(rows | {"events": [229, None, None]}, parts=PARTS)) == 1


def test_overlapping_parts_bound_their_whole():
    def found(any_):
        return len(check_coherence(_parts(any_, 10, 20), overlapping_parts=PARTS))

    assert [found(x) for x in (19, 20, 30, 31)] == [1, 0, 0, 1]


def test_rows_of_other_totals_are_no_parts():
    assert len(check_coherence(_parts(31, 10, 20, total=[100, 100, 90]), parts=PARTS)) == 0


def test_two_subgroups_have_one_share():
    rows = {
        "study": "s",
        "site": ["spine"] * 3 + ["hip"] * 3,
        "subgroup": ["", "advanced", "mild"] * 2,
        "percent": ["61.6", "54.3", "68.4", "46.6", "75", "42.3"],
    }
    finding = _only(rows)
    assert (finding.rule, finding.strength) == ("subgroups of a study", "discrepancy")
    # 35 of 73 by the spine, by hand: (68.4 - 61.6)/(68.4 - 54.3) = 48 %; (46.6 - 42.3)/(75 - 42.3) = 13 %.
    assert "47.2% to 49.3%, but 12.4% to 13.8%" in finding.arithmetic
    fitting = rows | {"percent": ["61.6", "54.3", "68.4", "50", "34.3", "64.5"]}
    assert len(check_coherence(fitting)) == 0
    outside = {"study": "s", "subgroup": ["", "a", "b"], "percent": ["70", "50", "60"]}
    assert len(check_coherence(outside)) == 1


# Ratios, intervals, P-values.

MITRA = {"exposed_cases": 11, "exposed_total": 66, "control_cases": 1, "control_total": 39, "measure": "OR"}


def test_a_ratio_that_its_counts_do_not_give():
    finding = _only(MITRA | {"printed": "5.92 (1.4-23.8)"})
    assert (finding.rule, finding.strength) == ("ratio of the printed counts", "contradiction")
    assert finding.arithmetic == "11/66 and 1/39 give 7.60"
    assert len(check_coherence(MITRA | {"printed": "7.60 (0.94-61.4)"})) == 0
    # Adjustment needs the records.
    assert len(check_coherence(MITRA | {"printed": "5.92 (1.4-23.8)", "adjusted": "yes"})) == 0
    # 11/66 v 1/39 is a risk ratio of 6.50.
    assert "the risk ratio of the same counts" in _only(MITRA | {"printed": "6.50"}).fits
    # 12 x 38/(54 x 1) = 8.44.
    assert _only(MITRA | {"printed": "8.44"}).fits == "12 exposed cases"


def test_a_ratio_of_percentages_is_a_range():
    sharif = {
        "exposed_total": 5476, "exposed_percent": "4.7", "control_total": 27657, "control_percent": "2.8",
        "measure": "RR",
    }  # fmt: skip
    assert len(check_coherence(sharif | {"printed": "1.68"})) == 0
    finding = _only(sharif | {"printed": "1.83"})
    assert "255 to 26" in finding.arithmetic.replace("\u2009", "")


@pytest.mark.parametrize(
    ("printed", "strength", "said"),
    [
        ("4.25 (1.07-7.42)", "discrepancy", "ratios analysed without logarithms"),
        ("1.28 (0.16-2.4)", "discrepancy", "ratios analysed without logarithms"),
        ("3.87 (1.21-7.36)", "discrepancy", "an estimate of 2.98"),
        # Garwood's limits of 15 events: 15 x (8.395/15, 24.740/15), times 7.64/15.
        ("7.6 (4.3-12.6)", "remark", "exact Poisson limits of 15 events"),
    ],
)
def test_intervals_that_are_not_symmetric(printed, strength, said):
    finding = _only({"measure": "OR", "printed": printed})
    assert (finding.rule, finding.strength) == ("symmetry of an interval", strength)
    assert said in finding.fits


@pytest.mark.parametrize("printed", ["1.83 (1.58-2.11)", "1.0 (0.6-1.4)", "0.9 (0.8-1.01)", "0.45 (0.0-5.0)"])
def test_intervals_that_are_symmetric(printed):
    assert len(check_coherence({"measure": "HR", "printed": printed})) == 0


def test_means_of_logits_are_symmetric_on_the_logit_scale():
    rows = {"measure": "PLO", "estimate": "25%", "low": "17%", "high": "35%"}
    assert len(check_coherence(rows)) == 0
    finding = _only(rows | {"low": "15%"})
    assert finding.fits == "an estimate of 0.24, or proportions analysed without logits"
    # A single study's Wilson or exact limits are symmetric on no scale, and nothing is said of them.
    assert len(check_coherence(rows | {"measure": "PR", "low": "14%", "high": "28%"})) == 0


def test_differences_are_symmetric_on_the_linear_scale():
    assert len(check_coherence({"measure": "RD", "printed": "0.10 (-0.05 to 0.25)"})) == 0
    assert len(check_coherence({"measure": "RD", "printed": "0.10 (0.05 to 0.20)"})) == 1


@settings(max_examples=200, deadline=None)
@given(
    log=st.floats(-2, 2),
    se=st.floats(0.02, 0.8),
    digits=st.integers(1, 3),
    level=st.sampled_from([0.9, 0.95]),
)
def test_true_intervals_and_pvalues_fit(log, se, digits, level):
    from scipy.special import ndtr, ndtri

    z = ndtri((1 + level) / 2)
    value, low, high = np.exp([log, log - z * se, log + z * se])
    pvalue = 2 * ndtr(-abs(log) / se)
    text = f"{value:.{digits}f} ({low:.{digits}f}-{high:.{digits}f})"
    p = f"{pvalue:.3f}" if pvalue >= 0.001 else "<0.001"
    report = check_coherence({"measure": "OR", "printed": text, "p_value": p, "confidence_level": level})
    assert len(report) == 0, str(report)


def test_a_pvalue_of_another_test_or_level():
    # Limits at 1.645 standard errors of 0.2, P of z = 2.5.
    ninety = {"measure": "OR", "printed": "1.65 (1.19-2.29)", "p_value": "0.012"}
    finding = _only(ninety)
    assert finding.rule == "P-value and interval"
    assert "an interval of 90 %" in finding.fits
    assert len(check_coherence(ninety | {"confidence_level": "90"})) == 0
    # Significant by the interval, not by the P-value.
    assert _only({"measure": "OR", "printed": "1.65 (1.11-2.44)", "p_value": "0.4"}).strength == "discrepancy"
    assert len(check_coherence({"measure": "OR", "printed": "1.65 (1.11-2.44; P=0.012)"})) == 0


def test_an_interval_too_narrow_for_its_persons():
    finding = _only({"measure": "IRR", "printed": "4.64 (4.54-4.75)", "n_exposed": 2321, "n_control": 22976})
    assert (finding.rule, finding.strength) == ("information in an interval", "discrepancy")
    # (log(4.755/4.535)/3.92)^-2 events by hand.
    needed = (np.log(4.755 / 4.535) / (2 * 1.959963984540054)) ** -2
    assert f"{needed:.0f}" in finding.arithmetic
    narrow = {"measure": "HR", "printed": "2.00 (1.85-2.16)", "n_control": 5000}
    # 1/d1 + 1/d0 = 0.0397^2 needs more than about 634 events in either group.
    assert _only(narrow | {"n_exposed": 600}).strength == "contradiction"
    assert len(check_coherence(narrow | {"n_exposed": 900})) == 0
    # Both groups count: 2/900 is more than 0.0397^2, 1/900 is less.
    assert len(check_coherence(narrow | {"n_exposed": 900, "n_control": 900})) == 1


def test_an_interval_that_no_method_of_the_counts_gives():
    # Woolf's limits of 11/66 v 1/39 are 0.94 and 61.4; 1.4 belongs to none.
    finding = _only(MITRA | {"printed": "7.60 (1.70-34.0)"})
    assert (finding.rule, finding.strength) == ("interval of the printed counts", "discrepancy")
    assert "'woolf' gives 0.94 to 61.35" in finding.arithmetic
    assert len(check_coherence(MITRA | {"printed": "7.60 (0.94-61.4)"})) == 0
    share = {"measure": "PR", "events": 229, "total": 424}
    assert len(check_coherence(share | {"printed": "54.0% (49.3%-58.7%)"})) == 0
    assert _only(share | {"printed": "54.0% (50.3%-57.7%)"}).rule == "interval of the printed counts"
    assert len(check_coherence(share | {"printed": "54.0% (50.0%-58.0%)", "confidence_level": 90})) == 0


# Rates.


def test_rates_times_person_years_are_events():
    tsur = {"rate": "2.47", "rate_unit": "per 1000 person-years", "person_years": 45388}
    assert len(check_coherence(tsur)) == 0
    assert len(check_coherence(tsur | {"events": 112})) == 0
    finding = _only(tsur | {"events": 115})
    assert (finding.strength, finding.fits) == ("contradiction", "112 events")
    # 2.4 per 1000 of 200 person-years is half an event.
    assert _only({"rate": "2.40", "person_years": 200}).strength == "contradiction"


def test_the_interval_of_a_rate_belongs_to_its_events():
    fits = {"rate": "76.7", "rate_low": "66.7", "rate_high": "88.2", "events": 197}
    assert len(check_coherence(fits)) == 0
    finding = _only(fits | {"rate_low": "66.4", "rate_high": "88.6"})
    assert (finding.rule, finding.strength) == ("interval of a rate", "discrepancy")
    assert "183 to 187 events" in finding.arithmetic


# Repeats.


def test_one_result_in_two_studies():
    rows = {"study": ["a", "b"], "measure": "OR", "printed": "5.92 (1.4-23.8)"}
    finding = _only(rows)
    assert (finding.rule, finding.strength, finding.rows) == ("same result twice", "discrepancy", (0, 1))
    assert len(check_coherence(rows | {"study": ["a", "a"]})) == 0


def test_a_ratio_that_both_studies_counts_give_is_no_copy():
    rows = {k: [v, v] for k, v in MITRA.items()} | {"study": ["a", "b"], "printed": "7.60 (0.94-61.4)"}
    assert {finding.rule for finding in check_coherence(rows).findings} == {"same controls in two studies"}


def test_one_count_of_two_totals_and_the_same_groups():
    rows = {"study": "y", "outcome": "o", "events": [13, 13], "total": [34, 35]}
    assert _only(rows).rule == "same count of two totals"
    groups = {"study": ["a", "b"], "n_exposed": 6474, "n_control": 32346, "measure": "HR",
              "printed": ["1.93 (1.39-2.68)", "1.90 (1.37-2.63)"]}  # fmt: skip
    assert _only(groups).rule == "same groups in two studies"


# The report.


def test_report_is_ordered_and_shows_itself():
    rows = {"label": ["x", "y"], "events": [15, 31], "total": [80, 298], "percent": ["18.7", "10.8"]}
    report = check_coherence(rows)
    assert [STRENGTHS.index(f.strength) for f in report.findings] == [0, 2]
    assert str(report).startswith(
        "2 rows, 2 checks: 1 contradiction, 1 remark.\n[contradiction] y: 31 of 298"
    )
    assert report.to_frame()["rows"].tolist() == ["1", "0"]
    assert "<table" in report._repr_html_()
    assert report.contradictions == report.of_rule("percentage of a total")[:1]
    nothing = check_coherence({"events": 40, "total": 80, "percent": "50"})
    assert str(nothing) == "1 row, 1 check: all printed numbers fit."
    alone = check_coherence({"label": "x", "percent": "50"})
    assert str(alone).startswith("1 row, 0 checks: nothing printed there could be checked")
    assert nothing.to_frame().empty
    assert list(nothing.to_frame().columns) == list(report.to_frame().columns)
    assert report.findings[0].to_frame()["sentence"][0] == str(report.findings[0])


def test_a_frame_and_a_mapping_are_the_same():
    rows = {"events": [15, 31], "total": [80, 298], "percent": ["18.7", "10.8"]}
    frame = pd.DataFrame(rows).convert_dtypes()
    assert str(check_coherence(frame)) == str(check_coherence(rows))


def test_progress_names_every_rule_once():
    told = []
    check_coherence({"total": 80, "percent": "50"}, progress=told.append)
    assert len(told) == len(set(told)) == 15


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ({}, "`rows` must hold at least one row"),
        ({"total": []}, "`rows` must hold at least one row"),
        (
            {"total": [1, 2], "percent": ["1", "2", "3"]},
            "columns of one length, but got `total` 2, `percent` 3",
        ),
        ({"total": [80, "x"], "percent": "1"}, "`total` must be a number, but got 'x' at index 1"),
        (
            {"total": 80.5, "percent": "1"},
            "`total` must be a whole number of at least 0, but got 80.5 at index 0",
        ),
        ({"total": 80, "percent": "many"}, "`percent` at index 0: `text` must be a printed number"),
        ({"printed": ["1.2", "n.s."]}, "`printed` at index 1: `text` must be a printed number"),
    ],
)
def test_bad_input_is_named(rows, message):
    with pytest.raises(ValueError, match=message):
        check_coherence(rows)


PERCENTS = ["", "0", "0.0", "100", "4.7", "<1", ">99", "33.33", "≤5"]
PRINTED = ["", "1.0", "1.83 (1.58-2.11)", "0.00 (0.00-0.00)", "0 (0-5)", "5 (0-99999)", "-0.1 (-0.3 to 0.1)",
           "54% (49%-59%)", "1.2 (0.9-1.6; P=0.2)", "p=0.03", "n = 5", "3/7", "<2", "2 (2-2)"]  # fmt: skip
COUNTS = [None, 0, 1, 2, 5, 40, 100, 5000]


@pytest.mark.parametrize("seed", range(60))
def test_extreme_tables_give_findings_and_no_warnings(seed):
    rng = np.random.default_rng(seed)
    size = int(rng.integers(1, 12))

    def some(values):
        return [values[i] for i in rng.integers(0, len(values), size)]

    rows = {
        "study": some(["", "a", "b"]),
        "outcome": some(["any", "one", "two"]),
        "subgroup": some(["", "x", "y"]),
        "measure": some(["", "OR", "RR", "RD", "HR", "IRR", "SMR", "PR", "another"]),
        "adjusted": some(["", "no", "yes"]),
        "printed": some(PRINTED),
        "p_value": some(["", "0.05", "<0.001", ">0.05", "1.0", "0"]),
        "confidence_level": some([None, 95, 90, 0.99]),
        "rate": some(["", "0", "1.2", "<3"]),
        "rate_low": some(["", "0", "1"]),
        "rate_high": some(["", "3", "0"]),
        "person_years": some([None, 0, 100.5, 1e6]),
    }
    for arm in (("events", "total", "percent"), ("exposed_cases", "exposed_total", "exposed_percent"),
                ("control_cases", "control_total", "control_percent")):  # fmt: skip
        rows |= {arm[0]: some(COUNTS), arm[1]: some(COUNTS), arm[2]: some(PERCENTS)}
    rows |= {"n_exposed": some(COUNTS), "n_control": some(COUNTS)}
    report = check_coherence(rows, parts=PARTS, overlapping_parts=PARTS)
    assert not any("nan" in str(finding) for finding in report.findings), str(report)


# Every study held.


def _rows(report, **what):
    frame = report.to_frame()
    for column, value in what.items():
        frame = frame[frame[column] == value]
    return " ".join(frame["label"])


def test_no_false_alarm_on_a_complete_table():
    frame = datasets.load_comparative_counts()
    bengtsson = frame[frame["study"] == "Bengtsson2023"]
    report = check_coherence(bengtsson)
    assert len(bengtsson) == 30
    assert report.n_checked["percentages (exposed_total)"] == 30
    assert report.n_checked["percentages (control_total)"] == 30
    assert len(report) == 0, str(report)


def test_the_anomalies_that_are_known_are_found(tables):
    counts, prevalence = tables["comparative_counts"], tables["prevalence"]
    estimates = tables["published_estimates"]
    # Totals: 163 v 160 and 78 v 80, 76 v 84, 74 v 70, 152 v 219.
    for row, total in (("comp_034", "163"), ("comp_035", "163"), ("comp_035", "9/78")):
        assert any(row in f.label and total in f.fits for f in counts.contradictions)
    lange = [f for f in prevalence.contradictions if "Lange 2005" in f.label]
    assert len(lange) == 4
    assert all("a total of 76" in f.fits for f in lange)
    for row in ("comp_042", "comp_043", "comp_044"):
        assert any(row in f.label and "a total of 74" in f.fits for f in counts.contradictions)
    kim = tables["beside"].contradictions
    assert len(kim) == 2
    assert all("Kim 2022" in f.label and "a total of 152" in f.fits for f in kim)
    # Odds ratios of the printed counts, and the same one twice.
    ratios = estimates.of_rule("ratio of the printed counts")
    assert [f.arithmetic.split()[-1] for f in ratios] == ["7.60", "8.14"]
    assert [f.label for f in estimates.of_rule("same result twice")] == [
        "est_059 Mitra 2000, est_060 Stoica 2012"
    ]
    # Ratios without logarithms.
    linear = [f.label for f in estimates.findings if "without logarithms" in f.fits]
    assert linear == [
        "est_056 Zhang 2017", "est_057 Zhang 2017", "est_058 Zhang 2017",
        "est_061 Arthritis Res Ther 2014;16:R124",
    ]  # fmt: skip
    # Two versions of one report, two reports of one study, controls used twice.
    assert len(prevalence.of_rule("same count of two totals")) == 3
    assert all("Yazici" in f.label for f in prevalence.of_rule("same count of two totals"))
    assert "Munoz-Ortego" in estimates.of_rule("same groups in two studies")[0].label
    controls = [f.label for f in counts.of_rule("same controls in two studies")]
    assert any("PMID 25962324" in label and "Wang 2017" in label for label in controls)


def test_what_the_files_hold_beyond_the_known(tables):
    prevalence, estimates = tables["prevalence"], tables["published_estimates"]
    assert "Capaci" in prevalence.of_rule("subgroups of a study")[0].label
    assert "van der Weijden 2012" in prevalence.of_rule("parts and their whole")[0].label
    assert any("prev_056" in f.label for f in prevalence.contradictions)
    assert sum("Bautista" in f.label for f in prevalence.contradictions) == 4
    assert any("prev_119" in f.label and "31/287" in f.fits for f in prevalence.contradictions)
    assert "Ognjenovic" in estimates.of_rule("information in an interval")[0].label
    assert "Stovall" in tables["rates"].of_rule("interval of a rate")[0].label
    assert [f.label.split()[0] for f in tables["men"].contradictions] == ["prev_075"]


def test_every_finding_is_in_the_document(tables):
    from pathlib import Path

    text = (Path(__file__).resolve().parents[2] / "docs" / "findings.md").read_text(encoding="utf-8")
    for report in tables.values():
        for finding in report.findings:
            assert finding.printed in text, str(finding)
            assert finding.arithmetic in text, str(finding)


def _of_order(**rows):
    report = check_coherence(rows)
    return [(f.strength, f.arithmetic) for f in report.findings]


@pytest.mark.parametrize("measure", ["RR", "OR", "HR", "RD", ""])
def test_limits_in_the_wrong_order_contradict(measure):
    assert _of_order(measure=measure, estimate="0.9", low="1.2", high="0.7") == [
        ("contradiction", "the lower limit is above the upper limit")
    ]
    # Without an estimate too.
    found = check_coherence({"measure": measure, "low": "1.2", "high": "0.7"}).findings
    assert [f.strength for f in found] == ["contradiction"]
    assert found[0].fits == "the limits in the other order"
    # No order of the limits puts 3.1 between them.
    assert check_coherence({"estimate": "3.1", "low": "1.2", "high": "0.7"}).findings[0].fits == ""


@pytest.mark.parametrize(
    ("estimate", "low", "high", "side"),
    [
        ("2.5", "0.7", "1.4", "above its upper limit of 1.4"),
        ("0.6", "0.7", "1.4", "below its lower limit of 0.7"),
        ("2.5", "", "1.4", "above its upper limit of 1.4"),
        ("0.6", "0.7", "", "below its lower limit of 0.7"),
        # 0.7 is at most 0.75, or 0.7999... if cut off.
        ("0.7", "0.79", "1.4", None),
        ("0.7", "0.80", "1.4", "below its lower limit of 0.80"),
        ("0.7", "0.81", "1.4", "below its lower limit of 0.81"),
        ("1.0", "1.0", "1.0", None),
        ("0", "0", "1.4", None),
    ],
)
def test_an_estimate_outside_its_interval_contradicts(estimate, low, high, side):
    found = check_coherence({"estimate": estimate, "low": low, "high": high, "measure": "RR"})
    found = found.of_rule("order of estimate and limits")
    assert [(f.strength, f.arithmetic) for f in found] == (
        [] if side is None else [("contradiction", f"the estimate is {side}")]
    )


def test_an_estimate_outside_its_interval_is_said_once():
    report = check_coherence({"estimate": "2.5", "low": "0.7", "high": "1.4", "p_value": "0.5"})
    assert [f.rule for f in report.findings] == ["order of estimate and limits"]


def test_the_order_of_rates():
    assert _of_order(rate="2.5", rate_low="3.0", rate_high="1.0") == [
        ("contradiction", "the lower limit is above the upper limit")
    ]
    assert _of_order(rate="2.5", rate_low="1.0", rate_high="3.0") == []


def test_no_ratio_is_negative_but_a_difference_may_be():
    values = {"estimate": "-0.5", "low": "-0.9", "high": "-0.1"}
    rule = "the estimate, the lower limit and the upper limit are below 0, which no ratio is"
    assert _of_order(measure="HR", **values) == [("contradiction", rule)]
    # Without its measure it may be a difference.
    assert _of_order(measure="", **values) == [("discrepancy", rule)]
    assert _of_order(measure="RD", **values) == []
    limit = {"measure": "OR", "estimate": "1.2", "low": "-0.3", "high": "1.9"}
    assert _of_order(**limit) == [("contradiction", "the lower limit is below 0, which no ratio is")]
    # A printed 0 is a ratio of less than half a digit.
    assert _of_order(measure="RR", estimate="0.00", low="0.00", high="1.4") == []
