import subprocess
import sys
import warnings

import pytest
from matplotlib.font_manager import FontProperties, findfont, fontManager

from analysis.figures import fonts
from analysis.figures.fonts import FontWarning, font_chain, lacking_characters, warn_of_substitute
from analysis.figures.parts.text import font

UNKNOWN = "No Such Font 1"


@pytest.fixture
def fresh(monkeypatch):
    monkeypatch.setattr(fonts, "_warned", set())
    monkeypatch.setattr(fonts, "_found", [])


def test_the_default_font_stands_first_where_it_is_wanted():
    assert font_chain(("DejaVu Sans",))[0] == "DejaVu Sans"


def test_a_missing_font_falls_back_to_the_next_one_that_is_there():
    assert font_chain((UNKNOWN, "DejaVu Serif", "DejaVu Sans"))[0] == "DejaVu Serif"
    assert font_chain((UNKNOWN, "No Such Font 2"))[0] == "DejaVu Sans"


def test_a_missing_font_is_warned_about_once(fresh):
    wanted = (UNKNOWN, "DejaVu Sans")
    with pytest.warns(
        FontWarning, match=f"The font {UNKNOWN} is not installed; DejaVu Sans is used, which has"
    ):
        warn_of_substitute(wanted)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_substitute(wanted)


def test_a_font_that_is_there_is_not_warned_about(fresh):
    warn_of_substitute(("DejaVu Sans",))


def test_a_process_warns_once_whatever_is_drawn():
    script = """
import warnings
from analysis.figures import fonts
from analysis.figures.style import style
from analysis.figures.parts.text import font
fonts._installed = fonts._listed = lambda: frozenset({"DejaVu Sans"})
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    font()
    before = len(caught)
    for journal in ("lancet", "nature", "lancet"):
        with style(journal):
            font()
            font(7.0, bold=True)
print(before, len(caught), caught[0].category.__name__)
"""
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert done.stdout == "0 1 FontWarning\n"


def test_the_packaged_font_is_known_and_its_package_not_imported():
    pytest.importorskip("coloraide")
    assert "IPAexGothic" in font_chain(("DejaVu Sans",))
    assert "matplotlib_fontja" not in sys.modules
    assert any(entry.name == "IPAexGothic" for entry in fontManager.ttflist)


def test_characters_are_found_in_the_fonts_that_stand_in(fresh):
    assert lacking_characters("Häggström 2001 ≥ τ²", ("DejaVu Sans",)) == []
    assert lacking_characters("中文 結核 ひらがな", ("DejaVu Sans",)) == []
    assert lacking_characters("دراسة עברית", ("DejaVu Sans",)) == []
    # Egyptian hieroglyphs: no font on the machine has them, or one does and is found.
    point = 0x13000
    lacking = lacking_characters(f"a{chr(point)}\n", ("DejaVu Sans",))
    known = any(point in fonts._characters_in(path) for path in fonts._upright_files().values())
    assert lacking == ([] if known else [chr(point)])


def test_a_font_is_searched_for_what_the_usual_ones_lack(fresh, monkeypatch):
    monkeypatch.setattr(fonts, "_OTHER_SCRIPTS", ())
    fonts._chain.cache_clear()
    try:
        assert lacking_characters("結核", ("DejaVu Sans",)) == []
        assert fonts._found
        assert font_chain(("DejaVu Sans",))[-1] == fonts._found[0]
    finally:
        fonts._chain.cache_clear()


def test_a_box_in_place_of_a_letter_is_no_letter():
    assert not any("Last Resort" in family for family in fonts._upright_files())


def test_marks_of_direction_need_no_glyph():
    assert lacking_characters("a\u200f\u202b\n", ("DejaVu Sans",)) == []


def test_a_family_without_bold_letters_is_not_complained_about(caplog):
    with caplog.at_level("WARNING", logger="matplotlib"):
        findfont(font(9.25, bold=True))
        for family in font(9.25, bold=True).get_family():
            findfont(FontProperties(family=[family], weight="bold", size=9.25))
    assert caplog.messages == []
