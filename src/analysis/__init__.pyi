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
from analysis.measures.association import (
    odds_ratio as odds_ratio,
)
from analysis.measures.association import (
    risk_difference as risk_difference,
)
from analysis.measures.association import (
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
)
from analysis.measures.rates import (
    rate_ratio as rate_ratio,
)
from analysis.measures.stratified import (
    mantel_haenszel as mantel_haenszel,
)
from analysis.meta.pooling import (
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
from analysis.values.reported import (
    Reported as Reported,
)

__version__: str
