"""Whether a journal would take a figure: letters, lines, size, resolution, fonts, colours, texts in the way.

Figures are looked at here, files in `check_file`. What journals ask is written in `journals`.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from analysis.figures.journals import Preset, preset
from analysis.figures.style import MM_PER_INCH, POINTS_PER_INCH

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd
    from matplotlib.figure import Figure

    from analysis.figures.parts.drawn import Drawn

__all__ = ["FigureReport", "Finding", "check_figure", "check_size"]

# Rounding of sizes on the way through a file, in points and in millimetres.
_SLACK_POINTS = 0.01
_SLACK_MM = 0.5
# Boxes of two texts may share so much, in points: round letters stand a little over their line.
_TOUCH = 0.2
_SHOWN = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that the journal would not take.

    Parameters
    ----------
    rule : str
        What was looked at.
    found, allowed : str
        What there is, and what there may be.
    """

    rule: str
    found: str
    allowed: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.found}; allowed: {self.allowed}"


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureReport:
    """What was found in a figure.

    Parameters
    ----------
    subject : str
        The figure or the file.
    journal : str
        Whose rules.
    checked : tuple of str
        The rules that were looked at; a file shows less than a figure.
    findings : tuple of Finding
        What breaks them.
    """

    subject: str
    journal: str
    checked: tuple[str, ...]
    findings: tuple[Finding, ...]

    @property
    def passes(self) -> bool:
        """Whether nothing was found."""
        return not self.findings

    def __str__(self) -> str:
        rules = ", ".join(self.checked)
        if self.passes:
            return f"{self.subject}: keeps the rules of {self.journal} ({rules})."
        lines = [f"- {one}." for one in self.findings]
        count = len(lines)
        first = f"{self.subject}: {count} finding{'s' if count > 1 else ''} by the rules of {self.journal}"
        return "\n".join([f"{first} ({rules}):", *lines])

    def to_frame(self) -> pd.DataFrame:
        """Return a row a finding: `subject`, `journal`, `rule`, `found`, `allowed`."""
        import pandas as pd

        columns = ["subject", "journal", "rule", "found", "allowed"]
        rows = [(self.subject, self.journal, one.rule, one.found, one.allowed) for one in self.findings]
        return pd.DataFrame(rows, columns=columns, dtype=str)


def check_figure(figure: Figure | Path | str, *, journal: str = "default") -> FigureReport:
    """Check a figure, or the file of one, against what a journal asks.

    Parameters
    ----------
    figure : Figure or path
        A figure, or a file that ends in .pdf, .svg, .eps, .png, .tif or .tiff.
    journal : {"default", "lancet", "bmj", "jama", "nejm", "nature", "plos", "elsevier", "springer"}
        Whose rules. `preset(journal).reference` says where they are written, and which are only usual.

    Returns
    -------
    FigureReport
        `findings` with rule, what was found and what is allowed; `passes`; `to_frame()`.

    Raises
    ------
    TypeError
        If `figure` is of another type.
    ValueError
        If the journal is unknown, or the file is of another kind or cannot be read.
    FileNotFoundError
        If there is no such file.

    Notes
    -----
    A figure is checked for its width and height, the size of its letters and their font, the widths of
    lines, texts over one another and outside of the canvas, and reliance on colour: marks of one name in one
    panel that differ in nothing but colour, and by less than 10 units of CIEDE2000 in greyscale or for
    readers with protanopia, deuteranopia or tritanopia (see `analysis.figures.colour_vision`). Where rows
    or labels tell such marks apart as well, the finding may be put aside. Colours of a continuous scale are
    not compared.

    Of files, vector graphics are checked for format, size, letters, lines, and fonts (embedded, not Type 3,
    not outlines where the journal wants letters); pictures for format and resolution at the printed width,
    which is that of the file's own resolution or else the journal's page.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> figure = Figure(figsize=(10, 3))
    >>> text = figure.text(0.5, 0.5, "small", fontsize=4)
    >>> report = check_figure(figure, journal="nature")
    >>> report.passes
    False
    >>> [finding.rule for finding in report.findings]
    ['width', 'size of letters', 'font']
    """
    from matplotlib.figure import Figure as FigureType

    rules = preset(journal)
    if isinstance(figure, (str, Path)):
        from analysis.figures.parts.check_file import check_file

        subject, checked, findings = check_file(Path(figure), rules)
    elif isinstance(figure, FigureType):
        subject, checked, findings = _check_drawn(figure, rules)
    else:
        raise TypeError(f"`figure` must be a Figure or the path of a file, but got {type(figure).__name__}.")
    return FigureReport(subject=subject, journal=rules.name, checked=tuple(checked), findings=tuple(findings))


def check_size(width_mm: float, height_mm: float, rules: Preset) -> list[Finding]:
    """Return findings about width and height, both in millimetres."""
    findings = []
    if width_mm > rules.double_mm + _SLACK_MM:
        findings.append(
            Finding(rule="width", found=f"{width_mm:.1f} mm", allowed=f"at most {rules.double_mm:g} mm")
        )
    if height_mm > rules.maximum_height_mm + _SLACK_MM:
        allowed = f"at most {rules.maximum_height_mm:g} mm"
        findings.append(Finding(rule="height", found=f"{height_mm:.1f} mm", allowed=allowed))
    return findings


def check_sizes_of_letters(sizes: Iterable[tuple[float, str]], rules: Preset) -> list[Finding]:
    """Return a finding about letters that are too small; each size comes with its text."""
    small = sorted((size, text) for size, text in sizes if size < rules.minimum_size - _SLACK_POINTS)
    if not small:
        return []
    size, text = small[0]
    found = (
        f"{len(small)} text{'s' if len(small) > 1 else ''}, the smallest of {size:.3g} pt ({_quoted(text)})"
    )
    return [Finding(rule="size of letters", found=found, allowed=f"at least {rules.minimum_size:g} pt")]


def check_widths_of_lines(widths: Iterable[tuple[float, str]], rules: Preset) -> list[Finding]:
    """Return a finding about lines that are too thin; each width comes with a name, which may be empty."""
    thin = sorted((width, name) for width, name in widths if width < rules.minimum_line_width - _SLACK_POINTS)
    if not thin:
        return []
    width, name = thin[0]
    found = f"{len(thin)} line{'s' if len(thin) > 1 else ''}, the thinnest of {width:.3g} pt"
    allowed = f"at least {rules.minimum_line_width:g} pt"
    return [Finding(rule="width of lines", found=f"{found} ({name})" if name else found, allowed=allowed)]


def _check_drawn(figure: Figure, rules: Preset) -> tuple[str, list[str], list[Finding]]:
    from analysis.figures.parts.colour_reliance import colours_relied_on
    from analysis.figures.parts.drawn import drawn_of

    drawn = drawn_of(figure)
    millimetres = MM_PER_INCH / POINTS_PER_INCH
    findings = [
        *check_size(drawn.width * millimetres, drawn.height * millimetres, rules),
        *check_sizes_of_letters(((text.size, text.text) for text in drawn.texts), rules),
        *_check_fonts(drawn, rules),
        *check_widths_of_lines(((line.width, line.gid) for line in drawn.lines), rules),
        *_check_places(drawn),
    ]
    for pair in colours_relied_on(figure):
        found = (
            f"{pair.marks}: {pair.colours[0]} and {pair.colours[1]} differ in colour alone, in "
            f"{pair.vision} by {pair.difference:.1f} units"
        )
        allowed = "10 units of CIEDE2000 or more for every reader, or a second sign"
        findings.append(Finding(rule="reliance on colour", found=found, allowed=allowed))
    checked = [
        "width",
        "height",
        "size of letters",
        "font",
        "width of lines",
        "text over text",
        "text outside",
        "reliance on colour",
    ]
    return "Figure", checked, findings


def _check_fonts(drawn: Drawn, rules: Preset) -> list[Finding]:
    # The last font is the one that is always there, not one that a journal wants.
    allowed = rules.fonts[:-1] if len(rules.fonts) > 1 else rules.fonts
    if rules.name == "default":
        return []
    others: dict[str, int] = defaultdict(int)
    for text in drawn.texts:
        if text.family not in allowed:
            others[text.family] += 1
    return [
        Finding(
            rule="font",
            found=f"{family} in {count} text{'s' if count > 1 else ''}",
            allowed=", ".join(allowed),
        )
        for family, count in others.items()
    ]


def _check_places(drawn: Drawn) -> list[Finding]:
    texts = [text for text in drawn.texts if text.text != "SYNTHETIC"]
    if not texts:
        return []
    boxes = np.array([text.box for text in texts])
    left, bottom, right, top = boxes.T
    outside = np.flatnonzero(
        (left < -_TOUCH) | (bottom < -_TOUCH) | (right > drawn.width + _TOUCH) | (top > drawn.height + _TOUCH)
    )
    wide = np.minimum.outer(right, right) - np.maximum.outer(left, left)
    high = np.minimum.outer(top, top) - np.maximum.outer(bottom, bottom)
    ones, others = np.nonzero(np.triu((wide > _TOUCH) & (high > _TOUCH), k=1))
    findings = []
    if ones.size:
        first = f"{_quoted(texts[ones[0]].text)} and {_quoted(texts[others[0]].text)}"
        pairs = f"{ones.size} pair{'s' if ones.size > 1 else ''}"
        findings.append(Finding(rule="text over text", found=f"{pairs}, {first}", allowed="none"))
    if outside.size:
        count = f"{outside.size} text{'s' if outside.size > 1 else ''}"
        first = _quoted(texts[outside[0]].text)
        findings.append(Finding(rule="text outside", found=f"{count}, {first}", allowed="none"))
    return findings


def _quoted(text: str) -> str:
    short = text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
    return f"“{short}”"
