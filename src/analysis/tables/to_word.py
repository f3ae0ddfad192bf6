"""Tables and texts as Word files: real styles, a counted caption, a heading that repeats on every page."""

from __future__ import annotations

import io
import re
from functools import partial
from typing import TYPE_CHECKING
from unicodedata import bidirectional

from analysis.tables.journal_table import printable
from analysis.tables.layout import aligned_texts, fitted_widths, tied
from analysis.tables.packed import without_dates

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from docx.document import Document
    from docx.table import Table, _Cell, _Row
    from docx.text.paragraph import Paragraph

    from analysis.tables.journal_table import JournalTable, TableColumn, TableRow

__all__ = ["finished_document", "new_document", "render_word", "write_runs"]

_FONT = "Arial"
_TABLE_POINTS = 9.0
_NOTE_POINTS = 8.0
# A letter of usual width of Arial at 9 points, and what stands on both sides of a cell's text.
_MM_PER_LETTER = 1.8
_PADDING_MM = 3.8
_SHORT_MM, _LONG_MM, _MARGIN_MM = 210.0, 297.0, 20.0
# Letters that are written from right to left, with the spaces and signs between them.
_RIGHT_TO_LEFT = re.compile(
    r"([\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff](?:[^A-Za-z0-9]*[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff])*)"
)


def render_word(table: JournalTable) -> bytes:
    """Return a table as a Word file.

    Parameters
    ----------
    table : JournalTable
        The table.

    Returns
    -------
    bytes
        One page, upright or, for a wide table, on its side. The caption counts itself ("SEQ Table"), the
        heading repeats on every page, no row is torn apart by a page, and the same table gives the same
        bytes.
    """
    document = new_document(table.title)
    fitted = partial(fitted_widths, table, letter=_MM_PER_LETTER, padding=_PADDING_MM)
    upright = fitted(_SHORT_MM - 2 * _MARGIN_MM)
    widths = upright or fitted(_LONG_MM - 2 * _MARGIN_MM, always=True)
    _set_page(document, wide=not upright)
    _caption(document, table)
    _fill(document, table, widths)
    for note in table.notes:
        write_runs(document.add_paragraph(style="Table Note"), note)
    for marker, text in table.footnotes:
        paragraph = document.add_paragraph(style="Table Note")
        paragraph.add_run(marker).font.superscript = True
        write_runs(paragraph, f" {text}", strip=False)
    if table.source:
        write_runs(document.add_paragraph(style="Table Note"), f"Source: {table.source}")
    return finished_document(document)


def new_document(title: str) -> Document:
    """Return an empty document with the styles of tables, and no trace of a template's author.

    Parameters
    ----------
    title : str
        In the properties of the document.

    Returns
    -------
    Document
    """
    import docx

    document = docx.Document()
    properties = document.core_properties
    properties.title = printable(title)[:255]
    for name in ("author", "comments", "keywords", "last_modified_by", "subject", "category"):
        setattr(properties, name, "")
    properties.revision = 1
    package = document.part.package
    for key, relation in list(package.rels.items()):
        if relation.reltype.endswith("/thumbnail"):
            del package.rels[key]
    _add_styles(document)
    return document


def finished_document(document: Document) -> bytes:
    """Return the bytes of a document.

    Parameters
    ----------
    document : Document
        The document.

    Returns
    -------
    bytes
        A .docx file without dates.
    """
    stream = io.BytesIO()
    document.save(stream)
    return without_dates(stream.getvalue())


def _add_styles(document: Document) -> None:
    from docx.enum.style import WD_STYLE_TYPE
    from docx.oxml import parse_xml
    from docx.oxml.ns import nsdecls
    from docx.shared import Pt, RGBColor

    normal: Any = document.styles["Normal"]
    caption: Any = document.styles["Caption"]
    caption.font.bold, caption.font.size, caption.font.color.rgb = False, Pt(10), RGBColor(0, 0, 0)
    caption.paragraph_format.space_after, caption.paragraph_format.space_before = Pt(4), Pt(0)
    caption.paragraph_format.keep_with_next = True
    for level in (1, 2):
        heading: Any = document.styles[f"Heading {level}"]
        heading.font.color.rgb = RGBColor(0, 0, 0)
        _set_font(heading)
    normal.font.size = Pt(11)
    for style in (normal, caption):
        _set_font(style)
    for name, size, bold in (
        ("Table Text", _TABLE_POINTS, False),
        ("Table Heading", _TABLE_POINTS, True),
        ("Table Note", _NOTE_POINTS, False),
    ):
        style = document.styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH)
        style.base_style = normal
        style.font.size, style.font.bold = Pt(size), bold
        _set_complex_size(style, size)
        style.paragraph_format.line_spacing = 1.0
        style.paragraph_format.space_before = Pt(3 if name == "Table Note" else 1.5)
        style.paragraph_format.space_after = Pt(0 if name == "Table Note" else 1.5)
    document.styles.element.append(
        parse_xml(
            f'<w:style {nsdecls("w")} w:type="table" w:customStyle="1" w:styleId="JournalTable">'
            '<w:name w:val="Journal Table"/><w:basedOn w:val="TableNormal"/>'
            '<w:uiPriority w:val="99"/><w:qFormat/>'
            '<w:tblPr><w:tblBorders><w:top w:val="single" w:sz="8" w:space="0" w:color="000000"/>'
            '<w:bottom w:val="single" w:sz="8" w:space="0" w:color="000000"/></w:tblBorders>'
            '<w:tblCellMar><w:left w:w="0" w:type="dxa"/><w:right w:w="170" w:type="dxa"/>'
            "</w:tblCellMar></w:tblPr>"
            '<w:tblStylePr w:type="firstRow"><w:tblPr/><w:tcPr><w:tcBorders>'
            '<w:bottom w:val="single" w:sz="4" w:space="0" w:color="000000"/></w:tcBorders></w:tcPr>'
            "</w:tblStylePr></w:style>"
        )
    )


def _set_font(style: Any) -> None:  # noqa: ANN401 -- a style of python-docx
    from docx.oxml.ns import qn

    style.font.name = _FONT
    fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
    for name in ("w:asciiTheme", "w:hAnsiTheme", "w:cstheme"):
        if fonts.get(qn(name)) is not None:
            del fonts.attrib[qn(name)]
    fonts.set(qn("w:cs"), _FONT)


def _set_complex_size(style: Any, points: float) -> None:  # noqa: ANN401 -- a style of python-docx
    """Give Arabic and Hebrew letters the size of the others; Word keeps it apart."""
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    size = OxmlElement("w:szCs")
    size.set(qn("w:val"), str(round(2 * points)))
    style.element.get_or_add_rPr().append(size)


def _set_page(document: Document, *, wide: bool) -> None:
    from docx.enum.section import WD_ORIENT
    from docx.shared import Mm

    section = document.sections[0]
    section.orientation = WD_ORIENT.LANDSCAPE if wide else WD_ORIENT.PORTRAIT
    width, height = (_LONG_MM, _SHORT_MM) if wide else (_SHORT_MM, _LONG_MM)
    section.page_width, section.page_height = Mm(width), Mm(height)
    section.left_margin = section.right_margin = Mm(_MARGIN_MM)
    section.top_margin = section.bottom_margin = Mm(_MARGIN_MM)


def _caption(document: Document, table: JournalTable) -> None:
    from docx.oxml import parse_xml
    from docx.oxml.ns import nsdecls

    paragraph = document.add_paragraph(style="Caption")
    paragraph.add_run("Table ").bold = True
    counted = rf"SEQ Table \* ARABIC \r {table.number}" if table.number else r"SEQ Table \* ARABIC"
    field = parse_xml(
        f'<w:fldSimple {nsdecls("w")} w:instr=" {counted} "><w:r><w:rPr><w:b/></w:rPr>'
        f"<w:t>{table.number or 1}</w:t></w:r></w:fldSimple>"
    )
    paragraph._p.append(field)  # noqa: SLF001 -- python-docx has no fields
    paragraph.add_run(". ").bold = True
    write_runs(paragraph, table.title)


def _fill(document: Document, table: JournalTable, widths: Sequence[float]) -> None:
    from docx.shared import Mm

    lines = _lines(table)
    grid = document.add_table(rows=len(lines) + 1, cols=len(table.columns), style="Journal Table")
    grid.autofit = False
    _describe(grid, table.title)
    for column, width in zip(grid.columns, widths, strict=True):
        column.width = Mm(width)
    rows = list(grid.rows)
    _heading(rows[0], table)
    texts = aligned_texts(table)
    summary, group = False, ""
    for row in rows:
        for cell, width in zip(row.cells, widths, strict=True):
            cell.width = Mm(width)
    for row, line in zip(rows[1:], lines, strict=True):
        _keep_whole(row)
        if isinstance(line, str):
            cells = row.cells
            merged = cells[0].merge(cells[-1])
            _paragraph(
                merged, "left", style="Table Heading", text=line
            ).paragraph_format.keep_with_next = True
            continue
        source = table.rows[line]
        first = source.summary and (not summary or source.group != group)
        summary, group = source.summary, source.group
        _fill_row(row, table, source, texts[line])
        if first:
            for cell in row.cells:
                _rule_above(cell)


def _fill_row(row: _Row, table: JournalTable, source: TableRow, texts: Sequence[str]) -> None:
    from docx.shared import Mm

    for position, (cell, column) in enumerate(zip(row.cells, table.columns, strict=True)):
        text = texts[position]
        # Numbers stay on one line, or break before their interval where the column is of long ones.
        if column.kind != "text":
            text = tied(text) if column.aligned == "left" else text.replace(" ", "\N{NO-BREAK SPACE}")
        bold = source.summary and position == 0
        paragraph = _paragraph(cell, _side(column), text=text, bold=bold)
        if source.group and position == 0:
            paragraph.paragraph_format.left_indent = Mm(3)
        _mark(paragraph, table.markers(source.cells[position]))


def _lines(table: JournalTable) -> list[str | int]:
    """Return what stands on each line: a group's heading, or the number of a row."""
    lines: list[str | int] = []
    group = ""
    for number, row in enumerate(table.rows):
        if row.group and row.group != group:
            lines.append(row.group)
        group = row.group
        lines.append(number)
    return lines


def _heading(row: _Row, table: JournalTable) -> None:
    from docx.enum.table import WD_CELL_VERTICAL_ALIGNMENT
    from docx.oxml import OxmlElement

    _keep_whole(row)
    row._tr.get_or_add_trPr().append(OxmlElement("w:tblHeader"))  # noqa: SLF001 -- not in python-docx
    for cell, column in zip(row.cells, table.columns, strict=True):
        paragraph = _paragraph(cell, _side(column), style="Table Heading", text=tied(column.printed))
        paragraph.paragraph_format.keep_with_next = True
        _mark(paragraph, table.markers(column))
        cell.vertical_alignment = WD_CELL_VERTICAL_ALIGNMENT.BOTTOM


def _side(column: TableColumn) -> str:
    if column.aligned == "decimal":
        return "left" if len(column.names) > 1 else "right"
    return column.aligned


def _paragraph(
    cell: _Cell, side: str, *, text: str, style: str = "Table Text", bold: bool = False
) -> Paragraph:
    from docx.enum.text import WD_ALIGN_PARAGRAPH

    paragraph: Paragraph = cell.paragraphs[0]
    # By its id: looking each style up by its name would take most of the time of a long table.
    paragraph._p.style = style.replace(" ", "")  # noqa: SLF001
    paragraph.alignment = {
        "left": WD_ALIGN_PARAGRAPH.LEFT,
        "right": WD_ALIGN_PARAGRAPH.RIGHT,
        "centre": WD_ALIGN_PARAGRAPH.CENTER,
    }[side]
    write_runs(paragraph, text, bold=bold, strip=False)
    return paragraph


def write_runs(paragraph: Paragraph, text: str, *, bold: bool = False, strip: bool = True) -> None:
    """Write a text; what runs from right to left is marked so, or Word would order it by its surroundings."""
    from docx.oxml import OxmlElement

    line = printable(text) if strip else text
    for position, part in enumerate(_RIGHT_TO_LEFT.split(line)):
        if not part:
            continue
        run = paragraph.add_run(part)
        run.bold = True if bold else None
        if position % 2 and any(bidirectional(letter) in {"R", "AL"} for letter in part):
            run._r.get_or_add_rPr().append(OxmlElement("w:rtl"))  # noqa: SLF001 -- not in python-docx


def _mark(paragraph: Paragraph, markers: str) -> None:
    if markers:
        paragraph.add_run(markers).font.superscript = True


def _keep_whole(row: _Row) -> None:
    from docx.oxml import OxmlElement

    row._tr.get_or_add_trPr().append(OxmlElement("w:cantSplit"))  # noqa: SLF001 -- not in python-docx


def _rule_above(cell: _Cell) -> None:
    from docx.oxml import parse_xml
    from docx.oxml.ns import nsdecls

    cell._tc.get_or_add_tcPr().append(  # noqa: SLF001 -- python-docx has no borders
        parse_xml(
            f'<w:tcBorders {nsdecls("w")}><w:top w:val="single" w:sz="4" w:space="0" w:color="000000"/>'
            "</w:tcBorders>"
        )
    )


def _describe(grid: Table, title: str) -> None:
    """Give the table the title that screen readers say."""
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    caption = OxmlElement("w:tblCaption")
    caption.set(qn("w:val"), printable(title))
    grid._tbl.tblPr.append(caption)  # noqa: SLF001 -- not in python-docx
