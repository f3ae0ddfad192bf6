import numpy as np
import pandas as pd
import pytest

from analysis.tables.studies_table import studies_table


@pytest.fixture
def frame():
    return pd.DataFrame(
        {
            "study": ["Sharif", "Meer", None],
            "year": [2023, 2022, 2020],
            "n": [33133, np.nan, 12],
            "age": [41.25, 40.5, np.nan],
            "rate": [0.0001, 0.2, 3.0],
            "blind": [True, False, True],
            "site": pd.Categorical(["hip", "spine", "hip"]),
            "day": pd.to_datetime(["2020-01-02", None, "2021-03-04"]),
        }
    )


def _texts(table):
    return [[cell.text for cell in row.cells] for row in table.rows]


def test_kinds_follow_from_the_columns(frame):
    table = studies_table(frame)
    assert [column.kind for column in table.columns] == [
        "text", "count", "count", "number", "number", "text", "text", "text",
    ]  # fmt: skip
    assert _texts(table) == [
        ["Sharif", "2023", "33\u2009133", "41.25", "0.0001", "yes", "hip", "2020-01-02"],
        ["Meer", "2022", "–", "40.50", "0.20", "no", "spine", "–"],
        ["–", "2020", "12", "–", "3.00", "yes", "hip", "2021-03-04"],
    ]


def test_columns_are_chosen_named_and_measured(frame):
    table = studies_table(
        frame, columns={"age": "Mean age", "study": "Study"}, units={"age": "years"}, digits={"age": 0}
    )
    assert [column.printed for column in table.columns] == ["Mean age (years)", "Study"]
    assert _texts(table)[0] == ["41", "Sharif"]
    assert table.to_frame()["age"].tolist()[0] == 41.25
    assert [column.heading for column in studies_table(frame, columns=["n", "study"]).columns] == [
        "n",
        "study",
    ]


def test_groups_are_brought_together_as_they_are_met(frame):
    table = studies_table(frame, columns=["study"], group="site")
    assert [row.group for row in table.rows] == ["hip", "hip", "spine"]
    assert _texts(table) == [["Sharif"], ["–"], ["Meer"]]
    assert table.group_heading == "site"


def test_a_year_is_no_count_and_others_may_be_years_too(frame):
    frame["start"] = [12000, 1999, 2000]
    assert _texts(studies_table(frame, columns=["start"], years=["start"]))[0] == ["12000"]
    assert _texts(studies_table(frame, columns=["start"]))[0] == ["12\u2009000"]


def test_real_files_have_their_table():
    from analysis.data.provenance import project_root

    frame = pd.read_csv(project_root() / "data" / "raw" / "prevalence.csv")
    table = studies_table(frame, columns={"label": "Study", "total": "Persons"}, group="site")
    assert len(table.rows) == len(frame)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        (
            {"columns": ["nn"]},
            ValueError,
            "`columns` must name columns of the frame, but got 'nn'; it has study",
        ),
        ({"columns": []}, ValueError, "`columns` must name at least one column"),
        ({"columns": "study"}, TypeError, "must be a list of names or a mapping, but got the text 'study'"),
        ({"units": {"x": "years"}}, ValueError, "`units` must name columns of the frame, but got 'x'"),
        ({"digits": {"x": 1}}, ValueError, "`digits` must name columns of the frame"),
        ({"group": "x"}, ValueError, "`group` must name columns of the frame"),
    ],
)
def test_wrong_columns_are_named(frame, options, error, message):
    with pytest.raises(error, match=message):
        studies_table(frame, **options)


def test_wrong_frames_are_refused(frame):
    with pytest.raises(TypeError, match="`frame` must be a DataFrame, but got list"):
        studies_table([1])
    with pytest.raises(ValueError, match=r"must hold at least one study, but is empty \(shape \(0, 8\)\)"):
        studies_table(frame.iloc[:0])
    with pytest.raises(ValueError, match="must name every column once, but study stands twice"):
        studies_table(pd.concat([frame, frame[["study"]]], axis=1))
