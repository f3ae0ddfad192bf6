"""Where the project is, whether its files are the ones that were published, and how files are written.

What the files say is the business of `schema` and `datasets`.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from analysis.errors import DataError, Fault

__all__ = ["check_sums", "citation_keys", "project_root", "sha256", "write_atomic"]

_SUMS = "data/raw/SHA256SUMS"
_NEW_SUMS = (
    "If the change is meant, write the sums anew: "
    "cd data/raw && sha256sum $(ls | grep -v SHA256SUMS) > SHA256SUMS"
)


def project_root(start: Path | str | None = None) -> Path:
    """Find the folder of the project.

    Parameters
    ----------
    start : path, optional
        File or folder from which to walk up. Without it, the environment variable
        ``REANALYSIS_ROOT`` names the folder of the project; where that is not set either,
        the walk begins in the working directory.

    Returns
    -------
    Path
        The nearest folder that holds ``pyproject.toml`` and ``data/raw``.

    Raises
    ------
    DataError
        No such folder was found.
    """
    named = os.environ.get("REANALYSIS_ROOT") if start is None else None
    if named:
        folder = Path(named).expanduser().resolve()
        if _is_project(folder):
            return folder
        raise DataError(
            [
                Fault(
                    file="REANALYSIS_ROOT",
                    rule="must name a folder that holds pyproject.toml and data/raw",
                    value=named,
                    way_out="Set it to the folder of the project, or unset it and work inside that folder.",
                )
            ]
        )
    here = Path.cwd() if start is None else Path(start).resolve()
    for folder in (here, *here.parents):
        if _is_project(folder):
            return folder
    raise DataError(
        [
            Fault(
                file=str(here),
                rule="must lie inside the project, a folder that holds pyproject.toml and data/raw",
                way_out="Change into the folder of the project, or set REANALYSIS_ROOT to it.",
            )
        ]
    )


def sha256(path: Path | str) -> str:
    """Return the SHA-256 sum of a file as hexadecimal text.

    Parameters
    ----------
    path : path
        The file.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_atomic(path: Path | str, content: str | bytes) -> None:
    """Write a file so that a reader sees the old content or the new one, never a part.

    Parameters
    ----------
    path : path
        The file to write; its folder is made where it does not exist.
    content : str or bytes
        Text is written as UTF-8 with its line ends unchanged.

    Raises
    ------
    ValueError
        `path` lies in the ``data/raw`` of a project: raw data are never written by code.
    """
    path = Path(path)
    for folder in path.resolve().parents:
        if (folder.name, folder.parent.name) == ("raw", "data") and _is_project(folder.parent.parent):
            raise ValueError(
                f"`path` must lie outside data/raw, which code never writes, but got {str(path)!r}; "
                "write to data/processed, or correct raw data by hand with a reason."
            )
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with temporary.open("xb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def check_sums(root: Path) -> list[Fault]:
    """Compare the files of ``data/raw`` with the sums that were published with them.

    Parameters
    ----------
    root : Path
        The folder of the project.

    Returns
    -------
    list of Fault
        One for each file that is missing, changed or not listed, and each line that is no sum;
        empty when all is well. Files whose names begin with a dot are left out.
    """
    folder = root / "data" / "raw"
    listed, faults = _listed_sums(root / _SUMS)
    present = {
        file.relative_to(folder).as_posix()
        for file in folder.rglob("*")
        if file.is_file() and not file.name.startswith(".")
    } - {"SHA256SUMS"}
    for name, expected in sorted(listed.items()):
        if name not in present:
            faults.append(
                Fault(
                    file=f"data/raw/{name}",
                    rule="must exist, because SHA256SUMS lists it",
                    way_out="Restore it: git checkout -- data/raw",
                )
            )
        elif (found := sha256(folder / name)) != expected:
            faults.append(
                Fault(
                    file=f"data/raw/{name}",
                    rule=f"must have the sum {expected[:12]}... of SHA256SUMS",
                    value=f"{found[:12]}...",
                    way_out=f"Restore it: git checkout -- data/raw. {_NEW_SUMS}",
                )
            )
    if listed:
        faults += [
            Fault(
                file=f"data/raw/{name}",
                rule="must be listed in SHA256SUMS",
                way_out=f"Move it elsewhere. {_NEW_SUMS}",
            )
            for name in sorted(present - listed.keys())
        ]
    return faults


def citation_keys(path: Path | str, *, name: str | None = None) -> set[str]:
    """Return the keys of a BibTeX file.

    Parameters
    ----------
    path : path
        The file.
    name : str, optional
        The file as faults name it; by default the path as given.

    Returns
    -------
    set of str
        The citation keys.

    Raises
    ------
    DataError
        The file cannot be read, an entry cannot be parsed, or two entries have one key.
    """
    import logging

    from bibtexparser.entrypoint import parse_string

    name = str(path) if name is None else name
    # The parser logs what it also returns; it is reported once, as faults.
    logger = logging.getLogger("bibtexparser")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        library = parse_string(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            [Fault(file=name, rule="must be a readable UTF-8 file", value=type(error).__name__)]
        ) from error
    finally:
        logger.setLevel(level)
    faults = [
        Fault(
            file=name,
            line=(block.start_line or 0) + 1,
            rule="must be one whole BibTeX entry with a key of its own",
            value=(block.raw or "").strip().partition("\n")[0],
            way_out="Close its braces, or give it another key.",
        )
        for block in library.failed_blocks
    ]
    if faults:
        raise DataError(faults)
    return {entry.key for entry in library.entries}


def _is_project(folder: Path) -> bool:
    return (folder / "pyproject.toml").is_file() and (folder / "data" / "raw").is_dir()


def _listed_sums(path: Path) -> tuple[dict[str, str], list[Fault]]:
    if not path.is_file():
        return {}, [Fault(file=_SUMS, rule="must exist", way_out="Restore it: git checkout -- data/raw")]
    listed: dict[str, str] = {}
    faults: list[Fault] = []
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), start=1):
        digest, _, name = line.partition("  ")
        if len(digest) == 64 and set(digest) <= set("0123456789abcdef") and name and name not in listed:
            listed[name] = digest
        else:
            faults.append(
                Fault(
                    file=_SUMS,
                    line=number,
                    rule="must be 64 hexadecimal digits, two spaces and a file name that is listed once",
                    value=line,
                    way_out=_NEW_SUMS,
                )
            )
    if not listed and not faults:
        faults.append(Fault(file=_SUMS, rule="must list at least one file", way_out=_NEW_SUMS))
    return listed, faults
