import numpy as np
import pytest

from analysis.values.judgement_shares import JudgementShares

SHARES = JudgementShares(
    domain=("Randomisation", "Overall"),
    judgement=("low", "high"),
    count=np.array([[3.0, 1.0], [2.0, 2.0]]),
    share=np.array([[0.75, 0.25], [0.5, 0.5]]),
    weighted=False,
)


def test_the_frame_has_a_row_for_each_domain_and_judgement():
    frame = SHARES.to_frame()
    assert list(frame.columns) == ["domain", "judgement", "studies", "share"]
    assert frame.to_numpy().tolist() == [
        ["Randomisation", "low", 3.0, 0.75],
        ["Randomisation", "high", 1.0, 0.25],
        ["Overall", "low", 2.0, 0.5],
        ["Overall", "high", 2.0, 0.5],
    ]


def test_it_cannot_be_changed():
    with pytest.raises(AttributeError, match="cannot assign to field"):
        SHARES.weighted = True
