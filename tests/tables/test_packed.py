import io
import zipfile

from analysis.tables.packed import without_dates

CORE = (
    '<p xmlns:dcterms="d" xmlns:xsi="x"><dcterms:created xsi:type="dcterms:W3CDTF">2026-01-01T00:00:00Z'
    "</dcterms:created><t>a title</t><dcterms:modified>2026</dcterms:modified></p>"
)


def _packed(date, core=CORE):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in (
            ("[Content_Types].xml", "<a/>"),
            ("docProps/core.xml", core),
            ("b.xml", "2026"),
        ):
            archive.writestr(zipfile.ZipInfo(name, date), content)
    return stream.getvalue()


def test_dates_are_gone_and_the_rest_stays():
    content = without_dates(_packed((2026, 5, 1, 12, 0, 0)))
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.namelist() == ["[Content_Types].xml", "docProps/core.xml", "b.xml"]
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert archive.read("docProps/core.xml").decode() == (
            '<p xmlns:dcterms="d" xmlns:xsi="x"><t>a title</t></p>'
        )
        assert archive.read("b.xml") == b"2026"
        assert archive.testzip() is None


def test_the_moment_of_making_makes_no_difference():
    earlier, later = (
        _packed((1999, 1, 1, 0, 0, 0)),
        _packed((2026, 5, 1, 12, 0, 0), CORE.replace("2026", "1999")),
    )
    assert earlier != later
    assert without_dates(earlier) == without_dates(later)
