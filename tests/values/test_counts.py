import re

import numpy as np
import pandas as pd
import pytest

from analysis import Proportion, Rate, TwoByTwo, TwoRates

WOMEN = {"exposed_cases": 90, "exposed_total": 4006, "control_cases": 114, "control_total": 20030}


def test_cells_and_totals_are_the_same_table():
    table = TwoByTwo(**WOMEN)
    cells = TwoByTwo.from_cells(
        exposed_cases=90, exposed_noncases=3916, control_cases=114, control_noncases=19916
    )
    assert cells.exposed_total == table.exposed_total
    assert cells.control_noncases == table.control_noncases
    assert repr(table) == "TwoByTwo(exposed 90/4006, control 114/20030)"


def test_shapes_broadcast_and_arrays_are_read_only():
    cases = np.array([[1, 2, 3], [4, 5, 6]])
    table = TwoByTwo(exposed_cases=cases, exposed_total=[10, 20, 30], control_cases=0, control_total=7)
    assert table.shape == (2, 3)
    assert table[1].shape == (3,)
    assert table.collapse().exposed_cases.tolist() == [6, 15]
    assert table.collapse().control_total.tolist() == [21, 21]
    with pytest.raises(ValueError, match="read-only"):
        table.exposed_cases[0, 0] = 9
    cases[0, 0] = 2  # the caller's array stays writable


def test_a_result_is_frozen():
    with pytest.raises(AttributeError):
        TwoByTwo(**WOMEN).exposed_cases = 3


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        (
            {"exposed_cases": -1},
            ValueError,
            "`exposed_cases` must be a whole number of at least 0, but got -1",
        ),
        ({"control_cases": 1.5}, ValueError, "`control_cases` must be a whole number"),
        ({"exposed_cases": np.nan}, ValueError, "`exposed_cases` must be a whole number .* but got nan"),
        ({"exposed_total": np.inf}, ValueError, "`exposed_total` must be a whole number .* but got inf"),
        (
            {"exposed_cases": 4007},
            ValueError,
            "`exposed_cases` must not exceed `exposed_total`, but got 4007 of 4006",
        ),
        ({"exposed_cases": "90"}, TypeError, "`exposed_cases` must be numbers, but got text: '90'"),
        ({"exposed_cases": True}, TypeError, "`exposed_cases` must be numbers, but got true/false"),
        ({"control_cases": None}, TypeError, "`control_cases` must be numbers, but got a missing value"),
        ({"exposed_cases": []}, ValueError, "`exposed_cases` must hold at least one number, but is empty"),
        (
            {"exposed_cases": [1, 2, 3], "control_cases": [1, 2]},
            ValueError,
            r"shapes must broadcast .* `exposed_cases` \(3,\)",
        ),
        (
            {"exposed_cases": [3, -2, 5, -7]},
            ValueError,
            "but got -2 at index 1. 1 more entry breaks the rule",
        ),
        ({"exposed_cases": [[1, 2], [3, 5000]]}, ValueError, r"5000 of 4006 at index \(1, 1\)"),
        ({"exposed_cases": pd.Series([1, None], dtype="Int64")}, ValueError, "but got nan at index 1"),
        ({"exposed_cases": np.array([1 + 2j])}, TypeError, "values of type complex128"),
    ],
)
def test_bad_counts_are_named(changed, error, message):
    with pytest.raises(error, match=message):
        TwoByTwo(**(WOMEN | changed))


def test_bad_person_time_is_named():
    with pytest.raises(
        ValueError, match="`person_time` must be a number greater than 0, but got 0 at index 1"
    ):
        Rate(events=[1, 2], person_time=[10.5, 0])
    with pytest.raises(ValueError, match="`control_time` must be a number greater than 0, but got nan"):
        TwoRates(exposed_events=1, exposed_time=1, control_events=1, control_time=np.nan)
    with pytest.raises(ValueError, match="`events` must not exceed `total`"):
        Proportion(events=3, total=2)


def test_positional_counts_are_refused():
    with pytest.raises(TypeError):
        TwoByTwo(90, 4006, 114, 20030)


def test_from_frame_and_nullable_columns():
    frame = pd.DataFrame(
        {"a": [75, 90], "n": [7605, 4006], "c": [56, 114], "m": [38020, 20030]}, dtype="Int64"
    )
    table = TwoByTwo.from_frame(
        frame, exposed_cases="a", exposed_total="n", control_cases="c", control_total="m"
    )
    assert table.exposed_cases.tolist() == [75, 90]
    with pytest.raises(KeyError, match=re.escape("no column `x` (for control_cases); it has a, n, c, m")):
        TwoByTwo.from_frame(frame, exposed_cases="a", exposed_total="n", control_cases="x", control_total="m")


def _people():
    return pd.DataFrame(
        {
            "group": ["AS"] * 5 + ["control"] * 7,
            "bone": ["low"] * 3 + ["normal"] * 2 + ["low"] + ["normal"] * 6,
        }
    )


def test_from_records_counts_people():
    table = TwoByTwo.from_records(
        _people(), exposure="group", outcome="bone", exposed_value="AS", case_value="low"
    )
    assert repr(table) == "TwoByTwo(exposed 3/5, control 1/7)"


@pytest.mark.parametrize(
    ("change", "arguments", "error", "message"),
    [
        ({}, {"exposure": "arm"}, KeyError, "no column `arm`"),
        ({}, {"exposed_value": "as"}, ValueError, "never holds 'as'; it holds"),
        ({"bone": ["low", None] * 6}, {}, ValueError, "must have no missing value, but 6 of 12 are"),
        ({"bone": ["low", "normal", "?"] * 4}, {}, ValueError, "must hold two values, but holds 3"),
    ],
)
def test_records_are_never_guessed_at(change, arguments, error, message):
    given = {"exposure": "group", "outcome": "bone", "exposed_value": "AS", "case_value": "low"} | arguments
    with pytest.raises(error, match=message):
        TwoByTwo.from_records(_people().assign(**change), **given)


def test_zero_cells_are_found():
    table = TwoByTwo(
        exposed_cases=[0, 5, 3, 2], exposed_total=[5, 5, 5, 5], control_cases=[1, 1, 0, 1], control_total=5
    )
    assert table.has_zero_cell.tolist() == [True, True, True, False]


def test_frames_have_one_row_a_table():
    table = TwoByTwo(exposed_cases=[1, 2], exposed_total=5, control_cases=0, control_total=4)
    assert table.to_frame().to_dict("list") == {
        "exposed_cases": [1, 2],
        "exposed_total": [5, 5],
        "control_cases": [0, 0],
        "control_total": [4, 4],
    }
    assert "<table" in table._repr_html_()


def test_one_table_has_no_length():
    with pytest.raises(TypeError, match="One TwoByTwo has no length"):
        len(TwoByTwo(**WOMEN))
    assert len(Proportion(events=[1, 2], total=3)) == 2
