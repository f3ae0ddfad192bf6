"""What the figures of the gallery are drawn from, and their list.

The BCG trials are published (Colditz GA et al. (1994). Efficacy of BCG vaccine in the prevention of
tuberculosis. JAMA 271:698-702. DOI 10.1001/jama.1994.03510330076038); whatever was made up to be hard to draw
says so.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

import analysis as ra

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.figure import Figure

CASES: dict[str, Callable[[], Figure]] = {}

TRIALS = {
    "Aronson 1948": (4, 123, 11, 139, 44),
    "Ferguson & Simes 1949": (6, 306, 29, 303, 55),
    "Rosenthal et al 1960": (3, 231, 11, 220, 42),
    "Hart & Sutherland 1977": (62, 13598, 248, 12867, 52),
    "Frimodt-Moller et al 1973": (33, 5069, 47, 5808, 13),
    "Stein & Aronson 1953": (180, 1541, 372, 1451, 44),
    "Vandiviere et al 1973": (8, 2545, 10, 629, 19),
    "TPT Madras 1980": (505, 88391, 499, 88391, 13),
    "Coetzee & Berjak 1968": (29, 7499, 45, 7277, 27),
    "Rosenthal et al 1961": (17, 1716, 65, 1665, 42),
    "Comstock et al 1974": (186, 50634, 141, 27338, 18),
    "Comstock & Webster 1969": (5, 2498, 3, 2341, 33),
    "Comstock et al 1976": (27, 16913, 29, 17854, 33),
}
ALLOCATION = [*["random"] * 4, *["alternate"] * 2, *["random"] * 3, *["systematic"] * 4]
LONG = "A cohort with a name that no journal would print on one line: women of 50 years, lumbar spine, 2003"
SCRIPTS = (
    "Παπαδόπουλος 2001",
    "Иванова и Петров 2004",
    "Żółkiewski & Łukasz 2009",
    "王芳 2012",
    "佐藤 2015",
    "محمد 2018",
    "כהן 2020",
    "O'Neill $x_1$ & 50% <b> 2021",
)


def case(name: str) -> Callable[[Callable[[], Figure]], Callable[[], Figure]]:
    """Add a figure to the gallery under a name."""

    def add(function: Callable[[], Figure]) -> Callable[[], Figure]:
        CASES[name] = function
        return function

    return add


@cache
def table() -> ra.TwoByTwo:
    cells = np.array([counts[:4] for counts in TRIALS.values()])
    return ra.TwoByTwo(
        exposed_cases=cells[:, 0],
        exposed_total=cells[:, 1],
        control_cases=cells[:, 2],
        control_total=cells[:, 3],
    )


@cache
def bcg() -> ra.EffectSizes:
    return ra.effect_sizes(table(), "RR", label=list(TRIALS))


@cache
def pooled() -> ra.PooledEstimate:
    return ra.pool(bcg())


def made_up(
    k: int, *, spread: float = 1.0, noise: float = 1.0, label: list[str] | None = None
) -> ra.EffectSizes:
    """Return studies made up from a formula: effects over a range, precise ones and imprecise ones."""
    centre = np.linspace(-spread, spread, k) if k > 1 else np.array([0.4 * spread])
    variance = noise**2 * np.geomspace(0.005, 0.5, k)[np.argsort(np.cos(np.arange(k) * 2.4))]
    names = label or [f"Made-up study {i + 1}" for i in range(k)]
    return ra.EffectSizes(effect=centre, variance=variance, measure="RR", label=names)


@cache
def judged() -> ra.RiskOfBias:
    levels = ("low", "some concerns", "high", "no information")
    k, domains = len(TRIALS), 5
    marks = [[levels[(i * j + i + j) % 4] for j in range(domains)] for i in range(k)]
    return ra.RiskOfBias(
        label=list(TRIALS),
        domain=[
            "Randomisation (judgements made up)", "Deviations (made up)", "Missing data (made up)",
            "Measurement (made up)", "Selective report (made up)",
        ],
        judgement=marks,
    )  # fmt: skip
