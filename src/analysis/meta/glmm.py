"""Meta-analysis of counts by generalised linear mixed models: no continuity correction, no normal counts.

The models are put together in `methods.glmm_designs`, integrated in `methods.glmm_quadrature` and fitted in
`methods.glmm_fit`. Inverse-variance pooling is `pooling`; sums of tables are `measures.stratified`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.meta.methods.glmm_designs import MODELS, build_design
from analysis.meta.methods.glmm_fit import fit_mixed_model
from analysis.values.arguments import check_choice, check_confidence_level, read_only
from analysis.values.counts import Proportion, Rate, TwoByTwo, TwoRates
from analysis.values.distributions import (
    chi2_tail,
    normal_quantile,
    t_quantile,
    two_sided_normal,
    two_sided_t,
)
from analysis.values.estimate import Estimate
from analysis.values.framed import Framed
from analysis.values.scale import measure_of, scale_of

if TYPE_CHECKING:
    import pandas as pd

    from analysis.meta.methods.glmm_designs import Design, Saturated
    from analysis.meta.methods.glmm_model import MixedModel
    from analysis.values.arrays import FloatArray

__all__ = ["MixedModelEstimate", "pool_glmm"]

_MEASURE_OF: dict[type, str] = {Proportion: "PLO", Rate: "IRLN", TwoByTwo: "OR", TwoRates: "IRR"}
_METHODS = ("ML", "common")
_INTERVALS = ("wald", "t")
_MOST_NODES = 100
_ARRAYS = (
    "tau2", "tau2_std_error", "baseline_variance", "q", "df", "q_pvalue", "q_wald", "q_wald_df",
    "q_wald_pvalue", "log_likelihood", "n_studies",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MixedModelEstimate(Framed):
    """What a mixed model of the counts of one set of studies finds.

    Parameters
    ----------
    estimate : Estimate
        The mean effect on the reporting scale (for a proportion or rate: that of the study in the middle, not
        the mean over studies), with its P-value of no effect where the measure has one.
    prediction : Estimate
        The effect that a further study is expected to have: `value` as in `estimate`, limits of the
        prediction interval (NaN for method "common" and for fewer than three studies).
    tau2, tau2_std_error : ndarray
        Between-study variance on the analysis scale and its standard error by the observed information; where
        tau2 is 0, the end of its range, the standard error is NaN.
    baseline_variance : ndarray
        Variance of the studies' baselines of model "UM.RS"; NaN for the others.
    q, df, q_pvalue : ndarray
        Likelihood-ratio test of homogeneity: twice the log-likelihood of an effect for every study over that
        of one common effect, on k - 1 degrees of freedom. NaN where the former has no maximum (of model
        "UM.RS" with very sparse studies).
    q_wald, q_wald_df, q_wald_pvalue : ndarray
        Wald's form of the same test over the studies whose own effect is finite; NaN for model "UM.RS".
    log_likelihood : ndarray
        With all constants, so that it compares between measures of the same counts.
    n_studies : ndarray
        Studies that entered: those that tell something about the effect.
    model, method, ci_method : str
        What was asked for, or the default.
    nodes : int or None
        Adaptive Gauss-Hermite nodes; None where the integrals are exact to rounding.
    """

    estimate: Estimate
    prediction: Estimate
    tau2: FloatArray
    tau2_std_error: FloatArray
    baseline_variance: FloatArray
    q: FloatArray
    df: FloatArray
    q_pvalue: FloatArray
    q_wald: FloatArray
    q_wald_df: FloatArray
    q_wald_pvalue: FloatArray
    log_likelihood: FloatArray
    n_studies: FloatArray
    model: str
    method: str
    ci_method: str
    nodes: int | None

    def __post_init__(self) -> None:
        for name in _ARRAYS:
            object.__setattr__(self, name, read_only(getattr(self, name)))

    @property
    def tau(self) -> FloatArray:
        """Between-study standard deviation on the analysis scale."""
        return np.sqrt(self.tau2)

    def to_frame(self) -> pd.DataFrame:
        """Return one row at full precision."""
        frame = self.estimate.to_frame()
        frame["prediction_low"] = self.prediction.low.ravel()
        frame["prediction_high"] = self.prediction.high.ravel()
        for name in _ARRAYS:
            frame[name] = getattr(self, name).ravel()
        return frame.assign(model=self.model, tau2_method=self.method, ci_method=self.ci_method)

    def __str__(self) -> str:
        """Return what a paper prints."""
        text = str(self.estimate)
        if np.isfinite(self.prediction.low):
            limits = str(self.prediction).split(" (", 1)[1].rstrip(")")
            text += f", {100 * self.estimate.confidence_level:g}% prediction interval {limits}"
        text += f"; {self.model} model, τ² = {self.tau2.item():.3g}"
        if np.isfinite(self.q):
            text += f", likelihood-ratio Q = {self.q.item():.1f} (df = {self.df.item():.0f})"
        return f"{text}, {self.n_studies.item():.0f} studies"


def pool_glmm(
    data: Proportion | Rate | TwoByTwo | TwoRates,
    *,
    measure: str | None = None,
    model: str | None = None,
    method: str = "ML",
    ci: str = "wald",
    nodes: int | None = None,
    drop_double_zero: bool = False,
    confidence_level: float = 0.95,
) -> MixedModelEstimate:
    """Pool counts by the likelihood of the counts themselves, with normal effects of the studies.

    Parameters
    ----------
    data : Proportion, Rate, TwoByTwo or TwoRates, shape (k,)
        One set of studies; there are no leading axes.
    measure : {"PLO", "IRLN", "OR", "IRR"}, optional
        Logit of a proportion, log of a rate, odds ratio, rate ratio. It follows from the type of `data`;
        given, it must agree.
    model : str, optional
        PLO has "binomial-normal" and IRLN "poisson-normal" only. OR: "CM.EL" (default), conditional on the
        margins of every table (noncentral hypergeometric); "CM.AL", its binomial approximation for rare
        events; "UM.FS", unconditional with a fixed baseline for every study; "UM.RS", unconditional with
        normal baselines, independent of the effects. IRR: "CM.EL" (default, binomial given the total of both
        arms, which is exact), "UM.FS", "UM.RS". The conditional model is the default because a baseline for
        every study biases tau2, and normal baselines are a further assumption.
    method : {"ML", "common"}, default "ML"
        Maximum likelihood of mean and between-study variance, or one common effect (tau2 is 0).
    ci : {"wald", "t"}, default "wald"
        Normal interval, or t on k - 1 degrees of freedom.
    nodes : int, optional
        Default: integrals to rounding error by the trapezoidal rule. A number computes adaptive Gauss-Hermite
        quadrature with so many nodes (1 is Laplace's approximation), to reproduce published results: other
        programs use 1 or 7, which with sparse data moves tau2 by several percent.
    drop_double_zero : bool, default False
        Whether "UM.RS" leaves out comparisons with no events in either arm, or only events. They inform its
        distribution of baselines and therefore stay by default; the other models cannot use them.
    confidence_level : float, default 0.95
        In (0, 1).

    Returns
    -------
    MixedModelEstimate
        With one study tau2 is 0 and it is that study's own estimate; its t interval is NaN.

    Raises
    ------
    TypeError
        If `data` are not counts.
    ValueError
        If `data` have leading axes, an option is unknown or not for this measure, or the events do not bound
        the mean effect (none at all, or none in one arm).
    ConvergenceError
        If the likelihood has no maximum.

    Notes
    -----
    Arm m of study i has the predictor base_im + z_m (mu + tau u_i), u_i ~ N(0, 1), z = 1 for one arm (or a
    conditional model) and ±1/2 for two. The likelihood of a study is the integral over u of its law of counts
    times the normal density; the sum of logarithms is maximised by Newton's method with the derivatives of
    the quadrature sum, from more than one start if a variance comes out 0. Standard errors are those of the
    observed information of all parameters together.

    Prediction interval (Higgins, Thompson and Spiegelhalter): mean ± t(k - 2) sqrt(tau2 + SE²).

    References
    ----------
    Stijnen T, Hamza TH, Özdemir P (2010). Random effects meta-analysis of event outcome in the framework of
    the generalized linear mixed model with applications in sparse data. Stat Med 29:3046-3067.
    DOI 10.1002/sim.4040

    Jackson D, Law M, Stijnen T, Viechtbauer W, White IR (2018). A comparison of seven random-effects models
    for meta-analyses that estimate the summary odds ratio. Stat Med 37:1059-1085. DOI 10.1002/sim.7588

    Turner RM, Omar RZ, Yang M, Goldstein H, Thompson SG (2000). A multilevel model framework for
    meta-analysis of clinical trials with binary outcomes. Stat Med 19:3417-3432.
    DOI 10.1002/1097-0258(20001230)19:24<3417::AID-SIM614>3.0.CO;2-L (Citation not verified.)

    Examples
    --------
    Colditz et al. 1994, JAMA 271:698-702, trials of BCG against tuberculosis with random allocation:

    >>> trials = TwoByTwo(
    ...     exposed_cases=[4, 6, 3, 62, 8, 505, 29],
    ...     exposed_total=[123, 306, 231, 13598, 2545, 88391, 7499],
    ...     control_cases=[11, 29, 11, 248, 10, 499, 45],
    ...     control_total=[139, 303, 220, 12867, 629, 88391, 7277],
    ... )
    >>> print(pool_glmm(trials, measure="OR"))
    0.37 (0.22 to 0.62), 95% prediction interval 0.07 to 1.98; CM.EL model, τ² = 0.357,
    likelihood-ratio Q = 127.1 (df = 6), 7 studies
    """
    if type(data) not in _MEASURE_OF:
        raise TypeError(
            f"`data` must be counts (Proportion, Rate, TwoByTwo or TwoRates), but got {type(data).__name__}. "
            "Effect sizes are pooled by pool."
        )
    code = _MEASURE_OF[type(data)]
    if measure is not None and check_choice("measure", measure, MODELS) != code:
        raise ValueError(f"`measure` of {type(data).__name__} must be {code!r}, but got {measure!r}.")
    if len(data.shape) > 1:
        raise ValueError(
            f"`data` must be one set of studies with shape (k,), but has shape {data.shape}; "
            "call pool_glmm for each set."
        )
    chosen = check_choice("model", MODELS[code][0] if model is None else model, MODELS[code])
    check_choice("method", method, _METHODS)
    check_choice("ci", ci, _INTERVALS)
    _check_nodes(nodes)
    level = check_confidence_level(confidence_level)

    design = build_design(data, code, chosen, drop_double_zero=drop_double_zero)
    one_effect = _one_effect(design)
    common = fit_mixed_model(one_effect, design.effects, design.own, name=chosen)
    if method == "ML" and design.studies > 1:
        fit = fit_mixed_model(design.model, design.effects, design.own, name=chosen, nodes=nodes)
    elif nodes is not None and one_effect.dimensions:
        fit = fit_mixed_model(one_effect, design.effects, design.own, name=chosen, nodes=nodes)
    else:
        fit = common

    mean, std_error = fit.effects[-1], fit.effect_errors[-1]
    tau = fit.deviations[-1] if fit.deviations.size == design.model.dimensions else 0.0
    tau_error = fit.deviation_errors[-1] if tau > 0 else np.nan
    df = design.studies - 1
    normal = ci == "wald"
    critical = normal_quantile((1 + level) / 2) if normal else t_quantile((1 + level) / 2, df)
    statistic = mean / std_error
    pvalue = two_sided_normal(statistic) if normal else two_sided_t(statistic, df)
    predictive = np.sqrt(tau**2 + std_error**2)
    reach = t_quantile((1 + level) / 2, design.studies - 2) * predictive
    scale = scale_of(measure_of(code).scale)

    def on_reporting_scale(half: FloatArray, interval: str, se: FloatArray) -> Estimate:
        return Estimate(
            measure=code,
            value=scale.backward(mean),
            low=scale.backward(mean - half),
            high=scale.backward(mean + half),
            confidence_level=level,
            std_error=se,
            scale=scale.name,
            method=interval,
            pvalue=pvalue if has_null and interval == ci else None,
        )

    # A P-value is of the effect 0 on the analysis scale; a proportion or a rate has no such null.
    has_null = measure_of(code).null is not None
    return MixedModelEstimate(
        estimate=on_reporting_scale(critical * std_error, ci, std_error),
        prediction=on_reporting_scale(
            reach if method == "ML" else np.full_like(reach, np.nan),
            "higgins-thompson-spiegelhalter",
            predictive,
        ),
        tau2=np.asarray(tau**2),
        tau2_std_error=np.asarray(2 * tau * tau_error),
        baseline_variance=np.asarray(fit.deviations[0] ** 2 if chosen == "UM.RS" else np.nan),
        log_likelihood=np.asarray(fit.log_likelihood),
        n_studies=np.asarray(float(design.studies)),
        **_homogeneity(design.saturated(), common.log_likelihood, df),
        model=chosen,
        method=method,
        ci_method=ci,
        nodes=nodes,
    )


def _one_effect(design: Design) -> MixedModel:
    # The baselines of UM.RS vary with or without heterogeneity of the effects.
    return design.model.without_random((0,) if design.name == "UM.RS" else ())


def _homogeneity(saturated: Saturated, common: float, df: int) -> dict[str, FloatArray]:
    # numpy's maximum, because Python's would turn NaN into 0.
    q = np.asarray(np.maximum(0.0, 2 * (saturated.log_likelihood - common)) if df else 0.0)
    weight, effect = saturated.weight, saturated.effect
    total, wald_df = weight.sum(), float((weight > 0).sum() - 1)
    wald = np.asarray(np.nan)
    if wald_df > 0:
        wald = np.asarray((weight * (effect - (weight * effect).sum() / total) ** 2).sum())
    return {
        "q": q,
        "df": np.asarray(float(df)),
        "q_pvalue": chi2_tail(q, df) if df else np.asarray(np.nan),
        "q_wald": wald,
        "q_wald_df": np.asarray(wald_df if wald_df > 0 else np.nan),
        "q_wald_pvalue": chi2_tail(wald, wald_df) if wald_df > 0 else np.asarray(np.nan),
    }


def _check_nodes(nodes: int | None) -> None:
    if nodes is None:
        return
    if isinstance(nodes, bool) or not isinstance(nodes, (int, np.integer)):
        raise TypeError(f"`nodes` must be a whole number or None, but got {nodes!r}.")
    if not 1 <= nodes <= _MOST_NODES:
        raise ValueError(
            f"`nodes` must be between 1 and {_MOST_NODES}, but got {nodes}. "
            "Leave it out for integrals to rounding error."
        )
