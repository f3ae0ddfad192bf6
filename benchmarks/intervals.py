"""Every interval of 100 000 random tables (with zeros), and closed forms against bare numpy."""

import numpy as np
from measure import Row, seconds
from scipy.special import ndtr

from analysis import Proportion, TwoByTwo, odds_ratio, prevalence, risk_difference, risk_ratio
from analysis.measures.methods.one_proportion import PROPORTION as PREVALENCE
from analysis.measures.methods.two_proportions import ODDS_RATIO, RISK_DIFFERENCE, RISK_RATIO

TABLES = 100_000
Z = 1.959963984540054
CLOSED = {
    "wilson", "wilson-cc", "wald", "wald-cc", "agresti-coull", "logit", "arcsine", "log", "adjusted-log",
    "inverse-sinh", "adjusted-inverse-sinh", "price-bonett", "independence-smoothed",
    "woolf", "gart", "agresti-caffo",
}  # fmt: skip
SCORE = {"koopman", "score", "mee", "miettinen-nurminen", "skewness-corrected"}


def _goal(method: str) -> str:
    if method in CLOSED:
        return "at most 20 ms"
    return "at most 1000 ms" if method in SCORE else "at most 20 000 ms"


def run() -> list[Row]:
    rng = np.random.default_rng(3)
    n1, n0 = rng.integers(1, 100, TABLES), rng.integers(1, 100, TABLES)
    a, c = rng.binomial(n1, rng.uniform(0, 0.6, TABLES)), rng.binomial(n0, rng.uniform(0, 0.6, TABLES))
    tables = TwoByTwo(exposed_cases=a, exposed_total=n1, control_cases=c, control_total=n0)
    proportions = Proportion(events=a, total=n1)
    rows = []
    for name, function, data, methods in (
        ("prevalence", prevalence, proportions, PREVALENCE),
        ("risk_ratio", risk_ratio, tables, RISK_RATIO),
        ("odds_ratio", odds_ratio, tables, ODDS_RATIO),
        ("risk_difference", risk_difference, tables, RISK_DIFFERENCE),
    ):
        for method in methods:
            repeats = 9 if method in CLOSED else 3
            taken = seconds(lambda f=function, d=data, m=method: f(d, method=m), repeats=repeats)
            rows.append(Row("intervals", f"{name} {method}", 1000 * taken, "ms", _goal(method)))
    rows += _against_numpy(tables, proportions)
    one = TwoByTwo(exposed_cases=11, exposed_total=66, control_cases=1, control_total=39)
    single = seconds(lambda: [odds_ratio(one) for _ in range(1000)], repeats=9) / 1000
    rows.append(Row("intervals", "odds_ratio woolf, one table", 1e6 * single, "us", "at most 60"))
    return rows


def _against_numpy(tables: TwoByTwo, proportions: Proportion) -> list[Row]:
    a, n1, c, n0 = (
        np.array(x)
        for x in (tables.exposed_cases, tables.exposed_total, tables.control_cases, tables.control_total)
    )
    b, d, x, n = n1 - a, n0 - c, np.array(proportions.events), np.array(proportions.total)

    def woolf():
        with np.errstate(all="ignore"):
            log = np.log(a * d / (b * c))
            se = np.sqrt(1 / a + 1 / b + 1 / c + 1 / d)
            return np.exp(log - Z * se), np.exp(log + Z * se), 2 * ndtr(-np.abs(log / se))

    def katz():
        with np.errstate(all="ignore"):
            log = np.log(a * n0 / (c * n1))
            se = np.sqrt(1 / a - 1 / n1 + 1 / c - 1 / n0)
            return np.exp(log - Z * se), np.exp(log + Z * se), 2 * ndtr(-np.abs(log / se))

    def wald():
        p1, p0 = a / n1, c / n0
        se = np.sqrt(p1 * (1 - p1) / n1 + p0 * (1 - p0) / n0)
        with np.errstate(all="ignore"):
            return p1 - p0 - Z * se, p1 - p0 + Z * se, 2 * ndtr(-np.abs((p1 - p0) / se))

    def wilson():
        p = x / n
        middle, half = p + Z**2 / (2 * n), Z * np.sqrt(p * (1 - p) / n + Z**2 / (4 * n**2))
        return (middle - half) / (1 + Z**2 / n), (middle + half) / (1 + Z**2 / n)

    rows = []
    for name, bare, ours in (
        ("odds_ratio woolf", woolf, lambda: odds_ratio(tables)),
        ("risk_ratio log", katz, lambda: risk_ratio(tables)),
        ("risk_difference wald", wald, lambda: risk_difference(tables)),
        ("prevalence wilson", wilson, lambda: prevalence(proportions)),
    ):
        ratio = seconds(ours, repeats=15) / seconds(bare, repeats=15)
        rows.append(Row("intervals", f"{name} / bare numpy expression", ratio, "ratio", "at most 3"))
    return rows
