import numpy as np
import pytest

from analysis import EffectSizes
from analysis.meta.multilevel import multilevel_regression, pool_multilevel
from analysis.meta.robust import cluster_robust, robust_pool, robust_regression
from reference_values import dataset, identifier, number, numbers, records

ROBUST = {
    "robust|konstantopoulos2011|TRUE": {"variances": "between", "kind": "CR1", "df": "clusters"},
    "robust|konstantopoulos2011|FALSE": {"variances": "between", "kind": "CR0", "df": "clusters"},
    "robust_CR2|konstantopoulos2011": {"variances": "between", "kind": "CR2"},
    "robust_uni|konstantopoulos2011": {"variances": "within", "kind": "CR1", "df": "clusters"},
}


@pytest.mark.parametrize("record", records("C_mv", "robust"), ids=identifier)
def test_robust_intervals_equal_metafor_and_clubsandwich(record):
    columns, out = dataset("C_mv", record), record["outputs"]
    effects = EffectSizes(effect=columns["yi"], variance=columns["vi"])
    fit = robust_pool(effects, cluster=columns["district"], **ROBUST[record["id"]])
    assert float(fit.estimate.value) == pytest.approx(number(out["beta"][0]), rel=1e-6)
    assert float(fit.estimate.std_error) == pytest.approx(number(out["se"][0]), rel=1e-7)
    assert float(fit.df) == pytest.approx(numbers(out["dfs"]), rel=1e-6)
    assert float(fit.estimate.low) == pytest.approx(number(out["ci.lb"][0]), abs=1e-7)
    assert float(fit.estimate.high) == pytest.approx(number(out["ci.ub"][0]), abs=1e-7)
    assert float(fit.estimate.pvalue) == pytest.approx(number(out["pval"][0]), rel=1e-6)


def _square_root(matrix, power):
    value, vector = np.linalg.eigh(matrix)
    scaled = np.where(value > 1e-10 * value.max(), np.maximum(value, 1e-300) ** power, 0.0)
    return (vector * scaled) @ vector.T


def _directly(x, w, phi, e, cluster, kind):
    """Return covariance and degrees of freedom by full matrices, cluster by cluster.

    CR2 by its symmetric form A = Φ^½ (Φ^½ R Φ^½)^-½ Φ^½, R the covariance of the residuals.
    """
    n, p = x.shape
    m_inverse = np.linalg.inv(x.T @ w @ x)
    leave = np.eye(n) - x @ m_inverse @ x.T @ w
    names = np.unique(cluster)
    vectors = []
    for name in names:
        inside = np.flatnonzero(cluster == name)
        a = np.eye(inside.size)
        if kind == "CR2":
            half = _square_root(phi[np.ix_(inside, inside)], 0.5)
            spread = (leave @ phi @ leave.T)[np.ix_(inside, inside)]
            a = half @ _square_root(half @ spread @ half, -0.5) @ half
        wide = np.zeros((n, p))
        wide[inside] = a.T @ w[np.ix_(inside, inside)] @ x[inside] @ m_inverse
        vectors.append(wide)
    g = np.array(vectors)
    scores = np.einsum("n,jnp->jp", e, g)
    covariance = scores.T @ scores
    if kind == "CR1":
        covariance *= names.size / (names.size - p)
    spread = leave @ phi @ leave.T
    df = []
    for c in range(p):
        gram = g[:, :, c] @ spread @ g[:, :, c].T
        df.append(np.trace(gram) ** 2 / (gram**2).sum())
    return covariance, np.array(df)


@pytest.mark.parametrize("kind", ["CR0", "CR1", "CR2"])
@pytest.mark.parametrize("weighting", ["inverse", "other"])
@pytest.mark.parametrize("columns", [1, 2, 3])
def test_sandwich_equals_full_matrices(kind, weighting, columns):
    rng = np.random.default_rng(columns)
    cluster = np.repeat(np.arange(8), rng.integers(1, 5, 8))
    rng.shuffle(cluster)
    n = cluster.size
    x = np.column_stack([np.ones(n), rng.normal(2000, 6, n), rng.normal(size=n)])[:, :columns]
    variance = rng.uniform(0.1, 1, n)
    w = 1 / variance if weighting == "inverse" else rng.uniform(0.5, 2, n)
    y = rng.normal(size=n)
    e = y - x @ np.linalg.solve(x.T @ (w[:, None] * x), x.T @ (w * y))
    ours = cluster_robust(x, w, e, cluster, kind=kind, working_variance=variance)
    covariance, df = _directly(x, np.diag(w), np.diag(variance), e, cluster, kind)
    unit = np.sqrt(np.outer(np.diag(covariance), np.diag(covariance)))
    assert ours.covariance / unit == pytest.approx(covariance / unit, abs=1e-6 if columns > 1 else 1e-10)
    assert ours.df == pytest.approx(df, rel=1e-5 if columns > 1 else 1e-9)


@pytest.mark.parametrize("rho", [0.0, 0.6])
def test_working_models_equal_full_matrices(rho):
    rng = np.random.default_rng(7)
    cluster = np.repeat(np.arange(6), [1, 3, 2, 4, 1, 5])
    v = rng.uniform(0.02, 0.3, 16)
    y = rng.normal(0, 0.5, 6)[cluster] + rng.normal(0, np.sqrt(v + 0.05))
    z = rng.normal(size=16)
    effects = EffectSizes(effect=y, variance=v)
    ours = robust_regression(effects, z, cluster=cluster, sampling_correlation=rho)
    model = multilevel_regression(effects, z, cluster=cluster, sampling_correlation=rho)
    same = cluster[:, None] == cluster
    phi = rho * same * np.sqrt(np.outer(v, v)) + np.diag((1 - rho) * v + float(model.sigma2_within))
    phi += float(model.sigma2_between) * same
    x = np.column_stack((np.ones(16), z))
    e = y - x @ model.coefficients.value
    covariance, df = _directly(x, np.linalg.inv(phi), phi, e, cluster, "CR2")
    assert ours.covariance == pytest.approx(covariance, rel=1e-7, abs=1e-12)
    assert ours.df == pytest.approx(df, rel=1e-7)
    assert ours.coefficients.value == pytest.approx(model.coefficients.value, rel=1e-10)


@pytest.mark.parametrize(
    ("kind", "factor", "loss"), [("CR0", 0, 0), ("CR1", 1, 0), ("CR2", 0, 1)], ids=["CR0", "CR1", "CR2"]
)
def test_a_mean_has_closed_forms(kind, factor, loss):
    # The mean of N observations with clusters of n_j: each score is n_j (mean_j - mean)/N, and under equal
    # variances has variance n_j (1 - n_j/N)/N².
    rng = np.random.default_rng(1)
    sizes = np.array([2, 3, 3, 5, 1, 4])
    cluster = np.repeat(np.arange(6), sizes)
    y = rng.normal(size=sizes.sum())
    means = np.bincount(cluster, y) / sizes
    share = sizes / sizes.sum()
    terms = share**2 * (means - y.mean()) ** 2 / (1 - share) ** loss
    variance = terms.sum() * (6 / 5 if factor else 1)
    ours = cluster_robust(np.ones(y.size), np.ones(y.size), y - y.mean(), cluster, kind=kind)
    assert float(ours.covariance[0, 0]) == pytest.approx(variance, rel=1e-12)
    # Covariances of the scores, divided by the common variance.
    gram = (np.diag(sizes) - np.outer(sizes, sizes) / sizes.sum()) / sizes.sum() ** 2
    scale = 1 / np.sqrt((1 - share) ** loss)
    gram = gram * np.outer(scale, scale)
    assert float(ours.df[0]) == pytest.approx(np.trace(gram) ** 2 / (gram**2).sum(), rel=1e-10)


def test_equal_clusters_have_m_less_one_degrees_of_freedom():
    y = np.array([1.0, 1.5, 2.0, 2.5, 2.0, 3.0])
    ours = cluster_robust(np.ones(6), np.ones(6), y - 2, [1, 1, 2, 2, 3, 3])
    # With equal clusters CR2 is the standard error of the mean of their means.
    assert float(ours.df[0]) == pytest.approx(2, rel=1e-12)
    assert float(ours.std_error[0]) == pytest.approx(
        np.std([1.25, 2.25, 2.5], ddof=1) / np.sqrt(3), rel=1e-12
    )


def test_cr2_is_unbiased_under_the_working_model():
    rng = np.random.default_rng(5)
    cluster = np.repeat(np.arange(5), [1, 4, 2, 6, 3])
    v = rng.uniform(0.1, 2, 16)
    x = np.column_stack((np.ones(16), rng.normal(size=16)))
    bread = np.linalg.inv(x.T @ (x / v[:, None]))
    # The expectation over errors e ~ N(0, diag(v)) is a sum over a square root of their covariance.
    leave = np.eye(16) - x @ bread @ (x / v[:, None]).T
    directions = leave * np.sqrt(v)
    total = sum(cluster_robust(x, 1 / v, d, cluster).covariance for d in directions.T)
    assert total == pytest.approx(bread, rel=1e-9, abs=1e-12)
    plain = sum(cluster_robust(x, 1 / v, d, cluster, kind="CR0").covariance for d in directions.T)
    assert (np.diag(plain) < 0.95 * np.diag(bread)).all()


def test_a_batch_equals_a_loop():
    rng = np.random.default_rng(2)
    cluster = np.array([3, 1, 1, 2, 2, 2, 3, 5, 5, 4])
    v = rng.uniform(0.02, 0.3, (2, 3, 10))
    y = rng.normal(0, 0.4, (2, 3, 6))[..., cluster] + rng.normal(0, np.sqrt(v))
    z = rng.normal(size=10)
    batch = robust_pool(EffectSizes(effect=y, variance=v), cluster=cluster)
    slopes = robust_regression(EffectSizes(effect=y, variance=v), z, cluster=cluster)
    assert slopes.covariance.shape == (2, 3, 2, 2)
    for index in np.ndindex(2, 3):
        one = EffectSizes(effect=y[index], variance=v[index])
        single = robust_pool(one, cluster=cluster)
        assert float(batch.df[index]) == pytest.approx(float(single.df), rel=1e-5)
        assert float(batch.estimate.high[index]) == pytest.approx(float(single.estimate.high), rel=1e-5)
        regression = robust_regression(one, z, cluster=cluster)
        assert slopes.df[index] == pytest.approx(regression.df, rel=1e-5)
        assert slopes.coefficients.low[index] == pytest.approx(
            regression.coefficients.low, rel=1e-5, abs=1e-7
        )
    assert len(batch.to_frame()) == 6


def test_the_estimate_is_that_of_the_working_model():
    effects = EffectSizes(
        effect=[0.1, 0.3, 0.35, 0.65, 0.6, 0.05], variance=[0.03, 0.03, 0.05, 0.01, 0.02, 0.02]
    )
    cluster = ["A", "A", "B", "C", "C", "D"]
    robust, plain = robust_pool(effects, cluster=cluster), pool_multilevel(effects, cluster=cluster)
    assert float(robust.estimate.value) == float(plain.estimate.value)
    assert float(robust.sigma2_between) == float(plain.sigma2_between)
    assert str(robust).endswith("CR2 (df = 2.9), 6 effects in 4 clusters")
    regression = robust_regression(effects, [1, 1, 2, 3, 3, 1], cluster=cluster, names=["dose"])
    assert list(regression.to_frame()["coefficient"]) == ["intercept", "dose"]
    assert str(regression).startswith("intercept: ")
    share = EffectSizes(effect=effects.effect, variance=effects.variance, measure="PLO")
    assert robust_pool(share, cluster=cluster).estimate.pvalue is None


def test_a_coefficient_that_one_cluster_decides_stays_finite():
    # The second column is 1 in one cluster only: its residuals there sum to 0, and say nothing.
    cluster = np.repeat(np.arange(4), 3)
    x = np.column_stack((np.ones(12), cluster == 3))
    y = np.arange(12) % 5 / 4
    e = y - x @ np.linalg.lstsq(x, y, rcond=None)[0]
    ours = cluster_robust(x, np.ones(12), e, cluster)
    assert np.isfinite(ours.covariance).all()
    assert np.isfinite(ours.df).all()


def test_intervals_from_a_covariance():
    y = np.array([1.0, 1.5, 2.0, 2.5, 2.0, 3.0])
    ours = cluster_robust(np.ones(6), np.ones(6), y - 2, [1, 1, 2, 2, 3, 3], df="clusters")
    interval = ours.interval([2.0])
    assert [float(interval.low[0]), float(interval.high[0])] == pytest.approx([0.3569, 3.6431], abs=1e-4)
    assert list(ours.to_frame().columns) == ["std_error", "df", "kind", "n_clusters"]
    with pytest.raises(ValueError, match="one value for each of"):
        ours.interval([1.0, 2.0])


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        (
            (np.ones(3), [1, 0, 1], np.ones(3), [1, 2, 2]),
            {},
            ValueError,
            "`weights` must be a number greater",
        ),
        ((np.ones(3), [1, 1], np.ones(3), [1, 2, 2]), {}, ValueError, "must have one row an observation"),
        ((np.ones(3), [1, 1, 1], [1, np.nan, 1], [1, 2, 2]), {}, ValueError, "are not at index 1"),
        ((np.ones((3, 2)), [1, 1, 1], [1, 1, 1], [1, 2, 3]), {}, ValueError, "combinations of one another"),
        ((np.ones(3), [1, 1, 1], [1, 1, 1], [1, 1, 1]), {}, ValueError, "more clusters than there are coeff"),
        ((np.ones(3), [1, 1, 1], [1, 1, 1], [1, 2, 2]), {"kind": "CR3"}, ValueError, "`kind` must be one of"),
        ((np.ones(3), [1, 1, 1], [1, 1, 1], [1, 2, 2]), {"df": "z"}, ValueError, "`df` must be one of"),
        (
            (np.ones(3), [1, 1, 1], [1, 1, 1], [1, 2, 2]),
            {"working_variance": [1, 2]},
            ValueError,
            "one value for each of 3 rows",
        ),
        ((["a"] * 3, [1, 1, 1], [1, 1, 1], [1, 2, 2]), {}, TypeError, "`design` must be numbers"),
    ],
)
def test_bad_input_is_named(arguments, options, error, message):
    with pytest.raises(error, match=message):
        cluster_robust(*arguments, **options)
