"""The paragraphs on methods and results in each format of a manuscript."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from analysis.tables.journal_table import printable
from analysis.tables.to_html import html_page
from analysis.tables.to_latex import escape_latex, latex_packages
from analysis.tables.to_markdown import escape_markdown
from analysis.tables.to_word import finished_document, new_document, write_runs

if TYPE_CHECKING:
    from analysis.tables.methods_text import MethodsText

__all__ = ["TEXT_FORMATS", "text_contents"]

TEXT_FORMATS = ("html", "tex", "docx", "md")


def text_contents(text: MethodsText) -> dict[str, str | bytes]:
    """Return methods, results and references in every format.

    Parameters
    ----------
    text : MethodsText
        What `methods_text` returns.

    Returns
    -------
    dict of str to str or bytes
        By format: "html", "tex", "docx", "md".
    """
    paragraphs = {
        heading: paragraph
        for heading, paragraph in (("Methods", text.methods), ("Results", text.results))
        if paragraph
    }
    return {
        "html": _html(paragraphs, text.references),
        "tex": _latex(paragraphs, text.references),
        "docx": _word(paragraphs, text.references),
        "md": _markdown(paragraphs, text.references),
    }


def _html(paragraphs: dict[str, str], references: tuple[str, ...]) -> str:
    lines = [f"<h2>{heading}</h2>\n<p>{escape(printable(text))}</p>" for heading, text in paragraphs.items()]
    if references:
        items = "\n".join(f"<li>{escape(printable(text))}</li>" for text in references)
        lines.append(f"<h2>References</h2>\n<ol>\n{items}\n</ol>")
    return html_page("Methods and results", "\n".join(lines) + "\n")


def _latex(paragraphs: dict[str, str], references: tuple[str, ...]) -> str:
    lines = latex_packages(" ".join([*paragraphs.values(), *references]))
    for heading, text in paragraphs.items():
        lines += [f"\\section*{{{heading}}}", escape_latex(text), ""]
    if references:
        lines += [r"\section*{References}", r"\begin{enumerate}"]
        lines += [*(f"\\item {escape_latex(text)}" for text in references), r"\end{enumerate}"]
    return "\n".join(lines) + "\n"


def _word(paragraphs: dict[str, str], references: tuple[str, ...]) -> bytes:
    document = new_document("Methods and results")
    for heading, text in paragraphs.items():
        document.add_heading(heading, level=2)
        write_runs(document.add_paragraph(), text)
    if references:
        document.add_heading("References", level=2)
        for number, text in enumerate(references, start=1):
            write_runs(document.add_paragraph(), f"{number}. {text}")
    return finished_document(document)


def _markdown(paragraphs: dict[str, str], references: tuple[str, ...]) -> str:
    lines = []
    for heading, text in paragraphs.items():
        lines += [f"## {heading}", "", escape_markdown(text), ""]
    if references:
        lines += ["## References", ""]
        lines += [f"{number}. {escape_markdown(text)}" for number, text in enumerate(references, start=1)]
    return "\n".join(lines).rstrip("\n") + "\n"
