import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from analysis.figures.export import save_figure
from analysis.figures.journals import JOURNALS
from analysis.figures.record import record_of
from analysis.figures.risk_of_bias_summary import figure_risk_of_bias_summary, plot_risk_of_bias_summary
from analysis.figures.style import current, style
from analysis.values.risk_of_bias import JUDGEMENTS, TOOLS, RiskOfBias


def bias(k=13, *, tool="ROBINS-I", overall=True):
    names = ["Confounding", "Selection of participants", "Deviations from intended interventions", "Missing"]
    kinds = TOOLS.get(tool, JUDGEMENTS)
    codes = (np.arange(k)[:, None] * 2 + np.arange(len(names)) ** 2) % len(kinds)
    made = RiskOfBias(
        label=[f"S{i}" for i in range(k)], domain=names, judgement=np.array(kinds)[codes], tool=tool
    )
    if not overall:
        return made
    return RiskOfBias(
        label=made.label, domain=names, judgement=made.judgement, overall=made.worst(), tool=tool
    )


def bars(ax):
    return {
        (patch.get_gid().removeprefix("area: "), round(patch.get_y() + patch.get_height() / 2, 6)): (
            patch.get_x(),
            patch.get_width(),
        )
        for patch in ax.patches
        if (patch.get_gid() or "").startswith("area")
    }


@pytest.mark.parametrize("weights", [None, np.arange(1.0, 14.0)])
def test_bars_are_the_shares_and_stand_one_after_the_other(weights):
    shares = bias().shares(weights=weights)
    drawn = bars(plot_risk_of_bias_summary(shares))
    for i in range(len(shares.domain)):
        start = 0.0
        for j, judgement in enumerate(shares.judgement):
            share = 100 * shares.share[i, j]
            if share == 0:
                assert (judgement, float(i)) not in drawn
                continue
            assert drawn[judgement, float(i)] == pytest.approx((start, share))
            start += share
        assert start == pytest.approx(100)


def test_the_page_draws_the_same_bars_and_numbers():
    shares = bias().shares()
    figure = figure_risk_of_bias_summary(shares)
    widths = sorted(width for _, width in bars(figure.axes[0]).values())
    numbers = record_of(figure).numbers
    assert widths == pytest.approx(sorted(numbers.percent[numbers.percent > 0]))
    assert figure.axes[0].get_xlim() == (0.0, 100.0)
    assert 3 <= len(figure.axes[0].get_xticks()) <= 9
    low = numbers[(numbers.judgement == "moderate") & (numbers.domain == "Confounding")]
    assert low.start_percent.item() == pytest.approx(100 * shares.share[0, 0])


@pytest.mark.parametrize("journal", JOURNALS)
@pytest.mark.parametrize("column", ["single_mm", "double_mm"])
def test_it_holds_in_each_journal(journal, column, check_texts):
    with style(journal):
        width = getattr(current(), column)
        texts = check_texts(figure_risk_of_bias_summary(bias().shares(), width_mm=width, note="A note."))
    assert "Studies (%)" in texts
    assert "No information" in texts


def test_the_axis_says_what_is_shared_out(check_texts):
    weighted = bias().shares(weights=np.ones(13))
    assert "Weight of the studies (%)" in check_texts(figure_risk_of_bias_summary(weighted, synthetic=True))
    assert plot_risk_of_bias_summary(weighted).get_xlabel() == "Weight of the studies (%)"


@pytest.mark.parametrize("k", [1, 200])
def test_one_study_and_many_and_every_judgement(k, check_texts):
    check_texts(figure_risk_of_bias_summary(bias(k, tool="Our own", overall=False).shares()))


def test_shares_are_written_where_there_is_room(check_texts):
    texts = check_texts(figure_risk_of_bias_summary(bias(200, tool="RoB 2").shares()))
    assert "34%" in texts or "33%" in texts
    narrow = bias(200).shares(weights=np.r_[1e-4, np.ones(199)])
    check_texts(figure_risk_of_bias_summary(narrow))


@pytest.mark.parametrize("journal", JOURNALS)
def test_axes_of_their_own_hold_all_texts(journal, check_texts):
    with style(journal):
        assert "Confounding" in check_texts(plot_risk_of_bias_summary(bias().shares()).figure)


def test_given_axes_are_used():
    figure = Figure(figsize=(6, 3))
    FigureCanvasAgg(figure)
    ax = figure.add_subplot()
    assert plot_risk_of_bias_summary(bias().shares(), ax=ax) is ax


def test_words_say_the_finding():
    data = RiskOfBias(label=["A", "B"], domain=["x"], judgement=[["low"], ["high"]], overall=["low", "high"])
    record = record_of(figure_risk_of_bias_summary(data.shares()))
    assert "Overall: low in 1 of 2 studies, high in 1. x: low in 1 of 2 studies, high in 1." in record.alt
    assert "+ low; − high" in record.caption
    weighted = record_of(figure_risk_of_bias_summary(data.shares(weights=[3, 1])))
    assert "(of the weight: low 75.0%, high 25.0%)" in weighted.alt
    assert "the studies' weight" in weighted.caption


def test_saving_twice_gives_the_same_bytes(tmp_path):
    files = []
    for name in ("one", "two"):
        figure = figure_risk_of_bias_summary(bias().shares())
        record = record_of(figure)
        words = {"title": record.title, "caption": record.caption, "alt": record.alt}
        files.append(save_figure(figure, "risk", source=record.numbers, directory=tmp_path / name, **words))
    for one, two in zip(*files, strict=True):
        assert one.read_bytes() == two.read_bytes()


def test_wrong_arguments_are_named():
    for draw in (plot_risk_of_bias_summary, figure_risk_of_bias_summary):
        with pytest.raises(
            TypeError, match=r"`shares` must be JudgementShares, but got RiskOfBias; bias.shares"
        ):
            draw(bias())
