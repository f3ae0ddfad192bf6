"""Whether a journal would take a file: PDF, SVG, EPS, PNG and TIFF.

What a file does not tell (which texts lie over one another, which marks rest on colour) the figure does.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import numpy as np

from analysis.figures.check_figure import (
    Finding,
    check_size,
    check_sizes_of_letters,
    check_widths_of_lines,
)
from analysis.figures.style import MM_PER_INCH, POINTS_PER_INCH

if TYPE_CHECKING:
    from pathlib import Path

    from analysis.figures.journals import Preset

__all__ = ["check_file"]

_MM_PER_POINT = MM_PER_INCH / POINTS_PER_INCH
# Units of SVG in points; without one they are dots of 1/96 inch.
_SVG_UNITS = {"pt": 1.0, "px": 0.75, "": 0.75, "mm": 1 / _MM_PER_POINT, "cm": 10 / _MM_PER_POINT, "in": 72.0}
_VECTOR = ("format", "width", "height", "size of letters", "width of lines", "fonts")
_PICTURE = ("format", "width", "height", "resolution")
_EMBEDDED = ("/FontFile", "/FontFile2", "/FontFile3")
_STROKES = {b"S", b"s", b"B", b"B*", b"b", b"b*"}


def check_file(path: Path, rules: Preset) -> tuple[str, list[str], list[Finding]]:
    """Return the name of a file, the rules that were looked at, and what breaks them.

    Parameters
    ----------
    path : Path
        A file that ends in .pdf, .svg, .eps, .png, .tif or .tiff.
    rules : Preset
        What the journal asks.

    Returns
    -------
    str, list of str, list of Finding

    Raises
    ------
    ValueError
        If the file is of another kind or cannot be read.
    FileNotFoundError
        If there is no such file.
    """
    kind = path.suffix.lower().lstrip(".").replace("tif", "tiff").replace("tifff", "tiff")
    readers = {"pdf": _pdf, "svg": _svg, "eps": _eps, "png": _picture, "tiff": _picture}
    if kind not in readers:
        raise ValueError(
            f"`figure` must be a Figure or end in .pdf, .svg, .eps, .png or .tiff, but got {path.name!r}."
        )
    if not path.is_file():
        raise FileNotFoundError(f"`figure` must be a file that exists, but there is no {str(path)!r}.")
    findings = []
    if kind not in rules.formats:
        findings.append(Finding(rule="format", found=kind.upper(), allowed=", ".join(rules.formats).upper()))
    try:
        findings += readers[kind](path, rules)
    except (ET.ParseError, UnicodeDecodeError, OSError) as error:
        raise ValueError(
            f"`figure` must be a {kind.upper()} that can be read, but {path.name!r} is not: {error}"
        ) from error
    checked = _PICTURE if kind in {"png", "tiff"} else _VECTOR
    return path.name, list(checked), findings


def _outlined(rules: Preset) -> list[Finding]:
    if rules.allows_outlines:
        return []
    return [Finding(rule="fonts", found="no letters: text is drawn as outlines", allowed="text as text")]


def _pdf(path: Path, rules: Preset) -> list[Finding]:
    from pypdf import PdfReader
    from pypdf.errors import PyPdfError

    try:
        page = PdfReader(path).pages[0]
    except (PyPdfError, IndexError, ValueError) as error:
        raise OSError(str(error)) from error
    width, height = (float(side) * _MM_PER_POINT for side in (page.mediabox.width, page.mediabox.height))
    sizes: list[tuple[float, str]] = []

    def visit(text: str, cm: list[float], tm: list[float], _: Any, size: float) -> None:  # noqa: ANN401
        if text.strip():
            sizes.append((size * _scale(tm) * _scale(cm), text.strip()))

    page.extract_text(visitor_text=visit)
    findings = check_size(width, height, rules)
    findings += check_sizes_of_letters(sizes, rules)
    findings += check_widths_of_lines(((line, "") for line in _pdf_lines(page)), rules)
    fonts = [font.get_object() for font in _entries(page, "/Font")]
    drawn = page.get_contents()
    if not fonts and drawn is not None and len(drawn.get_data()) > 0:
        findings += _outlined(rules)
    for font in fonts:
        name = str(font.get("/BaseFont", "a font without a name")).lstrip("/")
        if font.get("/Subtype") == "/Type3":
            findings.append(Finding(rule="fonts", found=f"{name} is of Type 3", allowed="TrueType or Type 1"))
        elif not _is_embedded(font):
            findings.append(Finding(rule="fonts", found=f"{name} is not embedded", allowed="embedded fonts"))
    return findings


def _entries(page: Any, kind: str) -> list[Any]:  # noqa: ANN401 -- objects of pypdf
    resources = page.get("/Resources")
    entries = resources.get_object().get(kind) if resources is not None else None
    return list(entries.get_object().values()) if entries is not None else []


def _is_embedded(font: Any) -> bool:  # noqa: ANN401 -- an object of pypdf
    parts = [part.get_object() for part in font.get("/DescendantFonts", [])] or [font]
    descriptors = [part["/FontDescriptor"].get_object() for part in parts if "/FontDescriptor" in part]
    return bool(descriptors) and all(any(key in one for key in _EMBEDDED) for one in descriptors)


def _scale(matrix: Any) -> float:  # noqa: ANN401 -- six numbers of any kind
    a, b, c, d = (float(number) for number in matrix[:4])
    return math.sqrt(abs(a * d - b * c))


def _pdf_lines(page: Any) -> list[float]:  # noqa: ANN401 -- a page of pypdf
    """Return the widths of the lines that are drawn, in points."""
    contents = page.get_contents()
    if contents is None:
        return []
    width, scale = 1.0, 1.0
    edge: tuple[float, ...] = (0.0,)
    face: tuple[float, ...] = (0.0,)
    saved: list[tuple[float, float, tuple[float, ...], tuple[float, ...]]] = []
    widths = []
    for operands, operator in contents.operations:
        if operator == b"q":
            saved.append((width, scale, edge, face))
        elif operator == b"Q" and saved:
            width, scale, edge, face = saved.pop()
        elif operator == b"cm":
            scale *= _scale(operands)
        elif operator == b"w":
            width = float(operands[0])
        elif operator in {b"G", b"RG", b"K"}:
            edge = _colour(operands)
        elif operator in {b"g", b"rg", b"k"}:
            face = _colour(operands)
        # The seam of an area in its own colour is no line.
        elif operator in _STROKES and width > 0 and not (operator not in {b"S", b"s"} and edge == face):
            widths.append(width * scale)
    return widths


def _colour(operands: Any) -> tuple[float, ...]:  # noqa: ANN401 -- numbers of pypdf
    parts = tuple(float(number) for number in operands)
    # A grey by its one number and by three is the same grey.
    return parts[:1] if len(parts) == 3 and len(set(parts)) == 1 else parts


def _svg(path: Path, rules: Preset) -> list[Finding]:
    # A figure of one's own, read for its sizes; nothing in it is run.
    root = ET.fromstring(path.read_text(encoding="utf-8"))  # noqa: S314
    width, height = (_svg_length(root.get(side, "")) for side in ("width", "height"))
    findings = check_size(width * _MM_PER_POINT, height * _MM_PER_POINT, rules)
    box = [float(number) for number in root.get("viewBox", "").replace(",", " ").split()]
    unit = width / box[2] if len(box) == 4 and box[2] > 0 and width > 0 else 1.0
    sizes, lines = [], []
    for element in root.iter():
        settings = dict(re.findall(r"([\w-]+)\s*:\s*([^;]+)", element.get("style", "")))
        settings |= {key: value for key, value in element.attrib.items() if "}" not in key}
        tag = element.tag.rpartition("}")[2]
        if tag == "text":
            size = re.search(
                r"([\d.]+)(?:px|pt)?(?=\s|$|/)", settings.get("font-size") or settings.get("font", "")
            )
            if size:
                sizes.append((float(size.group(1)) * unit, "".join(element.itertext()).strip()))
        elif tag in {"path", "use", "line", "rect", "polyline", "polygon", "circle"}:
            stroke = settings.get("stroke", "none")
            if stroke != "none" and "stroke-width" in settings:
                lines.append((_svg_number(settings["stroke-width"]) * unit, ""))
    findings += check_sizes_of_letters(sizes, rules)
    findings += check_widths_of_lines(lines, rules)
    if not any(element.tag.endswith("}text") for element in root.iter()):
        findings += _outlined(rules)
    return findings


def _svg_length(text: str) -> float:
    found = re.fullmatch(r"\s*([\d.]+)\s*([a-z]*)\s*", text)
    if not found or found.group(2) not in _SVG_UNITS:
        return 0.0
    return float(found.group(1)) * _SVG_UNITS[found.group(2)]


def _svg_number(text: str) -> float:
    found = re.match(r"[\d.]+", text.strip())
    return float(found.group()) if found else 1.0


def _eps(path: Path, rules: Preset) -> list[Finding]:
    text = path.read_bytes().decode("latin-1")
    # The first one is in whole points.
    boxes = re.findall(r"^%%(HiRes)?BoundingBox:\s*([-\d. ]+)$", text, re.MULTILINE)
    if not text.startswith("%!PS") or not boxes:
        raise OSError("it does not begin as PostScript with a bounding box")
    left, bottom, right, top = (float(number) for number in max(boxes)[1].split())
    findings = check_size((right - left) * _MM_PER_POINT, (top - bottom) * _MM_PER_POINT, rules)
    sizes = [
        (float(size), name) for name, size in re.findall(r"^/(\S+) ([\d.]+) selectfont", text, re.MULTILINE)
    ]
    findings += check_sizes_of_letters(sizes, rules)
    lines = [(float(width), "") for width in re.findall(r"^([\d.]+) setlinewidth", text, re.MULTILINE)]
    findings += check_widths_of_lines([line for line in lines if line[0] > 0], rules)
    if re.search(r"/FontType 3\b", text):
        findings.append(Finding(rule="fonts", found="a font of Type 3", allowed="TrueType or Type 1"))
    elif "/FontType" not in text and "%%BeginFont" not in text:
        wanted = re.search(r"^/\S+ [\d.]+ selectfont|\bfindfont\b", text, re.MULTILINE)
        findings += (
            [Finding(rule="fonts", found="a font that is not embedded", allowed="embedded fonts")]
            if wanted
            else _outlined(rules)
        )
    return findings


def _picture(path: Path, rules: Preset) -> list[Finding]:
    from PIL import Image

    with Image.open(path) as picture:
        dots, high = picture.size
        stated = picture.info.get("dpi")
        black_and_white = _is_black_and_white(picture)
    width_mm = dots / float(stated[0]) * MM_PER_INCH if stated and stated[0] > 1 else rules.double_mm
    findings = check_size(width_mm, width_mm * high / dots, rules)
    # What is wider than the page is printed at the page's width.
    resolution = dots / (min(width_mm, rules.double_mm) / MM_PER_INCH)
    least = rules.line_art_dpi if black_and_white else rules.combination_dpi
    if resolution < least - 0.5:
        what = "black and white drawings" if black_and_white else "drawings with colours or greys"
        findings.append(
            Finding(
                rule="resolution",
                found=f"{resolution:.0f} dpi at {min(width_mm, rules.double_mm):.0f} mm",
                allowed=f"at least {least:g} dpi for {what}",
            )
        )
    return findings


def _is_black_and_white(picture: Any) -> bool:  # noqa: ANN401 -- an image of pillow
    if picture.mode == "1":
        return True
    grey = np.asarray(picture.convert("L"))
    return bool(((grey == 0) | (grey == 255)).all())
