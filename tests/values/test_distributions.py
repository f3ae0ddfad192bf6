import numpy as np
import pytest
from scipy import special

from analysis.values.distributions import t_quantile


@pytest.mark.parametrize("df", [0.0099, 0.01, 0.02, 0.5, 1, 3, 30])
def test_t_quantile_put_back_gives_the_tail(df):
    quantile = float(t_quantile(0.975, df))
    assert special.stdtr(df, -quantile) == pytest.approx(0.025, rel=1e-9)
    assert t_quantile(0.025, df) == pytest.approx(-quantile, rel=1e-12)


def test_t_quantile_of_hardly_any_degree_of_freedom_is_infinite():
    # scipy 1.16 gives 4.7e152 for 0.005, where the tail is 0.085.
    found = t_quantile(0.975, [0.005, 0.001, 1e-7, 0, -1])
    assert found[0] == pytest.approx(5.693e258, rel=1e-3)
    assert np.isinf(found[1:3]).all()
    assert np.isnan(found[3:]).all()
