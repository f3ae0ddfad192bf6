import pytest

from analysis.figures.parts.mosaic_cells import ARM_GAP, MosaicCells
from analysis.values.counts import TwoByTwo

TABLE = TwoByTwo(exposed_cases=30, exposed_total=80, control_cases=20, control_total=120)


def test_arms_share_the_width_and_parts_share_the_height():
    cells = MosaicCells.of(TABLE, ("A", "B"), ("yes", "no"))
    assert (cells.share(0), cells.share(1)) == (40, 60)
    assert (cells.left(0), cells.left(1)) == (0, 40 + ARM_GAP)
    assert cells.part(0, 0) == (0, 37.5)
    assert cells.part(0, 1) == (37.5, 100)
    assert [cells.count(arm, part) for arm in (0, 1) for part in (0, 1)] == [30, 50, 20, 100]
    assert cells.said(1, 1) == "100 (83.3%)"


def test_one_table_in_an_array_is_one_table():
    one = TABLE[None]
    assert MosaicCells.of(one, ("A", "B"), ("yes", "no")).totals == (80, 120)
    with pytest.raises(ValueError, match="`arms` must be two texts, but got 'AB'"):
        MosaicCells.of(TABLE, "AB", ("yes", "no"))
