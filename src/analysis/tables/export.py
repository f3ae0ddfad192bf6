"""Tables and texts to files: one call, every format of a manuscript, byte for byte the same."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.data.provenance import write_atomic
from analysis.errors import AnalysisError
from analysis.tables.methods_text import MethodsText
from analysis.tables.result_table import result_table
from analysis.tables.text_export import text_contents
from analysis.tables.to_csv import render_csv
from analysis.tables.to_excel import render_excel
from analysis.tables.to_html import render_html
from analysis.tables.to_latex import render_latex
from analysis.tables.to_markdown import render_markdown
from analysis.tables.to_word import render_word
from analysis.values.arguments import check_choice

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from analysis.tables.journal_table import JournalTable

__all__ = ["FORMATS", "write_table", "write_text"]

FORMATS: dict[str, Callable[[JournalTable], str | bytes]] = {
    "html": render_html,
    "tex": render_latex,
    "docx": render_word,
    "md": render_markdown,
    "csv": render_csv,
    "xlsx": render_excel,
}
_ENDING = re.compile(r"\.([A-Za-z]{2,5})$")


def write_table(
    table: Any,  # noqa: ANN401 -- a table, or any result that has one
    path: Path | str,
    *,
    formats: Sequence[str] | None = None,
    **options: Any,  # noqa: ANN401
) -> list[Path]:
    """Write a table, or the table of a result, in the formats that journals take.

    Parameters
    ----------
    table : JournalTable or a result
        A finished table, or whatever `result_table` makes one of: `write_table(pool(...), "out/pooled")`.
        Paragraphs go to `write_text`.
    path : path
        Where to write, without ending: "out/pooled" gives out/pooled.docx and so on. With one of the known
        endings only that format is written. The folder is made where it does not exist.
    formats : sequence of {"html", "tex", "docx", "md", "csv", "xlsx"}, optional
        By default all six.
    **options
        Those of the builder, for a result: `title`, `notes`, `source`, `number` and its own.

    Returns
    -------
    list of Path
        The files, in the order of the formats. Nothing is written unless all of them can be made, and each
        replaces its predecessor in one move. The same table gives the same bytes.

    Raises
    ------
    TypeError
        If no table is known for a result.
    ValueError
        If a format is unknown, or the path is none.
    AnalysisError
        If the folder cannot be written to.

    Notes
    -----
    Numbers are printed as the surrounding `number_style` says when the table is made. CSV and Excel hold
    the unrounded numbers.

    Examples
    --------
    >>> import tempfile
    >>> from analysis import EffectSizes, pool
    >>> effects = EffectSizes(effect=[0.10, 0.65], variance=[0.03, 0.01], measure="HR")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     paths = write_table(pool(effects), f"{folder}/pooled", formats=["docx", "csv"])
    >>> [path.name for path in paths]
    ['pooled.docx', 'pooled.csv']
    """
    if isinstance(table, MethodsText):
        return write_text(table, path, formats=formats)
    stem, wanted = _places(path, formats, tuple(FORMATS))
    finished = result_table(table, **options)
    return _write(stem, {name: FORMATS[name](finished) for name in wanted})


def write_text(text: MethodsText, path: Path | str, *, formats: Sequence[str] | None = None) -> list[Path]:
    """Write the paragraphs on methods and results, with their references.

    Parameters
    ----------
    text : MethodsText
        What `methods_text` returns.
    path : path
        As for `write_table`.
    formats : sequence of {"html", "tex", "docx", "md"}, optional
        By default all four.

    Returns
    -------
    list of Path
        As for `write_table`.

    Raises
    ------
    TypeError
        If `text` is no `MethodsText`.
    ValueError, AnalysisError
        As for `write_table`.
    """
    if not isinstance(text, MethodsText):
        raise TypeError(f"`text` must be MethodsText, but got {type(text).__name__}; see `methods_text`.")
    contents = text_contents(text)
    stem, wanted = _places(path, formats, tuple(contents))
    return _write(stem, {name: contents[name] for name in wanted})


def _places(
    path: Path | str, formats: Sequence[str] | None, known: tuple[str, ...]
) -> tuple[Path, tuple[str, ...]]:
    """Return the path without ending, and the formats."""
    if not str(path).strip() or str(path).endswith(("/", "\\")) or Path(path).name in {"", ".", ".."}:
        raise ValueError(f"`path` must end with the name of a file, but got {str(path)!r}.")
    if isinstance(formats, str):
        formats = (formats,)
    place = Path(path)
    if formats is not None:
        if not formats:
            raise ValueError(f"`formats` must name at least one of {', '.join(known)}, but is empty.")
        for name in formats:
            check_choice("formats", name, known)
    ending = _ENDING.search(place.name)
    if ending is None or ending.start() == 0:
        return place, tuple(dict.fromkeys(formats or known))
    named = ending[1].lower()
    if named not in known:
        raise ValueError(
            f"`path` must have no ending or one of {', '.join(f'.{name}' for name in known)}, "
            f"but got {place.name!r}."
        )
    if formats is not None and set(formats) != {named}:
        raise ValueError(
            f"`path` asks for {named!r} by its ending and `formats` for {', '.join(map(repr, formats))}; "
            "leave one of them out."
        )
    return place.with_name(place.name[: ending.start()]), (named,)


def _write(stem: Path, contents: dict[str, str | bytes]) -> list[Path]:
    paths = []
    for name, content in contents.items():
        path = stem.with_name(f"{stem.name}.{name}")
        try:
            write_atomic(path, content)
        except OSError as error:
            raise AnalysisError(
                f"The folder {str(path.parent)!r} cannot be written to ({error.strerror or error}); "
                f"{path.name} was not written. Give another folder, or ask for the right to write there."
            ) from error
        paths.append(path)
    return paths
