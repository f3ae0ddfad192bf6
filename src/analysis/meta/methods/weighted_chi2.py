"""The exact law of a quadratic form of normal effects, for the generalised Q statistic.

With weights a, P = A - aa'/Σa and total variances d = v + tau2 the form y'Py is a sum of chi-square variables
with one degree of freedom, weighted by eigenvalues that nobody needs: its Laplace transform is |I +
2sDP|^(-1/2), and by the determinant of a diagonal matrix less one of rank one

    |I + 2sDP| = Π (1 + 2s a d) Σ (a/Σa) / (1 + 2s a d),

which takes as many steps as there are studies. The transform is inverted along a hyperbola.

References
----------
Jackson D (2013). Confidence intervals for the between-study variance in random effects meta-analysis using
generalised Cochran heterogeneity statistics. Res Synth Methods 4:220-229. DOI 10.1002/jrsm.1081

Weideman JAC, Trefethen LN (2007). Parabolic and hyperbolic contours for computing the Bromwich integral. Math
Comput 76:1341-1356. (Citation not verified.)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from analysis.values.arrays import FloatArray

__all__ = ["quadratic_form_cdf"]

# Twenty nodes give 12 digits: against chi-square and sums of two exponentials the error is below 1e-12.
_NODES = 20
_STEP = 1.081792140 / _NODES
_ANGLES = (np.arange(_NODES) + 0.5) * _STEP
_SCALE = 4.492075287 * _NODES
_TILT = 1.172104229
_POINTS = _SCALE * (1 + np.sin(1j * _ANGLES - _TILT))
# exp(z)/z dz/du, times the step, over pi: what the transform at a node is multiplied by.
_NODE_WEIGHTS = _STEP / np.pi * np.exp(_POINTS) / _POINTS * 1j * _SCALE * np.cos(1j * _ANGLES - _TILT)


def quadratic_form_cdf(q: FloatArray, weight: FloatArray, total_variance: FloatArray) -> FloatArray:
    """Return P(Q <= q), of shape (m,), for `weight` and `total_variance` of shape (k, m).

    Weights are 0 outside of a set, and so is the variance there; the error is about 1e-12 absolute.
    """
    share = weight / weight.sum(axis=0)
    scaled = np.where(q > 0, 2 / np.where(q > 0, q, 1.0), 0.0) * weight * total_variance
    factor = 1 + scaled[..., np.newaxis] * _POINTS
    log_determinant = np.log(factor).sum(axis=0) + np.log((share[..., np.newaxis] / factor).sum(axis=0))
    probability = (_NODE_WEIGHTS * np.exp(-0.5 * log_determinant)).imag.sum(axis=-1)
    return np.where(q > 0, np.clip(probability, 0.0, 1.0), 0.0)
