"""Counts of the mixed models' reference records, as the types that `pool_glmm` takes."""

from typing import Any

import numpy as np

from analysis import Proportion, Rate, TwoByTwo, TwoRates
from reference_values import dataset, records


def counts_of(
    measure: str, columns: dict[str, Any], arm: str = "1"
) -> Proportion | Rate | TwoByTwo | TwoRates:
    """Return the counts of a data set by metafor's names of its columns."""
    if measure == "PLO":
        return Proportion(events=columns["xi"], total=columns["ni"])
    if measure == "IRLN":
        return Rate(events=columns[f"x{arm}i"], person_time=columns[f"t{arm}i"])
    if measure == "IRR":
        return TwoRates(
            exposed_events=columns["x1i"],
            exposed_time=columns["t1i"],
            control_events=columns["x2i"],
            control_time=columns["t2i"],
        )
    return TwoByTwo.from_cells(
        exposed_cases=columns["ai"],
        exposed_noncases=columns["bi"],
        control_cases=columns["ci"],
        control_noncases=columns["di"],
    )


def bcg_table() -> TwoByTwo:
    """Return the thirteen trials of BCG."""
    table = counts_of("OR", dataset("C4_glmm_own", records("C4_glmm_own", "or_cmel/bcg")[0]))
    assert isinstance(table, TwoByTwo)
    return table


def analysis_scale(estimate: Any, value: Any) -> float:
    """Return a reported value on the scale that was pooled."""
    return float(np.log(value / (1 - value)) if estimate.scale == "logit" else np.log(value))


def mean_of(fit: Any) -> float:
    """Return the mean of a fit on the scale that was pooled."""
    return analysis_scale(fit.estimate, fit.estimate.value)
