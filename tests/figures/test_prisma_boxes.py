from analysis.figures.parts.prisma_boxes import boxes_of
from analysis.values.prisma_flow import OtherMethods, PrismaFlow

SMALL = {"databases": 100, "duplicates": 10, "excluded": 70, "reports_excluded": 12, "studies": 8}


def places(flow):
    return {(box.column, box.row) for box in boxes_of(flow)[0]}


def test_each_template_has_its_boxes():
    main = {(c, r) for c in (0, 1) for r in range(4)} | {(0, 4)}
    assert places(PrismaFlow(**SMALL)) == main
    other = OtherMethods(identified=3, reports_excluded=3)
    assert places(PrismaFlow(**SMALL, other=other)) == main | {(2, 0), (2, 2), (3, 2), (2, 3), (3, 3)}
    update = {(c + 1, r) for c, r in main} | {(0, 0), (1, 5)}
    assert places(PrismaFlow(**SMALL, previous_studies=2)) == update


def test_numbers_are_not_broken_from_their_brackets():
    boxes, _ = boxes_of(PrismaFlow(**SMALL))
    texts = [line.text for box in boxes for line in box.lines]
    assert "Records screened (n\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}90)" in texts


def test_titles_say_new_only_in_an_update():
    assert [title for title, _, _ in boxes_of(PrismaFlow(**SMALL))[1]] == [
        "Identification of studies via databases and registers"
    ]
    titles = [title for title, _, _ in boxes_of(PrismaFlow(**SMALL, previous_studies=2))[1]]
    assert titles == ["Identification of new studies via databases and registers", "Previous studies"]


def test_parts_stand_one_level_below_their_sum():
    flow = PrismaFlow(**SMALL | {"reports_excluded": {"Wrong": 12}})
    (box,) = [box for box in boxes_of(flow)[0] if (box.column, box.row) == (1, 3)]
    assert [(line.text.split("\N{NO-BREAK SPACE}")[0], line.level) for line in box.lines] == [
        ("Reports excluded (n", 0),
        ("Wrong (n", 1),
    ]
    assert box.lines[0].text.endswith(":")
