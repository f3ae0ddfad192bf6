from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest

from analysis.data import datasets
from analysis.data.dictionary import COLUMN_TYPES, read_dictionary
from analysis.data.provenance import citation_keys, project_root

ROOT = project_root(start=Path(__file__))
RAW = ROOT / "data" / "raw"
TABLES = {
    "prevalence": datasets.load_prevalence(root=ROOT),
    "comparative_counts": datasets.load_comparative_counts(root=ROOT),
    "rates": datasets.load_rates(root=ROOT),
    "published_estimates": datasets.load_published_estimates(root=ROOT),
    "published_ranges": datasets.load_published_ranges(root=ROOT),
    "hla_b27": datasets.load_hla_b27(root=ROOT),
}
CLAIMS = datasets.load_claims(root=ROOT).set_index("claim_id")


def used(kind):
    return TABLES[kind][TABLES[kind]["use"] == "yes"]


def some_count_gives(percent, total):
    """Whether a whole number of `total` rounds to the printed percentage, either way at a tie."""
    half = 0.5 * 10 ** -len(percent.partition(".")[2])
    low, high = ((float(percent) + step) * total / 100 for step in (-half, half))
    return any(low - 1e-9 <= count <= high + 1e-9 for count in range(int(low), int(high) + 2))


def test_dictionary_uses_its_closed_list_of_types():
    entries = [entry for file in read_dictionary(ROOT / "data" / "dictionary.csv").values() for entry in file]
    assert {entry.type for entry in entries} == set(COLUMN_TYPES)


@pytest.mark.parametrize("kind", TABLES)
def test_row_ids_count_up(kind):
    prefix = {"prevalence": "prev", "comparative_counts": "comp", "rates": "rate"}.get(kind)
    prefix = prefix or {"published_estimates": "est", "published_ranges": "range", "hla_b27": "hla"}[kind]
    assert TABLES[kind]["row_id"].tolist() == [f"{prefix}_{n:03d}" for n in range(1, len(TABLES[kind]) + 1)]


@pytest.mark.parametrize("kind", TABLES)
def test_used_rows_can_be_found_by_a_reader(kind):
    rows = used(kind)
    identified = rows["doi"].notna() | rows["pmid"].notna()
    other = rows["note"].fillna("").str.contains(r"PMC\d|publisher item S\d")
    assert rows[~(identified | other)]["row_id"].tolist() == []


def test_used_prevalences_have_a_denominator_and_a_count_that_fits():
    for row in used("prevalence").itertuples():
        assert row.total is not pd.NA, row.row_id
        assert row.events is not pd.NA or some_count_gives(row.percent, row.total), row.row_id


def test_used_prevalences_of_one_study_do_not_overlap():
    key = ["study", "outcome", "definition", "method", "site"]
    for names, rows in used("prevalence").groupby(key):
        if len(rows) > 1:
            assert rows["subgroup"].notna().all(), names
            assert rows["subgroup"].is_unique, names


def test_used_comparisons_of_one_study_do_not_overlap():
    key = ["study", "outcome", "definition", "site"]
    for names, rows in used("comparative_counts").groupby(key):
        assert rows["stratum"].is_unique, names
        assert len(rows) == 1 or "all" not in set(rows["stratum"]), names


def test_used_comparisons_are_printed_on_both_sides():
    for row in used("comparative_counts").itertuples():
        for cases, percent, total in (
            (row.exposed_cases, row.exposed_percent, row.exposed_total),
            (row.control_cases, row.control_percent, row.control_total),
        ):
            assert cases is not pd.NA or some_count_gives(percent, total), row.row_id


def test_used_estimates_have_an_interval_and_one_row_a_question():
    rows = used("published_estimates")
    assert rows["low"].notna().all()
    assert rows["confidence_level"].eq(95).all()
    assert not rows.duplicated(["study", "exposure", "outcome", "measure"]).any()
    assert "meta-analysis" not in set(rows["adjusted"])


def test_case_control_rows_say_who_is_compared():
    rows = TABLES["comparative_counts"]
    rows = rows[rows["orientation"] == "case-control"]
    assert set(rows["study"]) == {"PrietoAlhambra2015", "Vosse2009", "Meer2022"}
    assert rows["exposed_label"].str.contains("cases").all()
    assert not TABLES["comparative_counts"].drop(rows.index)["exposed_label"].str.contains("cases").any()


@pytest.mark.parametrize(
    ("study", "reason"),
    [
        ("Stoica2012", "duplicate"),
        ("vanderWeijden2012", "pooled, not primary"),
        ("Harlianto2024", "pooled, not primary"),
        ("ElMaghraoui2001QCT", "other method"),
        ("FitzgeraldConf", "secondary report"),
    ],
)
def test_rows_that_must_not_be_pooled(study, reason):
    rows = TABLES["prevalence"][TABLES["prevalence"]["study"] == study]
    assert len(rows) > 0
    assert set(rows["use"]) == {"no"}
    assert set(rows["reason"]) == {reason}


def test_overlapping_cohorts_are_used_once():
    rows = used("prevalence")
    pair = rows[rows["study"].isin(["PMID25962324", "Wang2017"])]
    assert not pair.duplicated(["outcome", "definition"]).any()
    pair = used("comparative_counts")
    pair = pair[pair["study"].isin(["PMID25962324", "Wang2017"])]
    assert not pair.duplicated(["outcome", "definition"]).any()


def test_quantitative_tomography_is_not_pooled_with_dxa():
    assert not set(used("prevalence")["method"]) & {"QCT", "DEQCT"}


def test_notes_of_arithmetic_are_true():
    prevalence, counts = TABLES["prevalence"], TABLES["comparative_counts"]
    misfits = prevalence[prevalence["reason"] == "percentage does not fit the denominator"]
    # 5 % of 84 fits alone; it is the four percentages together that fit 76 only.
    misfits = misfits[~((misfits["study"] == "Lange2005") & (misfits["percent"] == "5"))]
    assert len(misfits) > 0
    for row in misfits.itertuples():
        assert not some_count_gives(row.percent, row.total), row.row_id
    lange = ["9.2", "5", "11.8", "30.3"]
    assert [n for n in range(60, 91) if all(some_count_gives(percent, n) for percent in lange)] == [76]
    vasdev = counts[(counts["study"] == "Vasdev2011")]["control_percent"].tolist()
    assert [n for n in range(100, 201) if all(some_count_gives(percent, n) for percent in vasdev)] == [163]
    assert some_count_gives("10.8", 287)
    assert not some_count_gives("10.8", 298)
    assert round(11 * 38 / (55 * 1), 2) == 7.60
    assert round(6 * 38 / (28 * 1), 2) == 8.14


def test_claims_hold_what_the_project_sets_out_to_check():
    assert CLAIMS.index.tolist() == [
        *("C1a", "C1b", "C2a", "C2b", "C3a", "C4a", "C4b"),
        *("C5a", "C5b", "C5c", "C5d", "C6a", "C6b"),
    ]
    assert set(CLAIMS["claim"]) == {f"C{n}" for n in range(1, 7)}
    assert CLAIMS.loc["C2a", "printed"] == "1.83 (1.58-2.11)"
    assert CLAIMS.loc["C2a", "checked_as"] == "HR"
    assert CLAIMS.loc["C2b", "checked_as"] == "RR"
    assert CLAIMS[CLAIMS["direction"] == "reversed"].index.tolist() == ["C3a"]
    assert CLAIMS[CLAIMS["range"] == "C1"].index.tolist() == ["C1a", "C1b"]
    for claim in ("C1b", "C2a", "C3a", "C5c"):
        assert CLAIMS.loc[claim, "exposed_cases"] is pd.NA


def test_every_reference_is_cited():
    text = "".join(
        file.read_text(encoding="utf-8") for file in RAW.iterdir() if file.suffix in {".csv", ".md"}
    )
    assert (
        sorted(key for key in citation_keys(RAW / "references.bib") if not re.search(rf"\b{key}\b", text))
        == []
    )


def test_readme_names_every_file_and_only_known_sources():
    text = (RAW / "README.md").read_text(encoding="utf-8")
    for file in RAW.iterdir():
        assert file.name == "README.md" or f"`{file.name}`" in text
    keys = citation_keys(RAW / "references.bib")
    named = set(re.findall(r"`([A-Za-z0-9_]*\d[A-Za-z0-9_]*)`", text))
    assert named - keys == {"SHA256SUMS"}


def test_sums_are_sorted():
    names = [line.split("  ")[1] for line in (RAW / "SHA256SUMS").read_text().splitlines()]
    assert names == sorted(names)
