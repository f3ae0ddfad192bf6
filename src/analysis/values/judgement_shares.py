"""How often each judgement on the risk of bias was made in each domain, as `RiskOfBias.shares` counts it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.values.framed import Framed

if TYPE_CHECKING:
    import pandas as pd

    from analysis.values.arrays import FloatArray

__all__ = ["JudgementShares"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class JudgementShares(Framed):
    """How often each judgement was made in each domain.

    Parameters
    ----------
    domain : tuple of str
        Domains in their order, and "Overall" at the end where there is an overall judgement.
    judgement : tuple of str
        Those that occur, from the best on.
    count : ndarray
        Of shape (domains, judgements): numbers of studies.
    share : ndarray
        Of the same shape: shares of the studies, or of their weights; each row sums to 1.
    weighted : bool
        Whether the studies have weights.
    """

    domain: tuple[str, ...]
    judgement: tuple[str, ...]
    count: FloatArray
    share: FloatArray
    weighted: bool

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each domain and judgement."""
        import pandas as pd

        d, j = self.share.shape
        return pd.DataFrame(
            {
                "domain": np.repeat(np.array(self.domain, dtype=object), j),
                "judgement": np.tile(np.array(self.judgement, dtype=object), d),
                "studies": self.count.ravel(),
                "share": self.share.ravel(),
            }
        )
