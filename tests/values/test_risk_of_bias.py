import numpy as np
import pandas as pd
import pytest

from analysis.values.risk_of_bias import JUDGEMENTS, TOOLS, RiskOfBias


def bias(**changes):
    return RiskOfBias(
        **{
            "label": ["A", "B", "C"],
            "domain": ["Randomisation", "Missing data"],
            "judgement": [["low", "high"], ["some concerns", "low"], ["low", "low"]],
            "overall": ["high", "some concerns", "low"],
            "tool": "RoB 2",
        }
        | changes
    )


def test_what_goes_in_is_held():
    result = bias()
    assert len(result) == 3
    assert result.label == ("A", "B", "C")
    assert result.judgement.tolist() == [["low", "high"], ["some concerns", "low"], ["low", "low"]]
    assert not result.judgement.flags.writeable
    assert repr(result) == "RiskOfBias(3 studies x 2 domains, tool 'RoB 2')"
    assert repr(bias()[:1]) == "RiskOfBias(1 study x 2 domains, tool 'RoB 2')"


def test_capitals_and_space_do_not_matter():
    words = [["Low", " HIGH "], ["Some  Concerns", "low"], ["low", "low"]]
    assert bias(judgement=words).judgement.tolist() == bias().judgement.tolist()


def test_equal_labels_stay_apart():
    assert bias(label=["A", "A", "A"]).label == ("A", "A", "A")


def test_studies_are_selected_as_numpy_does():
    for key in ([2, 0], np.array([2, 0])):
        part = bias()[key]
        assert part.label == ("C", "A")
        assert part.judgement.tolist() == [["low", "low"], ["low", "high"]]
        assert part.overall == ("low", "high")
    assert bias()[np.array([False, True, False])].label == ("B",)
    assert bias(overall=None)[1].overall is None


def test_worst_goes_by_severity_and_skips_what_is_not_applicable():
    rows = [
        ["low", "not applicable"],
        ["no information", "moderate"],
        ["no information", "serious"],
        ["critical", "serious"],
        ["not applicable", "not applicable"],
    ]
    result = RiskOfBias(label=list("ABCDE"), domain=["x", "y"], judgement=rows)
    assert result.worst() == ("low", "no information", "serious", "critical", "not applicable")


def test_an_overall_judgement_better_than_the_worst_domain_is_named():
    assert bias().better_than_worst() == ()
    # Worse than the worst domain is the assessors' right.
    assert bias(overall=["low", "high", "low"]).better_than_worst() == ("A",)
    assert bias(overall=None).better_than_worst() == ()


def test_shares_sum_to_one_and_follow_the_weights():
    shares = bias().shares()
    assert shares.domain == ("Randomisation", "Missing data", "Overall")
    assert shares.judgement == ("low", "some concerns", "high")
    np.testing.assert_array_equal(shares.count, [[2, 1, 0], [2, 0, 1], [1, 1, 1]])
    np.testing.assert_allclose(shares.share, shares.count / 3)
    assert not shares.weighted
    weighted = bias().shares(weights=[2, 1, 1])
    np.testing.assert_allclose(weighted.share, [[0.75, 0.25, 0], [0.5, 0, 0.5], [0.25, 0.25, 0.5]])
    np.testing.assert_array_equal(weighted.count, shares.count)
    assert weighted.weighted
    frame = weighted.to_frame()
    assert frame.loc[(frame.domain == "Overall") & (frame.judgement == "high"), "share"].tolist() == [0.5]
    assert len(frame) == 9


def test_a_frame_and_back():
    wide = pd.DataFrame(
        {
            "study": ["A", "B", "C"],
            "Randomisation": ["Low", "Some concerns", "low"],
            "Missing data": ["high", "low", "low"],
            "all": ["high", "some concerns", "low"],
        }
    )
    result = RiskOfBias.from_frame(wide, overall="all", tool="RoB 2")
    assert result.to_frame().equals(bias().to_frame())
    assert result.to_frame().iloc[2].tolist() == ["A", "Overall", "high"]
    only = RiskOfBias.from_frame(wide, domains=["Missing data"])
    assert only.domain == ("Missing data",)
    assert only.judgement.tolist() == [["high"], ["low"], ["low"]]
    assert len(only.to_frame()) == 3
    with pytest.raises(KeyError, match=r"no column `Trial`, `x`; it has study, Randomisation, Missing"):
        RiskOfBias.from_frame(wide, study="Trial", domains=["x"])


def test_a_long_frame_and_back():
    for whole in (bias(), bias(overall=None)):
        again = RiskOfBias.from_long_frame(whole.to_frame(), tool="RoB 2")
        assert again.to_frame().equals(whole.to_frame())
        assert again.overall == whole.overall
        assert again.label == whole.label
    renamed = bias().to_frame().rename(columns={"study": "Trial", "judgement": "Risk"})
    assert RiskOfBias.from_long_frame(renamed, study="Trial", judgement="Risk").domain == bias().domain
    with pytest.raises(KeyError, match="no column `study`, `judgement`; it has Trial, domain, Risk"):
        RiskOfBias.from_long_frame(renamed)
    frame = bias().to_frame()
    with pytest.raises(ValueError, match="is missing for study 'B', domain 'Missing data'"):
        RiskOfBias.from_long_frame(frame.drop(index=4))
    with pytest.raises(ValueError, match="is missing for study 'C', domain 'Overall'"):
        RiskOfBias.from_long_frame(frame.drop(index=8))
    with pytest.raises(ValueError, match="has two for study 'A', domain 'Randomisation'"):
        RiskOfBias.from_long_frame(pd.concat([frame, frame[:1]]))


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        (
            {"judgement": [["low", "hihg"], ["low", "low"], ["low", "low"]]},
            ValueError,
            r"one of RoB 2 of 'low', 'some concerns', 'high', 'not applicable', but got 'hihg' "
            r"for study 'A', domain 'Missing data'\. Did you mean 'high'\?",
        ),
        (
            {"judgement": [["low", "low"], ["low", "low"], ["serious", "low"]]},
            ValueError,
            "but got 'serious' for study 'C', domain 'Randomisation'",
        ),
        (
            {"judgement": [["low", "low"], [None, "low"], ["low", "low"]]},
            ValueError,
            "must be there, but is missing for study 'B', domain 'Randomisation'. Write 'no information'",
        ),
        (
            {"judgement": [["low", "low"], ["low", float("nan")], ["low", "low"]]},
            ValueError,
            "is missing for study 'B', domain 'Missing data'",
        ),
        (
            {"judgement": [["low", "low"], ["low", pd.NA], ["low", "low"]]},
            ValueError,
            "is missing for study 'B', domain 'Missing data'",
        ),
        (
            {"judgement": [["low", 3], ["low", "low"], ["low", "low"]]},
            TypeError,
            "must be text, but got 3 for study 'A', domain 'Missing data'",
        ),
        ({"judgement": [["low", "low"]]}, ValueError, r"each of the 3 studies .* but has shape \(1, 2\)"),
        ({"judgement": [["low"], ["low", "low"], ["low"]]}, ValueError, "each of the 2 domains"),
        ({"overall": ["low"]}, ValueError, "each of the 3 studies, but has 1"),
        ({"overall": "low"}, TypeError, "but got the text 'low'"),
        ({"overall": ["low", "low", "bad"]}, ValueError, "'bad' for study 'C', domain 'Overall'"),
        ({"domain": ["x", "x"]}, ValueError, "each domain once, but got 'x' more than once"),
        ({"domain": ["x", "Overall"]}, ValueError, "must not hold 'Overall'"),
        ({"domain": ["x", 3]}, TypeError, "`domain` must be text, but got 3 at index 1"),
        ({"domain": []}, ValueError, "`domain` must hold at least one text"),
        ({"label": "ABC"}, TypeError, "sequence of texts, but got the text 'ABC'"),
        ({"label": ["A", " ", "C"]}, ValueError, "`label` must not be empty, but got ' ' at index 1"),
        ({"tool": 2}, TypeError, "`tool` must be text or None, but got 2"),
    ],
)
def test_wrong_input_is_named(changes, error, message):
    with pytest.raises(error, match=message):
        bias(**changes)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1, 2], r"each of the 3 studies, but has shape \(2,\)"),
        ([1, -2, 1], "at least 0, but got -2 at index 1"),
        ([1, np.nan, 1], "but got nan at index 1"),
        ([0, 0, 0], "must not all be 0"),
    ],
)
def test_wrong_weights_are_named(weights, message):
    with pytest.raises(ValueError, match=message):
        bias().shares(weights=weights)


def test_tools_use_known_judgements_from_the_best_on():
    for judgements in TOOLS.values():
        places = [JUDGEMENTS.index(judgement) for judgement in judgements]
        assert places == sorted(places)


def test_an_unknown_tool_takes_every_judgement():
    words = [[word] for word in JUDGEMENTS]
    result = RiskOfBias(label=list(JUDGEMENTS), domain=["x"], judgement=words, tool="Our own")
    assert [row[0] for row in result.judgement.tolist()] == list(JUDGEMENTS)
