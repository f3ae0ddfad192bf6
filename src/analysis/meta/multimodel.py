"""All models that a set of moderators allows, and how well each is supported."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from math import comb
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.meta.methods.regression_design import INTERCEPT, design_of
from analysis.meta.regression import meta_regression
from analysis.values.arguments import check_choice, read_only
from analysis.values.framed import Framed

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike

    from analysis.values.arrays import FloatArray
    from analysis.values.estimate import EffectSizes

__all__ = ["Multimodel", "multimodel"]

_AT_MOST = 15


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Multimodel(Framed):
    """Models of every choice of moderators, the best supported first.

    Parameters
    ----------
    names : tuple of str
        Of the m columns that moderators make; the intercept is in every model.
    included : ndarray of bool, shape (models, m)
        Which columns a model has.
    criterion : str
        "AICc", "AIC" or "BIC".
    value, difference, weight : ndarray, shape (models,)
        Of the criterion, its difference from the best model, and the share exp(-difference/2) that it has of
        all.
    log_likelihood, tau2 : ndarray, shape (models,)
        By maximum likelihood.
    importance : ndarray, shape (m,)
        Sum of the weights of the models that have the column.
    coefficients, std_error : ndarray, shape (m,)
        Averaged over all models, 0 where a model has no such column; the standard error includes the spread
        between models.
    """

    names: tuple[str, ...]
    included: FloatArray
    criterion: str
    value: FloatArray
    difference: FloatArray
    weight: FloatArray
    log_likelihood: FloatArray
    tau2: FloatArray
    importance: FloatArray
    coefficients: FloatArray
    std_error: FloatArray

    def __post_init__(self) -> None:
        for name in self.__slots__:
            if name not in {"names", "criterion"}:
                object.__setattr__(self, name, read_only(getattr(self, name)))

    def to_frame(self) -> pd.DataFrame:
        """Return one row a model, the best first, at full precision."""
        import pandas as pd

        columns: dict[str, Any] = {
            name: column.astype(bool) for name, column in zip(self.names, self.included.T, strict=True)
        }
        columns |= {self.criterion: self.value, "difference": self.difference, "weight": self.weight}
        return pd.DataFrame(columns | {"log_likelihood": self.log_likelihood, "tau2": self.tau2})

    def __str__(self) -> str:
        """Return how much each column matters, and the best model."""
        best = [name for name, there in zip(self.names, self.included[0], strict=True) if there]
        lines = [f"best of {self.value.size} models: {' + '.join(best) or 'none of the moderators'}"]
        lines += [
            f"{name}: importance {share:.2f}, coefficient {value:.3g} (SE {error:.2g})"
            for name, share, value, error in zip(
                self.names, self.importance, self.coefficients, self.std_error, strict=True
            )
        ]
        return "\n".join(lines)


def multimodel(
    effects: EffectSizes,
    moderators: Any,  # noqa: ANN401 -- a mapping, a data frame or an array
    *,
    criterion: str = "AICc",
    where: ArrayLike | None = None,
) -> Multimodel:
    """Fit every choice of the columns that moderators make, by maximum likelihood.

    Parameters
    ----------
    effects : EffectSizes
        Shape (k,).
    moderators : mapping, DataFrame or array_like
        As in `meta_regression`; a category has a column for each level but the first, and each is chosen by
        itself.
    criterion : {"AICc", "AIC", "BIC"}, default "AICc"
        By which models are compared.
    where : array_like of bool, shape (k,), optional
        Studies that enter.

    Returns
    -------
    Multimodel

    Raises
    ------
    ValueError
        If there are no moderators, more than 15 columns, or too few studies for the largest model.

    Notes
    -----
    Parameters are the coefficients, the intercept and tau2. All models with the same number of columns are
    one vectorised fit.

    References
    ----------
    Burnham KP, Anderson DR (2002). Model selection and multimodel inference, 2nd ed. Springer.
    DOI 10.1007/b97636

    Examples
    --------
    >>> from analysis import EffectSizes
    >>> effect, variance = [0.1, 0.3, 0.4, 0.6, 0.7, 0.8], [0.03, 0.03, 0.05, 0.01, 0.02, 0.04]
    >>> effects = EffectSizes(effect=effect, variance=variance)
    >>> found = multimodel(effects, {"dose": [1, 2, 3, 5, 6, 6], "year": [3, 1, 2, 5, 4, 2]}, criterion="AIC")
    >>> found.importance.round(2)
    array([0.98, 0.29])
    """
    check_choice("criterion", criterion, ("AICc", "AIC", "BIC"))
    if effects.effect.ndim != 1:
        raise ValueError(f"`effects` must have the shape (studies,), but has {effects.shape}.")
    k_all = effects.effect.size
    design = design_of(moderators, k_all, formula=None, intercept=True)
    names = tuple(name for name in design.names if name != INTERCEPT)
    if not 1 <= len(names) <= _AT_MOST:
        raise ValueError(f"There must be 1 to {_AT_MOST} columns of moderators, but there are {len(names)}.")
    columns = np.stack([np.broadcast_to(column, (k_all,)) for column in design.columns[1:]])
    k = k_all if where is None else int(np.asarray(where).sum())
    m = len(names)
    if k <= m + 1:
        raise ValueError(f"{k} studies are too few for {m} columns, an intercept and tau2.")
    included, log_likelihood, tau2, coefficients, variances = [], [], [], [], []
    for size in range(m + 1):
        chosen = np.array(list(combinations(range(m), size)), dtype=np.intp).reshape(comb(m, size), size)
        design_of_size = np.concatenate(
            [np.ones((len(chosen), k_all, 1)), np.moveaxis(columns[chosen], 1, 2)], axis=-1
        )
        fit = meta_regression(effects, design_of_size, intercept=False, tau2="ML", ci="wald", where=where)
        there = np.zeros((len(chosen), m), dtype=bool)
        np.put_along_axis(there, chosen, values=True, axis=1)
        value, variance = np.zeros((2, len(chosen), m))
        np.put_along_axis(value, chosen, fit.coefficients[:, 1:], axis=1)
        np.put_along_axis(variance, chosen, fit.std_error[:, 1:] ** 2, axis=1)
        included.append(there)
        log_likelihood.append(fit.log_likelihood)
        tau2.append(fit.tau2)
        coefficients.append(value)
        variances.append(variance)
    every = np.concatenate(included)
    likelihood = np.concatenate(log_likelihood)
    value, spread = np.concatenate(coefficients), np.concatenate(variances)
    parameters = every.sum(axis=1) + 2.0
    penalty = parameters * (np.log(k) if criterion == "BIC" else 2.0)
    if criterion == "AICc":
        penalty = 2 * parameters * k / np.maximum(k - parameters - 1, 1e-300)
        penalty = np.where(k > parameters + 1, penalty, np.inf)
    score = penalty - 2 * likelihood
    order = np.argsort(score, kind="stable")
    difference = score[order] - score[order[0]]
    weight = np.exp(-difference / 2)
    weight /= weight.sum()
    mean = weight @ value[order]
    within = spread[order] + (value[order] - mean) ** 2
    return Multimodel(
        names=names,
        included=every[order],
        criterion=criterion,
        value=score[order],
        difference=difference,
        weight=weight,
        log_likelihood=likelihood[order],
        tau2=np.concatenate(tau2)[order],
        importance=weight @ every[order],
        coefficients=mean,
        std_error=np.sqrt(weight @ within),
    )
