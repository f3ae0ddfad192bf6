"""GOSH: the meta-analyses of all subsets of the studies.

One study left out at a time is `influence`; what is computed by doubling is in `methods.influence_subsets`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.meta.methods.influence_studies import entering
from analysis.meta.methods.influence_subsets import (
    all_moments,
    all_subsets,
    drawn_subsets,
    moments_of,
    pooled_means,
    tau2_option,
)
from analysis.values.arguments import check_choice, read_only
from analysis.values.framed import Framed
from analysis.values.scale import measure_of, scale_of
from analysis.values.text import short_number

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike, NDArray

    from analysis.values.arrays import BoolArray, FloatArray, IntArray
    from analysis.values.estimate import EffectSizes

__all__ = ["Gosh", "gosh"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Gosh(Framed):
    """Meta-analyses of subsets of the studies.

    Parameters
    ----------
    measure, scale : str
        Of the effects.
    mean, tau2, i2, q : ndarray, shape (n,)
        Of every subset, on the analysis scale; I2 in percent, Cochran's Q.
    n_studies : ndarray of int, shape (n,)
        Studies in it.
    packed : ndarray of uint8, shape (n, bytes)
        Which: bit j of byte i is study 8 i + j. `masks` unpacks them.
    label : tuple of str
        The studies.
    study : ndarray of int, shape (k,)
        Their positions in the effects.
    complete : bool
        Whether these are all subsets, or draws of them.
    model, tau2_method : str
        As in `PooledEstimate`.
    """

    measure: str
    scale: str
    mean: FloatArray
    tau2: FloatArray
    i2: FloatArray
    q: FloatArray
    n_studies: NDArray[np.uint16]
    packed: NDArray[np.uint8]
    label: tuple[str, ...]
    study: IntArray
    complete: bool
    model: str
    tau2_method: str

    def __post_init__(self) -> None:
        for name in ("mean", "tau2", "i2", "q"):
            object.__setattr__(self, name, read_only(getattr(self, name)))
        self.n_studies.flags.writeable = False
        self.packed.flags.writeable = False

    @property
    def estimate(self) -> FloatArray:
        """The means on the reporting scale."""
        return scale_of(self.scale).backward(self.mean)

    def masks(self, subsets: slice | BoolArray | IntArray = slice(None)) -> BoolArray:
        """Return which studies the chosen subsets hold, of shape (subsets, k): what `pool` takes as where."""
        bits = np.unpackbits(self.packed[subsets], axis=1, count=len(self.label), bitorder="little")
        return bits.view(np.bool_)

    def containing(self, label: str) -> BoolArray:
        """Return which subsets hold a study, for a comparison of those with and without it."""
        if label not in self.label:
            raise ValueError(f"`label` must be one of the {len(self.label)} studies, but got {label!r}.")
        byte, bit = divmod(self.label.index(label), 8)
        holds: BoolArray = (self.packed[:, byte] >> np.uint8(bit)) & 1 == 1
        return holds

    def to_frame(self) -> pd.DataFrame:
        """Return one row a subset, with one true/false column a study, at full precision."""
        import pandas as pd

        frame = pd.DataFrame(
            {
                "estimate": self.estimate,
                "tau2": self.tau2,
                "i2": self.i2,
                "q": self.q,
                "n_studies": self.n_studies,
            }
        )
        studies = pd.DataFrame(self.masks(), columns=list(self.label))
        return pd.concat([frame, studies], axis=1)

    def __str__(self) -> str:
        """Return the middle 95 % of means and of I2."""
        percent = measure_of(self.measure).percent
        low, middle, high = (
            short_number(value, percent=percent) for value in np.quantile(self.estimate, [0.025, 0.5, 0.975])
        )
        less, more = np.quantile(self.i2, [0.025, 0.975])
        kind = "" if self.complete else "random "
        return (
            f"{self.mean.size} {kind}subsets of {len(self.label)} studies: median of the estimates {middle}, "
            f"95% of them from {low} to {high}; I² from {less:.0f}% to {more:.0f}%"
        )


def gosh(
    effects: EffectSizes,
    *,
    model: str = "random",
    tau2: str | float = "REML",
    subsets: int | None = None,
    rng: np.random.Generator | int | None = None,
    at_most: int = 2**20,
    where: ArrayLike | None = None,
) -> Gosh:
    """Pool all subsets of the studies, or random ones where there are too many.

    Parameters
    ----------
    effects : EffectSizes
        Shape (k,): one meta-analysis.
    model : {"random", "common"}, default "random"
        As for `pool`.
    tau2 : str or float, default "REML"
        As for `pool`, without the estimators that need weights.
    subsets : int, optional
        How many subsets to draw. Without it all are pooled if they are no more than `at_most`, else so many
        drawn.
    rng : numpy.random.Generator or int
        Generator or seed, needed where subsets are drawn.
    at_most : int, default 2**20
        Subsets to pool; the default takes all subsets of up to 20 studies.
    where : array_like of bool, shape (k,), optional
        Studies that enter.

    Returns
    -------
    Gosh
        All subsets but the empty one, number n holding study j where bit j of n + 1 is set; or draws, each
        subset equally likely and independent, so that one may come twice.

    Raises
    ------
    TypeError
        If `effects` is not EffectSizes, or a count is no whole number.
    ValueError
        If `effects` is more than one meta-analysis, subsets are to be drawn without `rng`, `subsets` is more
        than `at_most`, a study that enters has no finite effect or no variance greater than 0, or an option
        is unknown.
    ConvergenceError
        If tau2 does not converge; names the subset.

    Notes
    -----
    Two clouds of means, or of I2, say that the studies are of two kinds; see which study they differ in with
    `containing`. A single study has I2 = 0.

    References
    ----------
    Olkin I, Dahabreh IJ, Trikalinos TA (2012). GOSH - a graphical display of study heterogeneity. Res Synth
    Methods 3:214-223. DOI 10.1002/jrsm.1053

    Examples
    --------
    >>> from analysis import EffectSizes
    >>> effects = EffectSizes(
    ...     effect=[0.10, 0.15, 0.12, 0.9], variance=[0.02, 0.02, 0.03, 0.02], label="ABCD")
    >>> result = gosh(effects, tau2="DL")
    >>> print(result)
    15 subsets of 4 studies: median of the estimates 0.32, 95% of them from 0.10 to 0.77; I² from 0% to 93%
    >>> with_d = result.containing("D")
    >>> round(float(result.estimate[with_d].min()), 2), round(float(result.estimate[~with_d].max()), 2)
    (0.32, 0.15)
    """
    check_choice("model", model, ("random", "common"))
    method, given = tau2_option(tau2)
    chosen = entering(effects, where, least=1, what="gosh")
    if chosen.effect.ndim > 1:
        raise ValueError(
            f"`effects` must be one meta-analysis, but has shape {chosen.effect.shape}. Give them one by one."
        )
    y, v = chosen.effect, chosen.variance
    complete, count = _how_many(y.size, subsets, at_most)
    if complete:
        packed, moments = all_subsets(y.size), all_moments(y, v)
    else:
        if rng is None:
            raise ValueError(
                f"`rng` must be given, as a seed, for {count} random subsets of {y.size} studies: "
                "a sample must be possible to draw again."
            )
        packed = drawn_subsets(y.size, count, np.random.default_rng(rng))
        moments = moments_of(y, v, packed)
    df = moments.n_studies - 1.0
    if model == "common":
        between, mean = np.zeros(len(packed)), moments.mean
        i2 = 100 * np.maximum(0.0, moments.q - df) / np.where(moments.q > 0, moments.q, 1.0)
    else:
        between, mean = pooled_means(y, v, packed, moments, method, given)
        i2 = 100 * between / (between + moments.typical_variance())
    i2[df == 0] = 0.0
    return Gosh(
        measure=effects.measure,
        scale=effects.scale,
        mean=mean,
        tau2=between,
        i2=i2,
        q=moments.q,
        n_studies=moments.n_studies,
        packed=packed,
        label=chosen.label,
        study=chosen.study,
        complete=complete,
        model=model,
        tau2_method="none" if model == "common" else method,
    )


def _how_many(k: int, subsets: int | None, at_most: int) -> tuple[bool, int]:
    """Return whether all subsets are pooled, and how many are."""
    for name, value in (("at_most", at_most), ("subsets", subsets)):
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int | np.integer):
            raise TypeError(f"`{name}` must be a whole number, but got {value!r}.")
        if value < 1:
            raise ValueError(f"`{name}` must be at least 1, but got {value}.")
    total = 2**k - 1
    if subsets is None:
        return (True, total) if total <= at_most and k <= 32 else (False, int(at_most))
    if subsets > at_most:
        raise ValueError(f"`subsets` must be at most {at_most}, but got {subsets}. Give a larger at_most=.")
    return False, int(subsets)
