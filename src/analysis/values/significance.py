"""The result of a significance test, for one table or an array of tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.values.arguments import read_only
from analysis.values.framed import Framed

if TYPE_CHECKING:
    import pandas as pd

    from analysis.values.arrays import FloatArray

__all__ = ["SignificanceTest"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SignificanceTest(Framed):
    """A test statistic with its P-value.

    Parameters
    ----------
    statistic : ndarray
        NaN where the tables carry no information.
    df : ndarray or None
        Degrees of freedom of a chi-square statistic; None for exact tests.
    pvalue : ndarray
        Two-sided, of the shape of `statistic`.
    method : str
        Which test ("tarone").
    correction : float or None
        What was added to cells, or taken off a difference for continuity; None if nothing was.
    """

    statistic: FloatArray
    df: FloatArray | None
    pvalue: FloatArray
    method: str
    correction: float | None = None

    def __post_init__(self) -> None:
        for name in ("statistic", "df", "pvalue"):
            array = getattr(self, name)
            if array is not None:
                object.__setattr__(self, name, read_only(array))

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array of tests; () for one."""
        return self.statistic.shape

    def __getitem__(self, key: Any) -> SignificanceTest:  # noqa: ANN401 -- whatever numpy takes as an index
        """Select tests as numpy selects entries."""
        return SignificanceTest(
            statistic=np.asarray(self.statistic[key]),
            df=None if self.df is None else np.asarray(self.df[key]),
            pvalue=np.asarray(self.pvalue[key]),
            method=self.method,
            correction=self.correction,
        )

    def to_frame(self) -> pd.DataFrame:
        """Return one row per test, in C order, at full precision."""
        import pandas as pd

        columns: dict[str, Any] = {
            "statistic": self.statistic.ravel(),
            "df": np.nan if self.df is None else self.df.ravel(),
            "pvalue": self.pvalue.ravel(),
        }
        return pd.DataFrame(columns | {"method": self.method, "correction": self.correction})

    def __str__(self) -> str:
        """Return the text that a paper prints; an array gives one line each, at most ten."""
        size = self.statistic.size
        degrees = [None] * size if self.df is None else list(self.df.flat)
        lines: list[str] = []
        for statistic, df, pvalue in zip(self.statistic.flat, degrees, self.pvalue.flat, strict=True):
            if len(lines) == 10:
                lines.append(f"... ({size} in all)")
                break
            if np.isnan(pvalue):
                lines.append("not estimable")
            elif df is None:
                lines.append(f"P = {pvalue:.2g}")
            else:
                lines.append(f"χ² = {statistic:.2f}, df = {df:.0f}, P = {pvalue:.2g}")
        return "\n".join(lines)
