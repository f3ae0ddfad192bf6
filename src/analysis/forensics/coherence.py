"""Whether the numbers of a printed table fit one another: every rule, over all rows at once.

The rules live in the files named after this one, what they say in `finding`. All tables that printed numbers
allow are listed in `feasible`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from analysis.forensics.coherence_columns import Columns
from analysis.forensics.coherence_counts import ARMS, check_percentages
from analysis.forensics.coherence_intervals import check_information, check_pvalues, check_symmetry
from analysis.forensics.coherence_methods import check_interval_methods
from analysis.forensics.coherence_order import ORDER, SIGN, check_order
from analysis.forensics.coherence_rates import check_rate_intervals, check_rates
from analysis.forensics.coherence_ratios import check_ratios
from analysis.forensics.coherence_repeats import check_repeats
from analysis.forensics.coherence_sums import check_parts, check_subgroups
from analysis.forensics.finding import STRENGTHS, CoherenceReport, Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pandas as pd

    Parts = Mapping[str, Mapping[str, Sequence[str]]]
    Rule = Callable[[], tuple[list[Finding], int]]

__all__ = ["check_coherence"]


def check_coherence(
    rows: pd.DataFrame | Mapping[str, Any],
    *,
    parts: Parts | None = None,
    overlapping_parts: Parts | None = None,
    progress: Callable[[str], None] | None = None,
) -> CoherenceReport:
    """Check printed numbers against one another.

    Parameters
    ----------
    rows : pandas.DataFrame or mapping
        One row a result, or columns by name; a single value stands for every row. Columns that are known,
        all of them optional, with empty cells wherever a paper prints nothing:

        - one group: `events`, `total`, `percent`;
        - two groups: `exposed_cases`, `exposed_total`, `exposed_percent`, and the same with `control_`;
        - an estimate: `printed` ("5.92 (1.4-23.8; P = 0.01)"), or `estimate`, `low`, `high`; with `measure`
          (OR, RR, HR, IRR, SMR, RD or PR; a ratio if empty), `confidence_level` (0.95 if empty), `p_value`,
          `adjusted` (empty or "no": the counts must give the ratio), `n_exposed`, `n_control`;
        - rates: `rate`, `rate_low`, `rate_high`, `rate_unit` ("per 1000 person-years"), `person_years`,
          `events`;
        - for names in findings and comparisons between rows: `row_id`, `study`, `label`, `outcome`, `site`,
          `subgroup`, `stratum`; `pooled` ("yes": a percentage weighted over studies).

        Printed numbers are text, or they have lost their digits: "36.0", not 36.0.
    parts : mapping, optional
        Which values of a column are parts of which, counted once each:
        ``{"outcome": {"low_bmd": ("osteopenia", "osteoporosis")}}``.
    overlapping_parts : mapping, optional
        The same for parts that a person may be in several of.
    progress : callable, optional
        Told the name of each rule before it is applied.

    Returns
    -------
    CoherenceReport
        The findings, contradictions first. An empty report says that all printed numbers fit.

    Raises
    ------
    ValueError
        If a cell cannot be read, or columns differ in length; names column and row.

    Notes
    -----
    A printed number is every value that rounds to it (a half either way, ties included), or that it is cut
    off from; a finding holds for all of them. The rules:

    - percentage of a total: some whole number of the total is the percentage, and it is the printed count;
    - parts and their whole: counts add up;
    - subgroups of a study: a study's percentage lies between those of its two subgroups, at one share;
    - ratio of the printed counts: the crude ratio lies in the range that the counts allow;
    - interval of the printed counts: some method of `measures` gives it, at the printed level;
    - order: the estimate lies between its limits, as far as rounding tells, and no ratio is below 0;
    - symmetry of an interval: on the log scale for ratios, on the linear for differences;
    - P-value and interval: a normal test of the interval gives the P-value;
    - information in an interval: its variance is at least that of the largest possible number of events;
    - rate times person-time is a whole number of events, and the interval belongs to that many;
    - same result twice: in two studies, or one count of two totals.

    Findings are about the printed numbers only. Numbers may fail to fit for reasons that a reader cannot see:
    missing values, weights, another method, a typesetting slip.

    References
    ----------
    Brown NJL, Heathers JAJ (2017). The GRIM test: a simple technique detects numerous anomalies in the
    reporting of results in psychology. Soc Psychol Personal Sci 8:363-369. DOI 10.1177/1948550616673876
    (Citation not verified.)

    Altman DG, Bland JM (2011). How to obtain the P value from a confidence interval. BMJ 343:d2304.
    DOI 10.1136/bmj.d2304

    Examples
    --------
    Mitra et al. 2000, DOI 10.1093/rheumatology/39.1.85, print 11/66 and 1/39 with an odds ratio of 5.92:

    >>> report = check_coherence({"measure": "OR", "printed": "5.92 (1.4-23.8)", "exposed_cases": 11,
    ...                           "exposed_total": 66, "control_cases": 1, "control_total": 39})
    >>> print(report.findings[0])
    an unadjusted odds ratio of 5.92 (1.4-23.8) is printed; 11/66 and 1/39 give 7.60.

    Of 160 controls no whole number is 1.84 %:

    >>> print(check_coherence({"total": 160, "percent": "1.84"}).findings[0])
    1.84% of 160 is printed; 2/160 is 1.250% and 3/160 is 1.875%.
    What fits: 1.84% alone is 3/163.
    """
    columns = Columns(rows)
    estimates = columns.estimates()
    rules: dict[str, Rule] = {
        f"percentages ({arm[1]})": lambda arm=arm: check_percentages(columns, arm)  # type: ignore[misc]
        for arm in ARMS
    }
    rules |= {
        "parts": lambda: check_parts(columns, parts or {}, overlapping=False),
        "overlapping parts": lambda: check_parts(columns, overlapping_parts or {}, overlapping=True),
        "subgroups": lambda: check_subgroups(columns),
        "ratios": lambda: check_ratios(columns, estimates),
        "intervals of counts": lambda: check_interval_methods(columns, estimates),
        "order": lambda: check_order(columns, estimates),
        "symmetry": lambda: check_symmetry(columns, estimates),
        "P-values": lambda: check_pvalues(columns, estimates),
        "information": lambda: check_information(columns, estimates),
        "rates": lambda: check_rates(columns),
        "intervals of rates": lambda: check_rate_intervals(columns),
        "repeats": lambda: check_repeats(columns, estimates),
    }
    findings: list[Finding] = []
    checked: dict[str, int] = {}
    for name, rule in rules.items():
        if progress is not None:
            progress(name)
        found, count = rule()
        findings += found
        if count:
            checked[name] = count
    findings = _without_consequences(findings)
    findings.sort(key=lambda finding: (STRENGTHS.index(finding.strength), finding.rows))
    return CoherenceReport(findings=tuple(findings), n_rows=columns.n_rows, n_checked=checked)


def _without_consequences(findings: list[Finding]) -> list[Finding]:
    """Leave out what only says again that an estimate is not between its limits, or no ratio at all."""
    rows = {finding.rows for finding in findings if finding.rule in {ORDER, SIGN}}
    said_again = {"symmetry of an interval", "P-value and interval"}
    return [finding for finding in findings if finding.rule not in said_again or finding.rows not in rows]
