"""Tables and texts in LaTeX: three lines of booktabs, every sign escaped."""

from __future__ import annotations

import re
import unicodedata
from functools import partial
from typing import TYPE_CHECKING

from analysis.tables.journal_table import printable
from analysis.tables.layout import FIGURE_SPACE, aligned_texts, characters, fitted_widths, tied

if TYPE_CHECKING:
    from collections.abc import Iterable

    from analysis.tables.journal_table import JournalTable, TableColumn

__all__ = ["escape_latex", "latex_label", "latex_packages", "render_latex"]

# More rows than stand on one page.
_LONG = 45
# Of Computer Modern at the size of "small", and what LaTeX puts between two columns.
_MM_PER_LETTER = 1.72
_PADDING_MM = 4.2
_NEW_LINE = r"\\"
_UPRIGHT_MM, _SIDEWAYS_MM = 160.0, 230.0

_SIGNS = {
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "\\": r"\textbackslash{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "`": r"\textasciigrave{}",
    # After the end of a row these would be read as its options.
    "[": "{[}",
    "]": "{]}",
    "*": "{*}",
    "−": r"\ensuremath{-}",
    "–": "--",
    "—": "---",
    "‘": "`",
    "’": "'",
    "“": "``",
    "”": "''",
    "…": r"\ldots{}",
    "·": r"\textperiodcentered{}",
    "•": r"\textbullet{}",
    "†": r"\dag{}",
    "‡": r"\ddag{}",
    "§": r"\S{}",
    "°": r"\textdegree{}",
    "\N{THIN SPACE}": r"\,",
    "\N{NARROW NO-BREAK SPACE}": r"\,",
    "\N{NO-BREAK SPACE}": "~",
    "\N{ZERO WIDTH SPACE}": "",
    "\N{LEFT-TO-RIGHT MARK}": "",
    "\N{RIGHT-TO-LEFT MARK}": "",
}
_MATHS = {
    "≤": r"\le",
    "≥": r"\ge",
    "≠": r"\ne",
    "≈": r"\approx",
    "×": r"\times",
    "÷": r"\div",
    "±": r"\pm",
    "∞": r"\infty",
    "√": r"\surd",
    "→": r"\rightarrow",
    "⊕": r"\oplus",
    "◯": r"\bigcirc",
    "µ": r"\mu",
}
_GREEK = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "varepsilon": "ε", "zeta": "ζ", "eta": "η",
    "theta": "θ", "iota": "ι", "kappa": "κ", "lambda": "λ", "mu": "μ", "nu": "ν", "xi": "ξ", "pi": "π",
    "rho": "ρ", "sigma": "σ", "varsigma": "ς", "tau": "τ", "upsilon": "υ", "varphi": "φ", "chi": "χ",
    "psi": "ψ", "omega": "ω", "Gamma": "Γ", "Delta": "Δ", "Theta": "Θ", "Lambda": "Λ", "Xi": "Ξ", "Pi": "Π",
    "Sigma": "Σ", "Phi": "Φ", "Psi": "Ψ", "Omega": "Ω",
}  # fmt: skip
# Signs that T1 fonts have as they are, and those of other scripts for which a package says what to do.
_LATIN = re.compile(r"[\x20-\x7e\xa0-\u017f]")
_RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺"
_LOWERED = "₀₁₂₃₄₅₆₇₈₉₋₊"
_RAISED_RUN = re.compile(f"[{_RAISED}]+")
_LOWERED_RUN = re.compile(f"[{_LOWERED}]+")
_FIGURE_SPACES = re.compile(f"{FIGURE_SPACE}+")
_GREEK_WORD = re.compile(r"[\u0370-\u03ff\u1f00-\u1fff]{2,}")
_PLAIN = str.maketrans(_RAISED + _LOWERED, "0123456789−+0123456789−+")


def render_latex(table: JournalTable) -> str:
    """Return a table as LaTeX to be read by `input`.

    Parameters
    ----------
    table : JournalTable
        The table.

    Returns
    -------
    str
        A float, or for more than 45 rows a table that runs over pages; on its side where it is too wide for
        160 mm. Its first lines are comments that name the packages it needs. Caption and label are set.
    """
    body = _body(table)
    fitted = partial(fitted_widths, table, letter=_MM_PER_LETTER, padding=_PADDING_MM)
    upright = fitted(_UPRIGHT_MM)
    widths = upright or fitted(_SIDEWAYS_MM, always=True)
    long = len(body) > _LONG
    packages = ["\\usepackage{array}", "\\usepackage{booktabs}"]
    packages += ["\\usepackage{longtable}"] if long else ["\\usepackage{threeparttable}"]
    if not upright:
        packages.append("\\usepackage{pdflscape}" if long else "\\usepackage{rotating}")
    lines = latex_packages(_all_text(table), packages)
    lines += [f"\\setcounter{{table}}{{{table.number - 1}}}"] if table.number else []
    longest = [
        max(characters(printable(row.cells[number].text)) for row in table.rows)
        for number in range(len(widths))
    ]
    specification = "".join(map(_specification, table.columns, widths, longest))
    caption = f"\\caption{{{escape_latex(table.title)}}}\\label{{{latex_label(table.title)}}}"
    headings = (_heading(table, *part) for part in zip(table.columns, widths, strict=True))
    heading = " & ".join(headings) + r" \\"
    head = [r"\toprule", heading, r"\midrule"]
    if long:
        lines += [] if upright else [r"\begin{landscape}"]
        lines += [
            r"{\small",
            f"\\begin{{longtable}}{{@{{}}{specification}@{{}}}}",
            f"{caption}\\\\",
            *head,
            r"\endfirsthead",
            *head,
            r"\endhead",
            r"\bottomrule",
            r"\endfoot",
            *body,
            r"\end{longtable}",
            *(f"\\noindent {note}\\par" for note in _notes(table)),
            "}",
        ]
        lines += [] if upright else [r"\end{landscape}"]
        return "\n".join(lines) + "\n"
    place = "table" if upright else "sidewaystable"
    lines += [
        f"\\begin{{{place}}}{'[htbp]' if upright else ''}",
        r"\centering\small",
        r"\begin{threeparttable}",
        caption,
        f"\\begin{{tabular}}{{@{{}}{specification}@{{}}}}",
        *head,
        *body,
        r"\bottomrule",
        r"\end{tabular}",
    ]
    if notes := _notes(table):
        lines += [r"\begin{tablenotes}[flushleft]\footnotesize"]
        lines += [*(f"\\item {note}" for note in notes), r"\end{tablenotes}"]
    lines += [r"\end{threeparttable}", f"\\end{{{place}}}"]
    return "\n".join(lines) + "\n"


def escape_latex(text: str) -> str:
    r"""Return a text that LaTeX prints as it stands.

    Parameters
    ----------
    text : str
        Any text; breaks become spaces.

    Returns
    -------
    str
        Signs, Greek letters, minus, raised and lowered digits as commands; other scripts as they are.

    Examples
    --------
    >>> print(escape_latex("50% & τ² ≤ 3"))
    50\% \& \ensuremath{\tau}\textsuperscript{2} \ensuremath{\le} 3
    """
    line = unicodedata.normalize("NFC", printable(text))
    parts = []
    position = 0
    while position < len(line):
        for run, write in _RUNS:
            if found := run.match(line, position):
                parts.append(write(found[0]))
                position = found.end()
                break
        else:
            letter = line[position]
            parts.append(_COMMANDS.get(letter, letter))
            # Two of these would be drawn as one dash or one quotation mark.
            if letter in "-'" and line[position + 1 : position + 2] == letter:
                parts.append("{}")
            position += 1
    return "".join(parts)


def _raised(digits: str) -> str:
    return f"\\textsuperscript{{{escape_latex(digits.translate(_PLAIN))}}}"


def _lowered(digits: str) -> str:
    return f"\\textsubscript{{{escape_latex(digits.translate(_PLAIN))}}}"


def _empty_digits(spaces: str) -> str:
    return f"\\phantom{{{'0' * len(spaces)}}}"


_RUNS = (
    (_RAISED_RUN, _raised),
    (_LOWERED_RUN, _lowered),
    (_FIGURE_SPACES, _empty_digits),
    # A word in Greek is text in another script, a letter alone a sign.
    (_GREEK_WORD, str),
)
_COMMANDS = (
    _SIGNS
    | {sign: f"\\ensuremath{{{command}}}" for sign, command in _MATHS.items()}
    | {letter: f"\\ensuremath{{\\{name}}}" for name, letter in _GREEK.items()}
)


def latex_label(title: str) -> str:
    """Return a label made of the first words of a title: "tab:risk-of-fracture".

    Parameters
    ----------
    title : str
        Any text.

    Returns
    -------
    str
        Letters from a to z, digits and hyphens.
    """
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    words = re.findall(r"[a-z0-9]+", plain)[:6]
    return f"tab:{'-'.join(words) or 'table'}"


def latex_packages(text: str, packages: Iterable[str] = ()) -> list[str]:
    """Return comment lines that say what a document with this text must load.

    Parameters
    ----------
    text : str
        All that is printed, before it was escaped.
    packages : iterable of str
        Lines that are needed in any case.

    Returns
    -------
    list of str
        Lines that begin with a percent sign.
    """
    greek = "GREEK" if _GREEK_WORD.search(text) else ""
    others = {greek} - {""} | {
        unicodedata.name(letter, "?").split()[0]
        for letter in text
        if not _LATIN.match(letter)
        and letter not in _COMMANDS
        and letter not in _RAISED + _LOWERED
        and unicodedata.category(letter)[0] not in "ZC"
    }
    lines = ["\\usepackage[T1]{fontenc}", "\\usepackage[utf8]{inputenc}", "\\usepackage{textcomp}", *packages]
    if others == {"CYRILLIC"}:
        lines[0] = "\\usepackage[T2A,T1]{fontenc}"
    elif others:
        listed = ", ".join(sorted("CJK" if name == "CJK" else name.capitalize() for name in others))
        lines = [
            f"(holds {listed}: compile with XeLaTeX or LuaLaTeX)",
            "\\usepackage{fontspec} and \\setmainfont{a font that has them}",
            *packages,
        ]
    return ["% Needs in the preamble:", *(f"%   {line}" for line in lines)]


def _all_text(table: JournalTable) -> str:
    texts = [table.title, table.source, *table.notes, *(text for _, text in table.footnotes)]
    texts += [column.printed for column in table.columns]
    for row in table.rows:
        texts += [row.group, *(cell.text for cell in row.cells)]
    return " ".join(texts)


def _specification(column: TableColumn, width: float, longest: float) -> str:
    if column.aligned == "centre":
        return "c"
    if column.aligned != "left":
        return "l" if column.aligned == "decimal" and len(column.names) > 1 else "r"
    # What stands between columns is not part of a paragraph's width.
    paragraph = width - _PADDING_MM
    if longest * _MM_PER_LETTER <= paragraph:
        return "l"
    return f">{{\\raggedright\\arraybackslash}}p{{{paragraph:.0f}mm}}"


def _body(table: JournalTable) -> list[str]:
    lines: list[str] = []
    group, summary = "", False
    for row, texts in zip(table.rows, aligned_texts(table), strict=True):
        if row.group and row.group != group:
            span = len(table.columns)
            lines += [r"\addlinespace"] if lines else []
            lines.append(f"\\multicolumn{{{span}}}{{@{{}}l}}{{\\textbf{{{escape_latex(row.group)}}}}} \\\\")
        if row.summary and (not summary or row.group != group):
            lines.append(r"\midrule")
        group, summary = row.group, row.summary
        cells: list[str] = []
        for cell, text in zip(row.cells, texts, strict=True):
            content = escape_latex(text) + _superscript(table.markers(cell))
            if not cells:
                content = f"\\textbf{{{content}}}" if row.summary else content
                content = f"\\hspace*{{1em}}{content}" if row.group else content
            cells.append(content)
        lines.append(" & ".join(cells) + r" \\")
    return lines


def _heading(table: JournalTable, column: TableColumn, width: float) -> str:
    """Return a heading, broken into lines of the column's width; LaTeX breaks only paragraphs by itself."""
    room = (width - _PADDING_MM) / _MM_PER_LETTER
    lines = [""]
    for word in tied(column.printed).split(" "):
        longer = f"{lines[-1]} {word}".strip()
        # Bold letters are wider.
        if lines[-1] and 1.12 * characters(longer) > room:
            lines.append(word)
        else:
            lines[-1] = longer
    side = {"right": "r", "centre": "c", "left": "l"}.get(
        column.aligned, "l" if len(column.names) > 1 else "r"
    )
    texts = [f"\\textbf{{{escape_latex(line)}}}" for line in lines]
    texts[-1] += _superscript(table.markers(column))
    content = texts[0]
    if len(texts) > 1:
        content = f"\\begin{{tabular}}[b]{{@{{}}{side}@{{}}}}{_NEW_LINE.join(texts)}\\end{{tabular}}"
    return content if side == "l" and column.kind == "text" else f"\\multicolumn{{1}}{{{side}}}{{{content}}}"


def _notes(table: JournalTable) -> list[str]:
    notes = [escape_latex(note) for note in table.notes]
    notes += [f"{_superscript(marker)} {escape_latex(text)}" for marker, text in table.footnotes]
    return [*notes, f"Source: {escape_latex(table.source)}"] if table.source else notes


def _superscript(markers: str) -> str:
    return f"\\textsuperscript{{{markers}}}" if markers else ""
