"""How results show themselves in a notebook: the first rows of their data frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Framed"]


class Framed:
    """Base of results that have a data frame."""

    __slots__ = ()

    if TYPE_CHECKING:

        def to_frame(self) -> pd.DataFrame:
            """Return the result as a tidy data frame at full precision."""
            ...

    def _repr_html_(self) -> str:
        html: str = self.to_frame().head(20).to_html(border=0, index=False, float_format=lambda x: f"{x:.4g}")
        return html
