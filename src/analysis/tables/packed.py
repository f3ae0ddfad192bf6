"""Word and Excel files whose bytes depend on their content alone: no dates, nothing of the machine."""

from __future__ import annotations

import io
import re
import zipfile

__all__ = ["without_dates"]

# The first moment that the format of these files can name.
_NO_DATE = (1980, 1, 1, 0, 0, 0)
_DATES = re.compile(rb"<dcterms:(created|modified)\b[^>]*?(/>|>.*?</dcterms:\1>)", re.DOTALL)


def without_dates(content: bytes) -> bytes:
    """Return the same packed file without the moment at which it was made.

    Parameters
    ----------
    content : bytes
        A .docx or .xlsx file.

    Returns
    -------
    bytes
        The parts in the same order, with one fixed date, and no date in the document's properties.
    """
    stream = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as old,
        zipfile.ZipFile(stream, "w", compression=zipfile.ZIP_DEFLATED, compresslevel=9) as new,
    ):
        for name in old.namelist():
            part = old.read(name)
            if name == "docProps/core.xml":
                part = _DATES.sub(b"", part)
            entry = zipfile.ZipInfo(name, _NO_DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            # Else the operating system would be written into the file.
            entry.create_system = 3
            entry.external_attr = 0o644 << 16
            new.writestr(entry, part)
    return stream.getvalue()
