"""Judgements on the risk of bias: studies by domains, from a closed list of words.

Judgements are made by people with a tool; this holds what they decided, checks it, and counts it. How a
judgement is drawn lives in `figures`.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from analysis.values.arguments import as_numbers, read_only
from analysis.values.framed import Framed
from analysis.values.judgement_shares import JudgementShares

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pandas as pd
    from numpy.typing import ArrayLike, NDArray

    from analysis.values.arrays import FloatArray

__all__ = ["JUDGEMENTS", "OVERALL", "TOOLS", "RiskOfBias"]

# From the best on. What could not be judged stands between what is and what is not serious, as in
# ROBINS-I: a study of which too little is known is no worse than that, and no better.
_SEVERITY = {
    "low": 0,
    "some concerns": 1,
    "moderate": 1,
    "unclear": 2,
    "no information": 2,
    "high": 3,
    "serious": 3,
    "critical": 4,
    "not applicable": -1,
}
JUDGEMENTS: tuple[str, ...] = tuple(_SEVERITY)
"""Every judgement that is known, from the best on."""

TOOLS: Mapping[str, tuple[str, ...]] = {
    "RoB 2": ("low", "some concerns", "high"),
    "RoB 1": ("low", "unclear", "high"),
    "QUADAS-2": ("low", "unclear", "high"),
    "ROBINS-I": ("low", "moderate", "no information", "serious", "critical"),
}
"""Tools with the judgements that they know; "not applicable" may stand everywhere."""

OVERALL = "Overall"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, init=False, repr=False)
class RiskOfBias(Framed):
    """Judgements on the risk of bias of k studies in d domains.

    Parameters
    ----------
    label : sequence of str
        Of the k studies. Two may have the same.
    domain : sequence of str
        Names of the d domains, each once.
    judgement : array_like of str
        Of shape (k, d), each one of "low", "some concerns", "moderate", "unclear", "no information", "high",
        "serious", "critical" and "not applicable". Capital letters and space around a word do not matter.
    overall : sequence of str, optional
        Overall judgement on each study, as its assessors made it. It is never derived here: the tools leave
        room for judgement. `worst` tells what it must at least be.
    tool : str, optional
        With which tool it was judged. Of "RoB 2", "RoB 1", "QUADAS-2" and "ROBINS-I" the judgements are
        known, and others are refused.

    Raises
    ------
    TypeError
        If a label, a domain or a judgement is not text.
    ValueError
        If a shape does not match, a domain is there twice, or a judgement is not in the list. The message
        names study, domain, value and list.

    References
    ----------
    Sterne JAC, Savović J, Page MJ, et al. (2019). RoB 2: a revised tool for assessing risk of bias in
    randomised trials. BMJ 366:l4898. DOI 10.1136/bmj.l4898

    Sterne JA, Hernán MA, Reeves BC, et al. (2016). ROBINS-I: a tool for assessing risk of bias in
    non-randomised studies of interventions. BMJ 355:i4919. DOI 10.1136/bmj.i4919

    Whiting PF, Rutjes AWS, Westwood ME, et al. (2011). QUADAS-2: a revised tool for the quality assessment of
    diagnostic accuracy studies. Ann Intern Med 155:529-536. DOI 10.7326/0003-4819-155-8-201110180-00009

    Examples
    --------
    >>> bias = RiskOfBias(
    ...     label=["Trial A", "Trial B"],
    ...     domain=["Randomisation", "Missing data"],
    ...     judgement=[["low", "low"], ["low", "some concerns"]],
    ...     tool="RoB 2",
    ... )
    >>> bias
    RiskOfBias(2 studies x 2 domains, tool 'RoB 2')
    >>> bias.worst()
    ('low', 'some concerns')
    """

    label: tuple[str, ...]
    domain: tuple[str, ...]
    judgement: NDArray[np.str_]
    overall: tuple[str, ...] | None
    tool: str | None

    def __init__(
        self,
        *,
        label: Iterable[str],
        domain: Iterable[str],
        judgement: ArrayLike,
        overall: Iterable[str] | None = None,
        tool: str | None = None,
    ) -> None:
        labels = _texts("label", label)
        domains = _texts("domain", domain)
        twice = sorted({name for name in domains if domains.count(name) > 1})
        if twice:
            raise ValueError(f"`domain` must name each domain once, but got {twice[0]!r} more than once.")
        if OVERALL in domains:
            raise ValueError(
                f"`domain` must not hold {OVERALL!r}, which is no domain; give its judgements as `overall=`."
            )
        if tool is not None and not isinstance(tool, str):
            raise TypeError(f"`tool` must be text or None, but got {tool!r}.")
        known = JUDGEMENTS if tool not in TOOLS or tool is None else (*TOOLS[tool], "not applicable")
        cells = _grid(judgement, len(labels), len(domains))
        words = [
            [_word(value, study, name, known, tool) for name, value in zip(domains, row, strict=True)]
            for study, row in zip(labels, cells, strict=True)
        ]
        array = np.array(words, dtype=str)
        array.flags.writeable = False
        object.__setattr__(self, "label", labels)
        object.__setattr__(self, "domain", domains)
        object.__setattr__(self, "judgement", array)
        object.__setattr__(self, "overall", _overall(overall, labels, known, tool))
        object.__setattr__(self, "tool", tool)

    @classmethod
    def from_frame(
        cls,
        df: pd.DataFrame,
        *,
        study: str = "study",
        domains: Sequence[str] | None = None,
        overall: str | None = None,
        tool: str | None = None,
    ) -> Self:
        """Build from a data frame with one row a study and one column a domain.

        Parameters
        ----------
        df : pandas.DataFrame
            Judgements as text.
        study : str, default "study"
            Column of the labels.
        domains : sequence of str, optional
            Columns of the domains; by default all columns but those of labels and overall judgement.
        overall : str, optional
            Column of the overall judgement.
        tool : str, optional
            As for the class.

        Raises
        ------
        KeyError
            If a column is missing; the message lists those that are there.
        TypeError, ValueError
            As for the class.
        """
        taken = [study, *([] if overall is None else [overall])]
        names = list(domains) if domains is not None else [c for c in df.columns if c not in taken]
        _has_columns(df, [*taken, *names])
        return cls(
            label=df[study].tolist(),
            domain=names,
            judgement=df[names].to_numpy(dtype=object),
            overall=None if overall is None else df[overall].tolist(),
            tool=tool,
        )

    @classmethod
    def from_long_frame(
        cls,
        df: pd.DataFrame,
        *,
        study: str = "study",
        domain: str = "domain",
        judgement: str = "judgement",
        tool: str | None = None,
    ) -> Self:
        """Build from a data frame with one row for each study and domain, as `to_frame` gives it.

        Studies and domains come in the order in which they are first named; rows of the domain "Overall" are
        the overall judgements.

        Raises
        ------
        KeyError
            If a column is missing; the message lists those that are there.
        TypeError, ValueError
            As for the class, and if a study has two judgements in a domain, or none.
        """
        _has_columns(df, [study, domain, judgement])
        cells: dict[tuple[Any, Any], Any] = {}
        for label, name, word in zip(df[study], df[domain], df[judgement], strict=True):
            if (label, name) in cells:
                raise ValueError(
                    f"`df` must have one row for each study and domain, but has two for study {label!r}, "
                    f"domain {name!r}. Give studies of the same name different ones."
                )
            cells[label, name] = word
        studies = list(dict.fromkeys(label for label, _ in cells))
        names = list(dict.fromkeys(name for _, name in cells))
        own = [name for name in names if name != OVERALL]
        rows = [[cells.get((label, name)) for name in own] for label in studies]
        last: list[Any] = [cells.get((label, OVERALL)) for label in studies]
        return cls(
            label=studies,
            domain=own,
            judgement=np.array(rows, dtype=object),
            overall=last if OVERALL in names else None,
            tool=tool,
        )

    def __len__(self) -> int:
        return len(self.label)

    def __getitem__(self, key: Any) -> RiskOfBias:  # noqa: ANN401 -- whatever numpy takes as an index
        """Select studies: `bias[[2, 0, 1]]`, `bias[mask]`, `bias[:5]`."""
        rows = np.atleast_1d(np.arange(len(self))[key])
        return RiskOfBias(
            label=[self.label[i] for i in rows],
            domain=self.domain,
            judgement=self.judgement[rows],
            overall=None if self.overall is None else [self.overall[i] for i in rows],
            tool=self.tool,
        )

    def worst(self) -> tuple[str, ...]:
        """Return the worst judgement on each study over its domains: what its overall one must at least be.

        Notes
        -----
        From the best on: low; some concerns or moderate; unclear or no information; high or serious;
        critical. What is not applicable does not count. The tools let assessors judge a study worse than
        its worst domain, where concerns add up, but not better.
        """
        severity = np.array(list(_SEVERITY.values()))
        codes = np.array([[JUDGEMENTS.index(word) for word in row] for row in self.judgement.tolist()])
        at = severity[codes].argmax(axis=1)
        return tuple(str(word) for word in self.judgement[np.arange(len(self)), at])

    def better_than_worst(self) -> tuple[str, ...]:
        """Return labels of the studies whose overall judgement is better than that on their worst domain."""
        if self.overall is None:
            return ()
        return tuple(
            label
            for label, overall, worst in zip(self.label, self.overall, self.worst(), strict=True)
            if 0 <= _SEVERITY[overall] < _SEVERITY[worst]
        )

    def shares(self, *, weights: ArrayLike | None = None) -> JudgementShares:
        """Count the judgements in each domain.

        Parameters
        ----------
        weights : array_like, optional
            One for each study, such as those of a meta-analysis; by default studies count the same.

        Raises
        ------
        ValueError
            If there is not one weight for each study, or one is negative or NaN, or all are 0.
        """
        weight = np.ones(len(self)) if weights is None else _weights(weights, len(self))
        columns = self.judgement
        names = self.domain
        if self.overall is not None:
            columns = np.column_stack([columns, np.array(self.overall)])
            names = (*names, OVERALL)
        found = tuple(word for word in JUDGEMENTS if (columns == word).any())
        hits = np.stack([columns == word for word in found], axis=-1)
        return JudgementShares(
            domain=names,
            judgement=found,
            count=read_only(hits.sum(axis=0)),
            share=read_only(np.einsum("k,kdj->dj", weight, hits.astype(float)) / weight.sum()),
            weighted=weights is not None,
        )

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each study and domain; the overall judgement is a domain of its own."""
        import pandas as pd

        names = [*self.domain, *([] if self.overall is None else [OVERALL])]
        rows = [
            (label, name, word)
            for i, label in enumerate(self.label)
            for name, word in zip(
                names,
                [*self.judgement[i].tolist(), *([] if self.overall is None else [self.overall[i]])],
                strict=True,
            )
        ]
        return pd.DataFrame(rows, columns=["study", "domain", "judgement"])

    def __repr__(self) -> str:
        k, d = self.judgement.shape
        size = f"{k} {'study' if k == 1 else 'studies'} x {d} {'domain' if d == 1 else 'domains'}"
        return f"RiskOfBias({size}{f', tool {self.tool!r}' if self.tool else ''})"


def _has_columns(df: pd.DataFrame, columns: Sequence[str]) -> None:
    missing = [f"`{column}`" for column in columns if column not in df.columns]
    if missing:
        raise KeyError(
            f"The data frame has no column {', '.join(missing)}; it has {', '.join(map(str, df.columns))}."
        )


def _texts(name: str, values: Iterable[str]) -> tuple[str, ...]:
    if isinstance(values, str):
        raise TypeError(f"`{name}` must be a sequence of texts, but got the text {values!r}.")
    texts = tuple(values)
    if not texts:
        raise ValueError(f"`{name}` must hold at least one text, but is empty.")
    for index, text in enumerate(texts):
        if not isinstance(text, str):
            raise TypeError(f"`{name}` must be text, but got {text!r} at index {index}.")
        if not text.strip():
            raise ValueError(f"`{name}` must not be empty, but got {text!r} at index {index}.")
    return tuple(str(text) for text in texts)


def _grid(judgement: ArrayLike, k: int, d: int) -> list[list[object]]:
    try:
        array = np.array(judgement, dtype=object)
    except ValueError:
        array = np.empty(0, dtype=object)
    if array.shape != (k, d):
        got = f"shape {array.shape}" if array.size else "rows of unequal length, or nothing"
        raise ValueError(
            f"`judgement` must have one row for each of the {k} studies and one column for each of the {d} "
            f"domains, but has {got}."
        )
    cells: list[list[object]] = array.tolist()
    return cells


def _word(value: object, study: str, domain: str, known: Sequence[str], tool: str | None) -> str:
    where = f"for study {study!r}, domain {domain!r}"
    if not isinstance(value, str):
        # None, NaN and pandas' NA: somebody left the cell empty.
        if (
            value is None
            or type(value).__name__ == "NAType"
            or (isinstance(value, float) and np.isnan(value))
        ):
            raise ValueError(
                f"`judgement` must be there, but is missing {where}. "
                "Write 'no information' or 'not applicable' if that is what is meant."
            )
        raise TypeError(f"`judgement` must be text, but got {value!r} {where}.")
    word = " ".join(value.split()).casefold()
    if word in known:
        return word
    near = get_close_matches(word, known, n=1, cutoff=0.5)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    by = f" of {tool}" if tool in TOOLS else ""
    raise ValueError(
        f"`judgement` must be one{by} of {', '.join(map(repr, known))}, but got {value!r} {where}.{hint}"
    )


def _overall(
    overall: Iterable[str] | None, labels: Sequence[str], known: Sequence[str], tool: str | None
) -> tuple[str, ...] | None:
    if overall is None:
        return None
    if isinstance(overall, str):
        raise TypeError(f"`overall` must hold one judgement for each study, but got the text {overall!r}.")
    values = list(overall)
    if len(values) != len(labels):
        raise ValueError(
            f"`overall` must hold one judgement for each of the {len(labels)} studies, but has {len(values)}."
        )
    return tuple(
        _word(value, label, OVERALL, known, tool) for label, value in zip(labels, values, strict=True)
    )


def _weights(weights: ArrayLike, k: int) -> FloatArray:
    array = as_numbers("weights", weights)
    if array.shape != (k,):
        raise ValueError(f"`weights` must have one for each of the {k} studies, but has shape {array.shape}.")
    fault = ~((array >= 0) & (array < np.inf))
    if fault.any():
        index = int(np.flatnonzero(fault)[0])
        raise ValueError(
            f"`weights` must be finite and at least 0, but got {array[index]:g} at index {index}."
        )
    if not array.sum() > 0:
        raise ValueError("`weights` must not all be 0; leave them out to count each study the same.")
    return array
