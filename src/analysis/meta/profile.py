"""The likelihood of tau2 over a range of its values, the mean being the best for each.

The maximum itself is found in `methods.tau2_likelihood`, limits of tau2 in `heterogeneity_interval`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.meta.methods.influence_studies import entering
from analysis.meta.methods.tau2_likelihood import log_likelihood, maximum_likelihood
from analysis.meta.methods.weighted_model import Studies
from analysis.values.arguments import as_numbers, check_choice, read_only
from analysis.values.framed import Framed

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd
    from numpy.typing import ArrayLike

    from analysis.values.arrays import FloatArray
    from analysis.values.estimate import EffectSizes

__all__ = ["ProfileLikelihood", "profile_likelihood"]

_POINTS = 51
# Elements of a block.
_BLOCK = 65_536
# The default grid ends where this much of log-likelihood is lost: beyond the 95 % limit, at 1.92.
_LOST = 2.5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ProfileLikelihood(Framed):
    """Log-likelihood of tau2, over the leading axes of the effects.

    Parameters
    ----------
    tau2 : ndarray, shape (..., g)
        Values of tau2.
    log_likelihood : ndarray, shape (..., g)
        With all constants, as metafor's.
    mean, std_error : ndarray, shape (..., g)
        The weighted mean at that tau2 and 1/sqrt(Σw), on the analysis scale.
    maximum_tau2, maximum_log_likelihood : ndarray
        The estimate of tau2, and the log-likelihood at it.
    tau2_method : str
        "ML" or "REML".
    n_studies : int
        Studies that entered.
    """

    tau2: FloatArray
    log_likelihood: FloatArray
    mean: FloatArray
    std_error: FloatArray
    maximum_tau2: FloatArray
    maximum_log_likelihood: FloatArray
    tau2_method: str
    n_studies: int

    def __post_init__(self) -> None:
        for name in (
            "tau2",
            "log_likelihood",
            "mean",
            "std_error",
            "maximum_tau2",
            "maximum_log_likelihood",
        ):
            object.__setattr__(self, name, read_only(getattr(self, name)))

    def to_frame(self) -> pd.DataFrame:
        """Return one row a value of tau2 (and replicate, in C order), at full precision."""
        import pandas as pd

        names = ("tau2", "log_likelihood", "mean", "std_error")
        frame = pd.DataFrame({name: getattr(self, name).ravel() for name in names})
        points = self.tau2.shape[-1]
        frame["maximum_tau2"] = np.repeat(self.maximum_tau2.ravel(), points)
        frame["maximum_log_likelihood"] = np.repeat(self.maximum_log_likelihood.ravel(), points)
        return frame.assign(tau2_method=self.tau2_method, n_studies=self.n_studies)

    def __str__(self) -> str:
        """Return where the maximum is."""
        if self.maximum_tau2.ndim:
            return f"{self.tau2_method} likelihood of τ² of {self.maximum_tau2.size} meta-analyses"
        top = f"{self.maximum_log_likelihood:.2f}".replace("-", "−")
        return (
            f"{self.tau2_method} likelihood of τ², {self.n_studies} studies: highest ({top}) at "
            f"{self.maximum_tau2:.3g}; {self.tau2.size} values from {self.tau2.min():.3g} to "
            f"{self.tau2.max():.3g}"
        )


def profile_likelihood(
    effects: EffectSizes,
    *,
    tau2: str = "REML",
    grid: ArrayLike | None = None,
    where: ArrayLike | None = None,
) -> ProfileLikelihood:
    """Compute the log-likelihood of tau2 at many of its values.

    Parameters
    ----------
    effects : EffectSizes
        Shape (..., k), at least two studies.
    tau2 : {"REML", "ML"}, default "REML"
        Restricted likelihood, or likelihood at the best mean.
    grid : array_like, shape (g,), optional
        Values of tau2, 0 or greater. Without it 51 values from 0 to where 2.5 of log-likelihood are lost:
        beyond the limit of a 95 % interval.
    where : array_like of bool, shape (k,), optional
        Studies that enter.

    Returns
    -------
    ProfileLikelihood

    Raises
    ------
    TypeError
        If `effects` is not EffectSizes or `grid` not numbers.
    ValueError
        If fewer than two studies enter, one has no finite effect or no variance greater than 0, or a value of
        the grid is negative or not finite.
    ConvergenceError
        If the maximum is not found; names the meta-analysis.

    Notes
    -----
    With w = 1/(v + tau2) twice the log-likelihood is -k log 2π - Σlog(v + tau2) - Σw(y - mean)²; restricted,
    log 2π is taken k - 1 times, log Σw is subtracted and log k added. One peak inside of a grid that is wide
    enough says that the estimate is the maximum.

    References
    ----------
    Hardy RJ, Thompson SG (1996). A likelihood approach to meta-analysis with random effects. Stat Med
    15:619-629. DOI 10.1002/(SICI)1097-0258(19960330)15:6<619::AID-SIM188>3.0.CO;2-A

    Viechtbauer W (2005). Bias and efficiency of meta-analytic variance estimators in the random-effects
    model. J Educ Behav Stat 30:261-293. DOI 10.3102/10769986030003261

    Examples
    --------
    >>> from analysis import EffectSizes
    >>> effects = EffectSizes(effect=[0.10, 0.15, 0.12, 0.9], variance=[0.02, 0.02, 0.03, 0.02])
    >>> result = profile_likelihood(effects, grid=[0, 0.1, 0.2])
    >>> result.log_likelihood.round(2)
    array([-8.04, -1.48, -1.53])
    """
    restricted = check_choice("tau2", tau2, ("REML", "ML")) == "REML"
    values = None if grid is None else _check_grid(grid)
    chosen = entering(effects, where, least=2, what="profile_likelihood")
    shape, k = chosen.effect.shape[:-1], chosen.effect.shape[-1]
    y, v = chosen.effect.reshape(-1, k), chosen.variance.reshape(-1, k)
    best, highest = np.empty((2, len(y)))
    for block, studies in _blocks(y, v, 1):
        best[block] = maximum_likelihood(studies, block.start, restricted=restricted)
        highest[block] = log_likelihood(studies, best[block], restricted=restricted)
    if values is None:
        end = _end(y, v, best, highest, restricted=restricted)
        at = np.linspace(0.0, 1.0, _POINTS) * end[:, np.newaxis]
    else:
        at = np.broadcast_to(values, (len(y), values.size))
    flat = np.ascontiguousarray(at).ravel()
    found, mean, error = np.empty((3, flat.size))
    for block, studies in _blocks(y, v, at.shape[1]):
        found[block] = log_likelihood(studies, flat[block], restricted=restricted)
        weight = 1 / (studies.variance + flat[block])
        total = weight.sum(axis=0)
        mean[block] = (weight * studies.effect).sum(axis=0) / total
        error[block] = np.sqrt(1 / total)
    constant = -0.5 * ((k - restricted) * np.log(2 * np.pi) - restricted * np.log(k))
    grid_shape = (*shape, at.shape[1])
    return ProfileLikelihood(
        tau2=at.reshape(grid_shape),
        log_likelihood=found.reshape(grid_shape) + constant,
        mean=mean.reshape(grid_shape),
        std_error=error.reshape(grid_shape),
        maximum_tau2=best.reshape(shape),
        maximum_log_likelihood=highest.reshape(shape) + constant,
        tau2_method=tau2,
        n_studies=k,
    )


def _blocks(y: FloatArray, v: FloatArray, repeats: int) -> Iterator[tuple[slice, Studies]]:
    """Yield every set so many times in a row, in blocks, with their positions."""
    size, step = len(y) * repeats, max(1, _BLOCK // y.shape[1])
    for start in range(0, size, step):
        block = slice(start, min(start + step, size))
        rows = np.arange(block.start, block.stop) // repeats
        yield block, Studies(np.ascontiguousarray(y[rows].T), np.ascontiguousarray(v[rows].T))


def _end(
    y: FloatArray, v: FloatArray, best: FloatArray, highest: FloatArray, *, restricted: bool
) -> FloatArray:
    """Return the tau2 beyond the maximum where enough is lost, found by doubling."""
    end: FloatArray = 2 * best + v.min(axis=1)
    short = np.arange(end.size)
    # The likelihood falls without limit as tau2 rises, by log 2 / 2 a doubling for two studies.
    while short.size:
        still = np.empty(short.size, dtype=np.bool_)
        for block, studies in _blocks(y[short], v[short], 1):
            rows = short[block]
            lost = highest[rows] - log_likelihood(studies, end[rows], restricted=restricted)
            still[block] = lost < _LOST
        short = short[still]
        end[short] *= 2
    return end


def _check_grid(grid: ArrayLike) -> FloatArray:
    values = np.atleast_1d(as_numbers("grid", grid))
    if values.ndim > 1 or values.size == 0:
        raise ValueError(f"`grid` must be a list of values of tau2, but has shape {values.shape}.")
    fault = np.flatnonzero(~((values >= 0) & (values < np.inf)))
    if fault.size:
        raise ValueError(f"`grid` must be 0 or greater, but is {values[fault[0]]:g} at index {fault[0]}.")
    return values
