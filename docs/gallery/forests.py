"""Forest plots, easy and hard."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

import analysis as ra
from gallery.data import ALLOCATION, CASES, LONG, SCRIPTS, bcg, case, judged, made_up, pooled, table

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.figure import Figure


@case("forest")
def _() -> Figure:
    return ra.figure_forest(
        bcg(),
        pooled=pooled(),
        table=table(),
        arms=("BCG", "Control"),
        favours=("favours BCG", "favours control"),
    )


def _in_layout(layout: str) -> Callable[[], Figure]:
    def draw() -> Figure:
        return ra.figure_forest(
            bcg(),
            pooled=pooled(),
            table=table(),
            arms=("BCG", "Control"),
            favours=("Favours BCG", "Favours control"),
            layout=layout,
        )

    return draw


for _layout in ("revman", "jama", "bmj", "lancet"):
    CASES[f"forest_layout_{_layout}"] = _in_layout(_layout)


@case("forest_subgroups")
def _() -> Figure:
    groups = ra.subgroups(bcg(), ALLOCATION)
    return ra.figure_forest(groups, table=table(), arms=("BCG", "Control"))


@case("forest_common_and_random")
def _() -> Figure:
    both = [("Common effect", ra.pool(bcg(), model="common", ci="wald")), ("Random effects", pooled())]
    return ra.figure_forest(bcg(), pooled=both, table=table(), arms=("BCG", "Control"))


@case("forest_prediction_density")
def _() -> Figure:
    return ra.figure_forest(bcg(), pooled=pooled(), prediction="density")


@case("forest_prediction_shaded")
def _() -> Figure:
    return ra.figure_forest(bcg(), pooled=pooled(), prediction="shade", sort_by="effect")


@case("forest_cumulative")
def _() -> Figure:
    return ra.figure_forest(ra.cumulative(bcg()))


@case("forest_leave_one_out")
def _() -> Figure:
    return ra.figure_forest(ra.leave_one_out(bcg()), pooled=pooled())


@case("forest_risk_of_bias")
def _() -> Figure:
    return ra.figure_forest(bcg(), pooled=pooled(), risk_of_bias=judged(), synthetic=True)


@case("forest_prevalence_logit")
def _() -> Figure:
    counts = ra.Proportion(events=[1, 3, 2, 30, 0, 12], total=[120, 90, 400, 9000, 55, 160])
    effects = ra.effect_sizes(counts, "PLO", label=[f"Made-up survey {i}" for i in range(6)])
    return ra.figure_forest(effects, pooled=ra.pool(effects), table=counts, axis="logit", synthetic=True)


@case("forest_one_study")
def _() -> Figure:
    return ra.figure_forest(made_up(1), pooled=ra.pool(made_up(1), model="common", ci="wald"), synthetic=True)


@case("forest_two_studies")
def _() -> Figure:
    return ra.figure_forest(made_up(2), pooled=ra.pool(made_up(2)), synthetic=True)


@case("forest_60_studies")
def _() -> Figure:
    return ra.figure_forest(made_up(60), pooled=ra.pool(made_up(60)), synthetic=True)


@case("forest_200_studies_first_page")
def _() -> Figure:
    return ra.pages_forest(made_up(200), pooled=ra.pool(made_up(200)), synthetic=True)[0]


@case("forest_200_studies_last_page")
def _() -> Figure:
    return ra.pages_forest(made_up(200), pooled=ra.pool(made_up(200)), synthetic=True)[-1]


@case("forest_range_of_a_tenth")
def _() -> Figure:
    effects = made_up(9, spread=0.05, noise=0.04)
    return ra.figure_forest(effects, pooled=ra.pool(effects), synthetic=True)


@case("forest_six_decades")
def _() -> Figure:
    effects = made_up(9, spread=3 * np.log(10))
    return ra.figure_forest(effects, pooled=ra.pool(effects), synthetic=True)


@case("forest_zero_cells")
def _() -> Figure:
    counts = ra.TwoByTwo(
        exposed_cases=[0, 3, 0, 12, 5], exposed_total=[20, 40, 35, 60, 5],
        control_cases=[2, 0, 0, 9, 7], control_total=[22, 38, 33, 58, 50],
    )  # fmt: skip
    effects = ra.effect_sizes(counts, "OR", label=[f"Made-up trial {i + 1}" for i in range(5)])
    return ra.figure_forest(effects, pooled=ra.pool(effects), table=counts, synthetic=True)


@case("forest_long_labels")
def _() -> Figure:
    effects = made_up(5, label=[LONG, "Short 1999", LONG.replace("2003", "2004"), "Short 2001", LONG])
    return ra.figure_forest(effects, pooled=ra.pool(effects), synthetic=True)


@case("forest_scripts")
def _() -> Figure:
    effects = made_up(len(SCRIPTS), label=list(SCRIPTS))
    return ra.figure_forest(effects, pooled=ra.pool(effects), synthetic=True)


@case("forest_all_clipped")
def _() -> Figure:
    effects = made_up(6, noise=3)
    return ra.figure_forest(effects, pooled=ra.pool(effects), xlim=(0.8, 1.25), synthetic=True)


@case("forest_equal_labels")
def _() -> Figure:
    effects = made_up(4, label=["Smith 2001"] * 4)
    return ra.figure_forest(effects, pooled=ra.pool(effects), synthetic=True)


@case("forest_rows_without_a_value")
def _() -> Figure:
    found = made_up(6)
    effects = ra.EffectSizes(
        effect=np.where([0, 1, 0, 0, 1, 0], np.nan, found.effect),
        variance=found.variance,
        measure="RR",
        label=found.label,
    )
    inside = np.isfinite(effects.effect)
    return ra.figure_forest(effects, pooled=ra.pool(effects, where=inside), synthetic=True)
