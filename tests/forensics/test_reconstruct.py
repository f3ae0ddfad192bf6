import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis import TwoByTwo, odds_ratio, risk_difference, risk_ratio
from analysis.forensics.feasible import feasible_tables
from analysis.forensics.reconstruct import (
    reconstruct_diagnostic_table,
    reconstruct_from_margins,
    reconstruct_table,
)
from reference_values import identifier, records

FUNCTIONS = {"RR": risk_ratio, "OR": odds_ratio, "RD": risk_difference}
ARGUMENTS = {"RR": "risk_ratio", "OR": "odds_ratio", "RD": "risk_difference"}


def printed_of(record):
    inputs = record["inputs"]
    value, low, high = (f"{inputs[name]:.{inputs['dec']}f}" for name in ("es", "lb", "ub"))
    arms = {"exposed_total": inputs["m1"], "control_total": inputs["m2"]}
    return f"{value} ({low} to {high})", arms, inputs["ms"].upper()


def solutions_of(record):
    """Return estimraw's solutions as point, least and most (a, c)."""
    outputs = record["outputs"]
    blocks = [outputs] if "first_rows" in outputs else [outputs["solution1"], outputs["solution2"]]
    return [list(zip(block["first_rows"]["a"], block["first_rows"]["c"], strict=True)) for block in blocks]


def has_no_total(record):
    return "e1" not in record["inputs"]


@pytest.mark.parametrize("record", records("estimraw", keep=has_no_total), ids=identifier)
def test_point_solutions_of_estimraw(record):
    # estimraw's own counts round the two arms in turn and may lie up to one person from the real solution.
    text, arms, measure = printed_of(record)
    found = reconstruct_table(text, measure=measure, **arms)
    theirs = solutions_of(record)
    assert len(found) == len(theirs)
    for exact, (point, *_) in zip(found.exact, theirs, strict=True):
        np.testing.assert_array_less(np.abs(exact[[0, 2]] - point), 1.0)


@pytest.mark.parametrize("record", records("estimraw", keep=has_no_total), ids=identifier)
def test_ranges_of_estimraw_hold_the_feasible_tables(record):
    # estimraw solves for every combination of rounded numbers, also such as no table has; ours are tables. In
    # estim_raw/1/rr, 48 exposed cases fit the printed numbers and its range ends at 47: put back just below.
    text, arms, measure = printed_of(record)
    tables = feasible_tables(**arms, **{ARGUMENTS[measure]: text})
    if record["id"] == "estim_raw/5/rr":
        # No table at all: estimraw's is checked below.
        assert len(tables) == 0
        return
    theirs = solutions_of(record)
    ours = np.column_stack([tables.exposed_cases, tables.control_cases])
    reach = 1 if record["id"] == "estim_raw/1/rr" else 0
    inside = np.zeros(len(ours), dtype=bool)
    for _, least, most in theirs:
        inside |= ((ours >= np.array(least) - reach) & (ours <= np.array(most) + reach)).all(axis=1)
    assert inside.all()
    estimate = FUNCTIONS[measure](tables)
    digits = record["inputs"]["dec"]
    for name, values in (("es", estimate.value), ("lb", estimate.low), ("ub", estimate.high)):
        assert np.abs(values - record["inputs"][name]).max() <= 0.5 * 10.0**-digits + 1e-12


def test_the_point_of_estimraw_that_does_not_fit_what_was_printed():
    # 46/210 v 27/198 gives 1.61 (1.04 to 2.48), printed are 1.62 (1.05 to 2.50).
    theirs = TwoByTwo(exposed_cases=46, exposed_total=210, control_cases=27, control_total=198)
    assert str(risk_ratio(theirs)) == "1.61 (1.04 to 2.48)"
    found = reconstruct_table("1.62 (1.05-2.50)", measure="RR", exposed_total=210, control_total=198)
    assert (found.units_off > 0).all()


@pytest.mark.parametrize(
    "record", records("estimraw", keep=lambda record: "e1" in record["inputs"]), ids=identifier
)
def test_with_the_cases_of_both_arms(record):
    # estim_raw/3/or also lists 17/355 v 30/366, whose upper limit 1.04 is printed 1.0 and not 1.1.
    text, arms, measure = printed_of(record)
    tables = feasible_tables(**arms, cases=record["inputs"]["e1"], **{ARGUMENTS[measure]: text})
    theirs = set(solutions_of(record)[0])
    ours = set(zip(tables.exposed_cases, tables.control_cases, strict=True))
    assert ours
    assert ours <= theirs
    for a, c in theirs - ours:
        table = TwoByTwo(
            exposed_cases=a,
            exposed_total=arms["exposed_total"],
            control_cases=c,
            control_total=arms["control_total"],
        )
        assert round(float(FUNCTIONS[measure](table).high), record["inputs"]["dec"]) != record["inputs"]["ub"]


def has_margins(record):
    return record["id"].startswith("conv.2x2") and "sens" not in record["inputs"]


@pytest.mark.parametrize("record", records("metafor51", "conv.2x2", keep=has_margins), ids=identifier)
def test_margins_as_metafor_does(record):
    inputs = record["inputs"]
    given_ = {"total": inputs["ni"], "exposed_total": inputs["n1i"], "cases": inputs["n2i"]}
    if "ri" in inputs:
        found = reconstruct_from_margins(**given_, phi=str(inputs["ri"]))
    elif "ori" in inputs:
        found = reconstruct_from_margins(**given_, odds_ratio=str(inputs["ori"]))
    else:
        found = reconstruct_from_margins(
            **given_, chi_square=str(inputs["x2i"]), direction="more", yates=inputs["correct"]
        )
    table = found.tables[0]
    cells = (table.exposed_cases, table.exposed_noncases, table.control_cases, table.control_noncases)
    assert [int(cell) for cell in cells] == [record["outputs"][name][0] for name in ("ai", "bi", "ci", "di")]


@given(
    a=st.integers(1, 60),
    b=st.integers(1, 60),
    c=st.integers(1, 60),
    d=st.integers(1, 60),
    yates=st.booleans(),
)
def test_margins_put_back(a, b, c, d, yates):
    margins = {"total": a + b + c + d, "exposed_total": a + b, "cases": a + c}
    table = TwoByTwo.from_cells(exposed_cases=a, exposed_noncases=b, control_cases=c, control_noncases=d)
    found = reconstruct_from_margins(**margins, odds_ratio=f"{odds_ratio(table).value:.12f}")
    np.testing.assert_allclose(found.exact, [(a, a + b, c, c + d)], atol=1e-6)
    spread = (a + b) * (c + d) * (a + c) * (b + d)
    found = reconstruct_from_margins(**margins, phi=f"{(a * d - b * c) / np.sqrt(spread):.14f}")
    np.testing.assert_allclose(found.exact, [(a, a + b, c, c + d)], atol=1e-6)
    total, shrunk = margins["total"], abs(a * d - b * c) - (margins["total"] / 2 if yates else 0)
    if shrunk >= 0:
        chi = f"{total * shrunk**2 / spread:.14f}"
        found = reconstruct_from_margins(**margins, chi_square=chi, yates=yates)
        assert any(np.allclose(row, (a, a + b, c, c + d), atol=1e-4) for row in found.exact)
        one = reconstruct_from_margins(
            **margins, chi_square=chi, yates=yates, direction="more" if a * d >= b * c else "fewer"
        )
        np.testing.assert_allclose(one.exact, [(a, a + b, c, c + d)], atol=1e-4)


@given(
    n1=st.integers(20, 400),
    n0=st.integers(20, 400),
    data=st.data(),
    measure=st.sampled_from(["OR", "RR", "RD"]),
)
def test_reconstruction_and_feasible_tables_agree(n1, n0, data, measure):
    a, c = data.draw(st.integers(1, n1 - 1)), data.draw(st.integers(1, n0 - 1))
    table = TwoByTwo(exposed_cases=a, exposed_total=n1, control_cases=c, control_total=n0)
    estimate = FUNCTIONS[measure](table)
    digits = 9
    if measure == "RD" and (estimate.low <= -1 or estimate.high >= 1):
        return
    value, low, high = (f"{x:.{digits}f}" for x in (estimate.value, estimate.low, estimate.high))
    if measure != "RD" and not float(low) > 1e-3:
        return
    text = f"{value} ({low} to {high})"
    arms = {"exposed_total": n1, "control_total": n0}
    found = reconstruct_table(text, measure=measure, **arms)
    fits = {
        (int(x), int(y))
        for x, y in zip(
            found.neighbours.exposed_cases[found.units_off == 0],
            found.neighbours.control_cases[found.units_off == 0],
            strict=True,
        )
    }
    listed = feasible_tables(**arms, **{ARGUMENTS[measure]: text})
    ours = set(zip(listed.exposed_cases.astype(int), listed.control_cases.astype(int), strict=True))
    assert (a, c) in ours
    # Two roots that nearly meet are ill-conditioned; there the list is the answer.
    if len(found) and np.abs(found.exact[:, [0, 2]] - (a, c)).max(axis=1).min() < 0.5:
        assert (a, c) in fits
    assert fits <= ours


def test_both_roots_and_equal_arms():
    found = reconstruct_table("2.022727 (1.150812 to 3.555244)", exposed_total=200, control_total=200)
    assert len(found) == 2
    # The mirror of a/n v c/n is (n - c)/n v (n - a)/n.
    first, mirror = found.exact
    np.testing.assert_allclose(mirror[[0, 2]], 200 - first[[2, 0]], rtol=1e-12)
    assert str(found).splitlines()[1].startswith("Mirror solution")
    assert list(found.to_frame()["solution"].unique()) == [0, 1]


def test_an_interval_that_no_table_of_the_arms_has():
    found = reconstruct_table("1.50 (1.45-1.55)", exposed_total=50, control_total=50)
    assert len(found) == 0
    assert "contradict one another" in str(found)
    assert len(found.to_frame()) == 0


def test_diagnostic_tables():
    # metafor's conv.2x2 gives NA for these inputs (conv.2x2/diag).
    found = reconstruct_diagnostic_table(sensitivity="0.8", specificity="0.9", diseased=50, healthy=150)
    assert (found.tables.exposed_cases.item(), found.tables.control_cases.item()) == (40, 15)
    off = reconstruct_diagnostic_table(sensitivity="83%", specificity="90%", diseased=7, healthy=150)
    assert (off.units_off > 0).all()


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (
            lambda: reconstruct_table("1.9", exposed_total=9, control_total=9),
            "must be printed with its interval",
        ),
        (
            lambda: reconstruct_table("1.9 (0-9)", exposed_total=9, control_total=9),
            "must have a lower limit greater than 0",
        ),
        (
            lambda: reconstruct_table("1.9 (1-9)", measure="HR", exposed_total=9, control_total=9),
            "`measure` must be one of",
        ),
        (
            lambda: reconstruct_table("1.9 (1-9)", exposed_total=0, control_total=9),
            "`exposed_total` must be a whole number of at least 1",
        ),
        (lambda: reconstruct_from_margins(total=9, exposed_total=4, cases=4), "Give one of .* but got none"),
        (
            lambda: reconstruct_from_margins(total=9, exposed_total=4, cases=4, phi="0.2", yates=True),
            "belong to `chi_square`",
        ),
        (
            lambda: reconstruct_from_margins(total=9, exposed_total=9, cases=4, phi="0.2"),
            "`exposed_total` must be between 1 and `total` - 1 = 8, but got 9",
        ),
        (
            lambda: reconstruct_from_margins(total=9, exposed_total=4, cases=4, chi_square="-2"),
            "`chi_square` must be 0 or greater",
        ),
        (
            lambda: reconstruct_diagnostic_table(sensitivity="80", specificity="90%", diseased=9, healthy=9),
            "`sensitivity` must be between 0 and 1.*write '80%'",
        ),
    ],
)
def test_bad_input_is_named(call, match):
    with pytest.raises(ValueError, match=match):
        call()
