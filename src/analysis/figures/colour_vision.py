"""Colours as they are seen without colour, and by people who see some colours alike.

Colours in, colours and differences out. Which marks of a figure rest on colour is checked in `check_figure`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from analysis.values.arguments import check_choice

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

__all__ = [
    "DISTINGUISHABLE",
    "VISIONS",
    "colour_difference",
    "colour_differences",
    "least_difference",
    "picture_as_seen",
    "seen_as",
]

VISIONS = ("normal", "protanopia", "deuteranopia", "tritanopia", "greyscale")
_FILTERS = {
    "protanopia": "protan",
    "deuteranopia": "deutan",
    "tritanopia": "tritan",
    "greyscale": "grayscale",
}

# Of small marks that stand apart. One unit is what can just be told on large areas side by side; on points
# of a quarter of a degree, as those of a forest plot on paper are, it takes some eight in lightness.
DISTINGUISHABLE = 10.0


def seen_as(colour: str, vision: str = "greyscale") -> str:
    """Return a colour as it is seen.

    Parameters
    ----------
    colour : str
        As "#E69F00" or by a name of CSS.
    vision : {"normal", "protanopia", "deuteranopia", "tritanopia", "greyscale"}, default "greyscale"
        Whose eyes, or print without colour. The deficiencies are complete: partial ones see more.

    Returns
    -------
    str
        As "#rrggbb".

    Raises
    ------
    ValueError
        If the kind of vision is unknown or the text is no colour.

    Notes
    -----
    Brettel, Viénot and Mollon's model for tritanopia, and Viénot, Brettel and Mollon's for the other two, as
    in the library ColorAide; greyscale keeps the luminance.

    References
    ----------
    Brettel H, Viénot F, Mollon JD (1997). Computerized simulation of color appearance for dichromats. J Opt
    Soc Am A 14:2647-2655. DOI 10.1364/JOSAA.14.002647 (Citation not verified.)

    Viénot F, Brettel H, Mollon JD (1999). Digital video colourmaps for checking the legibility of displays
    by dichromats. Color Res Appl 24:243-252. (Citation not verified.)

    Examples
    --------
    >>> seen_as("#E69F00"), seen_as("#56B4E9")
    ('#adadad', '#ababab')
    """
    check_choice("vision", vision, VISIONS)
    return _seen_as(colour, vision)


@lru_cache(maxsize=16384)
def _seen_as(colour: str, vision: str) -> str:
    from coloraide import Color

    try:
        original = Color(colour)
    except ValueError as error:
        raise ValueError(
            f"`colour` must be a colour such as '#E69F00' or 'black', but got {colour!r}."
        ) from error
    seen = original if vision == "normal" else original.filter(_FILTERS[vision])
    return seen.convert("srgb").to_string(hex=True, fit="clip")


def colour_difference(one: str, other: str, *, vision: str = "normal") -> float:
    """Return how different two colours look: CIEDE2000, 0 for the same and 100 for black and white.

    Parameters
    ----------
    one, other : str
        As "#E69F00" or by a name of CSS.
    vision : {"normal", "protanopia", "deuteranopia", "tritanopia", "greyscale"}, default "normal"
        Whose eyes, or print without colour.

    Returns
    -------
    float
        From `DISTINGUISHABLE` (10) on, small marks that stand apart can be told by their colour.

    Raises
    ------
    ValueError
        If the kind of vision is unknown or a text is no colour.

    Notes
    -----
    The bound follows measurements of how much more two colours must differ the smaller the marks are.

    References
    ----------
    Sharma G, Wu W, Dalal EN (2005). The CIEDE2000 color-difference formula. Color Res Appl 30:21-30.
    DOI 10.1002/col.20070 (Citation not verified.)

    Szafir DA (2018). Modeling color difference for visualization design. IEEE Trans Vis Comput Graph
    24:392-401. DOI 10.1109/TVCG.2017.2744359 (Citation not verified.)

    Examples
    --------
    >>> round(colour_difference("black", "white"))
    100
    >>> round(colour_difference("#E69F00", "#56B4E9", vision="greyscale"), 1)
    0.6
    """
    return _difference(seen_as(one, vision), seen_as(other, vision))


@lru_cache(maxsize=16384)
def _difference(one: str, other: str) -> float:
    from coloraide import Color

    return float(Color(one).delta_e(Color(other), method="2000"))


def least_difference(one: str, other: str, *, visions: Sequence[str] = VISIONS) -> tuple[float, str]:
    """Return the least difference of two colours over kinds of vision, and where it is found.

    Parameters
    ----------
    one, other : str
        As "#E69F00" or by a name of CSS.
    visions : sequence of str, optional
        Some of `VISIONS`; by default all.

    Returns
    -------
    float, str
        CIEDE2000, and the kind of vision.

    Examples
    --------
    >>> least_difference("#009E73", "#D55E00")[1]
    'greyscale'
    """
    return min((colour_difference(one, other, vision=vision), vision) for vision in visions)


def colour_differences(colours: Mapping[str, str]) -> pd.DataFrame:
    """Return the differences of every pair of colours.

    Parameters
    ----------
    colours : mapping of str to str
        Names and colours.

    Returns
    -------
    DataFrame
        A row a pair: `one`, `other`, a column a kind of vision with the CIEDE2000 difference, and
        `colour_alone`: whether all reach `DISTINGUISHABLE`, so that the pair needs no second sign.

    Raises
    ------
    ValueError
        If there are fewer than two colours.

    Examples
    --------
    >>> frame = colour_differences({"blue": "#0072B2", "orange": "#E69F00", "vermillion": "#D55E00"})
    >>> frame[["one", "other", "colour_alone"]].values.tolist()
    [['blue', 'orange', True], ['blue', 'vermillion', False], ['orange', 'vermillion', True]]
    """
    import pandas as pd

    names = list(colours)
    if len(names) < 2:
        raise ValueError(f"`colours` must hold at least two colours, but has {len(names)}.")
    rows = [
        {"one": one, "other": other}
        | {vision: colour_difference(colours[one], colours[other], vision=vision) for vision in VISIONS}
        for number, one in enumerate(names)
        for other in names[number + 1 :]
    ]
    frame = pd.DataFrame(rows)
    return frame.assign(colour_alone=(frame[list(VISIONS)] >= DISTINGUISHABLE).all(axis=1))


def picture_as_seen(figure: Figure, vision: str = "greyscale", *, dpi: float = 150.0) -> NDArray[np.uint8]:
    """Return a picture of a figure as it is seen.

    Parameters
    ----------
    figure : Figure
        What is looked at.
    vision : {"normal", "protanopia", "deuteranopia", "tritanopia", "greyscale"}, default "greyscale"
        Whose eyes, or print without colour.
    dpi : float, default 150
        Dots an inch.

    Returns
    -------
    ndarray of uint8
        Of shape (height, width, 3); `matplotlib.image.imsave` writes it, and `imshow` shows it.

    Raises
    ------
    ValueError
        If the kind of vision is unknown.
    """
    import io

    from matplotlib.image import imread

    check_choice("vision", vision, VISIONS)
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=dpi)
    stream.seek(0)
    pixels = np.rint(255 * imread(stream)[:, :, :3]).astype(np.uint32)
    # Each colour once: a page has millions of dots, but few colours.
    packed = pixels[..., 0] << 16 | pixels[..., 1] << 8 | pixels[..., 2]
    colours, places = np.unique(packed, return_inverse=True)
    seen = np.array([int(_seen_as(f"#{colour:06x}", vision)[1:7], 16) for colour in colours], dtype=np.uint32)
    picture = seen[places].reshape(packed.shape)
    return np.stack([picture >> 16 & 255, picture >> 8 & 255, picture & 255], axis=-1).astype(np.uint8)
