"""Several biases one after the other, in a stated order, and how much the order matters.

Biases are taken off in the reverse of the order in which they arose: usually misclassification first, then
selection, then confounding. Each bias by itself lives in `misclassification`, `selection`, `confounding`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import permutations
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.bias.confounding import confounding_map
from analysis.bias.methods.linear import cells_of, estimate_of, identity, table_of, usual_measure
from analysis.bias.methods.misclassification_map import misclassification_map
from analysis.bias.selection import selection_map
from analysis.measures.methods.cells import Cells
from analysis.values.arguments import check_choice
from analysis.values.counts import TwoByTwo, TwoRates
from analysis.values.framed import Framed
from analysis.values.scale import measure_of
from analysis.values.text import short_number

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from analysis.bias.methods.linear import CellMap, Counts
    from analysis.values.arrays import FloatArray
    from analysis.values.estimate import Estimate

__all__ = ["BiasOrders", "BiasSequence", "bias_adjust_in_sequence", "bias_order_sensitivity"]

_MAPS: dict[str, Callable[..., CellMap]] = {
    "misclassification": misclassification_map,
    "selection": selection_map,
    "confounding": confounding_map,
}
# What the table and the call decide, not the bias.
_NOT_OF_A_BIAS = {"rates", "impossible", "measure"}
_MOST_BIASES = 6


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BiasSequence(Framed):
    """An estimate after each of several bias adjustments.

    Parameters
    ----------
    order : tuple of str
        The biases in the order in which they were taken off.
    observed : Estimate
        Before.
    after : tuple of Estimate
        After each; intervals of random error alone, at exactly these parameters.
    table : TwoByTwo or TwoRates
        After the last; cells need not be whole.
    """

    order: tuple[str, ...]
    observed: Estimate
    after: tuple[Estimate, ...]
    table: Counts

    @property
    def adjusted(self) -> Estimate:
        """The estimate after all of them."""
        return self.after[-1]

    def to_frame(self) -> pd.DataFrame:
        """Return one row a stage and estimate, at full precision."""
        import pandas as pd

        shape = np.broadcast_shapes(*(estimate.shape for estimate in (self.observed, *self.after)))
        rows = [
            pd.DataFrame(
                {
                    "stage": stage,
                    "after": name,
                    "measure": estimate.measure,
                    **{
                        part: np.broadcast_to(getattr(estimate, part), shape).ravel()
                        for part in ("value", "low", "high")
                    },
                }
            )
            for stage, (name, estimate) in enumerate(
                zip(("nothing", *self.order), (self.observed, *self.after), strict=True)
            )
        ]
        return pd.concat(rows, ignore_index=True)

    def __str__(self) -> str:
        """Return a line a stage; of arrays the first estimate."""
        label = measure_of(self.observed.measure).label
        lines = [f"{label} {_first(self.observed)} observed"]
        lines += [
            f"{_first(estimate)} after {name}" for name, estimate in zip(self.order, self.after, strict=True)
        ]
        return "\n".join(lines)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BiasOrders(Framed):
    """The adjusted estimate in every order of the biases.

    Parameters
    ----------
    measure : str
        metafor's code.
    orders : tuple of tuple of str
        Every order; the one that was given comes first.
    value : ndarray
        Adjusted estimates, the first axis being orders; NaN where an order is impossible.
    """

    measure: str
    orders: tuple[tuple[str, ...], ...]
    value: FloatArray

    @property
    def spread(self) -> FloatArray:
        """Largest over smallest adjusted ratio, or their difference; NaN if no order is possible."""
        low, high = np.fmin.reduce(self.value, axis=0), np.fmax.reduce(self.value, axis=0)
        if measure_of(self.measure).scale == "log":
            with np.errstate(divide="ignore", invalid="ignore"):
                return np.asarray(high / low)
        return np.asarray(high - low)

    def to_frame(self) -> pd.DataFrame:
        """Return one row an order and estimate, at full precision."""
        import pandas as pd

        each = self.value[0].size
        return pd.DataFrame(
            {
                "order": np.repeat([" -> ".join(order) for order in self.orders], each),
                "measure": self.measure,
                "value": self.value.ravel(),
            }
        )

    def __str__(self) -> str:
        """Return a line an order; of arrays the first estimate."""
        return "\n".join(
            f"{short_number(float(value.ravel()[0]))} by {', then '.join(order)}"
            for order, value in zip(self.orders, self.value, strict=True)
        )


def bias_adjust_in_sequence(
    table: Counts,
    *,
    biases: Sequence[Mapping[str, Any]],
    measure: str | None = None,
    confidence_level: float = 0.95,
    impossible: str = "raise",
) -> BiasSequence:
    """Take off several biases in the order given.

    Parameters
    ----------
    table : TwoByTwo or TwoRates
        Counts, or events over person-time.
    biases : sequence of mappings
        Each has the key "bias", one of "misclassification", "selection" and "confounding", and the parameters
        of `adjust_misclassification`, `adjust_selection` or `adjust_confounding` under their names; arrays
        are draws. A further key "name" replaces the bias's name on the result.
    measure : {"RR", "OR", "RD"} or {"IRR", "IRD"}, optional
        Default the ratio of risks, or of rates; the confounder's effect is on its scale.
    confidence_level : float, default 0.95
        In (0, 1).
    impossible : {"raise", "nan"}, default "raise"
        What becomes of parameters that cannot have produced the table of any stage.

    Returns
    -------
    BiasSequence
        Estimates after each stage and the last table. No cell is rounded between stages.

    Raises
    ------
    TypeError
        If a bias is no mapping or lacks a parameter.
    ValueError
        If a bias or key is unknown, with the known ones; if a parameter is out of range; if a stage is
        impossible, naming it.

    References
    ----------
    Fox MP, MacLehose RF, Lash TL (2021). Applying quantitative bias analysis to epidemiologic data. 2nd ed.
    Cham: Springer. DOI 10.1007/978-3-030-82673-4

    Examples
    --------
    The case-control study of the documentation of episensr: antidepressants and breast cancer.

    >>> from analysis import TwoByTwo
    >>> table = TwoByTwo.from_cells(
    ...     exposed_cases=118, control_cases=832, exposed_noncases=103, control_noncases=884
    ... )
    >>> record = {"bias": "misclassification", "variable": "exposure", "sensitivity": 0.56,
    ...           "specificity": 0.99, "reference_sensitivity": 0.58, "reference_specificity": 0.97}
    >>> taken = {"bias": "selection", "exposed_cases": 0.73, "control_cases": 0.61,
    ...          "exposed_noncases": 0.82, "control_noncases": 0.76}
    >>> print(bias_adjust_in_sequence(table, biases=[record, taken], measure="OR"))
    Odds ratio 1.22 (0.92 to 1.61) observed
    1.68 (1.15 to 2.44) after exposure misclassification
    1.51 (1.04 to 2.20) after selection
    """
    name = usual_measure(table, measure)
    names, maps = _steps(biases, table, name, impossible)
    observed = estimate_of(table, identity, measure=name, confidence_level=confidence_level)
    after = []
    stage: Counts = table
    whole: CellMap = identity
    for label, adjustment in zip(names, maps, strict=True):
        stage = table_of(
            adjustment(cells_of(stage)),
            stage,
            impossible=impossible,
            because=f"the adjustment for {label} fails.",
        )
        whole = _then(whole, adjustment, np.where(np.isnan(cells_of(stage).a), np.nan, 0.0))
        after.append(
            estimate_of(table, whole, measure=name, confidence_level=confidence_level, impossible=impossible)
        )
    return BiasSequence(order=names, observed=observed, after=tuple(after), table=stage)


def bias_order_sensitivity(
    table: Counts, *, biases: Sequence[Mapping[str, Any]], measure: str | None = None
) -> BiasOrders:
    """Take off several biases in every order.

    Parameters
    ----------
    table, biases, measure
        As for `bias_adjust_in_sequence`; at most six biases.

    Returns
    -------
    BiasOrders
        The adjusted estimate in every order; an order that the table does not allow is NaN.

    Raises
    ------
    TypeError, ValueError
        As for `bias_adjust_in_sequence`, and if there are more than six biases.

    Examples
    --------
    >>> from analysis import TwoByTwo
    >>> table = TwoByTwo(exposed_cases=118, exposed_total=221, control_cases=832, control_total=1716)
    >>> record = {"bias": "misclassification", "variable": "exposure",
    ...           "sensitivity": 0.6, "specificity": 0.98}
    >>> taken = {"bias": "selection", "exposed_cases": 0.7, "control_cases": 0.6,
    ...          "exposed_noncases": 0.8, "control_noncases": 0.8}
    >>> print(bias_order_sensitivity(table, biases=[record, taken], measure="OR"))
    1.10 by exposure misclassification, then selection
    1.06 by selection, then exposure misclassification
    """
    name = usual_measure(table, measure)
    names, maps = _steps(biases, table, name, "nan")
    if len(maps) > _MOST_BIASES:
        raise ValueError(f"`biases` must be at most {_MOST_BIASES} for every order, but are {len(maps)}.")
    orders = list(permutations(range(len(maps))))
    values = []
    for order in orders:
        stage: Counts = table
        for place in order:
            stage = table_of(maps[place](cells_of(stage)), stage, impossible="nan", because="")
        values.append(
            estimate_of(stage, identity, measure=name, confidence_level=0.95, impossible="nan").value
        )
    return BiasOrders(
        measure=name,
        orders=tuple(tuple(names[place] for place in order) for order in orders),
        value=np.stack(np.broadcast_arrays(*values)),
    )


def _then(first: CellMap, second: CellMap, poison: FloatArray) -> CellMap:
    """Return one map after another; the poison is NaN where the stage is impossible, whatever follows."""

    def both(cells: Cells) -> Cells:
        return Cells(*(part + poison for part in second(first(cells))))

    return both


def _steps(
    biases: Sequence[Mapping[str, Any]], table: Counts, measure: str, impossible: str
) -> tuple[tuple[str, ...], list[CellMap]]:
    check_choice("impossible", impossible, ("raise", "nan"))
    if not isinstance(table, (TwoByTwo, TwoRates)):
        raise TypeError(f"`table` must be a TwoByTwo or a TwoRates, but got {type(table).__name__}.")
    if isinstance(biases, Mapping) or not len(biases):
        raise TypeError("`biases` must list at least one mapping, each with the key 'bias'.")
    names, maps = [], []
    for place, given in enumerate(biases):
        where = f"biases[{place}]"
        if not isinstance(given, Mapping) or "bias" not in given:
            raise TypeError(f"`{where}` must be a mapping with the key 'bias', but got {given!r}.")
        kind = check_choice(f"{where}['bias']", given["bias"], _MAPS)
        build = _MAPS[kind]
        known = set(inspect.signature(build).parameters)
        parameters = {key: value for key, value in given.items() if key not in {"bias", "name"}}
        for key in parameters:
            check_choice(f"a key of {where}", key, sorted(known - _NOT_OF_A_BIAS))
        own = {"rates": isinstance(table, TwoRates), "impossible": impossible, "measure": measure}
        needed = {
            key
            for key, parameter in inspect.signature(build).parameters.items()
            if parameter.default is inspect.Parameter.empty and key not in own
        }
        missing = sorted(needed - set(parameters))
        if missing:
            raise TypeError(f"`{where}` ({kind}) lacks {', '.join(map(repr, missing))}.")
        maps.append(build(**parameters, **{key: value for key, value in own.items() if key in known}))
        usual = f"{parameters['variable']} misclassification" if kind == "misclassification" else kind
        names.append(str(given.get("name", usual)))
    return tuple(names), maps


def _first(estimate: Estimate) -> str:
    return str(estimate[(0,) * len(estimate.shape)] if estimate.shape else estimate)
