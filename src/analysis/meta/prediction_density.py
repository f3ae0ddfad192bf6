"""The distribution of the effect that a further study is expected to have, as a curve."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from analysis.values.arguments import read_only
from analysis.values.distributions import t_quantile
from analysis.values.framed import Framed
from analysis.values.scale import scale_of

if TYPE_CHECKING:
    import pandas as pd

    from analysis.meta.pooled_estimate import PooledEstimate
    from analysis.values.arrays import FloatArray

__all__ = ["PredictionDensity", "prediction_density"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PredictionDensity(Framed):
    """A density over the effects of a further study.

    Parameters
    ----------
    effect : ndarray
        Ascending effects on the analysis scale, shape (..., points).
    value : ndarray
        The same on the reporting scale.
    density : ndarray
        Of `effect`, by unit of the analysis scale.
    """

    effect: FloatArray
    value: FloatArray
    density: FloatArray

    def __post_init__(self) -> None:
        for name in ("effect", "value", "density"):
            object.__setattr__(self, name, read_only(getattr(self, name)))

    def to_frame(self) -> pd.DataFrame:
        """Return one row a point (and meta-analysis, in C order), at full precision."""
        import pandas as pd

        return pd.DataFrame({name: getattr(self, name).ravel() for name in ("effect", "value", "density")})


def prediction_density(
    pooled: PooledEstimate, *, points: int = 201, coverage: float = 0.998
) -> PredictionDensity:
    """Return the density whose quantiles are the prediction interval.

    Parameters
    ----------
    pooled : PooledEstimate
        A random-effects model.
    points : int, default 201
        How many points the curve has, at least 3.
    coverage : float, default 0.998
        Probability that the curve covers; few studies have long tails, which are cut at 6 standard errors.

    Returns
    -------
    PredictionDensity
        NaN where there are fewer than three studies.

    Raises
    ------
    ValueError
        If the model has a common effect, or an option is outside its range.

    Notes
    -----
    Student's t on k - 2 degrees of freedom about the mean, with the scale sqrt(tau2 + SE²): the distribution
    that Higgins, Thompson and Spiegelhalter's interval is the middle part of.

    References
    ----------
    Higgins JPT, Thompson SG, Spiegelhalter DJ (2009). A re-evaluation of random-effects meta-analysis.
    J R Stat Soc A 172:137-159. DOI 10.1111/j.1467-985X.2008.00552.x

    Examples
    --------
    >>> from analysis import EffectSizes, pool
    >>> effects = EffectSizes(effect=[0.10, 0.30, 0.35, 0.65], variance=[0.03, 0.03, 0.05, 0.01])
    >>> curve = prediction_density(pool(effects))
    >>> round(float(curve.effect[curve.density.argmax()]), 2)
    0.38
    """
    if pooled.model == "common":
        raise ValueError("The common-effect model predicts no spread of effects; pool with model='random'.")
    if points < 3:
        raise ValueError(f"`points` must be 3 or more, but got {points}.")
    if not 0 < coverage < 1:
        raise ValueError(f"`coverage` must be between 0 and 1, but got {coverage!r}.")
    df = np.asarray(pooled.n_studies - 2, dtype=np.float64)
    df = np.where(df > 0, df, np.nan)
    scale = np.sqrt(pooled.tau2 + pooled.std_error**2)
    with np.errstate(invalid="ignore"):
        half = np.minimum(t_quantile((1 + coverage) / 2, np.where(df > 0, df, 1.0)), 6.0)
        t = np.linspace(-1.0, 1.0, points) * half[..., np.newaxis]
        of = df[..., np.newaxis]
        log_constant = special.gammaln((of + 1) / 2) - special.gammaln(of / 2)
        log_density = log_constant - 0.5 * np.log(of * math.pi) - (of + 1) / 2 * np.log1p(t * t / of)
    effect = pooled.mean[..., np.newaxis] + t * scale[..., np.newaxis]
    return PredictionDensity(
        effect=effect,
        value=scale_of(pooled.effects.scale).backward(effect),
        density=np.exp(log_density) / scale[..., np.newaxis],
    )
