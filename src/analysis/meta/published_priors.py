"""Priors of the between-study variance that were estimated from many published meta-analyses.

The parameters are those of the papers' tables as a later publication of their numbers gives them; the tables
themselves were not at hand. Their structure was: means are one number an outcome plus one a comparison (and
one an area), and all but two entries fit that to a unit of the last digit. Those two are left out.
"""

from __future__ import annotations

from analysis.meta.priors import LogNormal, LogT
from analysis.values.arguments import check_choice

__all__ = ["rhodes_prior", "turner_prior"]

_TURNER_ANY = (-2.56, 1.74)
_TURNER_COMPARISONS = (
    "pharmacological v placebo",
    "pharmacological v pharmacological",
    "non-pharmacological v placebo",
    "non-pharmacological v pharmacological",
    "non-pharmacological v non-pharmacological",
)
# Mean and standard deviation of log tau2, in the order of the comparisons.
_TURNER = {
    "all-cause mortality": ((-3.95, 1.34), (-4.18, 1.41), (-4.17, 1.55), (-2.92, 1.02), (-3.50, 1.26)),
    "obstetric": ((-3.52, 1.74), (-3.75, 1.79), (-3.74, 1.91), (-2.49, 1.50), (-3.08, 1.68)),
    "major morbidity": ((-3.71, 1.74), (-3.95, 1.79), (-3.93, 1.91), (-2.68, 1.51), (-3.27, 1.68)),
    "resource use": ((-2.34, 1.74), (-2.58, 1.79), (-2.56, 1.91), (-1.31, 1.50), (-1.90, 1.68)),
    "surgical success": ((-2.14, 1.74), (-2.37, 1.79), (-2.36, 1.91), (-1.11, 1.50), (-1.69, 1.68)),
    "withdrawals": ((-2.99, 1.74), (-3.23, 1.79), (-3.21, 1.91), (-1.96, 1.51), (-2.55, 1.68)),
    "structure": ((-2.71, 1.74), (-2.94, 1.79), (-2.93, 1.92), (-1.67, 1.51), (-2.26, 1.68)),
    "physical health": ((-2.29, 1.53), (-2.53, 1.58), (-2.51, 1.72), (-1.26, 1.25), (-1.85, 1.46)),
    "adverse events": ((-1.87, 1.52), (-2.10, 1.58), (-2.10, 1.71), (-0.84, 1.24), (-1.43, 1.45)),
    "infection": ((-2.49, 1.52), (-2.73, 1.58), (-2.71, 1.71), (-1.46, 1.24), (-2.05, 1.45)),
    "signs and symptoms": ((-2.06, 1.51), (-2.29, 1.58), (-2.28, 1.71), (-1.03, 1.24), (-1.61, 1.45)),
    "pain": ((-1.83, 1.52), (-2.06, 1.58), (-2.05, 1.71), (-0.80, 1.25), (-1.38, 1.45)),
    "quality of life": ((-2.54, 1.54), (-2.78, 1.60), (-2.77, 1.73), (-1.51, 1.27), (-2.10, 1.47)),
    "mental health": ((-2.12, 1.53), (-2.35, 1.60), (-2.34, 1.72), (-1.09, 1.27), (-1.67, 1.47)),
    "biological markers": ((-1.77, 1.52), (-2.00, 1.58), (-1.99, 1.71), (-0.74, 1.24), (-1.33, 1.45)),
    "subjective": ((-2.70, 1.52), (-2.93, 1.58), (-2.92, 1.71), (-1.67, 1.25), (-2.26, 1.45)),
}

_RHODES_ANY, _RHODES_DF = (-3.44, 2.59), 5.0
_RHODES_COMPARISONS = (
    "pharmacological v placebo",
    "pharmacological v pharmacological",
    "non-pharmacological v any",
)
# Outcomes that share a line of the paper's table with another.
_SAME_LINE = {
    "adverse events": "physical health",
    "pain": "physical health",
    "quality of life": "physical health",
    "signs and symptoms": "infection",
}
# Location and scale of log tau2 by area.
_RHODES: dict[str, dict[str, tuple[tuple[float, float] | None, ...]]] = {
    "other": {
        "obstetric": ((-4.13, 2.34), (-4.40, 2.31), (-3.99, 2.11)),
        "resource use": ((-2.55, 2.73), (-2.83, 2.70), (-2.41, 2.57)),
        "structure": ((-2.43, 2.50), (-2.70, 2.46), (-2.29, 2.32)),
        "physical health": ((-3.16, 2.50), (-3.44, 2.44), (-3.02, 2.27)),
        "infection": ((-3.00, 2.50), (-3.27, 2.47), (-2.86, 2.33)),
        "mental health": ((-2.99, 2.16), (-3.27, 2.14), None),
        "biological markers": ((-3.41, 2.83), (-3.68, 2.78), (-3.27, 2.66)),
        "subjective": ((-2.76, 2.58), (-3.03, 2.59), (-2.62, 2.41)),
    },
    "cancer": {
        "obstetric": ((-1.57, 2.45), (-1.85, 2.41), (-1.43, 2.24)),
        "resource use": ((-0.01, 2.83), (-0.27, 2.79), (0.15, 2.68)),
        "structure": (None, (-0.14, 2.56), (0.27, 2.45)),
        "physical health": ((-0.60, 2.61), (-0.88, 2.55), (-0.46, 2.40)),
        "infection": ((-0.44, 2.60), (-0.71, 2.57), (-0.30, 2.46)),
        "mental health": ((-0.43, 2.28), (-0.71, 2.25), (-0.29, 2.08)),
        "biological markers": ((-0.85, 2.93), (-1.13, 2.87), (-0.71, 2.78)),
        "subjective": ((-0.20, 2.68), (-0.48, 2.68), (-0.06, 2.53)),
    },
    "respiratory": {
        "obstetric": ((-6.03, 2.36), (-6.31, 2.31), (-5.89, 2.21)),
        "resource use": ((-4.46, 2.74), (-4.73, 2.70), (-4.32, 2.57)),
        "structure": ((-4.33, 2.51), (-4.61, 2.46), (-4.19, 2.33)),
        "physical health": ((-5.07, 2.51), (-5.34, 2.45), (-4.93, 2.28)),
        "infection": ((-4.90, 2.50), (-5.18, 2.47), (-4.76, 2.33)),
        "mental health": ((-4.90, 2.17), (-5.17, 2.14), (-4.76, 1.94)),
        "biological markers": ((-5.31, 2.83), (-5.59, 2.78), (-5.17, 2.66)),
        "subjective": ((-4.66, 2.59), (-4.94, 2.59), (-4.52, 2.41)),
    },
}


def turner_prior(outcome: str = "any", comparison: str = "any") -> LogNormal:
    """Return Turner and colleagues' prior for log odds ratios, from 14 886 Cochrane meta-analyses.

    Parameters
    ----------
    outcome : str, default "any"
        "all-cause mortality", "obstetric", "major morbidity" (with cause-specific mortality and composites),
        "resource use" (with hospital stay and process), "surgical success" (or failure, of a device too),
        "withdrawals", "structure" (internal or external), "physical health", "adverse events", "infection"
        (or onset of new disease), "signs and symptoms" (that reflect continuation or end of a condition),
        "pain", "quality of life" (with functioning), "mental health", "biological markers", "subjective"
        (various), or "any" for the general setting.
    comparison : str, default "any"
        "pharmacological v placebo", "pharmacological v pharmacological", "non-pharmacological v placebo",
        "non-pharmacological v pharmacological" or "non-pharmacological v non-pharmacological"; "any" goes
        with the outcome "any". Placebo includes other controls without active treatment.

    Returns
    -------
    LogNormal
        Of tau. (Parameters not verified against the paper's own table.)

    Raises
    ------
    ValueError
        If there is no such setting.

    References
    ----------
    Turner RM, Jackson D, Wei Y, Thompson SG, Higgins JPT (2015). Predictive distributions for between-study
    heterogeneity and simple methods for their application in Bayesian meta-analysis. Stat Med 34:984-998.
    DOI 10.1002/sim.6381

    Examples
    --------
    >>> turner_prior("all-cause mortality", "pharmacological v placebo")
    LogNormal(mean=-1.975, sd=0.67)
    """
    if _is_any(outcome, comparison, tuple(_TURNER), _TURNER_COMPARISONS):
        return LogNormal.of_variance(*_TURNER_ANY)
    return LogNormal.of_variance(*_TURNER[outcome][_TURNER_COMPARISONS.index(comparison)])


def rhodes_prior(outcome: str = "any", comparison: str = "any", *, area: str = "other") -> LogT:
    """Return Rhodes and colleagues' prior for standardized mean differences, from 6492 meta-analyses.

    Parameters
    ----------
    outcome : str, default "any"
        As for `turner_prior`, without "all-cause mortality", "major morbidity", "surgical success" and
        "withdrawals".
    comparison : str, default "any"
        "pharmacological v placebo", "pharmacological v pharmacological" or "non-pharmacological v any"; "any"
        goes with the outcome "any".
    area : {"other", "cancer", "respiratory"}, default "other"
        Medical area; not used for "any".

    Returns
    -------
    LogT
        Of tau, on 5 degrees of freedom. (Parameters not verified against the paper's own table.)

    Raises
    ------
    ValueError
        If there is no such setting, or its number is one of the two that were left out.

    References
    ----------
    Rhodes KM, Turner RM, Higgins JPT (2015). Predictive distributions were developed for the extent of
    heterogeneity in meta-analyses of continuous outcome data. J Clin Epidemiol 68:52-60.
    DOI 10.1016/j.jclinepi.2014.08.012

    Examples
    --------
    >>> rhodes_prior()
    LogT(location=-1.72, scale=1.295, df=5.0)
    >>> rhodes_prior("pain", "non-pharmacological v any")
    LogT(location=-1.51, scale=1.135, df=5.0)
    """
    table = _RHODES[check_choice("area", area, _RHODES)]
    if _is_any(outcome, comparison, (*table, *_SAME_LINE), _RHODES_COMPARISONS):
        return LogT.of_variance(*_RHODES_ANY, _RHODES_DF)
    entry = table[_SAME_LINE.get(outcome, outcome)][_RHODES_COMPARISONS.index(comparison)]
    if entry is None:
        raise ValueError(
            f"The prior of `outcome` = {outcome!r}, `comparison` = {comparison!r}, `area` = {area!r} is not "
            "here: the number at hand does not fit the others of its table. Take it from the paper, by "
            "LogT.of_variance(location, scale, 5)."
        )
    return LogT.of_variance(*entry, _RHODES_DF)


def _is_any(outcome: str, comparison: str, outcomes: tuple[str, ...], comparisons: tuple[str, ...]) -> bool:
    """Check a setting, and tell whether it is the general one."""
    check_choice("outcome", outcome, ("any", *outcomes))
    check_choice("comparison", comparison, ("any", *comparisons))
    general = [outcome, comparison].count("any")
    if general == 1:
        raise ValueError(
            f'`outcome` and `comparison` must both be "any" or both be given, but are {outcome!r} and '
            f"{comparison!r}."
        )
    return general == 2
