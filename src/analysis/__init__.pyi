"""Public names of the package, for type checkers and editors."""

from analysis.errors import (
    AnalysisError as AnalysisError,
)
from analysis.errors import (
    AnalysisWarning as AnalysisWarning,
)
from analysis.errors import (
    ConvergenceError as ConvergenceError,
)
from analysis.errors import (
    DataError as DataError,
)
from analysis.errors import (
    SmallStudyCountWarning as SmallStudyCountWarning,
)
from analysis.errors import (
    SparseDataWarning as SparseDataWarning,
)
from analysis.errors import (
    TransformationWarning as TransformationWarning,
)
from analysis.figures.claims import (
    figure_claims as figure_claims,
)
from analysis.figures.export import (
    save_figure as save_figure,
)
from analysis.figures.feasible_range import (
    figure_feasible_range as figure_feasible_range,
)
from analysis.figures.feasible_range import (
    plot_feasible_range as plot_feasible_range,
)
from analysis.figures.forest import (
    figure_forest as figure_forest,
)
from analysis.figures.forest import (
    plot_forest as plot_forest,
)
from analysis.figures.intervals import (
    figure_intervals as figure_intervals,
)
from analysis.figures.intervals import (
    plot_intervals as plot_intervals,
)
from analysis.figures.number_needed_to_treat import (
    figure_number_needed_to_treat as figure_number_needed_to_treat,
)
from analysis.figures.number_needed_to_treat import (
    plot_number_needed_to_treat as plot_number_needed_to_treat,
)
from analysis.figures.prevalence_range import (
    figure_prevalence_range as figure_prevalence_range,
)
from analysis.figures.prevalence_range import (
    plot_prevalence_range as plot_prevalence_range,
)
from analysis.figures.style import (
    style as style,
)
from analysis.forensics.claims import (
    audit_claims as audit_claims,
)
from analysis.forensics.feasible import (
    feasible_counts as feasible_counts,
)
from analysis.forensics.feasible import (
    feasible_tables as feasible_tables,
)
from analysis.measures.absolute_effect import (
    absolute_effects as absolute_effects,
)
from analysis.measures.agreement import (
    adjusted_kappa as adjusted_kappa,
)
from analysis.measures.agreement import (
    kappa as kappa,
)
from analysis.measures.association import (
    odds_ratio as odds_ratio,
)
from analysis.measures.association import (
    risk_difference as risk_difference,
)
from analysis.measures.association import (
    risk_ratio as risk_ratio,
)
from analysis.measures.attributable import (
    attributable_fraction as attributable_fraction,
)
from analysis.measures.attributable import (
    population_attributable_fraction as population_attributable_fraction,
)
from analysis.measures.attributable import (
    population_attributable_risk as population_attributable_risk,
)
from analysis.measures.back_transformation import (
    back_transform as back_transform,
)
from analysis.measures.common_odds_ratio import (
    exact_common_odds_ratio as exact_common_odds_ratio,
)
from analysis.measures.confidence_level import (
    infer_confidence_level as infer_confidence_level,
)
from analysis.measures.conversion import (
    hazard_ratio_to_risk_ratio as hazard_ratio_to_risk_ratio,
)
from analysis.measures.conversion import (
    log_odds_ratio_to_standardized_mean_difference as log_odds_ratio_to_standardized_mean_difference,
)
from analysis.measures.conversion import (
    odds_ratio_to_risk_ratio as odds_ratio_to_risk_ratio,
)
from analysis.measures.conversion import (
    risk_ratio_to_odds_ratio as risk_ratio_to_odds_ratio,
)
from analysis.measures.conversion import (
    standardized_mean_difference_to_log_odds_ratio as standardized_mean_difference_to_log_odds_ratio,
)
from analysis.measures.coverage import (
    association_coverage as association_coverage,
)
from analysis.measures.coverage import (
    prevalence_coverage as prevalence_coverage,
)
from analysis.measures.crude_and_pooled import (
    stratified_summary as stratified_summary,
)
from analysis.measures.diagnostic import (
    diagnostic_odds_ratio as diagnostic_odds_ratio,
)
from analysis.measures.diagnostic import (
    likelihood_ratios as likelihood_ratios,
)
from analysis.measures.diagnostic import (
    sensitivity as sensitivity,
)
from analysis.measures.diagnostic import (
    specificity as specificity,
)
from analysis.measures.diagnostic import (
    youden_index as youden_index,
)
from analysis.measures.effect_size import (
    effect_sizes as effect_sizes,
)
from analysis.measures.homogeneity import (
    homogeneity_test as homogeneity_test,
)
from analysis.measures.interaction import (
    additive_interaction as additive_interaction,
)
from analysis.measures.interaction import (
    additive_interaction_from_estimates as additive_interaction_from_estimates,
)
from analysis.measures.number_needed_to_treat import (
    number_needed_to_treat as number_needed_to_treat,
)
from analysis.measures.paired import (
    mcnemar_test as mcnemar_test,
)
from analysis.measures.paired import (
    paired_difference as paired_difference,
)
from analysis.measures.paired import (
    paired_odds_ratio as paired_odds_ratio,
)
from analysis.measures.paired import (
    paired_ratio as paired_ratio,
)
from analysis.measures.predictive_values import (
    observed_predictive_values as observed_predictive_values,
)
from analysis.measures.predictive_values import (
    post_test_probability as post_test_probability,
)
from analysis.measures.predictive_values import (
    predictive_values as predictive_values,
)
from analysis.measures.proportion import (
    prevalence as prevalence,
)
from analysis.measures.rates import (
    incidence_rate as incidence_rate,
)
from analysis.measures.rates import (
    rate_difference as rate_difference,
)
from analysis.measures.rates import (
    rate_ratio as rate_ratio,
)
from analysis.measures.standardization import (
    indirectly_standardized_rate as indirectly_standardized_rate,
)
from analysis.measures.standardization import (
    standardized_rate as standardized_rate,
)
from analysis.measures.standardization import (
    standardized_rate_ratio as standardized_rate_ratio,
)
from analysis.measures.standardization import (
    standardized_ratio as standardized_ratio,
)
from analysis.measures.std_error import (
    std_error_from_chi_square as std_error_from_chi_square,
)
from analysis.measures.std_error import (
    std_error_from_interval as std_error_from_interval,
)
from analysis.measures.std_error import (
    std_error_from_pvalue as std_error_from_pvalue,
)
from analysis.measures.std_error import (
    std_error_from_t as std_error_from_t,
)
from analysis.measures.stratified import (
    cochran_mantel_haenszel_test as cochran_mantel_haenszel_test,
)
from analysis.measures.stratified import (
    mantel_haenszel as mantel_haenszel,
)
from analysis.measures.stratified import (
    mantel_haenszel_rates as mantel_haenszel_rates,
)
from analysis.measures.survey import (
    nonresponse_bounds as nonresponse_bounds,
)
from analysis.measures.survey import (
    survey_prevalence as survey_prevalence,
)
from analysis.measures.survey import (
    true_prevalence as true_prevalence,
)
from analysis.measures.unconditional import (
    unconditional_test as unconditional_test,
)
from analysis.meta.pooled_estimate import (
    PooledEstimate as PooledEstimate,
)
from analysis.meta.pooling import (
    pool as pool,
)
from analysis.values.counts import (
    Proportion as Proportion,
)
from analysis.values.counts import (
    Rate as Rate,
)
from analysis.values.counts import (
    TwoByTwo as TwoByTwo,
)
from analysis.values.counts import (
    TwoRates as TwoRates,
)
from analysis.values.estimate import (
    EffectSizes as EffectSizes,
)
from analysis.values.estimate import (
    Estimate as Estimate,
)
from analysis.values.factorial import (
    TwoByFour as TwoByFour,
)
from analysis.values.paired import (
    PairedTable as PairedTable,
)
from analysis.values.reported import (
    Reported as Reported,
)
from analysis.values.significance import (
    SignificanceTest as SignificanceTest,
)

__version__: str
