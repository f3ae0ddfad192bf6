import numpy as np
import pytest

from analysis import EffectSizes, meta_regression
from analysis.tables.regression_table import regression_table

LATITUDE = [44, 55, 42, 52, 13, 44, 19, 13, 27, 42, 18, 33, 33]


def _texts(table):
    return [[cell.text for cell in row.cells] for row in table.rows]


def test_coefficients_are_also_given_as_ratios(bcg):
    fit = meta_regression(bcg, {"latitude": LATITUDE})
    table = regression_table(fit, labels={"latitude": "Latitude, degrees"})
    assert [column.printed for column in table.columns] == [
        "Coefficient", "Estimate, log scale (95% CI)", "Ratio (95% CI)", "P",
    ]  # fmt: skip
    assert _texts(table)[1][0] == "Latitude, degrees"
    frame = table.to_frame()
    assert frame["value"].tolist() == fit.coefficients.tolist()
    assert frame["ratio_high"].to_numpy() == pytest.approx(np.exp(fit.high))
    assert frame["pvalue"].tolist() == fit.pvalue.tolist()
    assert table.notes[0].startswith(
        "13 studies. Residual heterogeneity: τ² = 0.0763, R² = 76%, I² = 68%, QE = 30.7"
    )
    assert table.notes[1].startswith("Test of the moderators: F = 12.6 (df = 1 and 11), P = 0.005")


def test_differences_have_no_ratio():
    effects = EffectSizes(effect=[0.1, 0.2, 0.4, 0.3], variance=0.1, measure="RD")
    table = regression_table(meta_regression(effects, {"x": [1, 2, 3, 4]}, model="common", ci="wald"))
    assert [column.printed for column in table.columns] == ["Coefficient", "Estimate (95% CI)", "P"]
    assert "τ²" not in table.notes[0]
    assert "QM = " in table.notes[1]


def test_wrong_regressions_are_refused(bcg):
    fit = meta_regression(bcg, {"latitude": LATITUDE})
    with pytest.raises(
        ValueError, match=r"`labels` must name coefficients \(intercept, latitude\), but got \['x'\]"
    ):
        regression_table(fit, labels={"x": "y"})
    with pytest.raises(TypeError, match="`fit` must be MetaRegression, but got EffectSizes"):
        regression_table(bcg)
    many = meta_regression(
        EffectSizes(effect=np.ones((2, 4)) * [1, 2, 3, 5], variance=0.1), {"x": [1, 2, 3, 4]}, tau2="DL"
    )
    with pytest.raises(ValueError, match=r"must be one regression, but has shape \(2,\)"):
        regression_table(many)
