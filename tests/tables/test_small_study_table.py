import numpy as np
import pytest

from analysis import small_study_summary
from analysis.tables.small_study_table import small_study_table


def test_every_small_study_method_has_a_row(bcg, bcg_counts):
    summary = small_study_summary(bcg, bcg_counts)
    table = small_study_table(summary)
    frame = table.to_frame()
    assert frame["method"].tolist() == [row.method for row in summary.rows]
    for row, source in zip(frame.to_dict("records"), summary.rows, strict=True):
        for name in ("statistic", "pvalue", "value", "low", "high"):
            expected = getattr(source, name)
            assert row[name] is None or np.isnan(row[name]) == np.isnan(expected)
            assert np.isnan(expected) or row[name] == expected
    declined = [row for row in summary.rows if row.declined]
    assert len(declined) == len(table.footnotes) > 0
    assert all(text.startswith("Declined: ") for _, text in table.footnotes)
    assert len(small_study_table(summary, declined=False).rows) == len(summary.rows) - len(declined)
    assert [cell.text for cell in table.rows[0].cells[1:3]] == ["t = −1.40 (df = 11)", "0.19"]


def test_wrong_summaries_are_refused():
    with pytest.raises(TypeError, match="`summary` must be SmallStudySummary, but got int"):
        small_study_table(1)
