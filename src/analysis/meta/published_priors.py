"""Priors of the between-study variance that were estimated from many published meta-analyses."""

from __future__ import annotations

from analysis.meta.priors import LogNormal, LogT
from analysis.values.arguments import check_choice

__all__ = ["rhodes_prior", "turner_prior"]

# Parameters of log tau2, from sources that cite the papers; not checked against the papers' own tables.
_TURNER = {
    ("any", "any"): (-2.56, 1.74),
    ("all-cause mortality", "pharmacological v placebo"): (-3.95, 1.34),
    ("signs and symptoms", "pharmacological v placebo"): (-2.06, 1.51),
    ("pain", "pharmacological v placebo"): (-1.83, 1.52),
}
_RHODES_ANY = (-3.44, 2.59, 5.0)


def turner_prior(outcome: str = "any", comparison: str = "any") -> LogNormal:
    """Return Turner and colleagues' prior for log odds ratios, from 14 886 Cochrane meta-analyses.

    Parameters
    ----------
    outcome : {"any", "all-cause mortality", "signs and symptoms", "pain"}, default "any"
        "signs and symptoms" is "signs or symptoms reflecting continuation or end of condition".
    comparison : {"any", "pharmacological v placebo"}, default "any"
        Placebo includes other controls without active treatment.

    Returns
    -------
    LogNormal
        Of tau. The paper has 80 settings; those that are not here enter by `LogNormal.of_variance`.
        (Parameters from sources that cite the paper, not verified against its table.)

    Raises
    ------
    ValueError
        If the setting is not one of those above.

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
    check_choice("outcome", outcome, dict.fromkeys(name for name, _ in _TURNER))
    check_choice("comparison", comparison, dict.fromkeys(name for _, name in _TURNER))
    if (outcome, comparison) not in _TURNER:
        pairs = "; ".join(f"{name!r} with {other!r}" for name, other in _TURNER)
        raise ValueError(
            f"`outcome` and `comparison` must be one of {pairs}, but got {outcome!r} with {comparison!r}. "
            "Other entries of the paper's table enter by LogNormal.of_variance(mean, sd)."
        )
    return LogNormal.of_variance(*_TURNER[outcome, comparison])


def rhodes_prior() -> LogT:
    """Return Rhodes and colleagues' prior for standardized mean differences, whatever the setting.

    Returns
    -------
    LogT
        Of tau, on 5 degrees of freedom. The paper has more settings; they enter by `LogT.of_variance`.
        (Parameters from one source that cites the paper, not verified against its table.)

    References
    ----------
    Rhodes KM, Turner RM, Higgins JPT (2015). Predictive distributions were developed for the extent of
    heterogeneity in meta-analyses of continuous outcome data. J Clin Epidemiol 68:52-60.
    DOI 10.1016/j.jclinepi.2014.08.012

    Examples
    --------
    >>> rhodes_prior()
    LogT(location=-1.72, scale=1.295, df=5.0)
    """
    return LogT.of_variance(*_RHODES_ANY)
