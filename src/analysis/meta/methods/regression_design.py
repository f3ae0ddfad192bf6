"""Moderators as columns of a design: numbers as they are, categories against their first level."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

    from analysis.values.arrays import FloatArray

__all__ = ["INTERCEPT", "Design", "design_of"]

INTERCEPT = "intercept"


class Design(NamedTuple):
    """Columns of a design, each of shape (..., k), their names, and how to build the same again."""

    columns: tuple[FloatArray, ...]
    names: tuple[str, ...]
    levels: dict[str, tuple[str, ...]]
    formula: Any

    def of(self, moderators: Any, *, intercept: bool) -> FloatArray:  # noqa: ANN401
        """Return the same columns for other values of the moderators, of shape (n, p)."""
        if self.formula is not None:
            matrix = self.formula.get_model_matrix(_frame(moderators), context={})
            return np.asarray(matrix, dtype=np.float64)
        mapping = _mapping(moderators, self.names)
        columns, names, _ = _from_mapping(mapping, intercept=intercept, levels=self.levels)
        if names != list(self.names):
            raise ValueError(f"`moderators` must give {list(self.names)}, but gives {names}.")
        return np.stack(np.broadcast_arrays(*columns), axis=-1)


def design_of(moderators: Any, k: int, *, formula: str | None, intercept: bool) -> Design:  # noqa: ANN401
    """Return the design of a formula on a frame, of named moderators, or of a matrix.

    Parameters
    ----------
    moderators : mapping, DataFrame or array_like
        Names to values of shape (..., k); or an array of shape (..., k, p).
    k : int
        Number of studies.
    formula : str or None
        Right-hand side, in Wilkinson's notation.
    intercept : bool
        Whether a column of ones is put first; a formula says so itself.
    """
    if formula is not None:
        return _from_formula(moderators, k, formula)
    mapping = _mapping(moderators, None)
    columns, names, levels = _from_mapping(mapping, intercept=intercept, levels=None)
    for name, column in zip(names, columns, strict=True):
        if column.shape[-1:] not in {(k,), (1,)} and column.ndim:
            raise ValueError(
                f"Moderator {name!r} must have {k} values, one a study, but has {column.shape[-1]}."
            )
    if not columns:
        raise ValueError("`moderators` must hold at least one column, or leave the intercept in.")
    return Design(tuple(columns), tuple(names), levels, None)


def _mapping(moderators: Any, names: tuple[str, ...] | None) -> dict[str, Any]:  # noqa: ANN401
    if isinstance(moderators, Mapping):
        return {str(name): values for name, values in moderators.items()}
    if hasattr(moderators, "columns") and hasattr(moderators, "to_dict"):
        return {str(name): moderators[name].to_numpy() for name in moderators.columns}
    matrix = np.asarray(moderators)
    if matrix.ndim < 2:
        raise ValueError(
            "`moderators` must be names with values, a data frame, or an array (studies, moderators), "
            f"but has shape {matrix.shape}. One moderator: {{'name': values}}."
        )
    given = names or tuple(f"x{i + 1}" for i in range(matrix.shape[-1]))
    given = tuple(name for name in given if name != INTERCEPT)
    return {name: matrix[..., i] for i, name in enumerate(given)}


def _from_mapping(
    mapping: Mapping[str, Any], *, intercept: bool, levels: dict[str, tuple[str, ...]] | None
) -> tuple[list[FloatArray], list[str], dict[str, tuple[str, ...]]]:
    columns: list[FloatArray] = []
    names: list[str] = []
    found: dict[str, tuple[str, ...]] = {}
    first_category = True
    if intercept:
        columns.append(np.ones(1))
        names.append(INTERCEPT)
    for name, values in mapping.items():
        array = np.asarray(values)
        if array.dtype.kind in "biuf":
            columns.append(array.astype(np.float64))
            names.append(name)
            continue
        texts = array.astype(str)
        known = tuple(sorted(set(texts.ravel().tolist()))) if levels is None else levels.get(name, ())
        unknown = sorted(set(texts.ravel().tolist()) - set(known))
        if unknown:
            raise ValueError(f"Moderator {name!r} has levels {list(known)}, but got {unknown[0]!r}.")
        found[name] = known
        # Without an intercept the first category has a column for each of its levels.
        shown = known[1:] if intercept or not first_category else known
        first_category = False
        columns += [(texts == level).astype(np.float64) for level in shown]
        names += [f"{name}: {level}" for level in shown]
    return columns, names, found


def _from_formula(moderators: Any, k: int, formula: str) -> Design:  # noqa: ANN401
    from formulaic import model_matrix

    frame = _frame(moderators)
    if len(frame) != k:
        raise ValueError(f"`moderators` must have {k} rows, one a study, but has {len(frame)}.")
    if "~" in formula:
        raise ValueError(f"`formula` is the right-hand side alone ('year + design'), but got {formula!r}.")
    try:
        # No name of the caller's enters: what a formula may use is the columns and formulaic's own functions.
        matrix = model_matrix(formula, frame, na_action="raise", context={})
    except Exception as error:
        raise ValueError(
            f"`formula` {formula!r} cannot be built from the columns {list(frame.columns)}: {error}"
        ) from error
    names = tuple(INTERCEPT if name == "Intercept" else str(name) for name in matrix.columns)
    values = np.asarray(matrix, dtype=np.float64)
    return Design(tuple(values[:, i] for i in range(values.shape[1])), names, {}, matrix.model_spec)


def _frame(moderators: Any) -> pd.DataFrame:  # noqa: ANN401
    import pandas as pd

    return moderators if isinstance(moderators, pd.DataFrame) else pd.DataFrame(moderators)
