import numpy as np
import pandas as pd
import pytest

from analysis.values.arguments import as_counts, as_numbers, check_choice
from analysis.values.counts import TwoByTwo
from analysis.values.scale import measure_of

COLUMNS = {name: name for name in ("exposed_cases", "exposed_total", "control_cases", "control_total")}
TOTALS = ["120", "90", "100", "80", "75", "60", "lO0", "50"]


@pytest.mark.parametrize("kind", [object, str, "string"])
def test_the_first_text_that_is_no_number_is_named_in_a_column_of_text(kind):
    frame = pd.DataFrame({name: [10] * 8 for name in COLUMNS})
    frame["exposed_total"] = pd.Series(TOTALS, dtype=kind)
    with pytest.raises(
        TypeError, match=r"`exposed_total` must be numbers, but got text: 'lO0' at index 6 is not"
    ):
        TwoByTwo.from_frame(frame, **COLUMNS)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (np.array(TOTALS), r"text: 'lO0' at index 6 is not a number\. The other entries may look"),
        (np.array([["1", "2"], ["3", "1_000"]]), r"text: '1_000' at index \(1, 1\) is not"),
        ([1, 2, "n/a", 3.5, None], r"text: 'n/a' at index 2 is not a number\.$"),
        (["12", "13"], r"text: '12' at index 0\. All of it reads as numbers: convert it first"),
        ("12", r"text: '12'\. All of it reads"),
        ("", r"text: '' is not a number\.$"),
        (np.array([b"7", b"x"]), r"text: b'x' at index 1 is not"),
        (np.array([], dtype=str), r"text: ''"),
        ([1, None, "x"], r"a missing value at index 1\. Leave that row out"),
        ([1, True, {}], r"got True at index 1"),
        ([True, False], r"true/false values: True"),
        (np.array(["2020-01-01"], dtype="datetime64[D]"), r"values of type datetime64"),
    ],
)
def test_what_is_no_number_is_named(values, said):
    array = (
        np.array(values, dtype=object)
        if isinstance(values, list) and len(set(map(type, values))) > 1
        else values
    )
    with pytest.raises(
        TypeError, match=rf"`x` must be numbers, but got {said}" if "got" not in said else said
    ):
        as_numbers("x", array)


def test_objects_that_are_numbers_pass():
    assert as_counts("x", np.array([1, 2.0, np.int64(3), 2**60 // 2**10], dtype=object)).tolist()[:3] == [
        1,
        2,
        3,
    ]


@pytest.mark.parametrize(
    ("value", "known", "near"),
    [
        ("dl", ("REML", "DL", "PM"), "DL"),
        ("reml", ("DL", "REML"), "REML"),
        ("hsk", ("HS", "HSk"), "HSk"),
        ("hs", ("HS", "HSk"), "HS"),
        (" Wald", ("wald", "t"), "wald"),
        ("lancett", ("default", "lancet", "jama"), "lancet"),
        ("Lancett", ("default", "lancet", "jama"), "lancet"),
    ],
)
def test_the_nearest_choice_is_suggested_whatever_its_case(value, known, near):
    with pytest.raises(
        ValueError, match=rf"`x` must be one of .*, but got '{value}'\. Did you mean '{near}'\?$"
    ):
        check_choice("x", value, known)


def test_measures_are_suggested_too_and_nothing_near_nothing():
    with pytest.raises(ValueError, match=r"but got 'rr'\. Did you mean 'RR'\?"):
        measure_of("rr")
    with pytest.raises(ValueError, match=r"but got 'zebra'\.$"):
        check_choice("x", "zebra", ("REML", "DL"))
    assert check_choice("x", "DL", ("REML", "DL")) == "DL"
