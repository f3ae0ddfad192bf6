import numpy as np
import pytest

from analysis.figures.forest import figure_forest, pages_forest
from analysis.figures.record import record_of
from analysis.figures.style import current, style
from analysis.meta.pooling import pool
from analysis.meta.subgroups import subgroups
from analysis.values.estimate import EffectSizes


@pytest.fixture(scope="module")
def many():
    return EffectSizes(
        effect=np.linspace(-0.5, 0.5, 90),
        variance=np.geomspace(0.01, 0.2, 90),
        measure="OR",
        label=[f"Study {i:02d}" for i in range(90)],
    )


def written(figure):
    return [text.get_text() for text in figure.texts]


def test_every_study_is_on_one_page_and_none_is_higher_than_asked(many, by_gid, check_texts):
    pages = pages_forest(pool(many), page_height_mm=150, favours=("less", "more"), note="A note.")
    assert len(pages) > 2
    labels = [text for page in pages for text in written(page) if text in many.label]
    assert labels == list(many.label)
    drawn = [mark.get_xdata()[0] for page in pages for mark in by_gid(page.axes[0], "estimate")]
    assert drawn == pytest.approx(np.exp(many.effect))
    for page in pages:
        check_texts(page)
        assert 25.4 * page.get_size_inches()[1] <= 150
        assert page.axes[0].get_xlim() == pages[0].axes[0].get_xlim()
        assert page.axes[0].get_xlabel() == "Odds ratio (log scale)"
    assert [("A note." in written(page)) for page in pages] == [False] * (len(pages) - 1) + [True]
    assert [("Continued on the next page." in written(page)) for page in pages] == [True] * (
        len(pages) - 1
    ) + [False]
    assert [("(continued)" in written(page)) for page in pages] == [False] + [True] * (len(pages) - 1)
    assert [len(by_gid(page.axes[0], "diamond")) for page in pages] == [0] * (len(pages) - 1) + [1]
    assert all(len(by_gid(page.axes[0], "pooled line")) == 1 for page in pages)


def test_pages_are_even(many):
    pages = pages_forest(pool(many), page_height_mm=150)
    counts = [int((record_of(page).numbers["kind"] == "study").sum()) for page in pages]
    assert max(counts) - min(counts) <= 6
    # On lower pages there would be more of them.
    tall = max(25.4 * page.get_size_inches()[1] for page in pages)
    assert len(pages_forest(pool(many), page_height_mm=tall - 15)) > len(pages)


def test_a_subgroup_that_goes_on_has_its_heading_again(many, check_texts):
    groups = subgroups(many, ["first"] * 50 + ["second"] * 40)
    pages = pages_forest(groups, page_height_mm=120)
    for page in pages:
        check_texts(page)
    headed = [[text for text in written(page) if text.startswith(("first", "second"))] for page in pages]
    assert headed[0] == ["first"]
    assert headed[1][0] == "first (continued)"
    assert all(texts for texts in headed[:-1])


def test_a_heading_stays_with_a_study_and_a_diamond_too(many):
    groups = subgroups(many, ["first"] * 50 + ["second"] * 40)
    for height in np.arange(100, 140, 2.5):
        for page in pages_forest(groups, page_height_mm=float(height)):
            kinds = list(record_of(page).numbers["kind"])
            assert kinds[0] == "study"
            cells = [text for text in page.texts if text.get_gid() == "cell"]
            lowest = min(cells, key=lambda text: -text.get_position()[1]).get_text()
            assert lowest not in {"first", "second"}


def test_few_studies_are_one_page_as_before(bcg, bcg_pooled):
    (page,) = pages_forest(bcg, pooled=bcg_pooled)
    assert record_of(page).title == record_of(figure_forest(bcg_pooled)).title
    assert "(continued)" not in written(page)


def test_a_page_must_hold_something(many):
    with pytest.raises(ValueError, match=r"`page_height_mm` must be about \d+ or more .* but got 20"):
        pages_forest(pool(many), page_height_mm=20)


def test_numbers_are_parted_and_the_parts_are_named(many):
    pages = pages_forest(pool(many), page_height_mm=150)
    records = [record_of(page) for page in pages]
    assert sum(len(record.numbers) for record in records) == 92
    assert records[1].title.endswith(f"(part 2 of {len(pages)})")
    assert records[1].alt.startswith(f"Part 2 of {len(pages)}. ")


def test_the_height_follows_from_the_style(many):
    with style("nature"):
        pages = pages_forest(pool(many), width_mm=89)
        assert all(25.4 * page.get_size_inches()[1] <= current().maximum_height_mm for page in pages)
    with pytest.raises(TypeError, match="must be EffectSizes"):
        pages_forest(3)
