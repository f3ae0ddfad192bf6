import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.tables.to_markdown import escape_markdown, render_markdown

_BARE = re.compile(r"(?<!\\)(?:\\\\)*([|])")


def _table_lines(text):
    return [line for line in text.split("\n") if line.startswith("|")]


def test_every_line_has_as_many_cells_as_there_are_columns(table):
    lines = _table_lines(render_markdown(table))
    headings = len({row.group for row in table.rows} - {""})
    assert len(lines) >= len(table.rows) + 2 + headings
    assert {len(_BARE.findall(line)) for line in lines} == {len(table.columns) + 1}


def test_the_small_table(small):
    assert render_markdown(small) == (
        "**Table.** Two studies\n"
        "\n"
        "| Study | Weight (%)<sup>a</sup> | Risk ratio (95% CI) |\n"
        "| :-- | --: | :-- |\n"
        "| **women** |  |  |\n"
        "| A<sup>b</sup> | 9.5 | 0.50 (0.40 to 0.62) |\n"
        "| **men** |  |  |\n"
        "| B<sup>a,b</sup> | 90.25 | 10.50 (9.00 to 12.25) |\n"
        "| **Sum** | 99.75 | 1.00 (0.90 to 1.10) |\n"
        "\n"
        "First note.\n"
        "\n"
        "<sup>a</sup> Of the model.\n"
        "\n"
        "<sup>b</sup> Unpublished.\n"
        "\n"
        "Source: Made up.\n"
    )


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_no_text_ends_a_cell_or_begins_a_tag(text):
    escaped = escape_markdown(text)
    assert "\n" not in escaped
    assert not _BARE.search(escaped)
    assert not re.search(r"(?<!\\)(?:\\\\)*[<`*_$]", escaped)


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("a|b", r"a\|b"),
        ("</td><script>", r"\</td\>\<script\>"),
        ("&lt;", "&amp;lt;"),
        ("_a_ *b* `c` $x$ ~ ^", r"\_a\_ \*b\* \`c\` \$x\$ \~ \^"),
        ("a\nb", "a b"),
        ("\\", "\\\\"),
    ],
)
def test_signs_are_escaped(text, escaped):
    assert escape_markdown(text) == escaped
