"""The seven mixed models of a meta-analysis of counts: which law, which effects, where to begin.

Each also knows its saturated form, an effect for every study, which the tests of heterogeneity rest on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.errors import ConvergenceError
from analysis.meta.methods.glmm_laws import BinomialLaw, PoissonLaw
from analysis.meta.methods.glmm_maximum import by_trapezoids, maximise
from analysis.meta.methods.glmm_model import MixedModel
from analysis.meta.methods.hypergeometric import HypergeometricLaw

if TYPE_CHECKING:
    from analysis.values.arrays import FloatArray
    from analysis.values.counts import Proportion, Rate, TwoByTwo, TwoRates

__all__ = ["MODELS", "Design", "Saturated", "build_design"]

# Measure: the models that it has, the default first.
MODELS: dict[str, tuple[str, ...]] = {
    "PLO": ("binomial-normal",),
    "IRLN": ("poisson-normal",),
    "OR": ("CM.EL", "CM.AL", "UM.FS", "UM.RS"),
    "IRR": ("CM.EL", "UM.FS", "UM.RS"),
}
_ONE = np.ones((1, 1))
# Exposed, then control: the effect is their difference, half of it to either side.
_CONTRAST = np.array([[0.5], [-0.5]])
_BOTH = np.ones((2, 1))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Saturated:
    """A model with an effect for every study.

    Parameters
    ----------
    log_likelihood : float
        With all constants; NaN if it has no maximum.
    effect, weight : ndarray, shape (k,)
        The studies' effects and inverse variances; weight 0 where the effect is infinite.
    """

    log_likelihood: float
    effect: FloatArray
    weight: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Design:
    """A model with its data and starting values.

    Parameters
    ----------
    name : str
        "CM.EL" and so on.
    model : MixedModel
        The last shared effect is the one that is wanted, the last random effect its variation.
    effects, own : ndarray
        Where to begin.
    """

    name: str
    model: MixedModel
    effects: FloatArray
    own: FloatArray

    @property
    def studies(self) -> int:
        """Studies that enter."""
        return self.own.size

    def saturated(self) -> Saturated:
        """Return the model with an effect for every study."""
        law = self.model.law
        if self.name == "UM.RS":
            return self._saturated_with_random_baselines()
        if isinstance(law, HypergeometricLaw):
            return self._saturated_conditional(law)
        eta, value = law.saturated()  # type: ignore[attr-defined]
        finite = np.isfinite(eta).all(axis=1)
        eta = np.where(finite[:, None], eta, 0.0)
        information = -law(eta)[2]
        arms = eta.shape[1]
        effect = eta[:, 0] if arms == 1 else eta[:, 0] - eta[:, 1]
        weight = np.where(finite, 1 / (1 / information).sum(axis=1), 0.0)
        return Saturated(log_likelihood=float(value.sum()), effect=effect, weight=weight)

    def _saturated_conditional(self, law: HypergeometricLaw) -> Saturated:
        # At an end of its support a study's own odds ratio is 0 or infinite and its probability 1.
        inside = law.observed_inside
        effect, weight = np.zeros(self.studies), np.zeros(self.studies)
        value = 0.0
        if inside.any():
            part = law.subset(inside)
            own = MixedModel(law=part, fixed=np.zeros((1, 0)), random=np.zeros((1, 0)), own=np.ones(1))
            top = maximise(own, by_trapezoids(own), np.zeros(0), part.crude_log_odds_ratio, name=self.name)
            value, effect[inside] = top.value, top.own
            weight[inside] = -part(top.own[:, None])[2][:, 0]
        return Saturated(log_likelihood=value, effect=effect, weight=weight)

    def _saturated_with_random_baselines(self) -> Saturated:
        model = MixedModel(law=self.model.law, fixed=_BOTH, random=_BOTH, own=_CONTRAST[:, 0])
        nothing = np.zeros(self.studies)
        # With an effect for every study nothing but the variance of the baselines holds the effects of sparse
        # studies; without it, or where it does not, there is no maximum and no test.
        start = np.append(self.effects[:1], 0.7)
        try:
            value = maximise(model, by_trapezoids(model), start, nothing, name=self.name).value
        except ConvergenceError:
            value = np.nan
        return Saturated(log_likelihood=value, effect=nothing, weight=nothing)


def build_design(
    data: Proportion | Rate | TwoByTwo | TwoRates, measure: str, name: str, *, drop_double_zero: bool
) -> Design:
    """Return the design of a set of k studies, those without information left out."""
    if measure == "PLO":
        return _one_arm_binomial(data)  # type: ignore[arg-type]
    if measure == "IRLN":
        return _one_arm_poisson(data)  # type: ignore[arg-type]
    events, size = _arms(data)  # type: ignore[arg-type]
    binomial = measure == "OR"
    double_zero = (events.sum(axis=1) == 0) | (binomial & (events.sum(axis=1) == size.sum(axis=1)))
    informative = ~(double_zero | (binomial & (size == 0).any(axis=1)))
    if not informative.any():
        raise ValueError(
            f"No study tells anything about the {measure}: none has two arms with events in at least one"
            f"{' and persons without an event in at least one' if binomial else ''}."
        )
    keep = informative
    if name == "UM.RS" and not drop_double_zero:
        keep = ~(binomial & (size.sum(axis=1) == 0))
    events, size = events[keep], size[keep]
    _refuse_empty_arm(events, size, binomial=binomial, conditional=name != "UM.RS")
    if name == "CM.EL" and binomial:
        law = HypergeometricLaw(events[:, 0], size[:, 0], events[:, 1], size[:, 1])
        return Design(
            name=name,
            model=MixedModel(law=law, fixed=_ONE, random=_ONE),
            effects=np.zeros(1),
            own=np.zeros(len(events)),
        )
    if name.startswith("CM"):
        # Given the total, the exposed events are binomial: exactly for rates, nearly for rare events.
        offset = np.log(size[:, :1]) - np.log(size[:, 1:])
        conditional = BinomialLaw(events[:, :1], events.sum(axis=1, keepdims=True), offset)
        return Design(
            name=name,
            model=MixedModel(law=conditional, fixed=_ONE, random=_ONE),
            effects=np.zeros(1),
            own=np.zeros(len(events)),
        )
    return _unconditional(events, size, name, binomial=binomial)


def _unconditional(events: FloatArray, size: FloatArray, name: str, *, binomial: bool) -> Design:
    both, total = events.sum(axis=1) + 0.5, size.sum(axis=1)
    own = np.log(both) - np.log(total + 1 - both if binomial else total)
    law = BinomialLaw(events, size) if binomial else PoissonLaw(events, size)
    if name == "UM.FS":
        model = MixedModel(law=law, fixed=_CONTRAST, random=_CONTRAST, own=_BOTH[:, 0])
        return Design(name=name, model=model, effects=np.zeros(1), own=own)
    loadings = np.hstack([_BOTH, _CONTRAST])
    return Design(
        name=name,
        model=MixedModel(law=law, fixed=loadings, random=loadings),
        effects=np.array([own.mean(), 0.0]),
        own=np.zeros_like(own),
    )


def _one_arm_binomial(data: Proportion) -> Design:
    events, total = np.atleast_1d(data.events), np.atleast_1d(data.total)
    keep = total > 0
    events, total = events[keep], total[keep]
    if events.sum() in {0, total.sum()}:
        raise ValueError(
            f"The studies hold {'no events' if events.sum() == 0 else 'only events'} "
            f"({events.sum():g} of {total.sum():g}): the mean logit is infinite. An exact interval of the "
            "sum is prevalence(data.collapse(), method='clopper-pearson')."
        )
    start = np.log(events.sum()) - np.log((total - events).sum())
    law = BinomialLaw(events[:, None], total[:, None])
    return Design(
        name="binomial-normal",
        model=MixedModel(law=law, fixed=_ONE, random=_ONE),
        effects=np.array([start]),
        own=np.zeros(events.size),
    )


def _one_arm_poisson(data: Rate) -> Design:
    events, time = np.atleast_1d(data.events), np.atleast_1d(data.person_time)
    if events.sum() == 0:
        raise ValueError("The studies hold no events: the mean log rate is infinite.")
    law = PoissonLaw(events[:, None], time[:, None])
    return Design(
        name="poisson-normal",
        model=MixedModel(law=law, fixed=_ONE, random=_ONE),
        effects=np.array([np.log(events.sum() / time.sum())]),
        own=np.zeros(events.size),
    )


def _arms(data: TwoByTwo | TwoRates) -> tuple[FloatArray, FloatArray]:
    """Return events and totals (or person-times), shape (k, 2), exposed first."""
    names = data.__dataclass_fields__
    columns = [np.atleast_1d(getattr(data, name)) for name in names]
    return np.stack(columns[::2], axis=1), np.stack(columns[1::2], axis=1)


def _refuse_empty_arm(events: FloatArray, size: FloatArray, *, binomial: bool, conditional: bool) -> None:
    """Refuse data in which the ratio of every study, and so the mean, is 0 or infinite."""
    exposed, control = events.T
    none_exposed, none_control = exposed == 0, control == 0
    all_exposed, all_control = exposed == size[:, 0], control == size[:, 1]
    if binomial and conditional:
        # Each study by itself: an end of the support of its table.
        zero, infinite = (none_exposed | all_control).all(), (none_control | all_exposed).all()
    else:
        zero, infinite = none_exposed.all(), none_control.all()
        if binomial:
            zero, infinite = zero or all_control.all(), infinite or all_exposed.all()
    for found, value in ((zero, "0"), (infinite, "infinite")):
        if found:
            raise ValueError(
                f"Every study's own ratio is {value}: the events ({exposed.sum():g} among the exposed, "
                f"{control.sum():g} among the controls) do not bound the mean. An exact interval of the sum "
                f"is {'odds_ratio' if binomial else 'rate_ratio'} of data.collapse()."
            )
