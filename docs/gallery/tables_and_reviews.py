"""One table, the review around it, and what bias would do to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import analysis as ra
from analysis.data import datasets
from gallery.data import case, judged, table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Bengtsson 2023, men: osteoporosis recorded in a register, with and without ankylosing spondylitis.
RECORDED = ra.TwoByTwo(exposed_cases=75, exposed_total=7605, control_cases=56, control_total=38020)
SHARIF = ra.EffectSizes.from_estimates(1.83, 1.58, 2.11, measure="HR")


@case("risk_of_bias")
def _() -> Figure:
    return ra.figure_risk_of_bias(judged(), synthetic=True)


@case("risk_of_bias_summary")
def _() -> Figure:
    return ra.figure_risk_of_bias_summary(judged().shares(), synthetic=True)


@case("prisma_flow")
def _() -> Figure:
    flow = ra.PrismaFlow(
        databases={"MEDLINE": 310, "Embase": 402},
        duplicates=150,
        excluded=480,
        not_retrieved=2,
        reports_excluded={"Wrong outcome": 40, "No control group": 21},
        studies=17,
    )
    return ra.figure_prisma_flow(flow, synthetic=True)


@case("icon_array")
def _() -> Figure:
    return ra.figure_icon_array(
        ra.natural_frequencies([0.047, 0.083], label=["United States", "Berlin"]),
        outcome="have AS",
        otherwise="do not have AS",
        people="carriers of HLA-B27",
    )


@case("mosaic")
def _() -> Figure:
    return ra.figure_mosaic(table()[4], arms=("BCG", "Control"), outcomes=("Tuberculosis", "None"))


@case("claims")
def _() -> Figure:
    return ra.figure_claims(ra.audit_claims(datasets.load_claims()).to_frame())


@case("claims_compact")
def _() -> Figure:
    return ra.figure_claims(ra.audit_claims(datasets.load_claims()).to_frame(), compact=True)


@case("intervals_of_one_table")
def _() -> Figure:
    methods = ("log", "price-bonett", "koopman", "likelihood-ratio")
    return ra.figure_intervals([ra.risk_ratio(RECORDED, method=method) for method in methods])


@case("feasible_cloud")
def _() -> Figure:
    tables = ra.feasible_tables(
        exposed_total=5476, exposed_risk="4.7%", control_total=27657, control_risk="2.8%"
    )
    return ra.figure_feasible_cloud(tables, printed=(1.825, 1.835), text="1.83")


@case("number_needed_to_treat")
def _() -> Figure:
    return ra.figure_number_needed_to_treat(
        ra.number_needed_to_treat(table()[:6]), labels=["A", "B", "C", "D", "E", "F"]
    )


@case("bias_contour")
def _() -> Figure:
    return ra.figure_bias_contour(ra.e_value(1.83, low=1.58, high=2.11, measure="HR", outcome="rare"))


@case("bias_tornado")
def _() -> Figure:
    feared = ra.UnmeasuredConfounding(
        prevalence_exposed="uniform(0.3, 0.5)", prevalence_control=0.1, risk_ratio="uniform(1, 3)"
    )
    return ra.figure_tornado(ra.parameter_swings(SHARIF, biases=feared))


@case("bias_distribution")
def _() -> Figure:
    recorded = ra.OutcomeMisclassification(
        sensitivity="uniform(0.2, 0.6)", control_sensitivity="uniform(0.1, 0.3)", specificity=1
    )
    result = ra.probabilistic_bias_analysis(RECORDED, biases=recorded, rng=1, draws=5000)
    return ra.figure_bias_distribution(result)


@case("bias_tipping")
def _() -> Figure:
    feared = ra.UnmeasuredConfounding(prevalence_exposed=0.8, prevalence_control=0.1, risk_ratio=3)
    return ra.figure_tipping_surface(
        ra.tipping_point(SHARIF, biases=feared, surface=("prevalence_exposed", "risk_ratio"))
    )
