"""Which measures have small-study effects to look for: those that have a value of no effect."""

from __future__ import annotations

from analysis.values.scale import measure_of

__all__ = ["check_has_null", "why_not_tested"]

# Transformations after which the sampling variance is known from the size of the study alone.
_STABLE_SCALES = {"arcsine", "square-root"}
_STABLE_MEASURES = {"PFT", "IRFT"}


def why_not_tested(measure: str) -> str | None:
    """Say why small-study effects are not looked for in this measure, or return None where they are.

    Parameters
    ----------
    measure : str
        metafor's code.

    Returns
    -------
    str or None
        A clause that can stand after "because".

    Notes
    -----
    What is asked is whether small studies that found nothing are missing. A proportion or a rate is of one
    group and finds nothing in no study. On most scales its standard error is also computed from the value
    itself: of a logit √(1/(n p (1 - p))), so that the rarer the event, the larger the error, and effects and
    errors are correlated although no study is missing.

    References
    ----------
    Hunter JP, Saratzis A, Sutton AJ, Boucher RH, Sayers RD, Bown MJ (2014). In meta-analyses of proportion
    studies, funnel plots were found to be an inaccurate method of assessing publication bias. J Clin
    Epidemiol 67:897-903. DOI 10.1016/j.jclinepi.2014.03.003

    Examples
    --------
    >>> why_not_tested("OR") is None
    True
    >>> why_not_tested("PAS")
    'a proportion has no value of no effect'
    """
    meaning = measure_of(measure)
    if meaning.null is not None:
        return None
    reason = f"a {meaning.label.lower()} has no value of no effect"
    if meaning.scale in _STABLE_SCALES or meaning.code in _STABLE_MEASURES:
        return reason
    return (
        f"{reason}, and its standard error depends on the value itself, which makes the funnel asymmetric "
        "without any study missing"
    )


def check_has_null(name: str, measure: str) -> None:
    """Raise `ValueError` if the effects called `name` are of a measure without a value of no effect."""
    reason = why_not_tested(measure)
    if reason is not None:
        raise ValueError(
            f"`{name}` must be of a measure that has a value of no effect, as a ratio or a difference, but "
            f"is {measure!r}: {reason}."
        )
