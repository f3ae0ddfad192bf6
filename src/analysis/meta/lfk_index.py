"""The LFK index of asymmetry of the Doi plot, with what was found about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from analysis.meta.methods.weighted_regression import studies_of
from analysis.values.arguments import read_only
from analysis.values.framed import Framed
from analysis.values.text import short_number

if TYPE_CHECKING:
    import pandas as pd

    from analysis.values.arrays import FloatArray
    from analysis.values.estimate import EffectSizes

__all__ = ["LFK_WARNING", "LfkIndex", "lfk_index"]

LFK_WARNING = (
    "The LFK index is not a test: its false-positive rate runs from 0 to almost 30 %, depending on the "
    "number and size of studies and on heterogeneity, and it should not be used to assess funnel plot "
    "asymmetry (Schwarzer, Rücker and Semaca 2024, DOI 10.1002/jrsm.1714). Prefer egger_test."
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LfkIndex(Framed):
    """The LFK index, over the leading axes of the input.

    Parameters
    ----------
    index : ndarray
        Negative if the small studies lie to the left.
    interpretation : ndarray of str
        The authors' words: "no asymmetry" (up to 1), "minor asymmetry" (up to 2), "major asymmetry".
    z_score : ndarray
        Of each study, in the order given, the last axis being studies: the Doi plot shows its size against
        the effect.
    n_studies : ndarray
        Studies that entered.
    warning : str
        Why not to rely on it.
    """

    index: FloatArray
    interpretation: np.ndarray[tuple[int, ...], np.dtype[np.str_]]
    z_score: FloatArray
    n_studies: FloatArray
    warning: str = LFK_WARNING

    def __post_init__(self) -> None:
        for name in ("index", "z_score", "n_studies"):
            object.__setattr__(self, name, read_only(getattr(self, name)))

    def to_frame(self) -> pd.DataFrame:
        """Return one row per meta-analysis, in C order, at full precision."""
        import pandas as pd

        return pd.DataFrame(
            {
                "index": self.index.ravel(),
                "interpretation": self.interpretation.ravel(),
                "n_studies": self.n_studies.ravel(),
                "warning": self.warning,
            }
        )

    def __str__(self) -> str:
        """Return the index (ten at most) and the warning."""
        rows = list(zip(self.index.flat, self.interpretation.flat, self.n_studies.flat, strict=True))
        lines = [
            f"LFK index {short_number(index)} ({words}); {k:.0f} studies" for index, words, k in rows[:10]
        ]
        if len(rows) > 10:
            lines.append(f"... ({len(rows)} in all)")
        return "\n".join([*lines, self.warning])


def lfk_index(effects: EffectSizes) -> LfkIndex:
    """Compute the LFK index (Furuya-Kanamori, Barendregt and Doi).

    Parameters
    ----------
    effects : EffectSizes
        Shape (..., k); at least three studies, not all of equal effect.

    Returns
    -------
    LfkIndex
        With the warning of Schwarzer, Rücker and Semaca (2024), who found that it does not keep any level.

    Raises
    ------
    TypeError
        If `effects` is not EffectSizes.
    ValueError
        If fewer than three studies enter or all effects are equal.

    Notes
    -----
    Studies sorted by effect have sizes N = 100 max(v)/v, mid-ranks on the cumulated N, percentiles
    (mid-rank - 1/2)/ΣN and normal scores z. With y* the effect of the smallest |z|, the index is
    (5/(2k)) Σ(z + (y - y*)(max z - min z)/(max y - min y)).

    References
    ----------
    Furuya-Kanamori L, Barendregt JJ, Doi SAR (2018). A new improved graphical and quantitative method for
    detecting bias in meta-analysis. Int J Evid Based Healthc 16:195-203. DOI 10.1097/XEB.0000000000000141

    Schwarzer G, Rücker G, Semaca C (2024). LFK index does not reliably detect small-study effects in
    meta-analysis: a simulation study. Res Synth Methods 15:603-615. DOI 10.1002/jrsm.1714

    Examples
    --------
    Pain, the example of the 2018 paper:

    >>> from analysis import EffectSizes
    >>> pain = EffectSizes(effect=[-4.27, -1.71, -0.58, -0.19, 0.0],
    ...                    variance=[0.158, 0.076, 0.018, 0.022, 0.04])
    >>> result = lfk_index(pain)
    >>> str(result.interpretation)
    'major asymmetry'
    """
    studies = studies_of(effects, least=3)
    order = np.argsort(studies.effect, axis=0, kind="stable")
    y = np.take_along_axis(studies.effect, order, axis=0)
    v = np.take_along_axis(studies.variance, order, axis=0)
    width = y[-1] - y[0]
    if (width <= 0).any():
        first = int(np.flatnonzero(width <= 0)[0])
        raise ValueError(
            f"The effects must differ, but are {y[0, first]:g} in all studies of set {first} (counted flat): "
            "the Doi plot has no width."
        )
    size = 100 * v.max(axis=0) / v
    running = np.cumsum(size, axis=0)
    z = special.ndtri((running - size / 2 - 0.5) / running[-1])
    centre = np.take_along_axis(y, np.argmin(np.abs(z), axis=0)[None], axis=0)
    spread = (y - centre) * (z.max(axis=0) - z.min(axis=0)) / width
    k = float(y.shape[0])
    index = 2.5 / k * (z + spread).sum(axis=0)
    as_given = np.empty_like(z)
    np.put_along_axis(as_given, order, z, axis=0)
    distance = np.abs(index)
    words = np.where(
        distance <= 1, "no asymmetry", np.where(distance <= 2, "minor asymmetry", "major asymmetry")
    )
    shape = studies.shape
    return LfkIndex(
        index=index.reshape(shape),
        interpretation=words.reshape(shape),
        z_score=as_given.T.reshape((*shape, -1)),
        n_studies=np.full(shape, k),
    )
