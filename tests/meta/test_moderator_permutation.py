import numpy as np
import pytest

from analysis import EffectSizes, meta_regression
from analysis.meta.moderator_permutation import moderator_permutation_test
from reference_values import identifier, load, numbers, records


def _fit(record):
    _, data, moderator, method = record["id"].split("/")
    columns = load("D_influence")["datasets"][record["inputs"]["dataset"]]
    effects = EffectSizes(effect=numbers(columns["yi"]), variance=numbers(columns["vi"]))
    options = {"model": "common"} if method == "EE" else {"tau2": method}
    assert data.startswith(record["inputs"]["dataset"][:6])
    return meta_regression(effects, {moderator: columns[moderator]}, ci="wald", **options)


@pytest.mark.parametrize("record", records("D_influence", "permutest_mods/"), ids=identifier)
def test_exact_pvalues_equal_metafor(record):
    ours = moderator_permutation_test(_fit(record))
    # metafor counts an order once where studies share a moderator; all of its orders are as frequent.
    assert ours.exact
    expected, together = numbers(record["outputs"]["pval"]), record["outputs"]["QMp"]
    if "bcg_RR_rows1_7" in record["id"] and record["id"].endswith("REML"):
        # Of 2520 orders metafor leaves out one that did not converge for it: 463 of 2519; 464 of 2520 here.
        assert together == pytest.approx(463 / 2519, abs=1e-12)
        assert ours.moderators_pvalue == pytest.approx(464 / 2520, abs=1e-12)
        return
    assert ours.pvalue == pytest.approx(expected, abs=1e-12)
    assert ours.moderators_pvalue == pytest.approx(together, abs=1e-12)


def _bcg(**options):
    columns = load("B2_metareg")["datasets"]["bcg_RR"]
    effects = EffectSizes(effect=columns["yi"], variance=columns["vi"])
    return meta_regression(effects, {"ablat": columns["ablat"], "year": columns["year"]}, **options)


def test_random_orders_repeat_themselves_by_seed_and_count_the_observed():
    fit = _bcg(tau2="DL")
    first, again = (moderator_permutation_test(fit, draws=999, rng=3) for _ in range(2))
    assert list(first.pvalue) == list(again.pvalue)
    assert first.orders == 1000
    assert first.pvalue.min() >= 1 / 1000
    assert not first.exact


def test_random_orders_agree_with_all_of_them():
    (record,) = records("D_influence", "permutest_mods/bcg_RR_rows1_7/ablat/DL")
    every = moderator_permutation_test(_fit(record))
    random = moderator_permutation_test(_fit(record), exact=False, draws=20_000, rng=1)
    error = np.sqrt(every.pvalue * (1 - every.pvalue) / 20_000)
    assert (np.abs(random.pvalue - every.pvalue) < 4 * error + 1e-4).all()


def test_what_cannot_be_permuted_is_named():
    with pytest.raises(ValueError, match="at most 8 studies, but got 13"):
        moderator_permutation_test(_bcg(), exact=True)
    columns = load("B2_metareg")["datasets"]["bcg_RR"]
    effects = EffectSizes(effect=columns["yi"], variance=columns["vi"])
    with pytest.raises(ValueError, match="no moderator"):
        moderator_permutation_test(meta_regression(effects, {}))
