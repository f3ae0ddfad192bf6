from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from analysis.data.dictionary import ColumnEntry, read_dictionary
from analysis.data.provenance import project_root
from analysis.data.schema import build_schema, read_csv, validate
from analysis.errors import DataError

DICTIONARY = read_dictionary(project_root(start=Path(__file__)) / "data" / "dictionary.csv")
GOOD = b"claim_id,printed,checked_as\nA,19%,PR\nB,1.83,HR\n"


def read(tmp_path, content, *, canonical=True):
    path = tmp_path / "file.csv"
    path.write_bytes(content)
    return read_csv(path, canonical=canonical, name="file.csv")


def check(tmp_path, content, *, kind="claims"):
    frame = read(tmp_path, content)
    return validate(frame, file="file.csv", kind=kind, dictionary=DICTIONARY, only_required=True)


def faults_of(tmp_path, content):
    with pytest.raises(DataError) as caught:
        check(tmp_path, content)
    return caught.value.faults


def test_reads_text_with_lines_and_missing_cells(tmp_path):
    frame = read(tmp_path, b'a,b\n"two\nlines",\n1.0,x\n')
    assert frame.index.tolist() == [2, 4]
    assert frame.index.name == "line"
    assert frame.loc[2, "b"] is pd.NA
    assert frame.loc[4, "a"] == "1.0"
    assert {str(dtype) for dtype in frame.dtypes} == {"string"}


FILE_FAULTS = [
    pytest.param(b"", "but is empty", None, id="empty"),
    pytest.param(b" \n\n", "but is empty", None, id="blank"),
    pytest.param(b"a,b\n", "at least one row below the header", 1, id="header only"),
    pytest.param(b"a,b\n1,2\n3,\xe9\n", "byte 10 is 0xe9", 3, id="latin-1"),
    pytest.param("a,b\n1,2\n".encode("utf-16"), "UTF-16 or UTF-32", 1, id="utf-16"),
    pytest.param(b"a,b\n1,\0\n", r"byte 6 is one \(1 in all\)", 2, id="NUL"),
    pytest.param(b"a;b\n1;2\n", "but uses semicolons", 1, id="semicolon"),
    pytest.param(b"a\tb\n1\t2\n", "but uses tabs", 1, id="tab"),
    pytest.param(b"a,b\n1,2\n3\n", "must have 2 cells, as the header has, but has 1", 3, id="short row"),
    pytest.param(b"a,b\n1,2,3\n", "must have 2 cells, as the header has, but has 3", 2, id="long row"),
    pytest.param(b"a,b\n1,2\n\n3,4\n", "but is blank", 3, id="blank row"),
    pytest.param(b"a,a\n1,2\n", "once, but stands there 2 times", 1, id="duplicate header"),
    pytest.param(b"a,\n1,2\n", "column 2 has no name", 1, id="nameless column"),
    pytest.param(b'a,b\n1,"2\n', "well-formed CSV", 2, id="open quote"),
    pytest.param(b'a,b\n1,"2"3\n', "well-formed CSV", 2, id="text after a quote"),
]


@pytest.mark.parametrize("canonical", [True, False])
@pytest.mark.parametrize(("content", "message", "line"), FILE_FAULTS)
def test_file_faults(tmp_path, content, message, line, canonical):
    with pytest.raises(DataError, match=message) as caught:
        read(tmp_path, content, canonical=canonical)
    assert caught.value.faults[0].line == line
    assert {fault.file for fault in caught.value.faults} == {"file.csv"}


CANONICAL_FAULTS = [
    pytest.param(b"\xef\xbb\xbfa,b\n1,2\n", "byte order mark", 1, id="BOM"),
    pytest.param(b"a,b\r\n1,2\r\n", "carriage returns", 1, id="CRLF"),
    pytest.param(b"a,b\n1,2\r3,4\n", "carriage returns", 2, id="CR"),
    pytest.param(b"a,b\n1,2", "the last line may be cut off", 2, id="truncated"),
]


@pytest.mark.parametrize(("content", "message", "line"), CANONICAL_FAULTS)
def test_only_files_of_the_project_are_canonical(tmp_path, content, message, line):
    with pytest.raises(DataError, match=message) as caught:
        read(tmp_path, content)
    assert [fault.line for fault in caught.value.faults] == [line]
    frame = read(tmp_path, content, canonical=False)
    assert frame.columns.tolist() == ["a", "b"]
    assert frame.iloc[0].tolist() == ["1", "2"]


def test_file_must_exist(tmp_path):
    with pytest.raises(DataError, match="must exist"):
        read_csv(tmp_path / "none.csv", canonical=True)
    with pytest.raises(DataError, match="a file that can be read"):
        read_csv(tmp_path, canonical=True)


def test_all_file_faults_are_reported_at_once(tmp_path):
    with pytest.raises(DataError) as caught:
        read(tmp_path, b"\xef\xbb\xbfa,a\r\n1,\xe9\r\n1\r\n1,2,3")
    rules = " | ".join(fault.rule for fault in caught.value.faults)
    for word in ("byte order mark", "carriage", "0xe9", "2 times", "has 1", "has 3", "cut off"):
        assert word in rules
    assert len(caught.value.faults) == 7


def test_reading_writes_nothing(tmp_path):
    path = tmp_path / "file.csv"
    path.write_bytes(GOOD)
    before = path.stat()
    read_csv(path, canonical=True)
    assert path.read_bytes() == GOOD
    assert path.stat().st_mtime_ns == before.st_mtime_ns
    assert [file.name for file in tmp_path.iterdir()] == ["file.csv"]


def test_converts_by_the_type_of_the_dictionary(tmp_path):
    frame = check(
        tmp_path,
        b"claim_id,printed,checked_as,exposed_cases,exposed_total,exposed_percent\nA,19%,PR,15,80,18.70\nB,1,PR,,,\n",
    )
    assert str(frame["exposed_cases"].dtype) == "Int64"
    assert str(frame["exposed_percent"].dtype) == "string"
    assert frame["exposed_cases"].tolist() == [15, pd.NA]
    assert frame["exposed_percent"].iloc[0] == "18.70"
    assert frame["exposed_percent"].iloc[1] is pd.NA
    assert frame.columns.tolist() == [entry.column for entry in DICTIONARY["claims"]]
    assert frame.index.tolist() == [2, 3]


def test_numbers_become_floats():
    frame = pd.DataFrame({"x": ["1.5", pd.NA]}, dtype="string", index=[2, 3])
    entry = ColumnEntry(
        column="x",
        type="number",
        required=False,
        allowed=(),
        unit="years",
        missing="not seen",
        description="x",
    )
    checked = validate(frame, file="x.csv", kind="x", dictionary={"x": (entry,)})
    assert str(checked["x"].dtype) == "float64"
    assert checked["x"].iloc[0] == 1.5
    assert pd.isna(checked["x"].iloc[1])


def cell(column, value):
    """One row in which `column` holds `value`."""
    row = {"claim_id": "A", "printed": "19%", "checked_as": "PR", column: value}
    quoted = (f'"{text}"' if "," in text else text for text in row.values())
    return f"{','.join(row)}\n{','.join(quoted)}\n".encode()


CELL_FAULTS = [
    pytest.param("exposed_total", "eighty", "whole number", id="text in a count"),
    pytest.param("exposed_total", "-3", "whole number", id="negative count"),
    pytest.param("exposed_total", "80.5", "whole number", id="fractional count"),
    pytest.param("exposed_total", "80.0", "neither 27,657 nor 27657.0", id="count with a decimal"),
    pytest.param("exposed_total", "27,657", "neither 27,657 nor 27657.0", id="count with a separator"),
    pytest.param("exposed_total", "٨٠", "whole number", id="digits of another script"),
    pytest.param("exposed_total", "NA", "whole number", id="NA"),
    pytest.param("exposed_percent", "101", "from 0 to 100", id="percent above 100"),
    pytest.param("exposed_percent", "-1", "from 0 to 100", id="negative percent"),
    pytest.param("exposed_percent", "4.7%", "without the sign", id="percent with a sign"),
    pytest.param("exposed_percent", "4,7", "from 0 to 100", id="decimal comma"),
    pytest.param("exposed_percent", "nan", "from 0 to 100", id="nan"),
    pytest.param("checked_as", "hazard", "must be one of: PR; RR; OR; RD; HR", id="unknown choice"),
    pytest.param("checked_as", "hr ", "Did you mean 'HR'", id="choice in lower case"),
    pytest.param("printed", "high", "holds a number", id="printed without a number"),
    pytest.param("printed", " 19%", "without spaces around it", id="printed with a space"),
    pytest.param("claim_id", "A 1", "one word", id="key with a space"),
    pytest.param("source", " Smith2020", "must not begin or end with a space", id="citation with a space"),
    pytest.param("evidence", "prev_001  prev_002", "single spaces", id="row_ids with two spaces"),
    pytest.param("note", "text ", "must not begin or end with a space", id="text with a space"),
]


@pytest.mark.parametrize(("column", "value", "message"), CELL_FAULTS)
def test_cell_faults(tmp_path, column, value, message):
    with pytest.raises(DataError, match=re.escape(message)) as caught:
        check(tmp_path, cell(column, value))
    (fault,) = caught.value.faults
    assert (fault.file, fault.line, fault.column, fault.value) == ("file.csv", 2, column, value)


@pytest.mark.parametrize("column", ["claim_id", "printed", "checked_as"])
def test_required_cell_must_not_be_empty(tmp_path, column):
    (fault,) = faults_of(tmp_path, cell(column, ""))
    assert (fault.line, fault.column, fault.rule) == (2, column, "must not be empty")


def test_keys_are_unique(tmp_path):
    (fault,) = faults_of(tmp_path, GOOD + b"A,1,RR\n")
    assert (fault.line, fault.column, fault.value) == (4, "claim_id", "A")
    assert "line 2 has it too" in fault.rule


def test_missing_and_unexpected_columns_name_the_nearest(tmp_path):
    faults = faults_of(tmp_path, b"claim_id,Printed,checkd_as,colour\nA,19%,PR,red\n")
    found = {fault.column: fault for fault in faults}
    assert set(found) == {"Printed", "printed", "checkd_as", "checked_as", "colour"}
    assert {fault.line for fault in faults} == {1}
    assert found["printed"].way_out == "Rename `Printed`, if that is the one."
    assert found["checkd_as"].way_out == "Did you mean `checked_as`?"
    assert "the columns are claim_id, claim" in found["colour"].way_out


def test_optional_columns_must_be_there_in_files_of_the_project(tmp_path):
    with pytest.raises(DataError, match="column `evidence`: must be in the header"):
        validate(read(tmp_path, GOOD), file="file.csv", kind="claims", dictionary=DICTIONARY)


def test_unknown_kind_is_an_argument_error(tmp_path):
    with pytest.raises(ValueError, match=r"`kind` must be one of claims, .* but got 'claim'"):
        validate(read(tmp_path, GOOD), file="file.csv", kind="claim", dictionary=DICTIONARY)


def test_all_cell_faults_are_reported_at_once(tmp_path):
    content = (
        b"claim_id,printed,checked_as,exposed_cases,exposed_total,control_percent\n"
        b"A,19%,PR,81,80,\nA,,XX,x,80,120\n,1,RR,3,,\n"
    )
    found = [(fault.line, fault.column) for fault in faults_of(tmp_path, content)]
    assert found == [
        (2, "exposed_cases"),
        (3, "checked_as"),
        (3, "claim_id"),
        (3, "control_percent"),
        (3, "exposed_cases"),
        (3, "printed"),
        (4, "claim_id"),
        (4, "exposed_cases"),
    ]


def test_validation_cannot_be_switched_off_by_the_environment(tmp_path):
    path = tmp_path / "file.csv"
    path.write_bytes(cell("exposed_total", "eighty"))
    code = (
        "import os, sys\n"
        "from analysis.data.datasets import read_user_table\n"
        "from analysis.errors import DataError\n"
        "before = dict(os.environ)\n"
        "try: read_user_table(sys.argv[1], kind='claims')\n"
        "except DataError: sys.exit(3 if dict(os.environ) == before else 4)"
    )
    switched_off = {"PANDERA_VALIDATION_ENABLED": "False", "PANDERA_VALIDATION_DEPTH": "SCHEMA_ONLY"}
    run = subprocess.run([sys.executable, "-c", code, path], check=False, env={**os.environ, **switched_off})
    assert run.returncode == 3


def test_schema_has_exactly_the_columns_of_the_dictionary():
    for entries in DICTIONARY.values():
        schema = build_schema(entries)
        assert list(schema.columns) == [entry.column for entry in entries]
        assert schema.strict is True


HEADER = "file,column,type,unit,required,allowed,missing,description\n"


@pytest.mark.parametrize(
    ("row", "column", "message"),
    [
        ("x,a,text,,yes,,,what", "file", "name of a CSV file"),
        ("x.csv,,text,,yes,,,what", "column", "column name"),
        ("x.csv,a,float,,yes,,,what", "type", "must be one of: key"),
        ("x.csv,a,text,,maybe,,,what", "required", "must be one of: yes, no"),
        ("x.csv,a,choice,,yes,,,what", "allowed", "values of a choice"),
        ("x.csv,a,text,,yes,b|c,,what", "allowed", "values of a choice"),
        ("x.csv,a,text,,no,,,what", "missing", "what an empty cell means"),
        ("x.csv,a,text,,yes,,none,what", "missing", "what an empty cell means"),
        ("x.csv,a,text,,yes,,,", "description", "must not be empty"),
    ],
)
def test_dictionary_faults(tmp_path, row, column, message):
    path = tmp_path / "dictionary.csv"
    path.write_text(f"{HEADER}{row}\n")
    with pytest.raises(DataError, match=message) as caught:
        read_dictionary(path)
    assert [(fault.line, fault.column) for fault in caught.value.faults] == [(2, column)]


def test_dictionary_columns_are_fixed_and_entries_unique(tmp_path):
    path = tmp_path / "dictionary.csv"
    path.write_text("file,column\nx.csv,a\n")
    with pytest.raises(DataError, match="must have the columns file, column, type"):
        read_dictionary(path)
    path.write_text(f"{HEADER}x.csv,a,text,,yes,,,what\nx.csv,a,text,,yes,,,what\n")
    with pytest.raises(
        DataError, match="line 3, column `column`: must be a column name that the file has once"
    ):
        read_dictionary(path)
