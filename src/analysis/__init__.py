"""Recheck published epidemiological numbers.

Everything public is offered here and loaded when it is first used, so `import analysis` costs nothing:

>>> from analysis import TwoByTwo, risk_ratio
>>> table = TwoByTwo(exposed_cases=90, exposed_total=4006, control_cases=114, control_total=20030)
>>> print(risk_ratio(table))
3.95 (3.00 to 5.19)
"""

from __future__ import annotations

from importlib import import_module

__version__ = "0.1.0"

# Type checkers read the same names in `__init__.pyi`; a test holds the two to each other.
_HOMES = {
    "analysis.bias.confounding": (
        "ConfoundingLimits",
        "adjust_confounding",
        "bias_adjust_confounding",
        "confounder_prevalences",
        "confounding_bias",
        "confounding_limits",
        "confounding_strata",
    ),
    "analysis.bias.distributions": (
        "Beta",
        "Distribution",
        "Fixed",
        "LogitNormal",
        "Pert",
        "Trapezoidal",
        "Triangular",
        "TruncatedNormal",
        "as_distribution",
    ),
    "analysis.bias.evalue": (
        "ConfoundingBound",
        "EValue",
        "InteractionEValue",
        "MisclassificationBound",
        "SelectionBound",
        "bounding_factor",
        "e_value",
        "interaction_e_value",
        "multi_bias_e_value",
        "needed_strength",
    ),
    "analysis.bias.evalue_meta": (
        "MetaEValue",
        "meta_e_value",
        "strong_effects",
    ),
    "analysis.bias.methods.draw_swings": (
        "ParameterSwings",
        "parameter_swings",
    ),
    "analysis.bias.methods.result": ("BiasAdjusted",),
    "analysis.bias.misclassification": (
        "adjust_confounder_misclassification",
        "adjust_dependent_misclassification",
        "adjust_misclassification",
        "bias_adjust_misclassification",
    ),
    "analysis.bias.multiple": (
        "BiasOrders",
        "BiasSequence",
        "bias_adjust_in_sequence",
        "bias_order_sensitivity",
    ),
    "analysis.bias.pooled": (
        "BiasAdjustedPool",
        "pool_bias_adjusted",
    ),
    "analysis.bias.probabilistic": ("probabilistic_bias_analysis",),
    "analysis.bias.probabilistic_result": ("ProbabilisticBiasAnalysis",),
    "analysis.bias.selection": (
        "adjust_selection",
        "bias_adjust_selection",
        "m_bias_factor",
        "selection_bias_factor",
    ),
    "analysis.bias.spec": (
        "BiasSpecification",
        "ExposureMisclassification",
        "OutcomeMisclassification",
        "SelectionBias",
        "UnmeasuredConfounding",
        "read_bias_specification",
    ),
    "analysis.bias.tipping": (
        "TippingPoint",
        "tipping_point",
    ),
    "analysis.errors": (
        "AnalysisError",
        "AnalysisWarning",
        "ConvergenceError",
        "DataError",
        "SmallStudyCountWarning",
        "SparseDataWarning",
        "TransformationWarning",
    ),
    "analysis.figures.bias_contour": ("plot_bias_contour",),
    "analysis.figures.bias_distribution": ("plot_bias_distribution",),
    "analysis.figures.claims": ("figure_claims",),
    "analysis.figures.coverage": (
        "figure_coverage",
        "plot_coverage",
    ),
    "analysis.figures.export": ("save_figure",),
    "analysis.figures.feasible_cloud": (
        "figure_feasible_cloud",
        "plot_feasible_cloud",
    ),
    "analysis.figures.feasible_range": (
        "figure_feasible_range",
        "plot_feasible_range",
    ),
    "analysis.figures.forest": (
        "figure_forest",
        "plot_forest",
    ),
    "analysis.figures.intervals": (
        "figure_intervals",
        "plot_intervals",
    ),
    "analysis.figures.number_needed_to_treat": (
        "figure_number_needed_to_treat",
        "plot_number_needed_to_treat",
    ),
    "analysis.figures.prevalence_range": (
        "figure_prevalence_range",
        "plot_prevalence_range",
    ),
    "analysis.figures.style": ("style",),
    "analysis.figures.tipping_surface": ("plot_tipping_surface",),
    "analysis.figures.tornado": ("plot_tornado",),
    "analysis.forensics.claims": ("audit_claims",),
    "analysis.forensics.coherence": ("check_coherence",),
    "analysis.forensics.coherence_tables": ("check_tables",),
    "analysis.forensics.feasible": (
        "FeasibleSet",
        "feasible_counts",
        "feasible_set",
        "feasible_tables",
    ),
    "analysis.forensics.finding": (
        "CoherenceReport",
        "Finding",
    ),
    "analysis.forensics.interval_method": (
        "IntervalMethods",
        "MethodFit",
        "identify_interval_method",
    ),
    "analysis.forensics.propagation": (
        "PooledRange",
        "pool_feasible",
    ),
    "analysis.forensics.reconstruct": (
        "ReconstructedTable",
        "reconstruct_diagnostic_table",
        "reconstruct_from_margins",
        "reconstruct_table",
    ),
    "analysis.measures.absolute_effect": ("absolute_effects",),
    "analysis.measures.agreement": (
        "adjusted_kappa",
        "kappa",
    ),
    "analysis.measures.association": (
        "odds_ratio",
        "risk_difference",
        "risk_ratio",
    ),
    "analysis.measures.attributable": (
        "attributable_fraction",
        "population_attributable_fraction",
        "population_attributable_risk",
    ),
    "analysis.measures.back_transformation": ("back_transform",),
    "analysis.measures.common_odds_ratio": ("exact_common_odds_ratio",),
    "analysis.measures.confidence_level": ("infer_confidence_level",),
    "analysis.measures.conversion": (
        "hazard_ratio_to_risk_ratio",
        "log_odds_ratio_to_standardized_mean_difference",
        "odds_ratio_to_risk_ratio",
        "risk_ratio_to_odds_ratio",
        "standardized_mean_difference_to_log_odds_ratio",
    ),
    "analysis.measures.coverage": (
        "association_coverage",
        "prevalence_coverage",
    ),
    "analysis.measures.crude_and_pooled": ("stratified_summary",),
    "analysis.measures.diagnostic": (
        "diagnostic_odds_ratio",
        "likelihood_ratios",
        "sensitivity",
        "specificity",
        "youden_index",
    ),
    "analysis.measures.effect_size": ("effect_sizes",),
    "analysis.measures.homogeneity": ("homogeneity_test",),
    "analysis.measures.interaction": (
        "additive_interaction",
        "additive_interaction_from_estimates",
    ),
    "analysis.measures.number_needed_to_treat": ("number_needed_to_treat",),
    "analysis.measures.paired": (
        "mcnemar_test",
        "paired_difference",
        "paired_odds_ratio",
        "paired_ratio",
    ),
    "analysis.measures.predictive_values": (
        "observed_predictive_values",
        "post_test_probability",
        "predictive_values",
    ),
    "analysis.measures.proportion": ("prevalence",),
    "analysis.measures.rates": (
        "incidence_rate",
        "rate_difference",
        "rate_ratio",
    ),
    "analysis.measures.standardization": (
        "indirectly_standardized_rate",
        "standardized_rate",
        "standardized_rate_ratio",
        "standardized_ratio",
    ),
    "analysis.measures.std_error": (
        "std_error_from_chi_square",
        "std_error_from_interval",
        "std_error_from_pvalue",
        "std_error_from_t",
    ),
    "analysis.measures.stratified": (
        "cochran_mantel_haenszel_test",
        "mantel_haenszel",
        "mantel_haenszel_rates",
    ),
    "analysis.measures.survey": (
        "nonresponse_bounds",
        "survey_prevalence",
        "true_prevalence",
    ),
    "analysis.measures.unconditional": ("unconditional_test",),
    "analysis.meta.affirmative": (
        "AffirmativeEstimate",
        "SValue",
        "affirmative_meta_analysis",
        "s_value",
        "worst_case_meta_analysis",
    ),
    "analysis.meta.bayes": (
        "BayesianPool",
        "pool_bayes",
    ),
    "analysis.meta.beta_binomial": (
        "BetaBinomialEstimate",
        "pool_beta_binomial",
    ),
    "analysis.meta.combined_pvalue": ("combine_pvalues",),
    "analysis.meta.copas": (
        "CopasFit",
        "CopasGrid",
        "copas_fit",
        "copas_grid",
    ),
    "analysis.meta.excess_significance": (
        "ExcessSignificance",
        "excess_significance_test",
    ),
    "analysis.meta.fail_safe": (
        "FailSafeN",
        "fail_safe_n",
    ),
    "analysis.meta.glmm": (
        "MixedModelEstimate",
        "pool_glmm",
    ),
    "analysis.meta.gosh": (
        "Gosh",
        "gosh",
    ),
    "analysis.meta.heterogeneity_interval": (
        "HeterogeneityInterval",
        "tau2_interval",
    ),
    "analysis.meta.influence": (
        "baujat",
        "best_linear_predictions",
        "cumulative",
        "influence",
        "leave_one_out",
        "radial",
    ),
    "analysis.meta.interval_coverage": (
        "CoverageSimulation",
        "scaled_chi_square_variances",
        "simulate_coverage",
    ),
    "analysis.meta.lfk_index": (
        "LfkIndex",
        "lfk_index",
    ),
    "analysis.meta.limit_meta_analysis": (
        "LimitMetaAnalysis",
        "limit_meta_analysis",
    ),
    "analysis.meta.methods.influence_results": (
        "Baujat",
        "BestLinearPredictions",
        "Influence",
        "PooledSteps",
        "Radial",
    ),
    "analysis.meta.moderator_permutation": (
        "ModeratorPermutationTest",
        "moderator_permutation_test",
    ),
    "analysis.meta.multilevel": (
        "MultilevelPool",
        "MultilevelRegression",
        "aggregate_effects",
        "multilevel_regression",
        "pool_multilevel",
    ),
    "analysis.meta.multimodel": (
        "Multimodel",
        "multimodel",
    ),
    "analysis.meta.multiverse": (
        "ExplainedVariance",
        "JointTest",
        "Multiverse",
        "multiverse",
    ),
    "analysis.meta.permutation": (
        "PermutationTest",
        "permutation_test",
    ),
    "analysis.meta.pet_peese": (
        "PetPeese",
        "WaapWls",
        "pet_peese",
        "waap_wls",
    ),
    "analysis.meta.pooled_estimate": ("PooledEstimate",),
    "analysis.meta.pooling": ("pool",),
    "analysis.meta.prediction": (
        "prediction_interval",
        "probability_beyond",
    ),
    "analysis.meta.priors": (
        "DuMouchel",
        "Exponential",
        "HalfCauchy",
        "HalfLogistic",
        "HalfNormal",
        "HalfT",
        "ImproperUniform",
        "Jeffreys",
        "LogNormal",
        "LogT",
        "TauPrior",
        "Uniform",
    ),
    "analysis.meta.profile": (
        "ProfileLikelihood",
        "profile_likelihood",
    ),
    "analysis.meta.published_priors": (
        "rhodes_prior",
        "turner_prior",
    ),
    "analysis.meta.regression": ("meta_regression",),
    "analysis.meta.regression_influence": (
        "RegressionInfluence",
        "regression_influence",
    ),
    "analysis.meta.regression_result": ("MetaRegression",),
    "analysis.meta.robust": (
        "cluster_robust",
        "robust_pool",
        "robust_regression",
    ),
    "analysis.meta.selection_models": (
        "SelectionModel",
        "selection_model",
    ),
    "analysis.meta.small_study": (
        "begg_test",
        "egger_test",
        "pustejovsky_rodgers_test",
    ),
    "analysis.meta.small_study_result": ("SmallStudyTest",),
    "analysis.meta.small_study_summary": (
        "SmallStudySummary",
        "small_study_summary",
    ),
    "analysis.meta.small_study_tables": (
        "arcsine_test",
        "deeks_test",
        "harbord_test",
        "macaskill_test",
        "peters_test",
        "schwarzer_test",
    ),
    "analysis.meta.sparse": (
        "PooledTables",
        "pool_mantel_haenszel",
        "pool_peto",
    ),
    "analysis.meta.subgroups": (
        "Subgroups",
        "subgroups",
    ),
    "analysis.meta.trim_and_fill": (
        "TrimAndFill",
        "trim_and_fill",
    ),
    "analysis.tables.methods_text": (
        "MethodsText",
        "methods_text",
    ),
    "analysis.values.counts": (
        "Proportion",
        "Rate",
        "TwoByTwo",
        "TwoRates",
    ),
    "analysis.values.estimate": (
        "EffectSizes",
        "Estimate",
    ),
    "analysis.values.factorial": ("TwoByFour",),
    "analysis.values.paired": ("PairedTable",),
    "analysis.values.reported": ("Reported",),
    "analysis.values.significance": ("SignificanceTest",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [  # noqa: PLE0604 -- the names are strings of the table above
    "__version__",
    *_HOME_OF,
]


def __getattr__(name: str) -> object:
    """Load a public name from its home at first use."""
    if name not in _HOME_OF:
        raise AttributeError(f"module 'analysis' has no name {name!r}")
    value = getattr(import_module(_HOME_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
