import csv
from pathlib import Path

import numpy as np
import pytest

from analysis.measures.coverage import association_coverage, prevalence_coverage
from analysis.measures.methods.one_proportion import PROPORTION as PREVALENCE
from analysis.measures.methods.two_proportions import ODDS_RATIO, RISK_DIFFERENCE, RISK_RATIO

DOCUMENTED = Path(__file__).resolve().parents[2] / "docs" / "coverage.csv"
RISKS = np.array([0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9])


def _rows():
    with DOCUMENTED.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_coverage_by_hand():
    # Two persons at one half: Wilson's intervals of 0, 1 and 2 events are 0-0.658, 0.095-0.905, 0.342-1.
    assert prevalence_coverage(total=2, probability=0.5) == pytest.approx(1)
    assert prevalence_coverage(total=2, probability=0.05) == pytest.approx(0.95**2)
    coverage = association_coverage(
        exposed_total=1, control_total=1, exposed_risk=0.2, control_risk=0.2, measure="RD", method="wald"
    )
    # Wald's interval is a point: it holds no difference only where both or neither are events.
    assert coverage == pytest.approx(0.2 * 0.2 + 0.8 * 0.8)


def test_exact_intervals_never_fall_short():
    grid = np.linspace(0.01, 0.99, 99)
    for method in ("clopper-pearson", "blaker"):
        for total in (1, 7, 30, 60):
            assert prevalence_coverage(total=total, probability=grid, method=method).min() >= 0.95 - 1e-12
    for method in ("exact", "baptista-pike"):
        coverage = association_coverage(
            exposed_total=12, control_total=20, exposed_risk=RISKS[:, None], control_risk=RISKS, method=method
        )
        assert coverage.min() >= 0.95 - 1e-12


def test_the_documented_table_is_complete_and_current():
    rows = _rows()
    known = {
        "PR": set(PREVALENCE),
        "RR": set(RISK_RATIO),
        "OR": set(ODDS_RATIO) - {"conditional-exact", "conditional-mid-p"},
        "RD": set(RISK_DIFFERENCE),
    }
    for measure, methods in known.items():
        assert {row["method"] for row in rows if row["measure"] == measure} == methods
    for row in rows:
        if row["sizes"] not in {"20", "20 v 20"}:
            continue
        if row["measure"] == "PR":
            coverage = prevalence_coverage(
                total=20, probability=np.linspace(0.01, 0.99, 99), method=row["method"]
            )
        else:
            coverage = association_coverage(
                exposed_total=20,
                control_total=20,
                exposed_risk=RISKS[:, None],
                control_risk=RISKS,
                measure=row["measure"],
                method=row["method"],
            )
        assert coverage.min() == pytest.approx(float(row["least"]), rel=1e-8)
        assert coverage.mean() == pytest.approx(float(row["mean"]), rel=1e-8)


@pytest.mark.parametrize("method", ["wilson", "mid-p", "jeffreys", "agresti-coull"])
def test_average_coverage_is_near_the_level(method):
    assert (
        0.945
        < prevalence_coverage(total=40, probability=np.linspace(0.01, 0.99, 99), method=method).mean()
        < 0.965
    )


def test_unknown_measures_are_refused():
    with pytest.raises(ValueError, match="`measure` must be one of 'RR', 'OR', 'RD'"):
        association_coverage(
            exposed_total=3, control_total=3, exposed_risk=0.1, control_risk=0.1, measure="HR"
        )
