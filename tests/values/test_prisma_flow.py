import numpy as np
import pytest

from analysis.values.prisma_flow import FlowCount, OtherMethods, PrismaFlow

NUMBERS = {
    "databases": {"MEDLINE": 310, "Embase": 402},
    "registers": {"ClinicalTrials.gov": 20},
    "duplicates": 150,
    "automation": 12,
    "other_removed": 8,
    "screened": 562,
    "excluded": {"People": 400, "Automation tools": 80},
    "sought": 82,
    "not_retrieved": 2,
    "assessed": 80,
    "reports_excluded": {"Wrong outcome": 40, "No control group": 21},
    "studies": 17,
    "reports": 19,
}


def other(**changes):
    return OtherMethods(
        **{
            "identified": {"Websites": 5, "Citations": 7},
            "not_retrieved": 1,
            "reports_excluded": {"Wrong": 8},
        }
        | changes
    )


def test_numbers_that_add_up_are_held():
    flow = PrismaFlow(**NUMBERS)
    assert flow.databases == FlowCount(total=712, parts=(("MEDLINE", 310), ("Embase", 402)))
    assert (flow.identified, flow.removed, flow.excluded.total) == (732, 170, 480)
    assert flow.derived == ()
    assert flow.total_studies == 17
    assert flow.total_reports == 19


def test_numbers_that_are_not_given_follow():
    left_out = {
        name: NUMBERS[name] for name in NUMBERS if name not in ("screened", "sought", "assessed", "reports")
    }
    flow = PrismaFlow(**left_out)
    assert (flow.screened, flow.sought, flow.assessed, flow.reports) == (562, 82, 80, 19)
    assert flow.derived == ("screened", "sought", "assessed", "reports")


def test_numpy_integers_and_whole_floats_are_counts():
    flow = PrismaFlow(**NUMBERS | {"duplicates": np.int64(150), "automation": 12.0})
    assert isinstance(flow.duplicates, int)
    assert flow.automation == 12


def test_other_methods_add_reports():
    flow = PrismaFlow(**NUMBERS | {"other": other(), "reports": 22})
    assert (flow.other.identified.total, flow.other.sought, flow.other.assessed, flow.other.reports) == (
        12,
        12,
        11,
        3,
    )
    assert flow.other.derived == ("sought", "assessed", "reports")
    # Several records may be of one report.
    assert other(sought=10).reports == 1


def test_the_update_of_a_review_adds_studies():
    flow = PrismaFlow(**NUMBERS, previous_studies=20, previous_reports=25)
    assert (flow.total_studies, flow.total_reports) == (37, 44)
    assert PrismaFlow(**NUMBERS, previous_studies=20).total_reports is None


def test_an_empty_review_is_a_review():
    flow = PrismaFlow(databases=0, duplicates=0, excluded=0, reports_excluded=0, studies=0)
    assert (flow.screened, flow.reports) == (0, 0)
    assert PrismaFlow(databases={}, duplicates=0, excluded=0, reports_excluded={}, studies=0).identified == 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"screened": 560, "sought": 80, "assessed": 78, "reports": 17},
            r"\(1 contradiction\): `screened` must be identified - removed = 732 - 170 = 562, but got 560\.",
        ),
        (
            {"sought": 90},
            (
                r"\(2 contradictions\): `sought` must be `screened` - `excluded` = 562 - 480 = 82, but got "
                r"90; `assessed` must be `sought` - `not_retrieved` = 90 - 2 = 88, but got 80"
            ),
        ),
        ({"reports": 18}, "`reports` must be `assessed` - `reports_excluded` = 80 - 61 = 19, but got 18"),
        ({"reports": 20, "other": other()}, r"80 - 61, \+ `other.reports` = 3, = 22, but got 20"),
        ({"studies": 20}, "`studies` must not exceed `reports` = 19, but got 20"),
        ({"studies": 0}, "`studies` must be above 0 where `reports` = 19, but got 0"),
        ({"reports_excluded": 80, "reports": 0}, "`studies` must be 0 as `reports` is, but got 17"),
        (
            {"reports_excluded": 90, "reports": None},
            "`reports_excluded` = 90 must not exceed `assessed` = 80",
        ),
        ({"duplicates": 800, "screened": None}, "identified - removed = 732 - 820 must not be negative"),
        (
            {"previous_studies": 5, "previous_reports": 4},
            "`previous_studies` must not exceed `previous_reports` = 4, but got 5",
        ),
        ({"previous_reports": 4}, "`previous_reports` needs `previous_studies`"),
    ],
)
def test_each_contradiction_is_named(changes, message):
    with pytest.raises(ValueError, match=message):
        PrismaFlow(**NUMBERS | changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sought": 13}, "`other.sought` must not exceed `identified` = 12, but got 13"),
        ({"assessed": 12}, "`other.assessed` must be `sought` - `not_retrieved` = 12 - 1 = 11, but got 12"),
        ({"reports": 4}, "`other.reports` must be `assessed` - `reports_excluded` = 11 - 8 = 3, but got 4"),
        ({"reports_excluded": 12}, "11 - 12 must not be negative"),
    ],
)
def test_contradictions_of_other_methods_are_named(changes, message):
    with pytest.raises(ValueError, match=message):
        other(**changes)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"duplicates": -1}, ValueError, "`duplicates` must be a whole number of at least 0, but got -1"),
        ({"duplicates": 1.5}, ValueError, "`duplicates` must be a whole number"),
        ({"duplicates": float("nan")}, ValueError, "`duplicates` must be a whole number"),
        ({"duplicates": "12"}, TypeError, "`duplicates` must be numbers, but got text"),
        ({"duplicates": [1, 2]}, TypeError, r"`duplicates` must be one number, but got \[1, 2\]"),
        ({"databases": {"MEDLINE": -3}}, ValueError, r"`databases\['MEDLINE'\]` must be a whole number"),
        ({"databases": {3: 4}}, TypeError, "`databases` must have texts as names, but got 3"),
        ({"other": 12}, TypeError, "`other` must be OtherMethods or None, but got int"),
    ],
)
def test_wrong_numbers_are_named(changes, error, message):
    with pytest.raises(error, match=message):
        PrismaFlow(**NUMBERS | changes)


def test_the_frame_has_every_number_once():
    flow = PrismaFlow(**NUMBERS | {"other": other(), "reports": 22}, previous_studies=20, previous_reports=25)
    frame = flow.to_frame()
    assert not frame.duplicated(["way", "item", "part"]).any()
    parts = frame[frame.part != ""].groupby(["way", "item"]).n.sum()
    totals = frame[frame.part == ""].set_index(["way", "item"]).n
    assert (parts == totals.loc[parts.index]).all()
    assert totals["all", "studies in total"] == 37
    assert totals["databases and registers", "records screened"] == 562
