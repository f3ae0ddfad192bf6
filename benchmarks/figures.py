"""Figures to files: forest plots beside other packages', GOSH of a million subsets, the compendium's own."""

import contextlib
import io
import os
import sys
import tempfile
import time
import warnings
from pathlib import Path

import nbformat
import numpy as np
from matplotlib.figure import Figure
from measure import Row, seconds

import analysis
from analysis import EffectSizes, figure_forest, figure_gosh, gosh, pool
from analysis._public_names import HOMES

ROOT = Path(__file__).resolve().parents[1]


def _studies(k: int) -> EffectSizes:
    rng = np.random.default_rng(2026)
    variance = rng.uniform(0.02, 0.3, k)
    return EffectSizes(
        effect=rng.normal(0.3, np.sqrt(variance + 0.05)),
        variance=variance,
        measure="RR",
        label=[f"Author {i} {1950 + i}" for i in range(k)],
    )


def _pdf(figure: Figure) -> bytes:
    stream = io.BytesIO()
    figure.savefig(stream, format="pdf")
    return stream.getvalue()


def _ours(effects: EffectSizes) -> bytes:
    return _pdf(figure_forest(effects, pooled=pool(effects)))


def _statsmodels(effects: EffectSizes) -> bytes:
    from matplotlib import pyplot as plt
    from statsmodels.stats.meta_analysis import combine_effects

    found = combine_effects(effects.effect, effects.variance, row_names=list(effects.label or ()))
    figure = found.plot_forest()
    content = _pdf(figure)
    plt.close(figure)
    return content


def _forestplot(effects: EffectSizes) -> bytes:
    import forestplot
    import pandas as pd
    from matplotlib import pyplot as plt

    interval = effects.interval()
    frame = pd.DataFrame(
        {"study": effects.label, "value": interval.value, "low": interval.low, "high": interval.high}
    )
    ax = forestplot.forestplot(frame, estimate="value", ll="low", hl="high", varlabel="study")
    content = _pdf(ax.figure)
    plt.close(ax.figure)
    return content


def _forests() -> list[Row]:
    rows = []
    for k, goal in ((13, "150 ms"), (100, "400 ms")):
        effects = _studies(k)
        for name, draw, aim in (
            ("figure_forest", _ours, goal),
            ("statsmodels", _statsmodels, ""),
            ("forestplot", _forestplot, ""),
        ):
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    draw(effects)
                    took = seconds(lambda d=draw, e=effects: d(e), repeats=9)
            except ImportError:
                continue
            rows.append(Row("figures", f"forest plot of {k} studies to PDF: {name}", 1e3 * took, "ms", aim))
    return rows


def _subsets() -> list[Row]:
    result = gosh(_studies(20))
    figure_gosh(result)
    content = _pdf(figure_gosh(result))
    took = seconds(lambda: _pdf(figure_gosh(result)), repeats=5)
    what = f"GOSH figure of {result.tau2.size:,} subsets to PDF"
    return [
        Row("figures", what, took, "s", "1 s"),
        Row("figures", f"{what}: size", len(content) / 1e3, "kB", "500 kB"),
    ]


def _compendium() -> Row:
    """Time what the notebooks draw and save, without what they compute."""
    spent = [0.0]

    def timed(function):
        def call(*args, **options):
            start = time.perf_counter()
            try:
                return function(*args, **options)
            finally:
                spent[0] += time.perf_counter() - start

        return call

    for module, names in HOMES.items():
        for name in names:
            if name.startswith("figure_") or name == "save_figure":
                function = getattr(analysis, name)
                setattr(sys.modules[module], name, timed(function))
                vars(analysis)[name] = getattr(sys.modules[module], name)
    saved = 0
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        os.environ["REANALYSIS_FIGURES_DIR"] = folder
        for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
            space: dict[str, object] = {"display": lambda *_: None}
            for cell in nbformat.read(path, as_version=4).cells:
                if cell.cell_type == "code":
                    source = "\n".join(line for line in cell.source.split("\n") if not line.startswith("%"))
                    exec(compile(source, path.name, "exec"), space)  # noqa: S102 -- the project's own notebooks
        saved = len(list(Path(folder).glob("*.pdf")))
    return Row("figures", f"the compendium's {saved} figures, drawn and saved", spent[0], "s", "20 s")


def run() -> list[Row]:
    return [*_forests(), *_subsets(), _compendium()]
