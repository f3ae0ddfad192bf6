"""Every figure of the gallery in every preset: nothing overlaps, nothing is cut off, and a journal takes it."""

import pytest

from analysis.figures.check_figure import check_figure
from analysis.figures.journals import JOURNALS
from analysis.figures.record import record_of
from analysis.figures.style import style
from gallery.cases import CASES

# A figure longer than a page is an answer to a wish, and has pages_forest beside it.
LONGER_THAN_A_PAGE = {"forest_60_studies"}


@pytest.mark.parametrize("preset", JOURNALS)
@pytest.mark.parametrize("name", CASES)
def test_in_every_preset(name, preset, check_texts):
    with style(preset):
        figure = CASES[name]()
        check_texts(figure)
        report = check_figure(figure, journal=preset)
    rules = {finding.rule for finding in report.findings}
    if name in LONGER_THAN_A_PAGE:
        rules -= {"height"}
    # On a machine without the journal's font the one that stands in for it is named.
    assert rules <= {"font"}, report
    record = record_of(figure)
    assert all(text.strip() for text in (record.title, record.caption, record.alt))
    assert len(record.numbers)


def test_what_was_made_up_says_so():
    figure = CASES["forest_60_studies"]()
    assert any(text.get_gid() == "synthetic" for text in figure.texts)
