"""The noncentral hypergeometric law of a 2x2 table given its margins, as a function of the log odds ratio.

Fixed margins leave one random cell and one parameter: the study's baseline risk drops out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from analysis.values.arrays import BoolArray, FloatArray

__all__ = ["HypergeometricLaw"]


class HypergeometricLaw:
    """Log-probability of each study's observed table, with its first two derivatives.

    Parameters
    ----------
    exposed_cases, exposed_total, control_cases, control_total : ndarray, shape (k,)
        One table a study.

    Notes
    -----
    P(x) ∝ C(n1, x) C(n0, m - x) exp(x eta). A table is a sum of independent indicators (the generating
    function has real roots only), so by Bernstein's inequality the terms farther than 9 sd + 30 from the mean
    weigh less than exp(-40), and only those nearer are added.
    """

    def __init__(
        self,
        exposed_cases: FloatArray,
        exposed_total: FloatArray,
        control_cases: FloatArray,
        control_total: FloatArray,
    ) -> None:
        self._margins = exposed_cases, exposed_total, control_cases, control_total
        cases = exposed_cases + control_cases
        self.lowest = np.maximum(0.0, cases - control_total)
        self.highest = np.minimum(exposed_total, cases)
        span = self.highest - self.lowest
        steps = np.arange(int(span.max()))
        # Ratios of neighbouring terms add up without the rounding of log-factorials of large totals.
        x = self.lowest[:, None] + steps
        inside = steps < span[:, None]
        rise = np.where(inside, (exposed_total[:, None] - x) * (cases[:, None] - x), 1.0)
        fall = np.where(inside, (x + 1) * (control_total[:, None] - cases[:, None] + x + 1), 1.0)
        logs = np.zeros((cases.size, steps.size + 1))
        np.cumsum(np.log(rise) - np.log(fall), axis=1, out=logs[:, 1:])
        self._observed = (exposed_cases - self.lowest).astype(np.intp)
        logs -= np.take_along_axis(logs, self._observed[:, None], axis=1)
        logs[:, 1:][~inside] = -np.inf
        self._logs = logs
        self._rows = np.arange(cases.size) * logs.shape[1]

    @property
    def observed_inside(self) -> BoolArray:
        """True where the observed table is at neither end of the support."""
        inside: BoolArray = (self._margins[0] > self.lowest) & (self._margins[0] < self.highest)
        return inside

    @property
    def crude_log_odds_ratio(self) -> FloatArray:
        """The sample's log odds ratio with 1/2 added to each cell, as a start."""
        a, n1, c, n0 = self._margins
        crude: FloatArray = np.log((a + 0.5) * (n0 - c + 0.5)) - np.log((n1 - a + 0.5) * (c + 0.5))
        return crude

    def subset(self, mask: BoolArray) -> Self:
        """Return the law of some of the studies."""
        a, n1, c, n0 = (margin[mask] for margin in self._margins)
        return type(self)(a, n1, c, n0)

    def __call__(self, eta: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return log-probability, slope and curvature at the log odds ratios `eta`, shape (..., k, 1)."""
        theta = eta[..., 0]
        start, width = self._window(theta)
        # The studies' terms side by side along one axis, as many of each as it needs.
        study = np.repeat(np.arange(width.size), width)
        edges = np.cumsum(width) - width
        offset = np.arange(study.size) - edges[study]
        terms = np.take(self._logs, np.take(start + self._rows, study, axis=-1) + offset)
        # About the window's middle: about the lowest table a small variance would lose its digits.
        middle = width // 2
        centred = (offset - middle[study]).astype(np.float64)
        terms += centred * np.take(theta, study, axis=-1)
        top = np.maximum.reduceat(terms, edges, axis=-1)
        terms -= np.take(top, study, axis=-1)
        weight = np.exp(terms, out=terms)
        total = np.add.reduceat(weight, edges, axis=-1)
        weight *= centred
        mean = np.add.reduceat(weight, edges, axis=-1) / total
        weight *= centred
        square = np.add.reduceat(weight, edges, axis=-1) / total
        shift = (start - self._observed) + middle
        value = -(top + np.log(total)) - shift * theta
        return value[..., None], -(mean + shift)[..., None], -np.maximum(square - mean**2, 0.0)[..., None]

    def _window(self, theta: FloatArray) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Return the first term that matters (counted from the lowest table), and of how many each study."""
        a, n1, c, n0 = self._margins
        terms = (self.highest - self.lowest + 1).astype(np.intp)
        if terms.max() <= 64:
            return np.zeros(theta.shape, dtype=np.intp), terms
        cases = a + c
        ratio = np.exp(np.clip(theta, -300.0, 300.0))
        # Cells of the fitted table: x (n0 - m + x) = ratio (n1 - x)(m - x), the root inside the support.
        quadratic = 1.0 - ratio
        linear = n0 - cases + ratio * (n1 + cases)
        root = np.sqrt(np.maximum(linear**2 + 4 * quadratic * ratio * n1 * cases, 0.0))
        with np.errstate(divide="ignore", invalid="ignore"):
            x = np.where(
                linear > 0, 2 * ratio * n1 * cases / (linear + root), (root - linear) / (2 * quadratic)
            )
        x = np.clip(x, self.lowest, self.highest)
        harmonic = 1 / (x + 0.5) + 1 / (n1 - x + 0.5) + 1 / (cases - x + 0.5) + 1 / (n0 - cases + x + 0.5)
        reach = 9 * np.sqrt(1 / harmonic) + 31
        most = reach.reshape(-1, terms.size).max(axis=0)
        width = np.minimum(terms, 2 * np.ceil(most).astype(np.intp) + 1)
        start = np.clip(np.rint(x - self.lowest) - width // 2, 0, terms - width).astype(np.intp)
        return start, width
