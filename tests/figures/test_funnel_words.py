"""The words of a funnel plot name every sign and every finding."""

import pytest

from analysis.figures.parts.funnel_input import checked_funnel
from analysis.figures.parts.funnel_words import band_tints, funnel_key, funnel_record
from analysis.meta.pooling import pool


def funnel_of(effects, *, pooled=None, contours=None):
    return checked_funnel(effects, pooled, "std_error", None, contours, None, None, None, ())


def test_bands_between_contours_have_shades_of_their_own(bcg):
    assert len(set(band_tints(funnel_of(bcg)))) == 2
    assert len(band_tints(funnel_of(bcg, contours=[0.05]))) == 1
    assert band_tints(funnel_of(bcg, contours=[])) == []


def test_the_key_names_each_sign_once(bcg):
    texts = [entry.text for entry in funnel_key(funnel_of(bcg, pooled=pool(bcg)))]
    assert texts[:3] == ["study", "pooled", "95% region"]
    assert texts[-1] == "P < 0.01 outside"
    assert len(set(texts)) == len(texts)


def test_the_record_holds_words_notes_and_numbers(bcg):
    record = funnel_record(funnel_of(bcg, pooled=pool(bcg)), ["A note of its own."])
    assert record.caption.endswith("A note of its own.")
    assert "Pooled (random effects): 0.49" in record.alt
    studies = record.numbers[record.numbers["kind"] == "study"]
    assert list(studies["label"]) == list(bcg.label)
    region = record.numbers[record.numbers["kind"] == "region"]
    assert region["std_error"].max() == pytest.approx(1.04 * bcg.std_error.max())
