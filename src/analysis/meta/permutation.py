"""Permutation test of the mean effect by sign flips, and the interval that it gives by inversion.

Tests of moderators, which shuffle studies, are not here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from analysis.measures.methods.roots import find_root
from analysis.meta.heterogeneity import estimate_tau2
from analysis.meta.methods.influence_studies import entering
from analysis.meta.methods.influence_subsets import tau2_option
from analysis.meta.methods.not_converged import not_converged
from analysis.meta.methods.weighted_model import Studies
from analysis.values.arguments import as_numbers, check_choice, check_confidence_level, read_only
from analysis.values.estimate import Estimate
from analysis.values.framed import Framed
from analysis.values.scale import measure_of, scale_of

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike

    from analysis.values.arrays import BoolArray, FloatArray
    from analysis.values.estimate import EffectSizes

__all__ = ["PermutationTest", "permutation_test"]

# Elements of a block.
_BLOCK = 65_536
# Statistics that are held at once.
_STATISTICS = 4_000_000
# Statistics that differ by less, relatively, are equal: the flips of studies with equal data are.
_TIE = 1e-8
# All flips of more studies are not gone through.
_EXACT_AT_MOST = 20
# Doublings of the distance at which a limit is looked for.
_DOUBLINGS = 60
_CI = ("wald", "hartung-knapp", "hartung-knapp-adhoc")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PermutationTest(Framed):
    """A test of the mean by sign flips, over the leading axes of the effects.

    Parameters
    ----------
    measure : str
        Of the effects.
    null : float
        The mean that is tested, on the reporting scale.
    statistic : ndarray
        Distance of the mean from the null in standard errors.
    pvalue : ndarray
        Two-sided.
    permutations : int
        Flips that the P-value counts, the observed signs among them.
    exact : bool
        Whether these are all, or random ones.
    estimate : Estimate or None
        The pooled mean with the limits of the inverted test, where `interval` was asked for; a limit is
        infinite (or 0 for a ratio) where no P-value is small enough, as with five studies at 95 %.
    n_studies : int
        Studies that entered.
    """

    measure: str
    null: float
    statistic: FloatArray
    pvalue: FloatArray
    permutations: int
    exact: bool
    estimate: Estimate | None
    n_studies: int

    def __post_init__(self) -> None:
        for name in ("statistic", "pvalue"):
            object.__setattr__(self, name, read_only(getattr(self, name)))

    def to_frame(self) -> pd.DataFrame:
        """Return one row a meta-analysis, in C order, at full precision."""
        import pandas as pd

        columns: dict[str, object] = {
            "measure": self.measure,
            "null": self.null,
            "statistic": self.statistic.ravel(),
            "pvalue": self.pvalue.ravel(),
        }
        if self.estimate is not None:
            for name in ("value", "low", "high"):
                columns[name] = getattr(self.estimate, name).ravel()
            columns["confidence_level"] = self.estimate.confidence_level
        return pd.DataFrame(
            columns | {"permutations": self.permutations, "exact": self.exact, "n_studies": self.n_studies}
        )

    def __str__(self) -> str:
        """Return what a paper prints; several meta-analyses give their number."""
        number = f"all {self.permutations}" if self.exact else f"{self.permutations} random"
        how = f"by {number} sign flips of {self.n_studies} studies"
        if self.pvalue.ndim:
            return f"{self.pvalue.size} permutation tests {how}"
        text = f"P = {self.pvalue:.3g} {how}"
        return text if self.estimate is None else f"{self.estimate}, {text}"


class _Flips(NamedTuple):
    """Which studies are flipped, in those flips that change more than the sign of the mean."""

    turned: BoolArray
    # How many are left out because they change nothing but that sign, the observed one among them.
    same: int
    exact: bool

    @property
    def total(self) -> int:
        """How many the P-value is a share of; of all flips, one of each pair of opposites."""
        return len(self.turned) + self.same

    @property
    def permutations(self) -> int:
        """How many there are, with their opposites where all are."""
        return 2 * self.total if self.exact else self.total


class _Way(NamedTuple):
    """How a set of effects is pooled: tau2 or its estimator, and whose standard error."""

    method: str
    given: float | None
    ci: str

    def pooled(self, studies: Studies, first: int) -> tuple[FloatArray, FloatArray]:
        """Return the mean of every set and its standard error."""
        if self.given is None:
            between = estimate_tau2(studies, self.method, first=first)
        else:
            between = np.full(studies.effect.shape[1], self.given)
        weight = 1 / (studies.variance + between)
        total = weight.sum(axis=0)
        mean = (weight * studies.effect).sum(axis=0) / total
        factor: FloatArray | float = 1.0
        if self.ci != "wald":
            scatter = (weight * (studies.effect - mean) ** 2).sum(axis=0)
            factor = scatter / (studies.effect.shape[0] - 1)
            if self.ci == "hartung-knapp-adhoc":
                factor = np.maximum(factor, 1.0)
        return mean, np.sqrt(factor / total)

    def statistics(self, y: FloatArray, v: FloatArray, flips: _Flips) -> FloatArray:
        """Return the absolute statistics of all flips of effects less their null, of shape (sets, flips)."""
        count, k = len(flips.turned), y.shape[1]
        found = np.empty((len(y), count))
        flat = found.reshape(-1)
        step = max(1, _BLOCK // k)
        for start in range(0, flat.size, step):
            block = slice(start, min(start + step, flat.size))
            row, flip = np.divmod(np.arange(block.start, block.stop), count)
            turned = flips.turned[flip].T
            own, variance = (np.broadcast_to(x.T, turned.shape) if len(y) == 1 else x[row].T for x in (y, v))
            effect = np.ascontiguousarray(np.where(turned, -own, own))
            mean, error = self.pooled(Studies(effect, np.ascontiguousarray(variance)), start)
            flat[block] = np.abs(_ratio(mean, error))
        return found


def permutation_test(
    effects: EffectSizes,
    *,
    null: float | None = None,
    model: str = "random",
    tau2: str | float = "REML",
    ci: str = "wald",
    exact: bool | None = None,
    draws: int = 10_000,
    rng: np.random.Generator | int | None = None,
    interval: bool = False,
    where: ArrayLike | None = None,
    confidence_level: float = 0.95,
) -> PermutationTest:
    """Test the mean effect against the means that sign flips of the studies give.

    Parameters
    ----------
    effects : EffectSizes
        Shape (..., k), at least two studies.
    null : float, optional
        The mean that is tested, on the reporting scale; by default the measure's value of no effect.
    model, tau2
        As for `pool`, without the estimators that need weights; tau2 is estimated anew after every flip.
    ci : {"wald", "hartung-knapp", "hartung-knapp-adhoc"}, default "wald"
        Whose standard error the statistic has.
    exact : bool, optional
        Whether to go through all 2^k flips; by default if these are no more than `draws`. At most 20 studies.
    draws : int, default 10_000
        Random flips otherwise.
    rng : numpy.random.Generator or int
        Generator or seed, needed for random flips. Replicates share the flips.
    interval : bool, default False
        Whether to invert the test for a confidence interval.
    where : array_like of bool, shape (k,), optional
        Studies that enter.
    confidence_level : float, default 0.95
        Of the interval.

    Returns
    -------
    PermutationTest

    Raises
    ------
    TypeError
        If `effects` is not EffectSizes, or an argument is of the wrong type.
    ValueError
        If fewer than two studies enter, one has no finite effect or no variance greater than 0, the measure
        has no value of no effect and none is given, random flips have no `rng`, or an option is unknown.
    ConvergenceError
        If tau2 does not converge or a limit is not found.

    Notes
    -----
    If the mean is the null and effects scatter symmetrically about their mean, y - null is as likely as its
    negative for every study. P is the share of flips whose statistic is at least as far from 0 as that
    observed; of random flips (1 + b)/(1 + draws). The smallest P of k studies is 2/2^k, so that at 5 % six
    are needed. A limit is the nearest mean on its side of the estimate, looked for at distances that double,
    that the test rejects at 1 - confidence_level.

    References
    ----------
    Follmann DA, Proschan MA (1999). Valid inference in random effects meta-analysis. Biometrics 55:732-737.
    DOI 10.1111/j.0006-341X.1999.00732.x

    Phipson B, Smyth GK (2010). Permutation P-values should never be zero: calculating exact P-values when
    permutations are randomly drawn. Stat Appl Genet Mol Biol 9:39. DOI 10.2202/1544-6115.1585. (Citation not
    verified.)

    Examples
    --------
    >>> from analysis import EffectSizes
    >>> effects = EffectSizes(
    ...     effect=[0.10, 0.15, 0.12, 0.9, 0.3, 0.4], variance=[0.02, 0.02, 0.03, 0.02, 0.04, 0.1])
    >>> print(permutation_test(effects, interval=True))
    0.33 (0.10 to 0.90), P = 0.0312 by all 64 sign flips of 6 studies
    """
    check_choice("model", model, ("random", "common"))
    method, given = tau2_option(tau2)
    way = _Way(method, 0.0 if model == "common" else given, check_choice("ci", ci, _CI))
    level = check_confidence_level(confidence_level)
    chosen = entering(effects, where, least=2, what="permutation_test")
    shape, k = chosen.effect.shape[:-1], chosen.effect.shape[-1]
    shown, tested = _null(null, effects)
    flips = _flips(k, exact=exact, draws=draws, rng=rng)
    y, v = chosen.effect.reshape(-1, k), chosen.variance.reshape(-1, k)
    mean, error = way.pooled(Studies(np.ascontiguousarray(y.T), np.ascontiguousarray(v.T)), 0)
    observed = _ratio(mean - tested, error)
    at_least = np.full(len(y), float(flips.same))
    for rows in _groups(len(y), flips):
        nearest = np.abs(observed[rows, np.newaxis]) * (1 - _TIE)
        at_least[rows] += (way.statistics(y[rows] - tested, v[rows], flips) >= nearest).sum(axis=1)
    pvalue = at_least / flips.total
    estimate = None
    if interval:
        low, high = _limits(y, v, mean, error, flips, way, level)
        backward = scale_of(effects.scale).backward
        estimate = Estimate(
            measure=effects.measure,
            value=backward(mean.reshape(shape)),
            low=backward(low.reshape(shape)),
            high=backward(high.reshape(shape)),
            confidence_level=level,
            std_error=error.reshape(shape),
            scale=effects.scale,
            method="permutation",
            pvalue=pvalue.reshape(shape),
        )
    return PermutationTest(
        measure=effects.measure,
        null=shown,
        statistic=observed.reshape(shape),
        pvalue=pvalue.reshape(shape),
        permutations=flips.permutations,
        exact=flips.exact,
        estimate=estimate,
        n_studies=k,
    )


def _null(null: float | None, effects: EffectSizes) -> tuple[float, float]:
    """Return the null on the reporting and on the analysis scale."""
    if null is None:
        null = measure_of(effects.measure).null
        if null is None:
            raise ValueError(
                f"`null` must be given for measure {effects.measure}, which has no value of no effect."
            )
    value = as_numbers("null", null)
    moved = scale_of(effects.scale).forward(value)
    if value.ndim or not np.isfinite(moved):
        raise ValueError(
            f"`null` must be one number that is finite on the {effects.scale} scale, but got {null!r}."
        )
    return float(value), float(moved)


def _flips(k: int, *, exact: bool | None, draws: int, rng: np.random.Generator | int | None) -> _Flips:
    """Return the flips of k studies: half of all, for a flip and its opposite agree, or random ones."""
    if isinstance(draws, bool) or not isinstance(draws, int | np.integer):
        raise TypeError(f"`draws` must be a whole number, but got {draws!r}.")
    if draws < 1:
        raise ValueError(f"`draws` must be at least 1, but got {draws}.")
    if exact is None:
        exact = 2**k <= draws and k <= _EXACT_AT_MOST
    if exact:
        if k > _EXACT_AT_MOST:
            raise ValueError(
                f"`exact` must be false for more than {_EXACT_AT_MOST} studies, but {k} enter: 2^{k} flips."
            )
        numbers = np.arange(1, 1 << (k - 1))
        turned = (numbers[:, np.newaxis] >> np.arange(k)) & 1 == 1
        return _Flips(turned, same=1, exact=True)
    if rng is None:
        raise ValueError(
            f"`rng` must be given, as a seed, for {draws} random flips of {k} studies: "
            "a P-value must be possible to compute again."
        )
    turned = np.random.default_rng(rng).integers(0, 2, (draws, k), dtype=np.uint8).view(np.bool_)
    count = turned.sum(axis=1)
    same = (count == 0) | (count == k)
    # One more for the signs as observed.
    return _Flips(turned[~same], same=1 + int(same.sum()), exact=False)


def _groups(rows: int, flips: _Flips) -> list[slice]:
    """Return the replicates in groups whose statistics fit into memory."""
    step = max(1, _STATISTICS // max(1, len(flips.turned)))
    return [slice(start, start + step) for start in range(0, rows, step)]


def _ratio(mean: FloatArray, error: FloatArray) -> FloatArray:
    """Return mean/error: 0 for a mean of 0, infinite for another one without scatter."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(mean == 0, 0.0, mean / error)


def _limits(
    y: FloatArray, v: FloatArray, mean: FloatArray, error: FloatArray, flips: _Flips, way: _Way, level: float
) -> tuple[FloatArray, FloatArray]:
    """Return the nearest means on either side that the test rejects."""
    low, high = np.full(mean.size, -np.inf), np.full(mean.size, np.inf)
    # The test rejects while no more than so many of the flips are as far out as what is observed.
    allowed = int(np.floor((1 - level) * flips.total * (1 + 1e-12))) - flips.same
    if allowed < 0 or not len(flips.turned):
        return low, high
    if (error == 0).any():
        raise ValueError(
            "`interval` needs a standard error above 0, but it is 0 for meta-analysis "
            f"{int(np.argmax(error == 0))}, whose effects are equal. Use ci='wald'."
        )

    critical = len(flips.turned) - 1 - allowed

    def excess(steps: FloatArray, side: FloatArray, row: FloatArray) -> FloatArray:
        """How far the mean lies beyond the flips, at a null so many standard errors from it."""
        index = row.astype(np.intp)
        found = np.empty(steps.size)
        for group in _groups(steps.size, flips):
            part = index[group]
            null = mean[part] + side[group] * steps[group] * error[part]
            far = way.statistics(y[part] - null[:, np.newaxis], v[part], flips)
            far.partition(critical, axis=1)
            found[group] = steps[group] * (1 - _TIE) - far[:, critical]
        return found

    row = np.arange(mean.size, dtype=np.float64)
    for side, limits in ((-1.0, low), (1.0, high)):
        sides = np.full(mean.size, side)
        near, far = np.zeros(mean.size), np.ones(mean.size)
        short = np.arange(mean.size)
        for _ in range(_DOUBLINGS):
            short = short[excess(far[short], sides[short], row[short]) <= 0]
            if not short.size:
                break
            near[short] = far[short]
            far[short] *= 2
        else:
            raise not_converged("The limit of the permutation test", short)
        steps = find_root(
            excess, near, far, sides, row, what="the limit of the permutation test", tolerance=1e-11
        )
        limits[:] = mean + side * steps * error
    return low, high
