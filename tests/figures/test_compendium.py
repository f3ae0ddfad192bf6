"""The figures of the compendium as they lie in figures/: no journal would send them back for their form."""

from pathlib import Path

import pytest

from analysis.figures.check_figure import check_figure

FOLDER = Path(__file__).resolve().parents[2] / "figures"
FILES = sorted(path for kind in ("pdf", "svg", "png") for path in FOLDER.glob(f"*.{kind}"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_nothing_is_found(path):
    assert check_figure(path).findings == ()


def test_every_figure_has_its_numbers_and_words_beside_it():
    names = {path.stem for path in FILES}
    assert len(names) >= 12
    for name in names:
        assert {path.suffix for path in FOLDER.glob(f"{name}.*")} >= {".pdf", ".svg", ".png", ".csv", ".json"}
