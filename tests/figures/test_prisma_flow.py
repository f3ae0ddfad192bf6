import re

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from analysis.figures.export import save_figure
from analysis.figures.journals import JOURNALS
from analysis.figures.prisma_flow import figure_prisma_flow, plot_prisma_flow
from analysis.figures.record import record_of
from analysis.figures.style import current, style
from analysis.values.prisma_flow import OtherMethods, PrismaFlow

NUMBERS = {
    "databases": {"MEDLINE": 3100, "Embase": 12402},
    "registers": {"ClinicalTrials.gov": 61},
    "duplicates": 1500,
    "automation": 300,
    "other_removed": 12,
    "excluded": 13250,
    "not_retrieved": 12,
    "reports_excluded": {"Wrong outcome": 240, "No control group": 121},
    "studies": 57,
}
OTHER = OtherMethods(
    identified={"Websites": 12, "Organisations": 4, "Citation searching": 88},
    not_retrieved=3,
    reports_excluded={"Wrong outcome": 70, "Not in English": 9},
)
SMALL = {"databases": 100, "duplicates": 10, "excluded": 70, "reports_excluded": 12, "studies": 8}
FLOWS = {
    "databases": PrismaFlow(**NUMBERS),
    "other": PrismaFlow(**NUMBERS, other=OTHER),
    "update": PrismaFlow(**NUMBERS, previous_studies=20, previous_reports=25),
    "update and other": PrismaFlow(**NUMBERS, other=OTHER, previous_studies=20),
    "small": PrismaFlow(**SMALL),
}


def boxes(ax):
    return {
        tuple(map(int, patch.get_gid().split()[1:])): patch
        for patch in ax.patches
        if patch.get_gid().startswith("box")
    }


def texts_in(ax, patch):
    inside = [
        text
        for text in ax.texts
        if patch.get_x() <= text.get_position()[0] <= patch.get_x() + patch.get_width()
        and patch.get_y() <= text.get_position()[1] <= patch.get_y() + patch.get_height()
    ]
    return " ".join(text.get_text() for text in inside).replace("\N{NO-BREAK SPACE}", " ")


@pytest.mark.parametrize("name", FLOWS)
def test_no_text_overlaps_or_leaves_its_box(name, check_texts):
    figure = figure_prisma_flow(FLOWS[name], note="A note.")
    check_texts(figure)
    ax = figure.axes[0]
    figure.draw_without_rendering()
    renderer = figure.canvas.get_renderer()
    patches = [patch for patch in ax.patches if patch.get_gid() != "stage"]
    extents = [patch.get_window_extent(renderer) for patch in patches]
    for text in ax.findobj(Text):
        if text.get_gid() in ("box text", "title text"):
            box = text.get_window_extent(renderer)
            assert any(
                e.x0 <= box.x0 and box.x1 <= e.x1 and e.y0 <= box.y0 + 1 and box.y1 - 1 <= e.y1
                for e in extents
            ), text


@pytest.mark.parametrize("name", FLOWS)
def test_boxes_do_not_overlap(name):
    patches = [p.get_extents() for p in plot_prisma_flow(FLOWS[name]).patches]
    for i, a in enumerate(patches):
        for b in patches[:i]:
            apart = a.x1 <= b.x0 or b.x1 <= a.x0 or a.y1 <= b.y0 or b.y1 <= a.y0
            assert apart


@pytest.mark.parametrize("name", FLOWS)
def test_each_box_says_its_numbers(name):
    flow = FLOWS[name]
    ax = plot_prisma_flow(flow)
    found = boxes(ax)
    main = int("update" in name)
    expected = {
        (main, 1): f"Records screened {flow.screened}",
        (main + 1, 1): f"Records excluded {flow.excluded.total}",
        (main, 2): f"Reports sought for retrieval {flow.sought}",
        (main + 1, 2): f"Reports not retrieved {flow.not_retrieved}",
        (main, 3): f"Reports assessed for eligibility {flow.assessed}",
    }
    if flow.other is not None:
        expected[main + 2, 2] = f"Reports sought for retrieval {flow.other.sought}"
        expected[main + 3, 2] = f"Reports not retrieved {flow.other.not_retrieved}"
    for place, words in expected.items():
        said = re.sub(r"\(n = ([\d\u2009]+)\)", r"\1", texts_in(ax, found[place])).replace("\u2009", "")
        assert said == words
    for reason, n in flow.reports_excluded.parts:
        assert f"{reason} (n = {n})" in texts_in(ax, found[main + 1, 3])
    if main:
        assert f"Total studies included in review (n = {flow.total_studies})" in texts_in(ax, found[1, 5])


def test_arrows_join_boxes():
    ax = plot_prisma_flow(FLOWS["update and other"])
    edges = []
    for line in ax.get_lines():
        assert line.get_gid() == "arrow"
        start = line.get_xdata()[0], line.get_ydata()[0]
        end = line.get_xdata()[-1], line.get_ydata()[-1]
        at = []
        for x, y in (start, end):
            touched = [
                place
                for place, box in boxes(ax).items()
                if box.get_x() - 1e-6 <= x <= box.get_x() + box.get_width() + 1e-6
                and box.get_y() - 1e-6 <= y <= box.get_y() + box.get_height() + 1e-6
            ]
            assert len(touched) == 1
            at += touched
        edges.append(tuple(at))
    assert set(edges) == {
        *(((1, r), (1, r + 1)) for r in range(5)),
        *(((1, r), (2, r)) for r in range(4)),
        ((3, 0), (3, 2)),
        ((3, 2), (3, 3)),
        ((3, 2), (4, 2)),
        ((3, 3), (4, 3)),
        ((3, 3), (1, 4)),
        ((0, 0), (1, 5)),
    }
    assert len(edges) == len(set(edges))


@pytest.mark.parametrize("journal", JOURNALS)
def test_it_holds_in_each_journal(journal, check_texts):
    with style(journal):
        check_texts(figure_prisma_flow(FLOWS["other"], synthetic=True))
        check_texts(figure_prisma_flow(FLOWS["small"], width_mm=current().single_mm))


@pytest.mark.parametrize("name", FLOWS)
def test_axes_of_their_own_hold_all_texts(name, check_texts):
    check_texts(plot_prisma_flow(FLOWS[name]).figure)


def test_long_names_and_other_letters(check_texts):
    flow = PrismaFlow(
        **SMALL
        | {
            "databases": {"Δ-база данных": 60, "$\\beta$ & <x>": 40},
            "reports_excluded": {"The outcome was measured in another way than in the protocol " * 3: 12},
        }
    )
    joined = " ".join(check_texts(figure_prisma_flow(flow, width_mm=100))).replace("\N{NO-BREAK SPACE}", " ")
    assert "$\\beta$ & <x> (n = 40)" in joined
    assert "Δ-база данных" in joined


def test_what_is_not_given_has_no_line(check_texts):
    joined = " ".join(check_texts(figure_prisma_flow(FLOWS["small"])))
    for words in ("Registers", "automation", "other reasons", "other methods", "Previous"):
        assert words not in joined


def test_a_narrow_page_and_low_axes_are_refused_with_a_way_out():
    with pytest.raises(ValueError, match=r"`width_mm` must be about (\d+) or more for this flow, but got 84"):
        figure_prisma_flow(FLOWS["update and other"], width_mm=84)
    figure = Figure(figsize=(6, 2))
    FigureCanvasAgg(figure)
    ax = figure.add_axes((0, 0, 1, 1))
    with pytest.raises(ValueError, match=r"`ax` must be \d+ points high or more .* but is 144"):
        plot_prisma_flow(FLOWS["databases"], ax=ax)
    figure.set_size_inches(6, 12)
    assert plot_prisma_flow(FLOWS["databases"], ax=ax) is ax


def test_the_width_that_is_named_would_do(check_texts):
    with pytest.raises(ValueError, match="about") as caught:
        figure_prisma_flow(FLOWS["update and other"], width_mm=84)
    enough = int(re.search(r"about (\d+)", str(caught.value))[1])
    figure_prisma_flow(FLOWS["update and other"], width_mm=enough)
    with pytest.raises(ValueError, match="about"):
        figure_prisma_flow(FLOWS["update and other"], width_mm=enough - 2)


def test_words_say_the_numbers():
    record = record_of(figure_prisma_flow(FLOWS["other"]))
    for words in ("1812 removed before screening", "57 studies in 150 reports included", "Wrong outcome 240"):
        assert words in record.alt
    assert "following from the other numbers: screened, sought, assessed, reports" in record.caption
    assert record.numbers.equals(FLOWS["other"].to_frame())
    assert (
        "1 study in 1 report included"
        in record_of(figure_prisma_flow(PrismaFlow(**SMALL | {"reports_excluded": 19, "studies": 1}))).alt
    )


def test_saving_twice_gives_the_same_bytes(tmp_path):
    files = []
    for name in ("one", "two"):
        figure = figure_prisma_flow(FLOWS["databases"])
        record = record_of(figure)
        words = {"title": record.title, "caption": record.caption, "alt": record.alt}
        files.append(save_figure(figure, "flow", source=record.numbers, directory=tmp_path / name, **words))
    for one, two in zip(*files, strict=True):
        assert one.read_bytes() == two.read_bytes()


def test_wrong_types_are_named():
    for draw in (plot_prisma_flow, figure_prisma_flow):
        with pytest.raises(TypeError, match="`flow` must be a PrismaFlow, but got dict"):
            draw({})
