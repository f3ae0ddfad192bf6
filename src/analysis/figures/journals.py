"""What journals ask of a figure: letters, lines, widths, formats and resolution, and where they say so.

Numbers only. How they become settings is decided in `style`, whether a figure keeps them in `check_figure`.
"""

from __future__ import annotations

from dataclasses import dataclass

from analysis.values.arguments import check_choice

__all__ = ["DEFAULT_FONT", "JOURNALS", "Preset", "preset"]

# The one font that comes with matplotlib, so that a figure has the same widths on every machine.
DEFAULT_FONT = "DejaVu Sans"

# Liberation Sans and Arimo have Arial's widths, so a line of text is as long as in print.
_SANS = ("Arial", "Helvetica", "Liberation Sans", "Arimo", DEFAULT_FONT)
_READ_ON = "22 November 2026"


# What a guideline may say, in the order in which it is told.
_RULES = (
    "fonts",
    "minimum_size",
    "single_mm",
    "double_mm",
    "maximum_height_mm",
    "minimum_line_width",
    "formats",
    "line_art_dpi",
    "combination_dpi",
    "colour_space",
    "decimal_mark",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """What a journal asks of a figure.

    Parameters
    ----------
    name : str
        As given to `style`.
    fonts : tuple of str
        Font families from the most wanted on; the last one is always there.
    body_size, small_size : float
        Sizes of letters in points at the printed size: labels, and notes.
    minimum_size : float
        The smallest letters that are accepted, in points.
    single_mm, double_mm : float
        Widths of one column and of the page in millimetres.
    maximum_height_mm : float
        The greatest height in millimetres.
    line_width, minimum_line_width : float
        Of axes and rules, and the thinnest line that is accepted, in points.
    formats : tuple of str
        Formats from the most wanted on, of those that `save_figure` writes.
    line_art_dpi, combination_dpi : float
        Least resolution in dots an inch at the printed width: of black and white drawings, and of drawings
        with colours or greys.
    allows_outlines : bool
        Whether letters may be drawn as outlines, so that nobody can edit them.
    colour_space : str
        What is said about colours.
    decimal_mark : str
        Between whole number and decimals.
    guideline, address : str
        Title and address of the journal's public guideline.
    verified : tuple of str
        The fields that were read in the guideline.

    Attributes
    ----------
    unverified : tuple of str
        The rules that could not be read there: usual values stand for them.
    """

    name: str
    fonts: tuple[str, ...]
    body_size: float
    small_size: float
    single_mm: float
    double_mm: float
    line_width: float = 0.6
    minimum_size: float = 7.0
    minimum_line_width: float = 0.3
    maximum_height_mm: float = 240.0
    formats: tuple[str, ...] = ("pdf", "eps", "tiff")
    line_art_dpi: float = 600.0
    combination_dpi: float = 300.0
    allows_outlines: bool = False
    colour_space: str = "RGB"
    decimal_mark: str = "."
    guideline: str = ""
    address: str = ""
    verified: tuple[str, ...] = ()

    @property
    def unverified(self) -> tuple[str, ...]:
        """Rules that were not read in the guideline."""
        return tuple(rule for rule in _RULES if rule not in self.verified) if self.guideline else ()

    @property
    def tiff_dpi(self) -> float:
        """Resolution in which a TIFF is written: as for colours, or as for lines up to 600."""
        return max(self.combination_dpi, min(self.line_art_dpi, 600.0))

    @property
    def reference(self) -> str:
        """Where the numbers come from, and which of them could not be verified."""
        if not self.guideline:
            return "House style of this project; no journal's guideline."
        parts = [f"{self.guideline}. {self.address}."]
        if self.verified:
            parts.append(f"Read on {_READ_ON} in a stored copy: {_spoken(self.verified)}.")
        if self.unverified:
            parts.append(f"Usual values stand for: {_spoken(self.unverified)} (not verified).")
        return " ".join(parts)


def _spoken(fields: tuple[str, ...]) -> str:
    return ", ".join(name.replace("_", " ") for name in fields)


JOURNALS: dict[str, Preset] = {
    item.name: item
    for item in (
        Preset(
            name="default",
            fonts=(DEFAULT_FONT,),
            body_size=7.5,
            small_size=7.0,
            single_mm=84.0,
            double_mm=174.0,
            maximum_height_mm=234.0,
            formats=("pdf", "svg", "png"),
            line_art_dpi=300.0,
            allows_outlines=True,
        ),
        Preset(
            name="lancet",
            fonts=_SANS,
            body_size=8.0,
            small_size=7.0,
            single_mm=75.0,
            double_mm=154.0,
            maximum_height_mm=230.0,
            formats=("pdf", "eps", "tiff"),
            decimal_mark="·",
            guideline="The Lancet, Formatting guidelines for electronic submission of manuscripts, and "
            "Information for authors",
            address="https://www.thelancet.com/submission-guidelines (copies of 2012: "
            "https://www.yumpu.com/en/document/view/4780116 and .../6149547)",
            # "Type decimal points midline"; photographs of at least 300 dpi. Most figures are redrawn there.
            verified=("decimal_mark", "combination_dpi"),
        ),
        Preset(
            name="bmj",
            fonts=_SANS,
            body_size=8.0,
            small_size=7.0,
            single_mm=90.0,
            double_mm=180.0,
            guideline="BMJ Author Hub, Formatting your paper",
            address="https://authors.bmj.com/writing-and-formatting/formatting-your-paper/",
        ),
        Preset(
            name="jama",
            fonts=_SANS,
            body_size=8.0,
            small_size=7.0,
            single_mm=86.0,
            double_mm=178.0,
            maximum_height_mm=229.0,
            formats=("eps", "pdf", "tiff"),
            combination_dpi=350.0,
            guideline="AMA Manual of Style, Guidelines for Preparing and Submitting Figures (of JAMA), and "
            "JAMA, Instructions for Authors",
            address="http://www.amamanualofstyle.com/view/10.1093/jama/9780195176339.001.0001/"
            "med-9780195176339-div2-114 and https://jamanetwork.com/journals/jama/pages/instructions-for-authors",
            # "EPS, GIF, JPG, and TIF"; "generally ... a resolution of at least 350 ppi".
            verified=("formats", "combination_dpi"),
        ),
        Preset(
            name="nejm",
            fonts=_SANS,
            body_size=8.0,
            small_size=7.0,
            single_mm=84.0,
            double_mm=175.0,
            maximum_height_mm=230.0,
            formats=("eps", "pdf", "tiff"),
            line_art_dpi=1200.0,
            guideline="New England Journal of Medicine, New manuscripts: technical guidelines for figures",
            address="https://www.nejm.org/author-center/new-manuscripts (not read)",
        ),
        Preset(
            name="nature",
            fonts=_SANS,
            body_size=7.0,
            small_size=6.0,
            minimum_size=5.0,
            single_mm=89.0,
            double_mm=183.0,
            maximum_height_mm=170.0,
            minimum_line_width=0.25,
            formats=("pdf", "eps", "tiff"),
            line_art_dpi=450.0,
            colour_space="RGB; print artwork is converted to CMYK",
            guideline="Nature, Research figure guide: Building and exporting figure panels; Preparing "
            "figures – our specifications",
            address="https://research-figure-guide.nature.com/figures/building-and-exporting-figure-panels",
            # 450 dpi is the most that online proofs show; 300 dpi is the least that is accepted.
            verified=(
                "fonts",
                "minimum_size",
                "single_mm",
                "double_mm",
                "maximum_height_mm",
                "line_art_dpi",
                "combination_dpi",
                "colour_space",
            ),
        ),
        Preset(
            name="plos",
            fonts=_SANS,
            body_size=9.0,
            small_size=8.0,
            minimum_size=8.0,
            single_mm=132.0,
            double_mm=190.5,
            maximum_height_mm=222.3,
            formats=("tiff", "eps"),
            allows_outlines=True,
            colour_space="RGB (8 bit a channel) or greyscale",
            guideline="PLOS Medicine, Figures: figure file requirements",
            address="https://journals.plos.org/plosmedicine/s/figures",
            verified=(
                "fonts",
                "minimum_size",
                "double_mm",
                "maximum_height_mm",
                "formats",
                "line_art_dpi",
                "combination_dpi",
                "colour_space",
            ),
        ),
        Preset(
            name="elsevier",
            fonts=_SANS,
            body_size=8.0,
            small_size=7.0,
            single_mm=90.0,
            double_mm=190.0,
            minimum_line_width=0.1,
            formats=("eps", "pdf", "tiff"),
            line_art_dpi=1000.0,
            combination_dpi=500.0,
            allows_outlines=True,
            guideline="Elsevier, Artwork and media instructions: artwork sizing; artwork types",
            address="https://www.elsevier.com/about/policies-and-standards/author/artwork-and-media-instructions"
            "/artwork-sizing and .../artwork-types",
            verified=(
                "fonts",
                "minimum_size",
                "minimum_line_width",
                "formats",
                "line_art_dpi",
                "combination_dpi",
                "colour_space",
            ),
        ),
        Preset(
            name="springer",
            fonts=_SANS,
            body_size=9.0,
            small_size=8.0,
            minimum_size=8.0,
            single_mm=84.0,
            double_mm=174.0,
            maximum_height_mm=234.0,
            formats=("eps", "tiff"),
            line_art_dpi=1200.0,
            combination_dpi=600.0,
            colour_space="RGB (8 bit a channel)",
            guideline="Springer, Artwork and illustrations guidelines (as printed by the journals "
            "Interdisciplinary Sciences and IJQR)",
            address="http://interdisciplinarysciences.org/Forauthors/ArtworkandIllustrationsGuidelines/"
            "ArtworkandIllustrationsGuidelines.php and http://www.cqm.rs/ijqr/29.php",
            verified=(
                "fonts",
                "minimum_size",
                "minimum_line_width",
                "formats",
                "line_art_dpi",
                "combination_dpi",
                "colour_space",
            ),
        ),
    )
}


def preset(journal: str = "default", *, argument: str = "journal") -> Preset:
    """Return what a journal asks of a figure.

    Parameters
    ----------
    journal : {"default", "lancet", "bmj", "jama", "nejm", "nature", "plos", "elsevier", "springer"}
        The journal or publisher.
    argument : str, optional
        What the argument is called in an error.

    Returns
    -------
    Preset

    Raises
    ------
    ValueError
        If there is no such journal; lists those that there are.

    Notes
    -----
    Guidelines change, and journals of one publisher differ: `Preset.reference` says what was read where and
    when, and which values are only usual ones.

    Examples
    --------
    >>> preset("nature").double_mm, preset("lancet").decimal_mark
    (183.0, '·')
    """
    return JOURNALS[check_choice(argument, journal, JOURNALS)]
