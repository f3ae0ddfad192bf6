import matplotlib as mpl
import pytest

from analysis.figures.style import FONT, MM_PER_INCH, POINTS_PER_MM, house_style, style


def test_settings_hold_inside_only():
    before = dict(mpl.rcParams)
    with style():
        assert mpl.rcParams["pdf.fonttype"] == 42
        assert mpl.rcParams["font.family"] == [FONT]
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
        pytest.raises(ValueError, match=r"`name` must be one of 'default', but got 'defualt'\. Did you mean"),
        style("defualt"),
    ):
        pass


def test_an_inch():
    assert pytest.approx(493.23, abs=0.01) == 174 * POINTS_PER_MM
    assert pytest.approx(25.4) == MM_PER_INCH
