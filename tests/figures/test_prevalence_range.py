import numpy as np
import pytest
from matplotlib.colors import to_rgb

from analysis.figures.prevalence_range import figure_prevalence_range, plot_prevalence_range
from analysis.measures.association import risk_ratio
from analysis.measures.effect_size import effect_sizes
from analysis.measures.proportion import prevalence
from analysis.meta.pooling import pool
from analysis.values.counts import Proportion, TwoByTwo

COUNTS = Proportion(events=[15, 45, 11, 20, 35], total=[80, 73, 66, 103, 70])
LABELS = ["El Maghraoui 1999", "Capaci 2003", "Mitra 2000", "Bessant 2002", "Hmamouchi 2013"]
GROUPS = ["Lumbar spine", "Lumbar spine", "Lumbar spine", "Hip", "Hip"]


@pytest.fixture
def pooled():
    return {"Lumbar spine": pool(effect_sizes(COUNTS[:3], "PLO"))}


def test_positions_scale_and_band(pooled, by_gid):
    ax = plot_prevalence_range(
        prevalence(COUNTS), labels=LABELS, groups=GROUPS, band=(0.19, 0.62), pooled=pooled
    )
    assert ax.get_xlim() == (0, 100)
    assert ax.get_xscale() == "linear"
    assert ax.get_xlabel() == "Prevalence (%)"
    assert [text.get_text() for text in ax.get_xticklabels()] == ["0", "20", "40", "60", "80", "100"]
    assert [text.get_text() for text in ax.get_yticklabels()] == [
        "Lumbar spine",
        *LABELS[:3],
        "Pooled, 3 groups of patients",
        "95% prediction interval",
        "Hip",
        *LABELS[3:],
    ]
    marks = by_gid(ax, "estimate")
    assert [mark.get_xdata()[0] for mark in marks] == pytest.approx(100 * COUNTS.events / COUNTS.total)
    assert [mark.get_ydata()[0] for mark in marks] == [1, 2, 3, 7, 8]
    assert [line.get_xdata()[0] for line in by_gid(ax, "band limit")] == pytest.approx([19, 62])
    assert 0.7 < sum(by_gid(ax, "band")[0].get_facecolor()[:3]) / 3 < 0.9
    band = by_gid(ax, "band")[0].get_extents().transformed(ax.transData.inverted())
    assert (band.x0, band.x1) == pytest.approx((19, 62))
    assert ax.get_title() == "Quoted range 19% to 62%"
    estimate = pooled["Lumbar spine"].estimate
    assert by_gid(ax, "diamond")[0].get_xy()[0] == pytest.approx([100 * float(estimate.low), 4])
    prediction = pooled["Lumbar spine"].prediction
    assert by_gid(ax, "prediction interval")[0].get_xdata() == pytest.approx(
        [100 * float(prediction.low), 100 * float(prediction.high)]
    )


def test_the_text_columns(pooled, check_texts):
    texts = check_texts(
        figure_prevalence_range(
            prevalence(COUNTS),
            labels=LABELS,
            groups=GROUPS,
            counts=COUNTS,
            band=(0.19, 0.62),
            band_label="As quoted: 19% to 62%",
            pooled=pooled,
            note="Wilson intervals.",
        )
    )
    for text in (
        "15/80",
        "18.8 (11.7 to 28.7)",
        "Hip",
        "As quoted: 19% to 62%",
        "Prevalence, %",
        "Wilson intervals.",
    ):
        assert text in texts
    assert any(text.startswith("Pooled, 3 groups of patients (I² = ") for text in texts)
    assert not any("†" in text for text in texts)


def test_derived_counts_are_told_by_shape_sign_and_words(by_gid, check_texts):
    derived = [False, True, False, False, False]
    figure = figure_prevalence_range(prevalence(COUNTS), labels=LABELS, derived=derived)
    texts = check_texts(figure)
    assert "Capaci 2003\xa0†" in texts
    assert "† and hollow marker: number of events derived from the printed percentage." in texts
    faces = [to_rgb(mark.get_markerfacecolor()) for mark in by_gid(figure.axes[0], "estimate")]
    assert [face == (1, 1, 1) for face in faces] == derived


@pytest.mark.parametrize("width_mm", [84, 174])
@pytest.mark.parametrize("band", [(0.0, 0.03), (0.19, 0.62), (0.97, 1.0)])
def test_texts_never_overlap(width_mm, band, check_texts):
    labels = ["A very long name of a study with a subgroup of women over fifty, lumbar spine", *LABELS[1:]]
    check_texts(
        figure_prevalence_range(
            prevalence(COUNTS),
            labels=labels,
            groups=GROUPS,
            counts=COUNTS,
            band=band,
            band_label="Range that is quoted in the abstract",
            width_mm=width_mm,
            synthetic=True,
        )
    )


def test_sixty_studies_in_eight_groups_fit_on_a_page(check_texts):
    rng = np.random.default_rng(3)
    total = rng.integers(20, 400, 60)
    counts = Proportion(events=rng.binomial(total, 0.3), total=total)
    groups = [f"Definition {i // 8}" for i in range(60)]
    pooled = {
        name: pool(effect_sizes(counts[np.array([group == name for group in groups])], "PLO"))
        for name in dict.fromkeys(groups)
    }
    figure = figure_prevalence_range(
        prevalence(counts),
        labels=[f"Author {i} 2001" for i in range(60)],
        groups=groups,
        counts=counts,
        band=(0.19, 0.62),
        pooled=pooled,
    )
    check_texts(figure)
    assert 25.4 * figure.get_size_inches()[1] <= 297


def test_an_empty_study_keeps_its_row(by_gid, check_texts):
    figure = figure_prevalence_range(prevalence(Proportion(events=[0, 3], total=[0, 9])), labels=["a", "b"])
    assert "not estimable" in check_texts(figure)
    assert len(by_gid(figure.axes[0], "estimate")) == 1


def test_wrong_arguments_are_named(pooled):
    estimate = prevalence(COUNTS)
    with pytest.raises(TypeError, match="`estimate` must be an Estimate, but got Proportion"):
        figure_prevalence_range(COUNTS, labels=LABELS)
    table = TwoByTwo(exposed_cases=[9], exposed_total=[40], control_cases=[1], control_total=[20])
    with pytest.raises(ValueError, match="`estimate` must hold proportions, but is of measure 'RR'"):
        figure_prevalence_range(risk_ratio(table), labels=["a"])
    with pytest.raises(ValueError, match=r"`estimate` must be one row of studies, of shape \(k,\)"):
        figure_prevalence_range(estimate[np.newaxis], labels=LABELS)
    for name, value in (("labels", LABELS[:2]), ("groups", GROUPS[:2]), ("counts", COUNTS[:2])):
        arguments = {"labels": LABELS} | {name: value}
        with pytest.raises(ValueError, match=f"`{name}` must have one entry a study, 5, but has 2"):
            figure_prevalence_range(estimate, **arguments)
    with pytest.raises(ValueError, match="`groups` must stand together, but 'Hip' comes again at row 4"):
        figure_prevalence_range(estimate, labels=LABELS, groups=["Hip", "Spine", "Spine", "Spine", "Hip"])
    with pytest.raises(ValueError, match="`pooled` must name groups of the studies, but got 'Wrist'"):
        figure_prevalence_range(
            estimate, labels=LABELS, groups=GROUPS, pooled={"Wrist": pooled["Lumbar spine"]}
        )
    with pytest.raises(
        TypeError, match="`pooled` must hold one PooledEstimate a group, but 'Hip' is not one"
    ):
        figure_prevalence_range(estimate, labels=LABELS, groups=GROUPS, pooled={"Hip": estimate})
    with pytest.raises(
        ValueError, match=r"`band` must be two ascending proportions between 0 and 1, but got \(19, 62\)"
    ):
        figure_prevalence_range(estimate, labels=LABELS, band=(19, 62))
    with pytest.raises(TypeError, match="`derived` must be true/false, but got int"):
        figure_prevalence_range(estimate, labels=LABELS, derived=[0, 1, 0, 0, 0])
