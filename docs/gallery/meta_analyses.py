"""What is looked at beside a forest plot: studies, subsets, models, specifications."""

from __future__ import annotations

from typing import TYPE_CHECKING

import analysis as ra
from gallery.data import TRIALS, bcg, case, made_up, pooled, table

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@case("funnel")
def _() -> Figure:
    return ra.figure_funnel(
        bcg(), pooled=pooled(), filled=ra.trim_and_fill(bcg()), egger=ra.egger_test(bcg()),
        limit=ra.limit_meta_analysis(bcg()),
    )  # fmt: skip


@case("funnel_200_studies")
def _() -> Figure:
    return ra.figure_funnel(made_up(200), pooled=ra.pool(made_up(200)), synthetic=True)


@case("radial")
def _() -> Figure:
    return ra.figure_radial(ra.radial(bcg()))


@case("labbe")
def _() -> Figure:
    return ra.figure_labbe(table(), pooled=pooled(), arms=("BCG", "controls"))


@case("baujat")
def _() -> Figure:
    return ra.figure_baujat(ra.baujat(bcg()))


@case("drapery")
def _() -> Figure:
    return ra.figure_drapery(pooled())


@case("p_value_function")
def _() -> Figure:
    return ra.figure_p_value_function(ra.Reported("1.83 (1.58-2.11)"), measure="HR")


@case("doi")
def _() -> Figure:
    return ra.figure_doi(bcg(), index=ra.lfk_index(bcg()))


@case("influence")
def _() -> Figure:
    return ra.figure_influence(ra.influence(bcg()), pooled=pooled())


@case("gosh")
def _() -> Figure:
    return ra.figure_gosh(ra.gosh(bcg()), study="TPT Madras 1980")


@case("bubble")
def _() -> Figure:
    latitude = [counts[4] for counts in TRIALS.values()]
    return ra.figure_bubble(ra.meta_regression(bcg(), {"latitude": latitude}))


@case("profile_likelihood")
def _() -> Figure:
    return ra.figure_profile_likelihood(ra.profile_likelihood(bcg()))


@case("specification_curve")
def _() -> Figure:
    return ra.figure_specification_curve(
        ra.multiverse(
            table(), measures=("RR", "OR"), tau2=("DL", "REML", "PM", "SJ"), ci=("wald", "hartung-knapp")
        )
    )


@case("posterior")
def _() -> Figure:
    return ra.figure_posterior(ra.pool_bayes(bcg()))
