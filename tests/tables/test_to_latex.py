import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.tables.to_latex import escape_latex, latex_label, latex_packages, render_latex

# A command with its arguments left out, as TeX reads it.
_COMMAND = re.compile(r"\\(?:[A-Za-z]+\*?|[^A-Za-z])")


def _code(text):
    """Return what is no comment."""
    return "\n".join(line for line in text.split("\n") if not line.startswith("%"))


def _check_structure(text):
    """Hold braces, environments, mathematics and special signs to TeX's rules."""
    bare = _COMMAND.sub(lambda found: " " * len(found[0]) if found[0][1] not in "{}" else "  ", text)
    depth = 0
    for letter in bare:
        depth += {"{": 1, "}": -1}.get(letter, 0)
        assert depth >= 0
    assert depth == 0
    stack = []
    for kind, name in re.findall(r"\\(begin|end)\{(\w+)\}", text):
        if kind == "begin":
            stack.append(name)
        else:
            assert stack.pop() == name
    assert stack == []
    for sign in '$#^_%"<|':
        assert sign not in bare.replace(">{", "{"), sign


def test_every_table_is_sound(table):
    text = render_latex(table)
    code = _code(text)
    _check_structure(code)
    assert code.count(r"\toprule") == code.count(r"\begin{longtable}") + 1
    assert code.count(r"\bottomrule") == 1
    rows = [line for line in code.split("\n") if line.endswith(r" \\") and "multicolumn" not in line]
    for line in rows:
        assert len(re.findall(r"(?<!\\)&", line)) == len(table.columns) - 1
    assert text.startswith("% Needs in the preamble:\n%   ")


def test_every_row_is_printed(table):
    code = _code(render_latex(table))
    starts = [
        line.split(" & ")[0]
        for line in code.split("\n")
        if line.endswith(r" \\") and r"\multicolumn{1}" not in line and not line.startswith(r"\multicolumn")
    ]
    headings = 2 if "longtable" in code else 1
    assert len(table.rows) <= len(starts) <= len(table.rows) + headings
    assert code.count(escape_latex(table.title)) == 1
    assert (r"\setcounter{table}{6}" in code) == (table.number == 7)


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("50% & more_$x$ #1", r"50\% \& more\_\$x\$ \#1"),
        ("\\ ~ ^ {}", r"\textbackslash{} \textasciitilde{} \textasciicircum{} \{\}"),
        ("<a|b>", r"\textless{}a\textbar{}b\textgreater{}"),
        ('"q"', r"\textquotedbl{}q\textquotedbl{}"),
        ("−0.5 – 1\u2009000", r"\ensuremath{-}0.5 -- 1\,000"),
        ("3.0×10⁻⁹", r"3.0\ensuremath{\times}10\textsuperscript{\ensuremath{-}9}"),
        ("τ² ≤ x₁₂", r"\ensuremath{\tau}\textsuperscript{2} \ensuremath{\le} x\textsubscript{12}"),
        ("1·83", r"1\textperiodcentered{}83"),
        ("a--b ''", "a-{}-b '{}'"),
        ("[1]*", "{[}1{]}{*}"),
        ("\u2007\u20071.5", r"\phantom{00}1.5"),
        ("Müller Łódź", "Müller Łódź"),
        ("Μελέτη 研究", "Μελέτη 研究"),
        ("e\u0301", "é"),
        ("⊕◯∞", r"\ensuremath{\oplus}\ensuremath{\bigcirc}\ensuremath{\infty}"),
        ("a\n\nb", "a b"),
        ("I² = 92\xa0%", r"I\textsuperscript{2} = 92~\%"),
    ],
)
def test_signs_are_escaped(text, escaped):
    assert escape_latex(text) == escaped


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_is_sound(text):
    _check_structure(escape_latex(text))
    assert "\n" not in escape_latex(text)


def test_the_small_table(small):
    assert render_latex(small) == (
        "% Needs in the preamble:\n"
        "%   \\usepackage[T1]{fontenc}\n"
        "%   \\usepackage[utf8]{inputenc}\n"
        "%   \\usepackage{textcomp}\n"
        "%   \\usepackage{array}\n"
        "%   \\usepackage{booktabs}\n"
        "%   \\usepackage{threeparttable}\n"
        "\\begin{table}[htbp]\n"
        "\\centering\\small\n"
        "\\begin{threeparttable}\n"
        "\\caption{Two studies}\\label{tab:two-studies}\n"
        "\\begin{tabular}{@{}lrl@{}}\n"
        "\\toprule\n"
        "\\textbf{Study} & \\multicolumn{1}{r}{\\begin{tabular}[b]{@{}r@{}}\\textbf{Weight}\\\\"
        "\\textbf{(\\%)}\\textsuperscript{a}\\end{tabular}} & "
        "\\multicolumn{1}{l}{\\begin{tabular}[b]{@{}l@{}}\\textbf{Risk ratio}\\\\"
        "\\textbf{(95\\%~CI)}\\end{tabular}} \\\\\n"
        "\\midrule\n"
        "\\multicolumn{3}{@{}l}{\\textbf{women}} \\\\\n"
        "\\hspace*{1em}A\\textsuperscript{b} & 9.5\\phantom{0} & \\phantom{0}0.50 (0.40 to 0.62) \\\\\n"
        "\\addlinespace\n"
        "\\multicolumn{3}{@{}l}{\\textbf{men}} \\\\\n"
        "\\hspace*{1em}B\\textsuperscript{a,b} & 90.25 & 10.50 (9.00 to 12.25) \\\\\n"
        "\\midrule\n"
        "\\textbf{Sum} & 99.75 & \\phantom{0}1.00 (0.90 to 1.10) \\\\\n"
        "\\bottomrule\n"
        "\\end{tabular}\n"
        "\\begin{tablenotes}[flushleft]\\footnotesize\n"
        "\\item First note.\n"
        "\\item \\textsuperscript{a} Of the model.\n"
        "\\item \\textsuperscript{b} Unpublished.\n"
        "\\item Source: Made up.\n"
        "\\end{tablenotes}\n"
        "\\end{threeparttable}\n"
        "\\end{table}\n"
    )


def test_long_tables_run_over_pages(tables, small):
    long = render_latex(tables["200 rows"])
    assert r"\begin{longtable}" in long
    assert "%   \\usepackage{longtable}" in long
    assert "threeparttable" not in long
    assert long.count(r"\endhead") == long.count(r"\endfirsthead") == 1
    assert "longtable" not in render_latex(small)


def test_wide_tables_stand_on_their_side(tables, small):
    wide = render_latex(tables["summary of findings"])
    assert r"\begin{sidewaystable}" in wide
    assert "%   \\usepackage{rotating}" in wide
    assert "sideways" not in render_latex(small)
    widths = [int(width) for width in re.findall(r"p\{(\d+)mm\}", wide)]
    assert 0 < sum(widths) < 230


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("τ² ≤ 3 Müller", "%   \\usepackage[T1]{fontenc}"),
        ("Исследование", "%   \\usepackage[T2A,T1]{fontenc}"),
        ("研究 a", "%   (holds CJK: compile with XeLaTeX or LuaLaTeX)"),
        ("دراسة Μελέτη", "%   (holds Arabic, Greek: compile with XeLaTeX or LuaLaTeX)"),
    ],
)
def test_what_a_document_must_load_is_said(text, line):
    assert latex_packages(text)[1] == line


@pytest.mark.parametrize(
    ("title", "label"),
    [
        ("Risk of fracture, 13 trials", "tab:risk-of-fracture-13-trials"),
        ("Σ 研究", "tab:table"),
        ("Élan %_#", "tab:elan"),
    ],
)
def test_labels_are_plain(title, label):
    assert latex_label(title) == label


def test_a_row_that_begins_with_a_bracket_is_no_option(small):
    row = replace(
        small.rows[0],
        group="",
        cells=(replace(small.rows[0].cells[0], text="[2cm]"), *small.rows[0].cells[1:]),
    )
    assert "\n{[}2cm{]}" in render_latex(replace(small, rows=(row, row)))
