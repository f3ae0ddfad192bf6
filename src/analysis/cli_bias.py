"""The command `reanalysis bias SPEC.toml`: a specification in, the three intervals out.

Reads the file and prints the result; computes nothing.
"""

from __future__ import annotations

from pathlib import Path

import click

from analysis.errors import AnalysisError, DataError, Fault

__all__ = ["bias"]


@click.command()
@click.argument("spec", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write intervals, quartiles and Monte-Carlo errors to this CSV file.",
)
def bias(spec: Path, *, out: Path | None) -> None:
    """Adjust a table or a published ratio for the biases that a TOML file states.

    The file holds `seed`; optionally `measure`, `draws`, `sampling`, `random_error`, `confidence_level`; then
    [table] or [estimate], and one [[bias]] each, in the order in which they are undone. A parameter is a
    number or a distribution such as "trapezoidal(0.75, 0.85, 0.95, 1)".

    \b
    Example of a file:
      seed = 2026
      [estimate]
      measure = "HR"
      value = 1.83
      low = 1.58
      high = 2.11
      [[bias]]
      kind = "unmeasured confounding"
      prevalence_exposed = "uniform(0.3, 0.5)"
      prevalence_control = "uniform(0.1, 0.2)"
      risk_ratio = "triangular(1.5, 2, 3)"
      source = "assumed"
    \b
    Examples:
      reanalysis bias spec.toml
      reanalysis bias spec.toml --out bias.csv
    """  # noqa: D301  # click's mark that keeps the lines apart
    from analysis.bias.spec import read_bias_specification

    try:
        text = spec.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise DataError(
            [Fault(file=str(spec), rule="must be text in UTF-8", way_out="Save it again as UTF-8.")]
        ) from None
    specification = read_bias_specification(text, name=str(spec))
    try:
        result = specification.run()
    except ValueError as error:
        # What only the draws can show: that the stated biases contradict the data.
        raise AnalysisError(f"{spec}: {error}") from None
    click.echo(specification)
    click.echo(result)
    if out is not None:
        result.to_frame().to_csv(out, index=False, float_format="%.17g")
        click.echo(f"Written: {out}")
