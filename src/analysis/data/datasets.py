"""Load the tables of the project, checked and typed, and a user's own table of the same format.

Checking the folder as a whole is the business of `verify`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from analysis.data.dictionary import read_dictionary
from analysis.data.provenance import project_root
from analysis.data.schema import read_table
from analysis.errors import DataError, Fault

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "load_claims",
    "load_comparative_counts",
    "load_hla_b27",
    "load_prevalence",
    "load_processed",
    "load_published_estimates",
    "load_published_ranges",
    "load_rates",
    "read_user_table",
]


def load_prevalence(*, root: Path | None = None) -> pd.DataFrame:
    """Load the printed prevalences, one row a printed number.

    Parameters
    ----------
    root : Path, optional
        The folder of the project; found from the working directory by default.

    Returns
    -------
    pandas.DataFrame
        `data/raw/prevalence.csv`; its columns are described in `data/dictionary.csv`.

    Raises
    ------
    DataError
        The file breaks its contract; holds every fault.
    """
    return _load("prevalence", root)


def load_comparative_counts(*, root: Path | None = None) -> pd.DataFrame:
    """Load the two-group comparisons.

    Parameters
    ----------
    root : Path, optional
        The folder of the project; found from the working directory by default.

    Returns
    -------
    pandas.DataFrame
        `data/raw/comparative_counts.csv`. In rows whose `orientation` is case-control, exposed means
        cases and the event is the antecedent.

    Raises
    ------
    DataError
        The file breaks its contract; holds every fault.
    """
    return _load("comparative_counts", root)


def load_rates(*, root: Path | None = None) -> pd.DataFrame:
    """Load the printed incidence rates.

    Parameters
    ----------
    root : Path, optional
        The folder of the project; found from the working directory by default.

    Returns
    -------
    pandas.DataFrame
        `data/raw/rates.csv`; its columns are described in `data/dictionary.csv`.

    Raises
    ------
    DataError
        The file breaks its contract; holds every fault.
    """
    return _load("rates", root)


def load_published_estimates(*, root: Path | None = None) -> pd.DataFrame:
    """Load the printed ratios with their intervals.

    Parameters
    ----------
    root : Path, optional
        The folder of the project; found from the working directory by default.

    Returns
    -------
    pandas.DataFrame
        `data/raw/published_estimates.csv`; its columns are described in `data/dictionary.csv`.

    Raises
    ------
    DataError
        The file breaks its contract; holds every fault.
    """
    return _load("published_estimates", root)


def load_published_ranges(*, root: Path | None = None) -> pd.DataFrame:
    """Load the ranges that reviews print.

    Parameters
    ----------
    root : Path, optional
        The folder of the project; found from the working directory by default.

    Returns
    -------
    pandas.DataFrame
        `data/raw/published_ranges.csv`; its columns are described in `data/dictionary.csv`.

    Raises
    ------
    DataError
        The file breaks its contract; holds every fault.
    """
    return _load("published_ranges", root)


def load_hla_b27(*, root: Path | None = None) -> pd.DataFrame:
    """Load the frequencies of HLA-B27 and of disease among its carriers.

    Parameters
    ----------
    root : Path, optional
        The folder of the project; found from the working directory by default.

    Returns
    -------
    pandas.DataFrame
        `data/raw/hla_b27.csv`. Read `printed`, `low` and `high` in the `unit` of the row.

    Raises
    ------
    DataError
        The file breaks its contract; holds every fault.
    """
    return _load("hla_b27", root)


def load_claims(*, root: Path | None = None) -> pd.DataFrame:
    """Load the statements that the project checks.

    Parameters
    ----------
    root : Path, optional
        The folder of the project; found from the working directory by default.

    Returns
    -------
    pandas.DataFrame
        `data/raw/claims.csv`; its columns are described in `data/dictionary.csv`.

    Raises
    ------
    DataError
        The file breaks its contract; holds every fault.
    """
    return _load("claims", root)


def read_user_table(path: Path | str, *, kind: str, root: Path | None = None) -> pd.DataFrame:
    """Read a user's own file of a format of this project.

    Parameters
    ----------
    path : path
        The file: comma-separated UTF-8, with or without a byte order mark, with any line ends.
    kind : str
        The format: the name of a raw file without its ending, such as ``"claims"``.
        The columns that the dictionary calls required must be there, the others may be missing.
    root : Path, optional
        The folder of the project whose dictionary describes the format. By default it is found from the
        working directory; where that lies elsewhere, the installed package brings its own.

    Returns
    -------
    pandas.DataFrame
        All columns of the format, those that the file does not have empty.

    Raises
    ------
    DataError
        The file breaks its contract; holds every fault.
    ValueError
        `kind` is no format of this project.
    """
    dictionary = read_dictionary(_dictionary_of(root))
    if kind not in dictionary:
        raise ValueError(f"`kind` must be one of {', '.join(sorted(dictionary))}, but got {kind!r}.")
    table = read_table(path, kind=kind, dictionary=dictionary, canonical=False, only_required=True)
    return table.reset_index(drop=True)


def load_processed(name: str, *, root: Path | None = None) -> pd.DataFrame:
    """Load a table that the project has built.

    Parameters
    ----------
    name : str
        Name of the file in `data/processed` without its ending.
    root : Path, optional
        The folder of the project; found from the working directory by default.

    Returns
    -------
    pandas.DataFrame
        The table at full precision, with dtypes inferred.

    Raises
    ------
    DataError
        There is no such table.
    """
    import pandas as pd

    folder = (root or project_root()) / "data" / "processed"
    path = folder / f"{name}.csv"
    if not path.is_file():
        built = ", ".join(sorted(file.stem for file in folder.glob("*.csv"))) or "none"
        raise DataError(
            [
                Fault(
                    file=f"data/processed/{name}.csv",
                    rule=f"must have been built (built so far: {built})",
                    way_out="Build it: make reproduce",
                )
            ]
        )
    return pd.read_csv(path)


def _load(kind: str, root: Path | None) -> pd.DataFrame:
    root = root or project_root()
    dictionary = read_dictionary(root / "data" / "dictionary.csv")
    name = f"data/raw/{kind}.csv"
    table = read_table(root / name, kind=kind, dictionary=dictionary, canonical=True, name=name)
    return table.reset_index(drop=True)


def _dictionary_of(root: Path | None) -> Path:
    """Return the dictionary of the project at hand, or else the one that was installed with the package."""
    try:
        return (root or project_root()) / "data" / "dictionary.csv"
    except DataError:
        installed = Path(__file__).with_name("dictionary.csv")
        if installed.is_file():
            return installed
        return project_root(start=Path(__file__)) / "data" / "dictionary.csv"
