import matplotlib as mpl
import pytest

from analysis.figures.journals import JOURNALS
from analysis.figures.journals import DEFAULT_FONT
from analysis.figures.style import MM_PER_INCH, POINTS_PER_MM, current, house_style, style
from analysis.tables.format import format_estimate
from analysis.tables.number_style import number_style


def test_settings_hold_inside_only():
    before = dict(mpl.rcParams)
    with style():
        assert mpl.rcParams["pdf.fonttype"] == 42
        assert mpl.rcParams["font.family"][0] == DEFAULT_FONT
    assert dict(mpl.rcParams) == before


def test_settings_are_restored_after_an_error():
    before = dict(mpl.rcParams)
    with pytest.raises(RuntimeError), style():
        raise RuntimeError
    assert dict(mpl.rcParams) == before


def test_the_users_own_configuration_does_not_enter():
    with mpl.rc_context({"axes.grid": True, "font.size": 30}), style():
        assert mpl.rcParams["axes.grid"] is False
        assert mpl.rcParams["font.size"] == 7.5


def test_house_style_keeps_what_the_caller_chose():
    with style(), mpl.rc_context({"lines.linewidth": 9}), house_style():
        assert mpl.rcParams["lines.linewidth"] == 9
    with mpl.rc_context({"lines.linewidth": 9}), house_style():
        assert mpl.rcParams["lines.linewidth"] == 0.9


def test_an_unknown_style_is_refused():
    with (
        pytest.raises(
            ValueError,
            match=r"`name` must be one of 'default', 'lancet', 'bmj', 'jama', 'nejm', 'nature', 'plos', "
            r"'elsevier', 'springer', but got 'lancit'\. Did you mean",
        ),
        style("lancit"),
    ):
        pass


def test_an_inch():
    assert pytest.approx(493.23, abs=0.01) == 174 * POINTS_PER_MM
    assert pytest.approx(25.4) == MM_PER_INCH


@pytest.mark.parametrize("journal", JOURNALS)
def test_a_journals_sizes_are_drawn_with(journal):
    assert current().name == "default"
    with style(journal), house_style():
        preset = current()
        assert preset is JOURNALS[journal]
        assert mpl.rcParams["font.size"] == preset.body_size
        assert mpl.rcParams["xtick.labelsize"] == preset.body_size
        assert mpl.rcParams["axes.linewidth"] == preset.line_width
        assert mpl.rcParams["pdf.fonttype"] == mpl.rcParams["ps.fonttype"] == 42
    assert current().name == "default"


def test_the_lancet_has_a_raised_decimal_point():
    with style("lancet"):
        assert format_estimate(1.834, 1.58, 2.1149) == "1·83 (1·58–2·11)"
        with style("bmj"):
            assert format_estimate(1.834, 1.58, 2.1149) == "1.83 (1.58 to 2.11)"
    assert format_estimate(1.834, 1.58, 2.1149) == "1.83 (1.58 to 2.11)"


@pytest.mark.parametrize("journal", JOURNALS)
def test_numbers_are_written_with_the_decimal_mark_of_the_preset(journal):
    with style(journal):
        assert format_estimate(1.834, 1.58, 2.1149).startswith(f"1{current().decimal_mark}83")


def test_the_house_style_keeps_how_the_caller_writes_numbers():
    with number_style(decimal_mark=","), house_style():
        assert format_estimate(1.834, 1.58, 2.1149) == "1,83 (1,58 to 2,11)"
