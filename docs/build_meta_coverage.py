"""Write docs/meta_coverage.csv, .md and .svg: which interval of a meta-analysis holds its level where.

About a minute; a fixed seed, so the numbers are the same on every machine up to the last bits of its
arithmetic.
"""

import re
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from textwrap import fill

import numpy as np

from analysis.data.provenance import write_atomic
from analysis.figures.coverage import figure_coverage
from analysis.figures.export import save_figure
from analysis.meta.interval_coverage import scaled_chi_square_variances, simulate_coverage
from analysis.meta.pooling import pool
from analysis.tables.format import format_count
from analysis.values.estimate import EffectSizes

FOLDER = Path(__file__).resolve().parent
SEED = 2001
ESTIMATORS = ("DL", "REML", "PM")
ALT = (
    "Coverage of 95% intervals against the between-study variance, a panel a number of studies. With few "
    "studies Wald's interval lies far below 95%, those of the t distribution above it where there is "
    "little heterogeneity; with 20 studies all intervals of the mean are within 5 points of 95%. The "
    "prediction interval lies far below where heterogeneity is small but present."
)


def i2_of(tau2):
    """I2 in percent that a between-study variance makes of the typical sampling variance of 20 studies."""
    variance = scaled_chi_square_variances(np.random.default_rng(SEED), (10_000, 20))
    typical = pool(EffectSizes(effect=0.0, variance=variance), model="common").typical_variance
    return [100 * value / (value + np.median(typical)) for value in tau2]


def reading(result):
    def covers(*intervals, studies=None, heterogeneous=True):
        """Range of the coverage in percent over estimators of tau2, numbers of studies and tau2."""
        rows = [k for k, count in enumerate(result.studies) if studies in {None, count}]
        columns = [j for j, tau2 in enumerate(result.tau2) if bool(tau2) == heterogeneous]
        parts = [result.of(name).coverage[0][np.ix_(rows, columns)] for name in intervals]
        low, high = (f"{100 * end(parts):.1f}" for end in (np.min, np.max))
        return f"{low}\N{NO-BREAK SPACE}%" if low == high else f"{low} to {high}\N{NO-BREAK SPACE}%"

    def widths(interval, tau2=0.25):
        """Median widths by the number of studies."""
        found = result.of(interval).median_width[0, :, result.tau2.index(tau2)]
        return ", ".join(f"{width:.2f}" for width in found)

    knapp, adhoc, wald, t = (
        [f"{ci}/{tau2}" for tau2 in ESTIMATORS]
        for ci in ("hartung-knapp", "hartung-knapp-adhoc", "wald", "t")
    )
    short = 100 * (0.95 - min(result.of(name).coverage.min() for name in adhoc))
    apart = max(
        100 * np.ptp([result.of(name).coverage for name in names], axis=0).max()
        for names in (knapp, adhoc, wald, t)
    )
    return [
        f"""*Wald's interval is not one for few studies*: with any heterogeneity it covers
        {covers(*wald, studies=3)} with 3 studies, {covers(*wald, studies=5)} with 5,
        {covers(*wald, studies=10)} with 10 and still {covers(*wald, studies=20)} with 20.""",
        f"""*Hartung and Knapp's* is exact for equal variances. For unequal ones it is far better than Wald's,
        but does not keep the level: {covers(*knapp, studies=3)} with 3 studies,
        {covers(*knapp, studies=5)} with 5, {covers(*knapp, studies=10)} with 10,
        {covers(*knapp, studies=20)} with 20. Without heterogeneity it nearly does
        ({covers(*knapp, heterogeneous=False)}).""",
        f"""*With its factor cut at 1 ("hartung-knapp-adhoc", the default of `pool`)*:
        {covers(*adhoc, studies=3)} with 3 studies, {covers(*adhoc, studies=5)} with 5,
        {covers(*adhoc, studies=10)} with 10, {covers(*adhoc, studies=20)} with 20. It falls short by at most
        {short:.1f} points, where τ² is small and studies are 10 or more. The price is an interval too wide
        where there is no heterogeneity ({covers(*adhoc, heterogeneous=False)}).""",
        f"""*The t interval* of the usual standard error does nearly the same ({covers(*t, studies=5)} with 5
        studies). With tau2="PM" the two are one interval, because Paule and Mandel's estimator sets the
        factor to 1 wherever it is not 0.""",
        f"""*The profile likelihood with Bartlett's correction* never falls short by more than the error of
        this simulation ({covers("profile-bartlett/ML")}) and is hardly wider than the ad hoc interval: its
        median widths at τ² = 0.25 are {widths("profile-bartlett/ML")}, beside
        {widths("hartung-knapp-adhoc/REML")}. Without the correction the profile covers
        {covers("profile/ML", studies=3)} with 3 studies and {covers("profile/ML", studies=10)} with 10.""",
        f"""*Kenward and Roger's* keeps the level too, but with 3 or 5 studies is too wide to say much
        ({widths("kenward-roger/REML")}): its degrees of freedom may be near 0, and then the mean of its
        width is not finite. Read medians.""",
        f"""*Henmi and Copas's* is made for small studies that are missing, which is not simulated here. With
        none missing it covers {covers("henmi-copas/DL", studies=3)} with 3 studies and
        {covers("henmi-copas/DL", studies=20)} with 20, at median widths of {widths("henmi-copas/DL")}.""",
        f"""*The estimator of τ²* matters less than the interval: the coverage of one and the same interval
        differs by at most {apart:.1f} points between DL, REML and PM.""",
        f"""*The prediction interval* (t on k - 2 degrees of freedom) covers a further study's effect in
        {covers("prediction/REML", studies=3)} of the cases with 3 studies, being so wide that it says little,
        and in {covers("prediction/REML", studies=5)} with 5, {covers("prediction/REML", studies=10)} with 10
        and {covers("prediction/REML", studies=20)} with 20 studies. It falls short most where heterogeneity
        is small: τ² is then often estimated as 0, and the interval is one of the mean.""",
    ]


def tables(result):
    head = " | ".join(f"τ² = {tau2:g}" for tau2 in result.tau2)
    for k, studies in enumerate(result.studies):
        yield f"## Coverage with {studies} studies, in percent\n\n| interval/τ² | {head} |"
        yield "|---|" + "---|" * len(result.tau2)
        for name, row in zip(result.intervals, result.coverage[:, k], strict=True):
            yield f"| {name} | " + " | ".join(f"{100 * value:.1f}" for value in row) + " |"
        yield ""
    j = result.tau2.index(0.25)
    head = " | ".join(f"k = {studies}" for studies in result.studies)
    yield f"## Median width at τ² = {result.tau2[j]:g}\n\n| interval/τ² | {head} |"
    yield "|---|" + "---|" * len(result.studies)
    for name, row in zip(result.intervals, result.median_width[:, :, j], strict=True):
        yield f"| {name} | " + " | ".join(f"{value:.2f}" for value in row) + " |"
    yield ""


def share_below(result):
    low = result.band[0]
    yield "## In how many cells an interval falls short\n"
    yield (
        f"Of {result.coverage[0].size} pairs of a number of studies and a τ². The band of the Monte-Carlo "
        f"error ends at {100 * low:.2f} %.\n"
    )
    yield "| interval/τ² | least coverage | below the band | below 93 % | below 90 % |\n|---|---|---|---|---|"
    for name, part in zip(result.intervals, result.coverage, strict=True):
        counts = " | ".join(str(int((part < limit).sum())) for limit in (low, 0.93, 0.90))
        yield f"| {name} | {100 * part.min():.1f} % | {counts} |"
    yield ""


def text(result):
    shares = ", ".join(
        f"{i2:.0f} % for {tau2:g}" for tau2, i2 in zip(result.tau2, i2_of(result.tau2), strict=True) if tau2
    )
    error = 100 * np.sqrt(0.95 * 0.05 / result.draws)
    paragraphs = [
        f"""Coverage of 95 % intervals in {format_count(result.draws)} simulated meta-analyses a cell
        (seed {SEED}), all methods on the same ones. The Monte-Carlo standard error is {error:.2f} points
        at 95 %. Built by `docs/build_meta_coverage.py`; all digits, mean widths and errors in
        `meta_coverage.csv`. The command `reanalysis simulate coverage` does the same with other numbers.""",
        "![Coverage against the between-study variance](meta_coverage.svg)",
        f"""**What is simulated.** Effects are normal about one mean with variance v + τ². The sampling
        variances v are a quarter of a chi-square on 1 degree of freedom between 0.009 and 0.6, drawn anew
        for each study: a law for log odds ratios that simulations have used since Brockwell and Gordon (2001;
        the limits are not verified against the paper). Beside it τ² is an I² of {shares} in the typical
        meta-analysis of 20 studies. Names are `ci`/`tau2` of `pool`; "prediction" is the prediction interval
        of `pool` by default, and its coverage the mean probability that it gives to a further study's
        effect.""",
        """**What is not.** Sampling variances are known and independent of the effects; with few events they
        are neither, and coverage is then another. No study is missing, and true effects are
        normal.""",
    ]
    lines = ["# Which interval of a meta-analysis holds its level where", ""]
    for paragraph in paragraphs:
        lines += [wrapped(paragraph), ""]
    lines += ["## Reading", "", *(wrapped(f"- {sentence}", "  ") for sentence in reading(result)), ""]
    return "\n".join([*lines, *share_below(result), *tables(result)])


def wrapped(paragraph, indent=""):
    # A number and its unit stay on one line: `str.split` would also break at the space between them.
    return fill(re.sub("[ \n]+", " ", paragraph), 118, subsequent_indent=indent, break_on_hyphens=False)


def figure(result):
    note = (
        f"{format_count(result.draws)} meta-analyses a point, seed {SEED}. Grey band: where 95% of "
        "simulations of this size lie for an interval that keeps its level."
    )
    with TemporaryDirectory() as folder:
        paths = save_figure(
            figure_coverage(result, note=note),
            "meta_coverage",
            source=result.to_frame(),
            title="Which interval of a meta-analysis holds its level where",
            caption=note,
            alt=ALT,
            directory=folder,
        )
        return next(path for path in paths if path.suffix == ".svg").read_bytes()


def main():
    result = simulate_coverage(rng=SEED)
    numbers = result.to_frame().to_csv(index=False, float_format="%.8g", lineterminator="\n")
    write_atomic(FOLDER / "meta_coverage.csv", numbers)
    write_atomic(FOLDER / "meta_coverage.md", text(result))
    write_atomic(FOLDER / "meta_coverage.svg", figure(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
