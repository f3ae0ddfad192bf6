import gc

import pandas as pd
from matplotlib.figure import Figure

from analysis.figures import record
from analysis.figures.record import FigureRecord, keep_record, record_of

WORDS = FigureRecord(title="t", caption="c", alt="a", numbers=pd.DataFrame({"x": [1]}))


def test_a_record_stays_with_its_figure():
    figure, other = Figure(), Figure()
    assert record_of(figure) is None
    assert keep_record(figure, WORDS) is figure
    assert record_of(figure) is WORDS
    assert record_of(other) is None


def test_a_record_goes_with_its_figure():
    before = len(record._records)
    figure = keep_record(Figure(), WORDS)
    assert len(record._records) == before + 1
    del figure
    gc.collect()
    assert len(record._records) <= before
