"""What a paper says about a meta-analysis: a paragraph of methods, one of results, and the references.

Only methods that were used are named, and only citations that stand in the docstrings of these methods.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from analysis.meta.heterogeneity_interval import tau2_interval
from analysis.meta.pooled_estimate import PooledEstimate
from analysis.meta.small_study_null import why_not_tested
from analysis.tables.format import (
    format_estimate,
    format_interval,
    format_number,
    format_pvalue,
)
from analysis.tables.number_style import current_number_style, join_limits
from analysis.tables.pooled import significant
from analysis.values.arguments import check_choice
from analysis.values.scale import measure_of

if TYPE_CHECKING:
    from analysis.meta.small_study_summary import SmallStudySummary

__all__ = ["REFERENCES", "MethodsText", "methods_text"]

# As a paper prints them. Whether a citation was looked up is said in the docstring it stands in.
REFERENCES = {
    "katz": "Katz D, Baptista J, Azen SP, Pike MC (1978). Obtaining confidence intervals for the risk ratio "
    "in cohort studies. Biometrics 34:469-474. DOI 10.2307/2530610",
    "woolf": "Woolf B (1955). On estimating the relation between blood group and disease. Ann Hum Genet "
    "19:251-253. DOI 10.1111/j.1469-1809.1955.tb01348.x",
    "yusuf": "Yusuf S, Peto R, Lewis J, Collins R, Sleight P (1985). Beta blockade during and after "
    "myocardial infarction: an overview of the randomized trials. Prog Cardiovasc Dis 27:335-371. DOI "
    "10.1016/S0033-0620(85)80003-7",
    "dersimonian-laird": "DerSimonian R, Laird N (1986). Meta-analysis in clinical trials. Control Clin "
    "Trials 7:177-188. DOI 10.1016/0197-2456(86)90046-2",
    "dersimonian-kacker": "DerSimonian R, Kacker R (2007). Random-effects model for meta-analysis of "
    "clinical trials: an update. Contemp Clin Trials 28:105-114. DOI 10.1016/j.cct.2006.04.004",
    "hedges": "Hedges LV, Olkin I (1985). Statistical methods for meta-analysis. Academic Press.",
    "schmidt": "Schmidt FL, Hunter JE (2015). Methods of meta-analysis, 3rd ed. Sage.",
    "brannick": "Brannick MT, Potter SM, Benitez B, Morris SB (2019). Bias and precision of alternate "
    "estimators in meta-analysis: benefits of blending Schmidt-Hunter and Hedges approaches. Organ Res "
    "Methods 22:490-514.",
    "sidik": "Sidik K, Jonkman JN (2005). A note on variance estimation in random effects meta-regression, "
    "J Biopharm Stat 15:823-838.",
    "viechtbauer-2005": "Viechtbauer W (2005). Bias and efficiency of meta-analytic variance estimators in "
    "the random-effects model. J Educ Behav Stat 30:261-293. DOI 10.3102/10769986030003261",
    "paule": "Paule RC, Mandel J (1982). Consensus values and weighting factors. J Res Natl Bur Stand "
    "87:377-385. DOI 10.6028/jres.087.022",
    "viechtbauer-2021": "Viechtbauer W (2021). Median-unbiased estimators for the amount of heterogeneity "
    "in meta-analysis.",
    "knapp": "Knapp G, Hartung J (2003). Improved tests for a random effects meta-regression with a single "
    "covariate. Stat Med 22:2693-2710. DOI 10.1002/sim.1482",
    "partlett": "Partlett C, Riley RD (2017). Random effects meta-analysis: coverage performance of 95% "
    "confidence and prediction intervals following REML estimation. Stat Med 36:301-317. DOI "
    "10.1002/sim.7140",
    "hardy": "Hardy RJ, Thompson SG (1996). A likelihood approach to meta-analysis with random effects. "
    "Stat Med 15:619-629. DOI 10.1002/(SICI)1097-0258(19960330)15:6<619::AID-SIM188>3.0.CO;2-A",
    "lawley": "Lawley DN (1956). A general method for approximating to the distribution of likelihood ratio "
    "criteria. Biometrika 43:295-303.",
    "henmi": "Henmi M, Copas JB (2010). Confidence intervals for random effects meta-analysis and "
    "robustness to publication bias. Stat Med 29:2969-2983. DOI 10.1002/sim.4029",
    "viechtbauer-2007": "Viechtbauer W (2007). Confidence intervals for the amount of heterogeneity in "
    "meta-analysis. Stat Med 26:37-52. DOI 10.1002/sim.2514",
    "higgins-2002": "Higgins JPT, Thompson SG (2002). Quantifying heterogeneity in a meta-analysis. Stat "
    "Med 21:1539-1558. DOI 10.1002/sim.1186",
    "higgins-2009": "Higgins JPT, Thompson SG, Spiegelhalter DJ (2009). A re-evaluation of random-effects "
    "meta-analysis. J R Stat Soc A 172:137-159. DOI 10.1111/j.1467-985X.2008.00552.x",
    "sterne": "Sterne JAC, Sutton AJ, Ioannidis JPA, et al. (2011). Recommendations for examining and "
    "interpreting funnel plot asymmetry in meta-analyses of randomised controlled trials. BMJ 343:d4002. "
    "DOI 10.1136/bmj.d4002",
    "egger": "Egger M, Davey Smith G, Schneider M, Minder C (1997). Bias in meta-analysis detected by a "
    "simple, graphical test. BMJ 315:629-634. DOI 10.1136/bmj.315.7109.629",
}
_MEASURES = {"RR": "katz", "OR": "woolf", "PETO": "yusuf"}
_TAU2 = {
    "REML": ("restricted maximum likelihood", "viechtbauer-2005"),
    "ML": ("maximum likelihood", "viechtbauer-2005"),
    "DL": ("the method of DerSimonian and Laird", "dersimonian-laird"),
    "DL2": ("the two-step method of DerSimonian and Laird", "dersimonian-kacker"),
    "PM": ("the method of Paule and Mandel", "paule"),
    "EB": ("empirical Bayes, which is the method of Paule and Mandel", "paule"),
    "PMM": ("the median-unbiased method of Paule and Mandel", "viechtbauer-2021"),
    "HE": ("the method of Hedges and Olkin", "hedges"),
    "CA2": ("the two-step method of Cochran's analysis of variance", "dersimonian-kacker"),
    "HS": ("the method of Hunter and Schmidt", "schmidt"),
    "HSk": ("the method of Hunter and Schmidt, corrected for few studies", "brannick"),
    "SJ": ("the method of Sidik and Jonkman", "sidik"),
    "GENQ": ("generalised Q with given weights", "dersimonian-kacker"),
    "GENQM": ("generalised Q with given weights, median-unbiased", "viechtbauer-2021"),
}
_INTERVALS: dict[str, tuple[str, tuple[str, ...]]] = {
    "hartung-knapp-adhoc": (
        "is that of Hartung and Knapp, with a factor of the variance that is never below 1",
        ("knapp",),
    ),
    "hartung-knapp": ("is that of Hartung and Knapp", ("knapp",)),
    "t": ("is by the t distribution on k − 1 degrees of freedom", ()),
    "wald": ("is by the normal distribution", ()),
    "kenward-roger": (
        "is by the t distribution with the standard error and degrees of freedom of Kenward and Roger",
        ("partlett",),
    ),
    "profile": ("is by profile likelihood", ("hardy",)),
    "profile-bartlett": ("is by profile likelihood with Bartlett's correction", ("hardy", "lawley")),
    "henmi-copas": ("is that of Henmi and Copas, about the common-effect mean", ("henmi",)),
}
_DATA = {
    "counts": "Effects and sampling variances were computed from the counts of each study",
    "published": "Standard errors were derived from the published confidence intervals, which were taken to "
    "be symmetric on the analysis scale",
    "effects": "Effects and sampling variances were taken as given",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodsText:
    """Methods and results in words.

    Parameters
    ----------
    methods, results : str
        A paragraph each; numbers in brackets point to `references`.
    references : tuple of str
        In the order in which they are cited.
    """

    methods: str
    results: str
    references: tuple[str, ...]

    def __str__(self) -> str:
        """Return Markdown: three headings with their text."""
        listed = "\n".join(f"{number}. {text}" for number, text in enumerate(self.references, start=1))
        parts = {"Methods": self.methods, "Results": self.results, "References": listed}
        return "\n\n".join(f"## {heading}\n\n{text}" for heading, text in parts.items() if text) + "\n"


class _Citations:
    """Number references in the order in which they are first cited."""

    def __init__(self) -> None:
        self.keys: list[str] = []

    def __call__(self, *keys: str) -> str:
        self.keys += [key for key in keys if key not in self.keys]
        numbers = sorted(self.keys.index(key) + 1 for key in keys)
        return f" [{', '.join(map(str, numbers))}]" if numbers else ""


def methods_text(
    pooled: PooledEstimate,
    *,
    data: str = "effects",
    corrected: int = 0,
    small_study: SmallStudySummary | None = None,
) -> MethodsText:
    """Write what a paper says about a meta-analysis.

    Parameters
    ----------
    pooled : PooledEstimate
        One meta-analysis.
    data : {"counts", "published", "effects"}, default "effects"
        Where the effects came from: counts, published estimates with intervals, or neither is known.
    corrected : int, default 0
        Studies to which 0.5 was added because of an empty cell.
    small_study : SmallStudySummary, optional
        What is said about small-study effects, or why nothing is.

    Returns
    -------
    MethodsText

    Raises
    ------
    TypeError
        If `pooled` is not `PooledEstimate`.
    ValueError
        If it holds more than one meta-analysis, or an option is unknown.

    Examples
    --------
    >>> from analysis import EffectSizes, pool
    >>> effects = EffectSizes(effect=[0.10, 0.30, 0.35, 0.65], variance=[0.03, 0.03, 0.05, 0.01],
    ...                       measure="HR")
    >>> text = methods_text(pool(effects, model="common", ci="wald"))
    >>> print(text.results)  # doctest: +NORMALIZE_WHITESPACE
    The pooled hazard ratio was 1.58 (95% CI 1.37 to 1.82; P < 0.001). I² was 67% (95% CI 3% to 89%);
    Q was 9.0 (df = 3, P = 0.03).
    """
    if not isinstance(pooled, PooledEstimate):
        raise TypeError(f"`pooled` must be PooledEstimate, but got {type(pooled).__name__}.")
    if pooled.tau2.size != 1:
        raise ValueError(
            f"`pooled` must be one meta-analysis, but has shape {pooled.shape}; write one text each."
        )
    check_choice("data", data, _DATA)
    if corrected < 0:
        raise ValueError(f"`corrected` must be a number of studies, 0 or greater, but got {corrected}.")
    cite = _Citations()
    methods = " ".join(_methods(pooled, data, corrected, small_study, cite))
    results = " ".join(_results(pooled, small_study))
    return MethodsText(
        methods=methods, results=results, references=tuple(REFERENCES[key] for key in cite.keys)
    )


def _methods(
    pooled: PooledEstimate,
    data: str,
    corrected: int,
    small_study: SmallStudySummary | None,
    cite: _Citations,
) -> list[str]:
    measure = measure_of(pooled.effects.measure)
    key = _MEASURES.get(measure.code) if data == "counts" else None
    sentences = [f"{_DATA[data]}{cite(key) if key else ''}."]
    if corrected:
        what = "study" if corrected == 1 else "studies"
        sentences.append(f"In {corrected} {what} with an empty cell 0.5 was added to the counts.")
    place = "" if measure.scale == "identity" else f", on the {measure.scale} scale"
    model = "random-effects" if pooled.model == "random" else "common-effect"
    by = "inverse variance" if pooled.user_weights is None else "given weights"
    sentences.append(f"The effects ({_name(pooled)}{place}) were pooled by {by} under a {model} model.")
    interval, sources = _INTERVALS[pooled.ci_method]
    interval = f"the {_level(pooled)} confidence interval (CI) of the mean {interval}{{}}."
    if pooled.model == "common":
        sentences.append(_capital(interval.format(cite(*sources))))
    else:
        if pooled.tau2_method == "given":
            tau2 = "The between-study variance τ² was given"
        else:
            estimator, source = _TAU2[pooled.tau2_method]
            tau2 = f"The between-study variance τ² was estimated by {estimator}{cite(source)}"
        sentences.append(f"{tau2}; {interval.format(cite(*sources))}")
    if _several(pooled):
        sentences.append(_heterogeneity_methods(pooled, cite))
    if _predicts(pooled):
        sentences.append(
            f"The {_level(pooled)} prediction interval, in which the true effect of a further study is "
            f"expected, is that of Higgins, Thompson and Spiegelhalter{cite('higgins-2009')}."
        )
    if small_study is not None:
        few = _too_few(small_study)
        unfit = why_not_tested(small_study.measure)
        if unfit:
            sentences.append(f"Small-study effects were not tested, because {unfit}.")
        elif few:
            sentences.append(f"Small-study effects were not tested with {few}{cite('sterne')}.")
        else:
            sentences.append(f"Small-study effects were tested by Egger's regression{cite('egger')}.")
    return sentences


def _heterogeneity_methods(pooled: PooledEstimate, cite: _Citations) -> str:
    if pooled.model == "common":
        return (
            f"I², with its test-based interval{cite('higgins-2002')}, and Cochran's Q describe heterogeneity."
        )
    return (
        f"τ² and I²{cite('higgins-2002')}, with intervals by Q-profile{cite('viechtbauer-2007')}, and "
        "Cochran's Q describe heterogeneity."
    )


def _results(pooled: PooledEstimate, small_study: SmallStudySummary | None) -> list[str]:
    estimate = pooled.estimate
    level, measure = _level(pooled), estimate.measure
    text = format_estimate(estimate.value, estimate.low, estimate.high, measure=measure)
    value, _, limits = text.partition(" (")
    interval = limits.rstrip(")") if limits.startswith("interval") else f"{level} CI {limits.rstrip(')')}"
    pvalue = "" if estimate.pvalue is None else f"; {format_pvalue(estimate.pvalue)}"
    one = int(pooled.n_studies) == 1
    name = f"The {_name(pooled)} of the one study" if one else f"The pooled {_name(pooled)}"
    sentences = [f"{name} was {value} ({interval}{pvalue})."]
    if _predicts(pooled):
        ends = pooled.prediction.low, pooled.prediction.high
        sentence = f"The {level} prediction interval was {format_interval(*ends, measure=measure)}"
        null = measure_of(measure).null
        if null is not None:
            holds = float(ends[0]) <= null <= float(ends[1])
            sentence += f", which {'includes' if holds else 'excludes'} {format_number(null, 0)}"
        sentences.append(f"{sentence}.")
    if _several(pooled):
        sentences.append(_heterogeneity_results(pooled))
    if small_study is not None and not (_too_few(small_study) or why_not_tested(small_study.measure)):
        egger = next(row for row in small_study.rows if row.method == "Egger")
        said = (
            f"could not be done: {egger.declined}"
            if egger.declined
            else f"gave {format_pvalue(egger.pvalue)}"
        )
        sentences.append(f"Egger's test {said}.")
    return sentences


def _heterogeneity_results(pooled: PooledEstimate) -> str:
    common = pooled.model == "common"
    found = tau2_interval(pooled, method="test-based" if common else "q-profile")
    q = f"Q was {format_number(pooled.q, 1)} (df = {pooled.df:.0f}, {format_pvalue(pooled.q_pvalue)})"
    shares = join_limits(*(f"{format_number(end, 0)}%" for end in (found.i2_low, found.i2_high)))
    i2 = f"I² was {format_number(pooled.i2, 0)}%"
    # Two studies have no test-based interval.
    if math.isfinite(float(found.i2_low)):
        i2 += f" ({_level(pooled)} CI {shares})"
    if common:
        return f"{i2}; {q}."
    tau2, low, high = (significant(part) for part in (found.tau2, found.tau2_low, found.tau2_high))
    return f"τ² was {tau2} ({_level(pooled)} CI {join_limits(low, high)}) and {i2}; {q}."


def _name(pooled: PooledEstimate) -> str:
    label = measure_of(pooled.effects.measure).label
    return label if "(" in label else label[0].lower() + label[1:]


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def _level(pooled: PooledEstimate) -> str:
    return current_number_style().written(f"{100 * pooled.confidence_level:g}%")


def _several(pooled: PooledEstimate) -> bool:
    return int(pooled.n_studies) > 1


def _predicts(pooled: PooledEstimate) -> bool:
    return math.isfinite(float(pooled.prediction.low))


def _too_few(summary: SmallStudySummary) -> str:
    """Return "fewer than 10 studies (4)" where that is why the tests are declined."""
    declined = next(row.declined for row in summary.rows if row.method == "Egger") or ""
    return declined if declined.startswith("fewer than") else ""
