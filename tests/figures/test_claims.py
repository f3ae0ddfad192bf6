import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb

from analysis.figures.claims import figure_claims, plot_claims
from analysis.figures.export import save_figure
from analysis.figures.journals import JOURNALS
from analysis.figures.record import record_of
from analysis.figures.style import current, style

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


@pytest.mark.parametrize("journal", JOURNALS)
def test_it_holds_in_each_journal(journal, check_texts):
    with style(journal):
        check_texts(figure_claims(ledger(), sentences=True, synthetic=True, note="A note."))
        check_texts(figure_claims(ledger(), compact=True, note="A note."))


def test_the_default_widths_are_those_of_the_style():
    with style("lancet"):
        assert figure_claims(ledger()).get_figwidth() * 25.4 == pytest.approx(current().double_mm)
        assert figure_claims(ledger(), compact=True).get_figwidth() * 25.4 == pytest.approx(
            current().single_mm
        )


def test_the_compact_ledger_has_signs_counts_and_letters_for_flags(check_texts):
    figure = figure_claims(ledger(), compact=True, synthetic=True)
    joined = " ".join(check_texts(figure))
    assert "19% [a]" in joined
    assert "1.83 (1.58-2.11) [b,c]" in joined
    assert "a outcome relabelled; b measure relabelled; c adjusted read as crude" in joined.replace("\n", " ")
    assert "Osteoporosis is found" not in joined
    for verdict in VERDICTS:
        assert f"{verdict} (1)" in joined
    marks = [line.get_gid().removeprefix("verdict: ") for line in figure.axes[0].get_lines()]
    assert marks == VERDICTS
    keys = [line.get_gid() for ax in figure.axes[1:] for line in ax.get_lines()]
    assert keys == [f"key: {verdict}" for verdict in VERDICTS]


def test_the_compact_ledger_keys_only_what_is_there(check_texts):
    joined = " ".join(check_texts(figure_claims(ledger(verdict="consistent", flags=""), compact=True)))
    assert "consistent (4)" in joined
    assert "reproduced" not in joined
    assert "Flags" not in joined


def test_many_numbers_and_flags(check_texts):
    many = pd.concat([ledger(flags=[f"flag {4 * i + j}" for j in range(4)]) for i in range(8)])
    joined = " ".join(check_texts(figure_claims(many, compact=True)))
    assert "[ff]" in joined
    assert "ff flag 31" in joined


def test_each_verdict_is_drawn_in_its_column():
    ax = plot_claims(ledger())
    drawn = [(line.get_gid(), *line.get_xdata(), *line.get_ydata()) for line in ax.get_lines()]
    marks = [mark for mark in drawn if mark[0].startswith("verdict")]
    assert marks == [(f"verdict: {verdict}", i, i) for i, verdict in enumerate(VERDICTS)]
    assert next(text.get_text() for text in ax.get_yticklabels()) == "C1a: 19%"


@pytest.mark.parametrize("rows", [1, 4, 40])
def test_verdicts_are_named_over_their_columns(rows, check_texts):
    frame = pd.concat([ledger()] * 10)[:rows]
    texts = [text.replace("\n", " ") for text in check_texts(plot_claims(frame).figure)]
    assert set(VERDICTS) <= set(texts)


def test_words_say_the_finding():
    record = record_of(figure_claims(ledger()))
    assert record.alt.startswith(
        "Of 4 printed numbers: 1 reproduced, 1 consistent, 1 contradicted, 1 cannot be recomputed. "
        "C1a: printed 19%, recomputed 18.8%, reproduced; "
    )
    assert "C3: printed 2.93, recomputed not possible, cannot be recomputed." in record.alt
    assert "cross, contradicted" in record.caption
    assert record.numbers.verdict.tolist() == VERDICTS
    assert record.numbers.sign.tolist() == ["filled circle", "hollow circle", "cross", "dash"]


@pytest.mark.parametrize("compact", [False, True])
def test_saving_twice_gives_the_same_bytes(compact, tmp_path):
    files = []
    for name in ("one", "two"):
        figure = figure_claims(ledger(), compact=compact)
        record = record_of(figure)
        words = {"title": record.title, "caption": record.caption, "alt": record.alt}
        files.append(save_figure(figure, "claims", source=record.numbers, directory=tmp_path / name, **words))
    for one, two in zip(*files, strict=True):
        assert one.read_bytes() == two.read_bytes()


def test_wrong_frames_are_named():
    with pytest.raises(ValueError, match="`sentences` must be False where `compact` is True"):
        figure_claims(ledger(), compact=True, sentences=True)
    with pytest.raises(ValueError, match="`ledger_frame` must have the column 'flags', 'sentence'"):
        figure_claims(ledger().drop(columns=["flags", "sentence"]))
    with pytest.raises(ValueError, match="`ledger_frame` must hold at least one claim, but is empty"):
        figure_claims(ledger()[:0])
    with pytest.raises(ValueError, match=r"verdicts among .* but got 'true' in row 0"):
        figure_claims(ledger(verdict="true"))
