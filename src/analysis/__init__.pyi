"""Public names of the package, for type checkers and editors."""
from analysis.errors import (
    AnalysisError as AnalysisError,
    AnalysisWarning as AnalysisWarning,
    ConvergenceError as ConvergenceError,
    DataError as DataError,
    SmallStudyCountWarning as SmallStudyCountWarning,
    SparseDataWarning as SparseDataWarning,
)
from analysis.figures.claims import (
    figure_claims as figure_claims,
)
from analysis.figures.export import (
    save_figure as save_figure,
)
from analysis.figures.feasible_range import (
    figure_feasible_range as figure_feasible_range,
    plot_feasible_range as plot_feasible_range,
)
from analysis.figures.forest import (
    figure_forest as figure_forest,
    plot_forest as plot_forest,
)
from analysis.figures.prevalence_range import (
    figure_prevalence_range as figure_prevalence_range,
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
    feasible_tables as feasible_tables,
)
from analysis.measures.association import (
    odds_ratio as odds_ratio,
    risk_difference as risk_difference,
    risk_ratio as risk_ratio,
)
from analysis.measures.diagnostic import (
    predictive_values as predictive_values,
)
from analysis.measures.effect_size import (
    effect_sizes as effect_sizes,
)
from analysis.measures.proportion import (
    prevalence as prevalence,
)
from analysis.measures.rates import (
    incidence_rate as incidence_rate,
    rate_ratio as rate_ratio,
)
from analysis.measures.stratified import (
    mantel_haenszel as mantel_haenszel,
)
from analysis.meta.pooling import (
    PooledEstimate as PooledEstimate,
    pool as pool,
)
from analysis.values.counts import (
    Proportion as Proportion,
    Rate as Rate,
    TwoByTwo as TwoByTwo,
    TwoRates as TwoRates,
)
from analysis.values.estimate import (
    EffectSizes as EffectSizes,
    Estimate as Estimate,
)
from analysis.values.reported import (
    Reported as Reported,
)

__version__: str
