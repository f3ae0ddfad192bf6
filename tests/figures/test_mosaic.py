import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from analysis.figures.export import save_figure
from analysis.figures.journals import JOURNALS
from analysis.figures.mosaic import figure_mosaic, plot_mosaic
from analysis.figures.record import record_of
from analysis.figures.style import current, style
from analysis.values.counts import TwoByTwo


def table(a, n1, c, n0):
    return TwoByTwo(exposed_cases=a, exposed_total=n1, control_cases=c, control_total=n0)


TABLES = {
    "even": table(30, 80, 20, 90),
    "narrow left": table(257, 5476, 774, 27657),
    "very narrow left": table(3, 20, 40, 800),
    "narrow right": table(300, 800, 4, 12),
    "very narrow right": table(300, 800, 0, 1),
    "no cases": table(0, 80, 0, 90),
    "all cases": table(80, 80, 90, 90),
    "opposite": table(0, 80, 90, 90),
    "rare": table(1, 5000, 2, 5000),
    "common": table(4999, 5000, 4998, 5000),
    "one person each": table(1, 1, 0, 1),
}


def cells(ax):
    return {
        tuple(map(int, patch.get_gid().split()[1:])): patch
        for patch in ax.patches
        if (patch.get_gid() or "").startswith("cell")
    }


@pytest.mark.parametrize("name", TABLES)
def test_cells_lie_where_the_counts_say(name):
    data = TABLES[name]
    found = cells(plot_mosaic(data))
    people = float(data.exposed_total + data.control_total)
    sizes = [
        (float(data.exposed_cases), float(data.exposed_total)),
        (float(data.control_cases), float(data.control_total)),
    ]
    right_of_first = 0.0
    for arm, (cases, total) in enumerate(sizes):
        for part, n in enumerate((cases, total - cases)):
            if n == 0:
                assert (arm, part) not in found
                continue
            cell = found[arm, part]
            assert cell.get_width() == pytest.approx(100 * total / people)
            assert cell.get_height() == pytest.approx(100 * n / total)
            assert cell.get_y() == pytest.approx(0 if part == 0 else 100 * cases / total)
            # Areas are numbers of people.
            assert cell.get_width() * cell.get_height() == pytest.approx(1e4 * n / people)
            if arm == 0:
                assert cell.get_x() == 0
                right_of_first = cell.get_width()
            else:
                assert cell.get_x() > right_of_first


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("width_mm", [84, 174])
def test_every_count_is_written_once_and_nothing_overlaps(name, width_mm, check_texts):
    data = TABLES[name]
    texts = check_texts(figure_mosaic(data, width_mm=width_mm, note="A note.")) if width_mm else []
    joined = " ".join(texts).replace("\n", " ")
    counts = [
        data.exposed_cases,
        data.exposed_total - data.exposed_cases,
        data.control_cases,
        data.control_total - data.control_cases,
    ]
    assert joined.count("%)") == 4 + 1
    for n in counts:
        said = f"{int(n):,}".replace(",", "\u2009") if n >= 10000 else f"{int(n)}"
        assert f"{said} (" in joined
    assert "Cases" in joined
    assert "No cases" in joined


@pytest.mark.parametrize("journal", JOURNALS)
@pytest.mark.parametrize("name", ["even", "narrow left", "narrow right", "opposite"])
def test_it_holds_in_each_journal(journal, name, check_texts):
    with style(journal):
        words = {
            "arms": ("Ankylosing spondylitis", "Matched controls"),
            "outcomes": ("Fracture", "No fracture"),
        }
        check_texts(figure_mosaic(TABLES[name], synthetic=True, **words))
        check_texts(figure_mosaic(TABLES[name], width_mm=current().double_mm, **words))


def test_counts_stand_in_large_cells_and_over_low_ones():
    for name, inside in (("even", True), ("rare", False)):
        figure = figure_mosaic(TABLES[name], width_mm=120)
        ax = figure.axes[1]
        figure.draw_without_rendering()
        renderer = figure.canvas.get_renderer()
        texts = [text for text in ax.texts if text.get_gid() == "count"]
        boxes = cells(ax)
        case = boxes[0, 0].get_window_extent(renderer)
        text = texts[0].get_window_extent(renderer)
        assert (text.y1 <= case.y1) == inside
        assert texts[0].get_color() == ("white" if inside else "#000000")
        assert case.x0 < text.x0 < text.x1 < case.x1


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("width_mm", [84, 120, 174])
def test_white_letters_are_wholly_on_dark_cells(name, width_mm):
    figure = figure_mosaic(TABLES[name], width_mm=width_mm)
    ax = figure.axes[1]
    figure.draw_without_rendering()
    renderer = figure.canvas.get_renderer()
    dark = [cell.get_window_extent(renderer) for (_, part), cell in cells(ax).items() if part == 0]
    for text in filter(Text.get_text, ax.texts):
        box = text.get_window_extent(renderer)
        within = [
            cell.x0 <= box.x0 and box.x1 <= cell.x1 and cell.y0 <= box.y0 and box.y1 <= cell.y1
            for cell in dark
        ]
        apart = [
            cell.x1 <= box.x0 or box.x1 <= cell.x0 or cell.y1 <= box.y0 + 1 or box.y1 <= cell.y0 + 1
            for cell in dark
        ]
        assert any(within) if text.get_color() == "white" else all(apart), text


def test_narrow_arms_have_leaders_to_what_is_written_beside_them(by_gid):
    assert len(by_gid(plot_mosaic(TABLES["even"]), "leader")) == 0
    for name in ("narrow left", "narrow right"):
        ax = plot_mosaic(TABLES[name])
        leaders = by_gid(ax, "leader")
        arm = int(name == "narrow right")
        middles = sorted(
            cell.get_y() + cell.get_height() / 2 for (a, _), cell in cells(ax).items() if a == arm
        )
        assert sorted(leader.xy[1] for leader in leaders) == pytest.approx(middles)


def test_the_axis_has_readable_ticks():
    figure = figure_mosaic(TABLES["even"])
    ax = figure.axes[1]
    assert ax.get_yticks().tolist() == [0, 20, 40, 60, 80, 100]
    assert ax.get_ylim() == (0, 100)


@pytest.mark.parametrize("name", TABLES)
def test_axes_of_their_own_hold_all_texts(name, check_texts):
    check_texts(plot_mosaic(TABLES[name]).figure)


def test_labels_of_all_kinds(check_texts):
    texts = check_texts(
        figure_mosaic(TABLES["even"], arms=("$a$ & <b>", "Плацебо"), outcomes=("Überlebt", "ø"))
    )
    joined = " ".join(texts)
    for word in ("$a$ & <b>", "Плацебо", "Überlebt", "ø"):
        assert word in joined


def test_given_axes_are_used():
    figure = Figure(figsize=(5, 4))
    FigureCanvasAgg(figure)
    ax = figure.add_axes((0.3, 0.2, 0.4, 0.7))
    assert plot_mosaic(TABLES["narrow left"], ax=ax) is ax
    assert len(figure.axes) == 1


def test_words_and_numbers_say_what_is_drawn():
    figure = figure_mosaic(TABLES["even"], outcomes=("Fracture", "No fracture"))
    record = record_of(figure)
    assert record.alt == "Exposed: fracture 30 of 80 (37.5%); Control: fracture 20 of 90 (22.2%)."
    assert record.numbers.n.tolist() == [30, 50, 20, 70]
    drawn = cells(figure.axes[1])
    for row, place in zip(record.numbers.itertuples(), [(0, 0), (0, 1), (1, 0), (1, 1)], strict=True):
        box = (row.left_percent, row.bottom_percent, row.width_percent, row.height_percent)
        cell = drawn[place]
        assert box == (cell.get_x(), cell.get_y(), cell.get_width(), cell.get_height())


def test_saving_twice_gives_the_same_bytes(tmp_path):
    files = []
    for name in ("one", "two"):
        figure = figure_mosaic(TABLES["narrow left"])
        record = record_of(figure)
        words = {"title": record.title, "caption": record.caption, "alt": record.alt}
        files.append(save_figure(figure, "mosaic", source=record.numbers, directory=tmp_path / name, **words))
    for one, two in zip(*files, strict=True):
        assert one.read_bytes() == two.read_bytes()


def test_wrong_arguments_are_named():
    for draw in (plot_mosaic, figure_mosaic):
        with pytest.raises(TypeError, match="`table` must be a TwoByTwo, but got list"):
            draw([[1, 2], [3, 4]])
        with pytest.raises(
            ValueError, match=r"must be one table, but got \(2,\) of them; select one, as table\[0\]"
        ):
            draw(table([1, 2], 9, 1, 9))
        with pytest.raises(ValueError, match="people in both arms, but `control_total` is 0: it has no risk"):
            draw(table(1, 9, 0, 0))
        with pytest.raises(ValueError, match=r"`outcomes` must be two texts, but got \('a',\)"):
            draw(TABLES["even"], outcomes=("a",))
    with pytest.raises(ValueError, match="points are left for the mosaic. Set a larger `width_mm`"):
        figure_mosaic(TABLES["narrow left"], width_mm=45)
