import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from analysis.figures.export import save_figure
from analysis.figures.journals import JOURNALS
from analysis.figures.record import record_of
from analysis.figures.risk_of_bias import figure_risk_of_bias, plot_risk_of_bias
from analysis.figures.style import style
from analysis.values.risk_of_bias import JUDGEMENTS, TOOLS, RiskOfBias

ROB2 = [
    "Bias arising from the randomization process",
    "Bias due to deviations from intended intervention",
    "Bias due to missing outcome data",
    "Bias in measurement of the outcome",
    "Bias in selection of the reported result",
]


def bias(k=6, *, domains=ROB2, tool="RoB 2", overall=True, labels=None):
    kinds = TOOLS.get(tool, JUDGEMENTS)
    codes = (np.arange(k)[:, None] + np.arange(len(domains)) ** 2) % len(kinds)
    made = RiskOfBias(
        label=labels or [f"Study {i}" for i in range(k)],
        domain=domains,
        judgement=np.array(kinds)[codes],
        tool=tool,
    )
    if not overall:
        return made
    return RiskOfBias(
        label=made.label, domain=domains, judgement=made.judgement, overall=made.worst(), tool=tool
    )


def marks(ax):
    """Return the judgement drawn at each place, and check that its sign is drawn there too."""
    found = {}
    signs = {}
    for line in ax.get_lines():
        kind, _, judgement = (line.get_gid() or "").partition(": ")
        for x, y in zip(line.get_xdata(), line.get_ydata(), strict=True):
            if kind == "judgement":
                found[float(x), float(y)] = judgement
            elif kind == "sign":
                signs[float(x), float(y)] = judgement
    assert signs == found
    return found


def test_each_mark_is_where_its_study_and_domain_are():
    data = bias(overall=False)
    expected = {
        (float(j), float(i)): data.judgement[i, j] for i in range(len(data)) for j in range(len(data.domain))
    }
    assert marks(plot_risk_of_bias(data)) == expected


def test_the_page_has_marks_beside_the_labels():
    data = bias()
    figure = figure_risk_of_bias(data, headings="numbers")
    ax = figure.axes[0]
    found = marks(ax)
    rows = sorted({y for _, y in found})
    columns = sorted({x for x, _ in found})
    assert columns[:5] == [0, 1, 2, 3, 4]
    assert columns[5] > 4.5
    for i, y in enumerate(rows):
        assert [found[x, y] for x in columns] == [*data.judgement[i].tolist(), data.overall[i]]
    # The label stands on the height of its marks.
    figure.draw_without_rendering()
    renderer = figure.canvas.get_renderer()
    places = {
        text.get_text(): text.get_window_extent(renderer)
        for text in figure.findobj(lambda artist: hasattr(artist, "get_text"))
    }
    for i, y in enumerate(rows):
        box = places[f"Study {i}"]
        assert (box.y0 + box.y1) / 2 == pytest.approx(ax.transData.transform((0, y))[1], abs=4)


@pytest.mark.parametrize("journal", JOURNALS)
@pytest.mark.parametrize("column", ["single_mm", "double_mm"])
def test_it_holds_in_each_journal(journal, column, check_texts):
    from analysis.figures.style import current

    with style(journal):
        figure = figure_risk_of_bias(bias(), width_mm=getattr(current(), column), note="A note.")
        texts = check_texts(figure)
    assert "Study 5" in texts
    assert "Some concerns" in texts


@pytest.mark.parametrize("headings", ["auto", "names", "numbers"])
@pytest.mark.parametrize("overall", [False, True])
def test_headings_name_every_domain(headings, overall, check_texts):
    texts = check_texts(figure_risk_of_bias(bias(overall=overall), headings=headings, synthetic=True))
    joined = " ".join(texts)
    for word in ("randomization", "deviations", "missing", "measurement", "selection"):
        assert word in joined
    assert ("D1" in joined) == (headings == "numbers")
    assert ("Overall" in texts) == overall


def test_names_go_below_where_rows_are_few(check_texts):
    figure = figure_risk_of_bias(bias(1), headings="numbers")
    assert f"D5: {ROB2[4]}" in check_texts(figure)
    beside = figure_risk_of_bias(bias(12), headings="numbers")
    assert f"D5: {ROB2[4]}" in check_texts(beside)
    gids = [
        {text.get_gid() for text in one.findobj(lambda a: hasattr(a, "get_text"))} for one in (figure, beside)
    ]
    assert "domain" not in gids[0]
    assert "domain" in gids[1]


@pytest.mark.parametrize("k", [1, 2, 40, 200])
def test_few_and_many_studies(k, check_texts):
    figure = figure_risk_of_bias(bias(k))
    assert len(marks(figure.axes[0])) == 6 * k
    if k <= 40:
        check_texts(figure)


def test_labels_of_all_kinds(check_texts):
    labels = [
        "Müller",
        "Müller",
        "$\\alpha$ & <b>",
        "Иванов 2001",
        "A very long name of a study " * 4,
        "Ωmega",
    ]
    texts = check_texts(figure_risk_of_bias(bias(labels=labels)))
    assert texts.count("Müller") == 2
    assert "$\\alpha$ & <b>" in texts
    assert "Иванов 2001" in texts


def test_every_judgement_is_drawn_and_named(check_texts):
    data = bias(9, domains=["One", "Two"], tool="Our own", overall=False)
    texts = check_texts(figure_risk_of_bias(data))
    assert {text.casefold() for text in texts} >= set(JUDGEMENTS)
    assert set(marks(figure_risk_of_bias(data).axes[0]).values()) == set(JUDGEMENTS)


@pytest.mark.parametrize("journal", JOURNALS)
def test_axes_of_their_own_hold_all_texts(journal, check_texts):
    with style(journal):
        texts = check_texts(plot_risk_of_bias(bias()).figure)
    assert "Overall" in texts
    assert "Study 5" in texts


def test_given_axes_are_used_and_no_other():
    figure = Figure(figsize=(6, 3))
    FigureCanvasAgg(figure)
    ax = figure.add_subplot()
    assert plot_risk_of_bias(bias(), ax=ax) is ax
    assert len(figure.axes) == 1


def test_words_and_numbers_say_what_is_drawn():
    data = bias()
    record = record_of(figure_risk_of_bias(data))
    counts = {word: data.overall.count(word) for word in ("low", "some concerns", "high")}
    first = next(word for word in counts if counts[word])
    assert f"Overall: {first} in {counts[first]} of 6 studies" in record.alt
    assert (
        "judged with RoB 2 in 5 domains and overall. Signs: + low; ! some concerns; − high." in record.caption
    )
    assert len(record.numbers) == 36
    drawn = record.numbers[record.numbers.domain == ROB2[1]]
    assert drawn.judgement.tolist() == data.judgement[:, 1].tolist()
    assert drawn.row.tolist() == [1, 2, 3, 4, 5, 6]


def test_saving_twice_gives_the_same_bytes(tmp_path):
    files = []
    for name in ("one", "two"):
        figure = figure_risk_of_bias(bias())
        record = record_of(figure)
        files.append(
            save_figure(
                figure,
                "risk",
                source=record.numbers,
                title=record.title,
                caption=record.caption,
                alt=record.alt,
                directory=tmp_path / name,
            )
        )
    for one, two in zip(*files, strict=True):
        assert one.read_bytes() == two.read_bytes()


def test_wrong_arguments_are_named():
    for draw in (plot_risk_of_bias, figure_risk_of_bias):
        with pytest.raises(
            TypeError, match="`bias` must be a RiskOfBias, but got list; RiskOfBias.from_frame"
        ):
            draw([["low"]])
    with pytest.raises(
        ValueError, match="`headings` must be one of 'auto', 'names', 'numbers', but got 'none'"
    ):
        figure_risk_of_bias(bias(), headings="none")
    with pytest.raises(ValueError, match="`width_mm` must be larger for these names .* headings='numbers'"):
        figure_risk_of_bias(bias(), headings="names", width_mm=84)
