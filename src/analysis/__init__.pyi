"""Public names of the package, for type checkers and editors."""

from analysis.bias.confounding import (
    ConfoundingLimits as ConfoundingLimits,
)
from analysis.bias.confounding import (
    adjust_confounding as adjust_confounding,
)
from analysis.bias.confounding import (
    bias_adjust_confounding as bias_adjust_confounding,
)
from analysis.bias.confounding import (
    confounder_prevalences as confounder_prevalences,
)
from analysis.bias.confounding import (
    confounding_bias as confounding_bias,
)
from analysis.bias.confounding import (
    confounding_limits as confounding_limits,
)
from analysis.bias.confounding import (
    confounding_strata as confounding_strata,
)
from analysis.bias.distributions import (
    Beta as Beta,
)
from analysis.bias.distributions import (
    Distribution as Distribution,
)
from analysis.bias.distributions import (
    Fixed as Fixed,
)
from analysis.bias.distributions import (
    LogitNormal as LogitNormal,
)
from analysis.bias.distributions import (
    Pert as Pert,
)
from analysis.bias.distributions import (
    Trapezoidal as Trapezoidal,
)
from analysis.bias.distributions import (
    Triangular as Triangular,
)
from analysis.bias.distributions import (
    TruncatedNormal as TruncatedNormal,
)
from analysis.bias.distributions import (
    as_distribution as as_distribution,
)
from analysis.bias.evalue import (
    ConfoundingBound as ConfoundingBound,
)
from analysis.bias.evalue import (
    EValue as EValue,
)
from analysis.bias.evalue import (
    InteractionEValue as InteractionEValue,
)
from analysis.bias.evalue import (
    MisclassificationBound as MisclassificationBound,
)
from analysis.bias.evalue import (
    SelectionBound as SelectionBound,
)
from analysis.bias.evalue import (
    bounding_factor as bounding_factor,
)
from analysis.bias.evalue import (
    e_value as e_value,
)
from analysis.bias.evalue import (
    interaction_e_value as interaction_e_value,
)
from analysis.bias.evalue import (
    multi_bias_e_value as multi_bias_e_value,
)
from analysis.bias.evalue import (
    needed_strength as needed_strength,
)
from analysis.bias.evalue_meta import (
    MetaEValue as MetaEValue,
)
from analysis.bias.evalue_meta import (
    meta_e_value as meta_e_value,
)
from analysis.bias.evalue_meta import (
    strong_effects as strong_effects,
)
from analysis.bias.methods.draw_swings import (
    ParameterSwings as ParameterSwings,
)
from analysis.bias.methods.draw_swings import (
    parameter_swings as parameter_swings,
)
from analysis.bias.methods.result import (
    BiasAdjusted as BiasAdjusted,
)
from analysis.bias.misclassification import (
    ClassificationLimits as ClassificationLimits,
)
from analysis.bias.misclassification import (
    adjust_confounder_misclassification as adjust_confounder_misclassification,
)
from analysis.bias.misclassification import (
    adjust_dependent_misclassification as adjust_dependent_misclassification,
)
from analysis.bias.misclassification import (
    adjust_misclassification as adjust_misclassification,
)
from analysis.bias.misclassification import (
    bias_adjust_misclassification as bias_adjust_misclassification,
)
from analysis.bias.misclassification import (
    classification_limits as classification_limits,
)
from analysis.bias.multiple import (
    BiasOrders as BiasOrders,
)
from analysis.bias.multiple import (
    BiasSequence as BiasSequence,
)
from analysis.bias.multiple import (
    bias_adjust_in_sequence as bias_adjust_in_sequence,
)
from analysis.bias.multiple import (
    bias_order_sensitivity as bias_order_sensitivity,
)
from analysis.bias.pooled import (
    BiasAdjustedPool as BiasAdjustedPool,
)
from analysis.bias.pooled import (
    pool_bias_adjusted as pool_bias_adjusted,
)
from analysis.bias.probabilistic import (
    probabilistic_bias_analysis as probabilistic_bias_analysis,
)
from analysis.bias.probabilistic_result import (
    ProbabilisticBiasAnalysis as ProbabilisticBiasAnalysis,
)
from analysis.bias.selection import (
    adjust_selection as adjust_selection,
)
from analysis.bias.selection import (
    bias_adjust_selection as bias_adjust_selection,
)
from analysis.bias.selection import (
    m_bias_factor as m_bias_factor,
)
from analysis.bias.selection import (
    selection_bias_factor as selection_bias_factor,
)
from analysis.bias.spec import (
    BiasSpecification as BiasSpecification,
)
from analysis.bias.spec import (
    DependentMisclassification as DependentMisclassification,
)
from analysis.bias.spec import (
    ExposureMisclassification as ExposureMisclassification,
)
from analysis.bias.spec import (
    MBias as MBias,
)
from analysis.bias.spec import (
    OutcomeMisclassification as OutcomeMisclassification,
)
from analysis.bias.spec import (
    SelectionBias as SelectionBias,
)
from analysis.bias.spec import (
    UnmeasuredConfounding as UnmeasuredConfounding,
)
from analysis.bias.spec import (
    read_bias_specification as read_bias_specification,
)
from analysis.bias.tipping import (
    TippingPoint as TippingPoint,
)
from analysis.bias.tipping import (
    tipping_point as tipping_point,
)
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
from analysis.figures.baujat import (
    figure_baujat as figure_baujat,
)
from analysis.figures.baujat import (
    plot_baujat as plot_baujat,
)
from analysis.figures.bias_contour import (
    figure_bias_contour as figure_bias_contour,
)
from analysis.figures.bias_contour import (
    plot_bias_contour as plot_bias_contour,
)
from analysis.figures.bias_distribution import (
    figure_bias_distribution as figure_bias_distribution,
)
from analysis.figures.bias_distribution import (
    plot_bias_distribution as plot_bias_distribution,
)
from analysis.figures.bubble import (
    figure_bubble as figure_bubble,
)
from analysis.figures.bubble import (
    plot_bubble as plot_bubble,
)
from analysis.figures.check_figure import (
    FigureReport as FigureReport,
)
from analysis.figures.check_figure import (
    check_figure as check_figure,
)
from analysis.figures.claims import (
    figure_claims as figure_claims,
)
from analysis.figures.claims import (
    plot_claims as plot_claims,
)
from analysis.figures.coverage import (
    figure_coverage as figure_coverage,
)
from analysis.figures.coverage import (
    plot_coverage as plot_coverage,
)
from analysis.figures.doi import (
    figure_doi as figure_doi,
)
from analysis.figures.doi import (
    plot_doi as plot_doi,
)
from analysis.figures.drapery import (
    figure_drapery as figure_drapery,
)
from analysis.figures.drapery import (
    plot_drapery as plot_drapery,
)
from analysis.figures.export import (
    save_figure as save_figure,
)
from analysis.figures.feasible_cloud import (
    figure_feasible_cloud as figure_feasible_cloud,
)
from analysis.figures.feasible_cloud import (
    plot_feasible_cloud as plot_feasible_cloud,
)
from analysis.figures.feasible_range import (
    figure_feasible_range as figure_feasible_range,
)
from analysis.figures.feasible_range import (
    plot_feasible_range as plot_feasible_range,
)
from analysis.figures.fonts import (
    FontWarning as FontWarning,
)
from analysis.figures.forest import (
    figure_forest as figure_forest,
)
from analysis.figures.forest import (
    pages_forest as pages_forest,
)
from analysis.figures.forest import (
    plot_forest as plot_forest,
)
from analysis.figures.funnel import (
    figure_funnel as figure_funnel,
)
from analysis.figures.funnel import (
    plot_funnel as plot_funnel,
)
from analysis.figures.gosh import (
    figure_gosh as figure_gosh,
)
from analysis.figures.gosh import (
    plot_gosh as plot_gosh,
)
from analysis.figures.icon_array import (
    figure_icon_array as figure_icon_array,
)
from analysis.figures.icon_array import (
    plot_icon_array as plot_icon_array,
)
from analysis.figures.influence import (
    figure_influence as figure_influence,
)
from analysis.figures.influence import (
    plot_influence as plot_influence,
)
from analysis.figures.intervals import (
    figure_intervals as figure_intervals,
)
from analysis.figures.intervals import (
    plot_intervals as plot_intervals,
)
from analysis.figures.journals import (
    Preset as Preset,
)
from analysis.figures.journals import (
    preset as preset,
)
from analysis.figures.labbe import (
    figure_labbe as figure_labbe,
)
from analysis.figures.labbe import (
    plot_labbe as plot_labbe,
)
from analysis.figures.mosaic import (
    figure_mosaic as figure_mosaic,
)
from analysis.figures.mosaic import (
    plot_mosaic as plot_mosaic,
)
from analysis.figures.number_needed_to_treat import (
    figure_number_needed_to_treat as figure_number_needed_to_treat,
)
from analysis.figures.number_needed_to_treat import (
    plot_number_needed_to_treat as plot_number_needed_to_treat,
)
from analysis.figures.p_value_function import (
    figure_p_value_function as figure_p_value_function,
)
from analysis.figures.p_value_function import (
    plot_p_value_function as plot_p_value_function,
)
from analysis.figures.parts.forest_columns import (
    ForestColumn as ForestColumn,
)
from analysis.figures.posterior import (
    figure_posterior as figure_posterior,
)
from analysis.figures.posterior import (
    plot_posterior as plot_posterior,
)
from analysis.figures.prevalence_range import (
    figure_prevalence_range as figure_prevalence_range,
)
from analysis.figures.prevalence_range import (
    plot_prevalence_range as plot_prevalence_range,
)
from analysis.figures.prisma_flow import (
    figure_prisma_flow as figure_prisma_flow,
)
from analysis.figures.prisma_flow import (
    plot_prisma_flow as plot_prisma_flow,
)
from analysis.figures.profile_likelihood import (
    figure_profile_likelihood as figure_profile_likelihood,
)
from analysis.figures.profile_likelihood import (
    plot_profile_likelihood as plot_profile_likelihood,
)
from analysis.figures.radial import (
    figure_radial as figure_radial,
)
from analysis.figures.radial import (
    plot_radial as plot_radial,
)
from analysis.figures.record import (
    FigureRecord as FigureRecord,
)
from analysis.figures.record import (
    record_of as record_of,
)
from analysis.figures.risk_of_bias import (
    figure_risk_of_bias as figure_risk_of_bias,
)
from analysis.figures.risk_of_bias import (
    plot_risk_of_bias as plot_risk_of_bias,
)
from analysis.figures.risk_of_bias_summary import (
    figure_risk_of_bias_summary as figure_risk_of_bias_summary,
)
from analysis.figures.risk_of_bias_summary import (
    plot_risk_of_bias_summary as plot_risk_of_bias_summary,
)
from analysis.figures.specification_curve import (
    figure_specification_curve as figure_specification_curve,
)
from analysis.figures.specification_curve import (
    plot_specification_curve as plot_specification_curve,
)
from analysis.figures.style import (
    style as style,
)
from analysis.figures.tipping_surface import (
    figure_tipping_surface as figure_tipping_surface,
)
from analysis.figures.tipping_surface import (
    plot_tipping_surface as plot_tipping_surface,
)
from analysis.figures.tornado import (
    figure_tornado as figure_tornado,
)
from analysis.figures.tornado import (
    plot_tornado as plot_tornado,
)
from analysis.forensics.claims import (
    audit_claims as audit_claims,
)
from analysis.forensics.coherence import (
    check_coherence as check_coherence,
)
from analysis.forensics.coherence_tables import (
    check_tables as check_tables,
)
from analysis.forensics.feasible import (
    FeasibleSet as FeasibleSet,
)
from analysis.forensics.feasible import (
    feasible_counts as feasible_counts,
)
from analysis.forensics.feasible import (
    feasible_set as feasible_set,
)
from analysis.forensics.feasible import (
    feasible_tables as feasible_tables,
)
from analysis.forensics.finding import (
    CoherenceReport as CoherenceReport,
)
from analysis.forensics.finding import (
    Finding as Finding,
)
from analysis.forensics.interval_method import (
    IntervalMethods as IntervalMethods,
)
from analysis.forensics.interval_method import (
    MethodFit as MethodFit,
)
from analysis.forensics.interval_method import (
    identify_interval_method as identify_interval_method,
)
from analysis.forensics.propagation import (
    pool_feasible as pool_feasible,
)
from analysis.forensics.reconstruct import (
    ReconstructedTable as ReconstructedTable,
)
from analysis.forensics.reconstruct import (
    reconstruct_diagnostic_table as reconstruct_diagnostic_table,
)
from analysis.forensics.reconstruct import (
    reconstruct_from_margins as reconstruct_from_margins,
)
from analysis.forensics.reconstruct import (
    reconstruct_table as reconstruct_table,
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
from analysis.measures.natural_frequencies import (
    NaturalFrequencies as NaturalFrequencies,
)
from analysis.measures.natural_frequencies import (
    natural_frequencies as natural_frequencies,
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
from analysis.meta.affirmative import (
    AffirmativeEstimate as AffirmativeEstimate,
)
from analysis.meta.affirmative import (
    SValue as SValue,
)
from analysis.meta.affirmative import (
    affirmative_meta_analysis as affirmative_meta_analysis,
)
from analysis.meta.affirmative import (
    s_value as s_value,
)
from analysis.meta.affirmative import (
    worst_case_meta_analysis as worst_case_meta_analysis,
)
from analysis.meta.bayes import (
    BayesianPool as BayesianPool,
)
from analysis.meta.bayes import (
    pool_bayes as pool_bayes,
)
from analysis.meta.beta_binomial import (
    BetaBinomialEstimate as BetaBinomialEstimate,
)
from analysis.meta.beta_binomial import (
    pool_beta_binomial as pool_beta_binomial,
)
from analysis.meta.combined_pvalue import (
    combine_pvalues as combine_pvalues,
)
from analysis.meta.copas import (
    CopasFit as CopasFit,
)
from analysis.meta.copas import (
    CopasGrid as CopasGrid,
)
from analysis.meta.copas import (
    copas_fit as copas_fit,
)
from analysis.meta.copas import (
    copas_grid as copas_grid,
)
from analysis.meta.excess_significance import (
    ExcessSignificance as ExcessSignificance,
)
from analysis.meta.excess_significance import (
    excess_significance_test as excess_significance_test,
)
from analysis.meta.fail_safe import (
    FailSafeN as FailSafeN,
)
from analysis.meta.fail_safe import (
    fail_safe_n as fail_safe_n,
)
from analysis.meta.glmm import (
    MixedModelEstimate as MixedModelEstimate,
)
from analysis.meta.glmm import (
    pool_glmm as pool_glmm,
)
from analysis.meta.gosh import (
    Gosh as Gosh,
)
from analysis.meta.gosh import (
    gosh as gosh,
)
from analysis.meta.heterogeneity_interval import (
    HeterogeneityInterval as HeterogeneityInterval,
)
from analysis.meta.heterogeneity_interval import (
    tau2_interval as tau2_interval,
)
from analysis.meta.influence import (
    baujat as baujat,
)
from analysis.meta.influence import (
    best_linear_predictions as best_linear_predictions,
)
from analysis.meta.influence import (
    cumulative as cumulative,
)
from analysis.meta.influence import (
    influence as influence,
)
from analysis.meta.influence import (
    leave_one_out as leave_one_out,
)
from analysis.meta.influence import (
    radial as radial,
)
from analysis.meta.interval_coverage import (
    CoverageSimulation as CoverageSimulation,
)
from analysis.meta.interval_coverage import (
    scaled_chi_square_variances as scaled_chi_square_variances,
)
from analysis.meta.interval_coverage import (
    simulate_coverage as simulate_coverage,
)
from analysis.meta.lfk_index import (
    LfkIndex as LfkIndex,
)
from analysis.meta.lfk_index import (
    lfk_index as lfk_index,
)
from analysis.meta.limit_meta_analysis import (
    LimitMetaAnalysis as LimitMetaAnalysis,
)
from analysis.meta.limit_meta_analysis import (
    limit_meta_analysis as limit_meta_analysis,
)
from analysis.meta.methods.influence_results import (
    Baujat as Baujat,
)
from analysis.meta.methods.influence_results import (
    BestLinearPredictions as BestLinearPredictions,
)
from analysis.meta.methods.influence_results import (
    Influence as Influence,
)
from analysis.meta.methods.influence_results import (
    PooledSteps as PooledSteps,
)
from analysis.meta.methods.influence_results import (
    Radial as Radial,
)
from analysis.meta.moderator_permutation import (
    ModeratorPermutationTest as ModeratorPermutationTest,
)
from analysis.meta.moderator_permutation import (
    moderator_permutation_test as moderator_permutation_test,
)
from analysis.meta.multilevel import (
    MultilevelPool as MultilevelPool,
)
from analysis.meta.multilevel import (
    MultilevelRegression as MultilevelRegression,
)
from analysis.meta.multilevel import (
    aggregate_effects as aggregate_effects,
)
from analysis.meta.multilevel import (
    multilevel_regression as multilevel_regression,
)
from analysis.meta.multilevel import (
    pool_multilevel as pool_multilevel,
)
from analysis.meta.multimodel import (
    Multimodel as Multimodel,
)
from analysis.meta.multimodel import (
    multimodel as multimodel,
)
from analysis.meta.multiverse import (
    ExplainedVariance as ExplainedVariance,
)
from analysis.meta.multiverse import (
    JointTest as JointTest,
)
from analysis.meta.multiverse import (
    Multiverse as Multiverse,
)
from analysis.meta.multiverse import (
    multiverse as multiverse,
)
from analysis.meta.permutation import (
    PermutationTest as PermutationTest,
)
from analysis.meta.permutation import (
    permutation_test as permutation_test,
)
from analysis.meta.pet_peese import (
    PetPeese as PetPeese,
)
from analysis.meta.pet_peese import (
    WaapWls as WaapWls,
)
from analysis.meta.pet_peese import (
    pet_peese as pet_peese,
)
from analysis.meta.pet_peese import (
    waap_wls as waap_wls,
)
from analysis.meta.pooled_estimate import (
    PooledEstimate as PooledEstimate,
)
from analysis.meta.pooled_range import (
    PooledRange as PooledRange,
)
from analysis.meta.pooling import (
    pool as pool,
)
from analysis.meta.prediction import (
    prediction_interval as prediction_interval,
)
from analysis.meta.prediction import (
    probability_beyond as probability_beyond,
)
from analysis.meta.prediction_density import (
    PredictionDensity as PredictionDensity,
)
from analysis.meta.prediction_density import (
    prediction_density as prediction_density,
)
from analysis.meta.priors import (
    DuMouchel as DuMouchel,
)
from analysis.meta.priors import (
    Exponential as Exponential,
)
from analysis.meta.priors import (
    HalfCauchy as HalfCauchy,
)
from analysis.meta.priors import (
    HalfLogistic as HalfLogistic,
)
from analysis.meta.priors import (
    HalfNormal as HalfNormal,
)
from analysis.meta.priors import (
    HalfT as HalfT,
)
from analysis.meta.priors import (
    ImproperUniform as ImproperUniform,
)
from analysis.meta.priors import (
    Jeffreys as Jeffreys,
)
from analysis.meta.priors import (
    LogNormal as LogNormal,
)
from analysis.meta.priors import (
    LogT as LogT,
)
from analysis.meta.priors import (
    TauPrior as TauPrior,
)
from analysis.meta.priors import (
    Uniform as Uniform,
)
from analysis.meta.profile import (
    ProfileLikelihood as ProfileLikelihood,
)
from analysis.meta.profile import (
    profile_likelihood as profile_likelihood,
)
from analysis.meta.published_priors import (
    rhodes_prior as rhodes_prior,
)
from analysis.meta.published_priors import (
    turner_prior as turner_prior,
)
from analysis.meta.regression import (
    meta_regression as meta_regression,
)
from analysis.meta.regression_influence import (
    RegressionInfluence as RegressionInfluence,
)
from analysis.meta.regression_influence import (
    regression_influence as regression_influence,
)
from analysis.meta.regression_result import (
    MetaRegression as MetaRegression,
)
from analysis.meta.robust import (
    cluster_robust as cluster_robust,
)
from analysis.meta.robust import (
    robust_pool as robust_pool,
)
from analysis.meta.robust import (
    robust_regression as robust_regression,
)
from analysis.meta.selection_models import (
    SelectionModel as SelectionModel,
)
from analysis.meta.selection_models import (
    selection_model as selection_model,
)
from analysis.meta.small_study import (
    begg_test as begg_test,
)
from analysis.meta.small_study import (
    egger_test as egger_test,
)
from analysis.meta.small_study import (
    pustejovsky_rodgers_test as pustejovsky_rodgers_test,
)
from analysis.meta.small_study_result import (
    SmallStudyTest as SmallStudyTest,
)
from analysis.meta.small_study_summary import (
    SmallStudySummary as SmallStudySummary,
)
from analysis.meta.small_study_summary import (
    small_study_summary as small_study_summary,
)
from analysis.meta.small_study_tables import (
    arcsine_test as arcsine_test,
)
from analysis.meta.small_study_tables import (
    deeks_test as deeks_test,
)
from analysis.meta.small_study_tables import (
    harbord_test as harbord_test,
)
from analysis.meta.small_study_tables import (
    macaskill_test as macaskill_test,
)
from analysis.meta.small_study_tables import (
    peters_test as peters_test,
)
from analysis.meta.small_study_tables import (
    schwarzer_test as schwarzer_test,
)
from analysis.meta.sparse import (
    PooledTables as PooledTables,
)
from analysis.meta.sparse import (
    pool_mantel_haenszel as pool_mantel_haenszel,
)
from analysis.meta.sparse import (
    pool_peto as pool_peto,
)
from analysis.meta.subgroups import (
    Subgroups as Subgroups,
)
from analysis.meta.subgroups import (
    subgroups as subgroups,
)
from analysis.meta.trim_and_fill import (
    TrimAndFill as TrimAndFill,
)
from analysis.meta.trim_and_fill import (
    trim_and_fill as trim_and_fill,
)
from analysis.tables.claims_table import (
    claims_table as claims_table,
)
from analysis.tables.effects_table import (
    effects_table as effects_table,
)
from analysis.tables.estimates_table import (
    estimates_table as estimates_table,
)
from analysis.tables.estimates_table import (
    two_by_two_table as two_by_two_table,
)
from analysis.tables.export import (
    write_table as write_table,
)
from analysis.tables.export import (
    write_text as write_text,
)
from analysis.tables.journal_table import (
    JournalTable as JournalTable,
)
from analysis.tables.journal_table import (
    TableColumn as TableColumn,
)
from analysis.tables.journal_table import (
    TableRow as TableRow,
)
from analysis.tables.journal_table import (
    printable as printable,
)
from analysis.tables.methods_text import (
    MethodsText as MethodsText,
)
from analysis.tables.methods_text import (
    methods_text as methods_text,
)
from analysis.tables.number_style import (
    NumberStyle as NumberStyle,
)
from analysis.tables.number_style import (
    number_style as number_style,
)
from analysis.tables.pooled_table import (
    pooled_table as pooled_table,
)
from analysis.tables.pooled_table import (
    subgroups_table as subgroups_table,
)
from analysis.tables.regression_table import (
    regression_table as regression_table,
)
from analysis.tables.result_table import (
    result_table as result_table,
)
from analysis.tables.small_study_table import (
    small_study_table as small_study_table,
)
from analysis.tables.studies_table import (
    studies_table as studies_table,
)
from analysis.tables.summary_of_findings import (
    OutcomeSummary as OutcomeSummary,
)
from analysis.tables.summary_of_findings import (
    summary_of_findings as summary_of_findings,
)
from analysis.values.alternatives import (
    AlternativeEffects as AlternativeEffects,
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
from analysis.values.prisma_flow import (
    FlowCount as FlowCount,
)
from analysis.values.prisma_flow import (
    OtherMethods as OtherMethods,
)
from analysis.values.prisma_flow import (
    PrismaFlow as PrismaFlow,
)
from analysis.values.reported import (
    Reported as Reported,
)
from analysis.values.risk_of_bias import (
    RiskOfBias as RiskOfBias,
)
from analysis.values.significance import (
    SignificanceTest as SignificanceTest,
)

__version__: str
