from dataclasses import fields

import pytest

from analysis.figures.journals import DEFAULT_FONT, JOURNALS, Preset, preset

RULES = {
    "fonts",
    "minimum_size",
    "single_mm",
    "double_mm",
    "maximum_height_mm",
    "minimum_line_width",
    "formats",
    "line_art_dpi",
    "combination_dpi",
    "colour_space",
    "decimal_mark",
}


@pytest.mark.parametrize("journal", JOURNALS)
def test_a_preset_keeps_its_own_rules(journal):
    item = preset(journal)
    assert item.name == journal
    assert item.minimum_size <= item.small_size <= item.body_size
    assert item.minimum_line_width <= item.line_width
    assert 70 <= item.single_mm < item.double_mm <= 191
    assert item.combination_dpi <= item.line_art_dpi
    assert item.combination_dpi <= item.tiff_dpi <= max(600, item.combination_dpi)
    assert item.fonts[-1] == DEFAULT_FONT
    assert set(item.formats) <= {"pdf", "svg", "png", "eps", "tiff"}


@pytest.mark.parametrize("journal", [name for name in JOURNALS if name != "default"])
def test_every_rule_is_either_verified_or_said_not_to_be(journal):
    item = preset(journal)
    assert {field.name for field in fields(Preset)} >= RULES
    assert set(item.verified) <= RULES
    assert set(item.unverified) == RULES - set(item.verified)
    assert item.reference.startswith(item.guideline)
    assert item.address in item.reference
    assert item.reference.endswith("(not verified).")


def test_what_the_guidelines_say():
    # Nature: 89 and 183 mm, 170 mm high, letters of 5 to 7 points.
    nature = preset("nature")
    assert (nature.single_mm, nature.double_mm, nature.maximum_height_mm) == (89, 183, 170)
    assert nature.minimum_size == 5
    assert nature.body_size <= 7
    # PLOS: at most 7.5 by 8.75 inches, letters of 8 to 12 points, TIFF or EPS of 300 to 600 dpi.
    plos = preset("plos")
    assert plos.double_mm == pytest.approx(7.5 * 25.4)
    assert plos.maximum_height_mm == pytest.approx(8.75 * 25.4, abs=0.06)
    assert set(plos.formats) == {"tiff", "eps"}
    assert 300 <= plos.tiff_dpi <= 600
    # Springer: lines of 0.3 points, 1200 dpi for lines, 600 for combinations.
    springer = preset("springer")
    assert (springer.minimum_line_width, springer.line_art_dpi, springer.combination_dpi) == (0.3, 1200, 600)
    # Elsevier: letters of 7 points, lines from 0.1 points, 1000 and 500 dpi.
    elsevier = preset("elsevier")
    assert (elsevier.minimum_size, elsevier.minimum_line_width) == (7, 0.1)
    assert (elsevier.line_art_dpi, elsevier.combination_dpi) == (1000, 500)


def test_an_unknown_journal_is_refused_with_a_list():
    with pytest.raises(
        ValueError, match=r"`journal` must be one of 'default', 'lancet', .* but got 'lancte'"
    ):
        preset("lancte")
