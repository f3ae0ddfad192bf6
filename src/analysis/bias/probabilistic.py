"""Probabilistic bias analysis: what a table says when its biases are known only as distributions.

What is believed is in `spec`, distributions in `distributions`, the result in `probabilistic_result`; several
studies that are pooled afterwards in `pooled`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from analysis.bias.methods.draw_evaluation import Parameters, Subject, check_biases
from analysis.bias.methods.draw_quantiles import FineHistogram, quantiles_of
from analysis.bias.methods.draw_uniforms import BLOCK, REPLICATES, Block, blocks, check_draws, seed_sequence
from analysis.bias.probabilistic_result import ProbabilisticBiasAnalysis
from analysis.values.arguments import check_choice, check_confidence_level
from analysis.values.scale import scale_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from analysis.bias.methods.draw_biases import Bias
    from analysis.values.arrays import FloatArray, IntArray
    from analysis.values.counts import TwoByTwo, TwoRates
    from analysis.values.estimate import EffectSizes

__all__ = ["RANDOM_ERRORS", "probabilistic_bias_analysis"]

RANDOM_ERRORS = ("resampling", "delta", "conventional", "none")
# Draws times tables that are held at once; more are counted in a fine histogram.
_HELD = 2**23
_AT_ONCE = 2**17


def probabilistic_bias_analysis(
    data: TwoByTwo | TwoRates | EffectSizes,
    *,
    biases: Sequence[Bias] | Bias,
    rng: np.random.Generator | int,
    measure: str | None = None,
    draws: int = 100_000,
    sampling: str = "random",
    random_error: str | None = None,
    confidence_level: float = 0.95,
    keep: int = 10_000,
) -> ProbabilisticBiasAnalysis:
    """Adjust a table for biases whose parameters are drawn from distributions.

    Parameters
    ----------
    data : TwoByTwo, TwoRates or EffectSizes
        One table or an array of them, such as all tables that a paper's printed numbers allow: each meets the
        same draws of the parameters. Or events over person-time. Published ratios without cells
        (`EffectSizes.from_estimates`) can be adjusted for confounding, M-bias and by a selection factor.
    biases : bias or sequence of them
        `ExposureMisclassification`, `OutcomeMisclassification`, `DependentMisclassification`,
        `SelectionBias`, `MBias`, `UnmeasuredConfounding`, in the order in which they are to be undone: what
        happened last to the data comes first, usually misclassification, then selection, then confounding.
    rng : numpy.random.Generator or int
        Generator or seed. There is no default: a result is to be found again.
    measure : {"OR", "RR", "RD"} or {"IRR", "IRD"}, optional
        Of a table, by default "OR"; of rates, by default "IRR". Effect sizes have their own.
    draws : int, default 100000
        Sets of parameters; up to 10^8 in bounded memory.
    sampling : {"random", "latin-hypercube", "sobol"}, default "random"
        How parameters are drawn. The plans need fewer draws for the systematic interval; they come as 16
        independent randomisations, whose scatter is the Monte-Carlo error. Sobol takes a power of 2.
    random_error : {"resampling", "delta", "conventional", "none"}, optional
        - "resampling": the cells are drawn anew before they are adjusted, so that what misclassification adds
          to random error is in; the default for tables and rates
        - "delta": z times the standard error of the adjusted measure, draw by draw; the large-sample form of
          the same
        - "conventional": z times the standard error of the unadjusted measure, as R's episensr does; too
          narrow under misclassification; the default for effect sizes
        - "none": no total interval
    confidence_level : float, default 0.95
        In (0, 1), of all three intervals.
    keep : int, default 10000
        Draws kept on the result for figures: at most all, and at most eight million values of all tables.

    Returns
    -------
    ProbabilisticBiasAnalysis
        Over the shape of `data`. A table that no draw fits has NaN quantiles and says so in
        `impossible_draws`.

    Raises
    ------
    TypeError
        If the data, a bias or the seed is of another type.
    ValueError
        If an option is unknown, a bias does not go with the data, or no draw fits any table.

    Notes
    -----
    Misclassification: A = (a - (1 - Sp) n)/(Se + Sp - 1) in each group; by predictive values
    A = PPV a + (1 - NPV)(n - a); of events over person-time A = a PPV/Se. Selection: cells over their
    probabilities. Confounding: the ratio over (p1 (RR - 1) + 1)/(p0 (RR - 1) + 1); the odds ratio of a table
    is standardized to the exposed over the strata of the confounder (it is not collapsible: a confounder that
    is as common in both groups still leaves the odds ratio of the strata further from 1). A draw that gives a
    negative cell or a risk above 1 contradicts the table: it is counted, with its reason, and is in no
    quantile.

    Resampling draws the cells as independent Poisson variables; given the total they are multinomial, and
    none of the measures depends on the total. Of rates the events alone are drawn. An empty cell stays empty:
    for sparse tables treat the total interval with care.

    References
    ----------
    Lash TL, Fox MP, Fink AK (2009). Applying quantitative bias analysis to epidemiologic data. Springer.
    DOI 10.1007/978-0-387-87959-8

    Fox MP, MacLehose RF, Lash TL (2021). Applying quantitative bias analysis to epidemiologic data, 2nd ed.
    Springer. DOI 10.1007/978-3-030-82673-4

    Greenland S (2005). Multiple-bias modelling for analysis of observational data. J R Stat Soc A
    168:267-306. (Citation not verified.)

    Examples
    --------
    Occupational exposure to resins and lung cancer, 45 of 139 cases and 257 of 1202 controls exposed, the
    example of episensr's documentation (Greenland et al. 1994, Am J Ind Med; citation not verified):

    >>> from analysis import TwoByTwo
    >>> from analysis.bias.spec import ExposureMisclassification
    >>> table = TwoByTwo.from_cells(exposed_cases=45, control_cases=94,
    ...                             exposed_noncases=257, control_noncases=945)
    >>> bias = ExposureMisclassification(sensitivity="uniform(0.7, 0.9)", specificity=0.95)
    >>> result = probabilistic_bias_analysis(table, biases=bias, rng=2026)
    >>> print(result.conventional)
    1.76 (1.20 to 2.58)
    >>> print(result.systematic_interval)
    2.06 (1.99 to 2.15)
    """
    level = check_confidence_level(confidence_level)
    subject = Subject(data, measure, level)
    chosen = check_biases(biases, subject)
    count = check_draws(draws, sampling)
    usual = "conventional" if subject.cells is None else "resampling"
    noise = usual if random_error is None else check_choice("random_error", random_error, RANDOM_ERRORS)
    if noise == "resampling" and subject.cells is None:
        raise ValueError(
            '`random_error` must not be "resampling" where there are no cells. Write "conventional".'
        )
    if isinstance(keep, bool) or not isinstance(keep, (int, np.integer)) or keep < 0:
        raise ValueError(f"`keep` must be a whole number of at least 0, but got {keep!r}.")
    tail = (1 - level) / 2
    work = _Work(
        subject,
        Parameters(chosen),
        draws=count,
        sampling=sampling,
        seed=seed_sequence(rng),
        noise=noise,
        probabilities=(tail, 0.25, 0.5, 0.75, 1 - tail),
        keep=min(int(keep), count, max(1, _HELD // max(1, subject.conventional.value.size))),
    )
    work.run()
    if (work.lost == count).all():
        reasons = ", ".join(f"{reason} ({int(np.max(n))})" for reason, n in work.reasons.items())
        # What the first bias to be undone asks of the table can be said from the table itself.
        hint = chosen[0].hint(subject.cells, subject.measure) if subject.cells is not None else ""
        raise ValueError(
            f"`biases` must be possible for the data, but all {count} draws contradict them: {reasons}. "
            f"{hint or 'Look at the parameters, and at which group they are meant for.'}"
        )
    backward = scale_of(subject.scale).backward
    shape = subject.shape
    has_total = noise != "none"
    return ProbabilisticBiasAnalysis(
        measure=subject.measure,
        scale=subject.scale,
        conventional=subject.conventional,
        biases=chosen,
        probabilities=work.probabilities,
        systematic=backward(work.quantiles[0].reshape(-1, *shape)),
        systematic_error=work.errors[0].reshape(-1, *shape),
        total=backward(work.quantiles[1].reshape(-1, *shape)) if has_total else None,
        total_error=work.errors[1].reshape(-1, *shape) if has_total else None,
        draws=count,
        impossible={reason: number.reshape(shape) for reason, number in work.reasons.items()},
        impossible_draws=work.lost.reshape(shape),
        impossible_resampled=work.lost_resampled.reshape(shape),
        random_error=noise,
        sampling=sampling,
        confidence_level=level,
        seed=None if isinstance(rng, np.random.Generator) else int(rng),
        kept_systematic=backward(work.kept[0].reshape(-1, *shape)),
        kept_total=backward(work.kept[1].reshape(-1, *shape)) if has_total else None,
    )


class _Work:
    """The draws of one analysis, table block by table block and draw block by draw block."""

    def __init__(
        self,
        subject: Subject,
        parameters: Parameters,
        *,
        draws: int,
        sampling: str,
        seed: np.random.SeedSequence,
        noise: str,
        probabilities: tuple[float, ...],
        keep: int,
    ) -> None:
        self.subject, self.parameters, self.noise = subject, parameters, noise
        self.draws, self.sampling, self.seed = draws, sampling, seed
        self.probabilities = probabilities
        # A planned dimension for the normal error; resampled cells are always pseudo-random.
        self.planned = parameters.dimensions + (noise in {"delta", "conventional"})
        self.tables = int(np.prod(subject.shape, dtype=np.int64))
        self.flat = subject.take()
        kinds = 1 if noise == "none" else 2
        self.quantiles = np.empty((kinds, len(probabilities), self.tables))
        self.errors = np.empty_like(self.quantiles)
        self.kept = np.empty((kinds, keep, self.tables))
        self.lost: IntArray = np.zeros(self.tables, dtype=np.int64)
        self.lost_resampled: IntArray = np.zeros(self.tables, dtype=np.int64)
        self.reasons: dict[str, IntArray] = {}

    def run(self) -> None:
        """Find all quantiles."""
        width = max(1, _HELD // self.draws)
        for start in range(0, self.tables, width):
            part = slice(start, min(start + width, self.tables))
            if self.draws > _HELD:
                self._count(part)
            else:
                self._hold(part)

    def _hold(self, part: slice) -> None:
        """Keep every draw of these tables and sort them."""
        kinds = self.quantiles.shape[0]
        held = np.empty((kinds, part.stop - part.start, self.draws))
        for start, stop, effects in self._evaluated(part):
            for kind, effect in enumerate(effects):
                held[kind, :, start:stop] = effect.T
        keep = self.kept.shape[1]
        for kind in range(kinds):
            self.kept[kind, :, part] = held[kind, :, :keep].T
            self.quantiles[kind, :, part], self.errors[kind, :, part] = quantiles_of(
                held[kind],
                self.probabilities,
                replicates=None if self.sampling == "random" else REPLICATES,
            )

    def _count(self, part: slice) -> None:
        """Count the draws of one table in fine bins."""
        histograms = [FineHistogram() for _ in range(self.quantiles.shape[0])]
        keep = self.kept.shape[1]
        for start, stop, effects in self._evaluated(part):
            for kind, effect in enumerate(effects):
                if start < keep:
                    self.kept[kind, start : min(stop, keep), part] = effect[: keep - start]
                histograms[kind].add(effect[:, 0])
        for kind, histogram in enumerate(histograms):
            quantiles, errors = histogram.quantiles(self.probabilities)
            self.quantiles[kind, :, part.start], self.errors[kind, :, part.start] = quantiles, errors

    def _evaluated(self, part: slice) -> Iterator[tuple[int, int, list[FloatArray]]]:
        """Yield first and last draw and the effects of shape (draws, tables), systematic and total."""
        width = part.stop - part.start
        step = max(1, min(BLOCK, _AT_ONCE // width))
        for block in blocks(self.draws, self.planned, sampling=self.sampling, seed=self.seed):
            for first in range(block.start, block.stop, step):
                last = min(first + step, block.stop)
                yield first, last, self._effects(block, slice(first - block.start, last - block.start), part)

    def _effects(self, block: Block, some: slice, part: slice) -> list[FloatArray]:
        biases = self.parameters.biases
        uniforms = block.uniforms[:, some, np.newaxis]
        values = self.parameters.values(uniforms[: self.parameters.dimensions])
        shape = (some.stop - some.start, part.stop - part.start)
        effect, ruled_out = self.flat.adjusted(biases, values, part=part)
        effect = np.broadcast_to(effect, shape)
        for reason, mask in ruled_out.items():
            counts = self.reasons.setdefault(reason, np.zeros(self.tables, dtype=np.int64))
            counts[part] += np.broadcast_to(mask, shape).sum(axis=0)
        gone = np.isnan(effect)
        self.lost[part] += gone.sum(axis=0)
        if self.noise == "none":
            return [effect]
        if self.noise == "resampling":
            drawn = self.flat.resampled(part, shape, block.rng)
            total, _ = self.flat.adjusted(biases, values, cells=drawn)
            total = np.where(gone, np.nan, total)
            self.lost_resampled[part] += (np.isnan(total) & ~gone).sum(axis=0)
            return [effect, total]
        z = special.ndtri(uniforms[-1])
        if self.noise == "delta":
            std_error = np.sqrt(self.flat.variance(biases, values, part=part))
        else:
            std_error = self.flat.std_error[part]
        with np.errstate(invalid="ignore"):
            # Without a bound on the standard error nothing is known on either side.
            total = np.where(np.isinf(std_error), np.copysign(np.inf, z), effect + z * std_error)
        return [effect, np.where(gone, np.nan, total)]
