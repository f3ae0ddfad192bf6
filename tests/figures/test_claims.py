import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb

from analysis.figures.claims import figure_claims

VERDICTS = ["reproduced", "consistent", "contradicted", "cannot be recomputed"]


def ledger(**changes):
    return pd.DataFrame(
        {
            "claim_id": ["C1a", "C1b", "C2", "C3"],
            "claim": "C",
            "worded": ["Osteoporosis is found in 19 % to 62 %."] * 2
            + ["The risk is 1.83 times higher in people with AS.", "2.93"],
            "printed": ["19%", "16%", "1.83 (1.58-2.11)", "2.93"],
            "checked_as": ["PR", "PR", "RR", "OR"],
            "recomputed": ["18.8%", "15.6% to 16.3%", "1.63 to 1.73", None],
            "verdict": VERDICTS,
            "flags": ["outcome relabelled", "", "measure relabelled; adjusted read as crude", np.nan],
            "sentence": "15/80 gives a proportion of 18.8%, which reproduces the printed 19%.",
        }
        | changes
    )


@pytest.mark.parametrize("width_mm", [120, 174])
@pytest.mark.parametrize("sentences", [False, True])
def test_every_claim_is_there_and_no_text_overlaps(width_mm, sentences, check_texts):
    texts = check_texts(figure_claims(ledger(), width_mm=width_mm, sentences=sentences))
    joined = " ".join(texts)
    for text in ("C1a", "C1b", "16%", "risk ratio", "Flags: outcome relabelled", *VERDICTS):
        assert text in joined
    assert joined.count("Osteoporosis is found") == 1
    assert ("15/80 gives" in joined) == sentences
    assert "nan" not in joined
    assert "None" not in joined


def test_long_words_are_broken(check_texts):
    check_texts(figure_claims(ledger(worded="x" * 300, printed="1" * 60), width_mm=174))


def test_verdicts_differ_by_shape_alone():
    ax = figure_claims(ledger()).axes[0]
    marks = {line.get_gid().removeprefix("verdict: "): line for line in ax.get_lines()}
    assert list(marks) == VERDICTS
    shapes = {(mark.get_marker(), to_rgb(mark.get_markerfacecolor()) == (1, 1, 1)) for mark in marks.values()}
    assert len(shapes) == len(VERDICTS)


def test_wrong_frames_are_named():
    with pytest.raises(ValueError, match="`ledger_frame` must have the column 'flags', 'sentence'"):
        figure_claims(ledger().drop(columns=["flags", "sentence"]))
    with pytest.raises(ValueError, match="`ledger_frame` must hold at least one claim, but is empty"):
        figure_claims(ledger()[:0])
    with pytest.raises(ValueError, match=r"verdicts among .* but got 'true' in row 0"):
        figure_claims(ledger(verdict="true"))
