"""metafor's rma.glmm, which fits by lme4: its own number of nodes, its own stopping rule."""

import re

import numpy as np
import pytest
from scipy import optimize, stats

from analysis import TwoByTwo
from analysis.meta.glmm import pool_glmm
from analysis.meta.methods.glmm_designs import MODELS, build_design
from analysis.meta.methods.glmm_fit import fit_mixed_model
from analysis.meta.methods.glmm_model import MixedModel
from analysis.meta.methods.glmm_quadrature import gauss_hermite_value
from glmm_counts import analysis_scale, bcg_table, counts_of, mean_of
from reference_values import dataset, identifier, number, records


class _Metafor:
    """A record of rma.glmm: the data, the options as ours, and what was found."""

    def __init__(self, record):
        call, parts = record["call"], record["id"].split("/")
        self.measure = parts[2]
        self.data = counts_of(self.measure, dataset("C_glmm", record), parts[3])
        self.outputs = record["outputs"]
        model = re.search(r"model='([\w.]+)'", call)
        self.model = model[1] if model else MODELS[self.measure][0]
        self.method = "ML" if "method='ML'" in call else "common"
        self.ci = "t" if "test='t'" in call else "wald"
        nodes = re.search(r"nAGQ=(\d+)", call)
        self.nodes = int(nodes[1]) if nodes else 7
        if self.model == "UM.RS" and self.method == "ML":
            self.nodes = 1  # lme4 has no more for two random effects
        self.exact_conditional = self.model == "CM.EL" and self.measure == "OR"
        if self.exact_conditional:
            self.nodes = None  # integrated adaptively there

    def fit(self):
        return pool_glmm(
            self.data,
            measure=self.measure,
            model=self.model,
            method=self.method,
            ci=self.ci,
            nodes=self.nodes,
            drop_double_zero=True,
        )

    def log_likelihood_at(self, effects, deviations):
        """Our log-likelihood at their parameters, the studies' own effects as there is one at their best."""
        design = build_design(self.data, self.measure, self.model, drop_double_zero=True)
        model = design.model
        assert model.own is None
        shared = np.concatenate([effects, deviations])
        start = np.zeros((design.studies, model.dimensions))
        return gauss_hermite_value(model, shared, design.own, start, self.nodes).sum()


def _is_intercept_only(record):
    return "mods" not in record["id"]  # meta-regression is not offered here


# Where lme4's optimiser stops short of the maximum, or its numerical Hessian is coarse: relative differences
# of tau2 and of the standard error that are allowed there. `test_where_lme4_stops_short` shows who is right.
COARSE = {
    "pritz1997/PLO/ML/, nAGQ=1": (3e-3, 2e-2),
    "sparse_b/OR/CM.AL/ML/nAGQ1": (2e-2, 4e-2),
    "sparse_a/OR/CM.AL/ML/nAGQ1": (1e-3, 3e-3),
    "nielweise2008/IRR/UM.RS/ML": (2e-3, 2e-2),
    "nielweise2007/OR/UM.FS/ML/nAGQ1": (1e-3, 2e-3),
    "bcg/OR/UM.RS/ML": (1e-3, 5e-3),
    "bcg/OR/UM.RS/ML/t": (1e-3, 5e-3),
    "collins1985b_pre/OR/UM.RS/ML": (1e-3, 4e-3),
    "collins1985b_pre/OR/UM.RS/ML/t": (1e-3, 4e-3),
    "yusuf1985_t6/OR/UM.RS/ML": (1e-3, 1e-2),
    "yusuf1985_t6/OR/UM.RS/ML/t": (1e-3, 1e-2),
    "yusuf1985_t6/OR/CM.EL/EE": (1e-3, 3e-3),
    "sparse_a/OR/CM.EL/EE": (1e-3, 3e-3),
}


@pytest.mark.parametrize("record", records("C_glmm", keep=_is_intercept_only), ids=identifier)
def test_metafor(record):
    theirs = _Metafor(record)
    fit, out = theirs.fit(), record["outputs"]
    tau2_tolerance, se_tolerance = COARSE.get(record["id"].removeprefix("rma.glmm/"), (1e-3, 1e-3))
    std_error = out["se"][-1]
    assert mean_of(fit) == pytest.approx(out["beta"][-1], rel=1e-4, abs=5e-3 * std_error)
    assert float(fit.estimate.std_error) == pytest.approx(std_error, rel=se_tolerance)
    assert float(fit.tau2) == pytest.approx(out["tau2"], rel=tau2_tolerance, abs=1e-9)
    assert fit.n_studies == out["k"]
    for ours, name in ((fit.estimate.low, "ci.lb"), (fit.estimate.high, "ci.ub")):
        limit = analysis_scale(fit.estimate, ours)
        # The quantile multiplies the error of the standard error; t on one or two degrees is long.
        reach = abs(number(out[name][0]) - out["beta"][-1])
        assert limit == pytest.approx(number(out[name][0]), abs=(2 * se_tolerance + 1e-3) * reach)
    if fit.estimate.pvalue is not None:
        # Far out a P-value multiplies the error of the standard error: compare on the scale of the quantiles.
        law = stats.norm if theirs.ci == "wald" else stats.t(out["k"] - 1)
        quantiles = law.isf([float(fit.estimate.pvalue) / 2, out["pval"][0] / 2])
        assert quantiles[0] == pytest.approx(quantiles[1], rel=2 * se_tolerance, abs=5e-3)
    if out["se.tau2"] is not None and not record.get("suspect"):
        assert float(fit.tau2_std_error) == pytest.approx(out["se.tau2"], rel=1e-3)
    if theirs.model == "UM.RS":
        assert float(fit.baseline_variance) == pytest.approx(out["sigma2"], rel=1e-3, abs=1e-9)
    else:
        assert np.isnan(fit.baseline_variance)
        assert fit.df == out["QE.df"]
        assert float(fit.q) == pytest.approx(out["QE.LRT"], rel=1e-8, abs=1e-9)
        assert float(fit.q_pvalue) == pytest.approx(out["QEp.LRT"], rel=1e-6)
    # metafor inverts numerical Hessians there, see test_wald_q_of_the_exact_conditional_model; with fewer
    # than two finite studies there is nothing to test.
    if not theirs.exact_conditional and theirs.model != "UM.RS" and np.isfinite(fit.q_wald):
        assert float(fit.q_wald) == pytest.approx(out["QE.Wld"], rel=1e-5)
    # More than one node: lme4's log-likelihood lacks constants.
    complete = theirs.exact_conditional or (theirs.method == "common") != (theirs.model == "UM.RS")
    if complete and not (theirs.nodes == 1 and theirs.model != "UM.RS"):
        assert float(fit.log_likelihood) == pytest.approx(out["fit_stats"]["ML"]["ll"], abs=3e-4)


@pytest.mark.parametrize(
    "record",
    records(
        "C_glmm",
        keep=lambda r: r["id"].endswith(("pritz1997/PLO/ML/, nAGQ=1", "sparse_b/OR/CM.AL/ML/nAGQ1")),
    ),
    ids=identifier,
)
def test_where_lme4_stops_short(record):
    """Laplace's approximation written out: ours is its maximum, lme4's point lies lower."""
    theirs = _Metafor(record)
    if theirs.measure == "PLO":
        x, n, offset = np.array(theirs.data.events), np.array(theirs.data.total), 0.0
    else:
        keep = np.array(theirs.data.exposed_cases + theirs.data.control_cases) > 0
        x = np.array(theirs.data.exposed_cases)[keep]
        n = x + np.array(theirs.data.control_cases)[keep]
        offset = np.log(theirs.data.exposed_total / theirs.data.control_total)[keep]

    def laplace(mu, tau):
        theta = np.full(x.size, mu)
        for _ in range(200):
            p = 1 / (1 + np.exp(-(theta + offset)))
            theta = theta + np.clip(
                (x - n * p - (theta - mu) / tau**2) / (n * p * (1 - p) + 1 / tau**2), -1, 1
            )
        p = 1 / (1 + np.exp(-(theta + offset)))
        value = stats.binom.logpmf(x, n, p) - 0.5 * ((theta - mu) / tau) ** 2
        return (value - 0.5 * np.log(1 + tau**2 * n * p * (1 - p))).sum()

    fit = theirs.fit()
    mean, tau = mean_of(fit), float(fit.tau)
    top = laplace(mean, tau)
    assert float(fit.log_likelihood) == pytest.approx(top, rel=1e-10)
    assert laplace(theirs.outputs["beta"][0], theirs.outputs["tau2"] ** 0.5) < top
    h = 1e-3
    assert (laplace(mean + h, tau) - laplace(mean - h, tau)) / (2 * h) == pytest.approx(0, abs=1e-4)
    assert (laplace(mean, tau + h) - laplace(mean, tau - h)) / (2 * h) == pytest.approx(0, abs=1e-4)
    corner = laplace(mean + h, tau + h) - laplace(mean + h, tau - h)
    corner -= laplace(mean - h, tau + h) - laplace(mean - h, tau - h)
    mixed = corner / (4 * h**2)
    first = (laplace(mean + h, tau) - 2 * top + laplace(mean - h, tau)) / h**2
    second = (laplace(mean, tau + h) - 2 * top + laplace(mean, tau - h)) / h**2
    covariance = np.linalg.inv(-np.array([[first, mixed], [mixed, second]]))
    assert float(fit.estimate.std_error) == pytest.approx(covariance[0, 0] ** 0.5, rel=1e-4)
    assert float(fit.tau2_std_error) == pytest.approx(2 * tau * covariance[1, 1] ** 0.5, rel=1e-4)


@pytest.mark.parametrize(
    "record", records("C_glmm", keep=lambda r: re.search(r"UM\.RS/ML$", r["id"])), ids=identifier
)
def test_laplace_with_two_random_effects_is_higher_than_where_lme4_stops(record):
    theirs = _Metafor(record)
    fit, out = theirs.fit(), theirs.outputs
    design = build_design(theirs.data, theirs.measure, "UM.RS", drop_double_zero=True)
    ours = fit_mixed_model(design.model, design.effects, design.own, name="UM.RS", nodes=1)
    deviations = np.sqrt([out["sigma2"], out["tau2"]])
    # Their gamma is not recorded: take the best one for their other parameters.
    best = optimize.minimize_scalar(
        lambda gamma: -theirs.log_likelihood_at([gamma, out["beta"][-1]], deviations),
        bracket=(ours.effects[0] - 0.1, ours.effects[0] + 0.1),
    )
    assert -best.fun <= float(fit.log_likelihood) + 1e-9
    # Put back: the gradient at our estimates is 0 in every direction off the boundary.
    shared = np.concatenate([ours.effects, ours.deviations])
    for position in np.flatnonzero(shared != 0):
        step = np.zeros_like(shared)
        step[position] = 1e-3
        parts = [
            theirs.log_likelihood_at(shared[:2] + sign * step[:2], shared[2:] + sign * step[2:])
            for sign in (1, -1)
        ]
        assert (parts[0] - parts[1]) / 2e-3 == pytest.approx(0, abs=2e-4)


@pytest.mark.parametrize(
    "record", records("C_glmm", keep=lambda r: re.search(r"OR/UM\.RS/EE$", r["id"])), ids=identifier
)
def test_q_of_um_rs_turns_over_with_the_arms_and_metafors_does_not(record):
    """metafor takes the control arm's logit as the random baseline there, its UM.RS itself the middle's."""
    theirs = _Metafor(record)
    data = theirs.data
    swapped = TwoByTwo(
        exposed_cases=data.control_cases,
        exposed_total=data.control_total,
        control_cases=data.exposed_cases,
        control_total=data.exposed_total,
    )

    def with_baseline_in(own):
        design = build_design(data, "OR", "UM.RS", drop_double_zero=True)
        both = np.ones((2, 1))
        saturated = MixedModel(law=design.model.law, fixed=both, random=both, own=np.array(own))
        top = fit_mixed_model(saturated, design.effects[:1], np.zeros(design.studies), name="UM.RS")
        common = design.model.without_random((0,))
        bottom = fit_mixed_model(common, design.effects, design.own, name="UM.RS")
        return 2 * (top.log_likelihood - bottom.log_likelihood)

    assert with_baseline_in([1.0, 0.0]) == pytest.approx(theirs.outputs["QE.LRT"], rel=1e-6)
    assert with_baseline_in([0.0, -1.0]) != pytest.approx(theirs.outputs["QE.LRT"], rel=1e-2)
    fits = [pool_glmm(part, model="UM.RS", drop_double_zero=True) for part in (data, swapped)]
    assert float(fits[0].q) == pytest.approx(with_baseline_in([0.5, -0.5]), rel=1e-9)
    assert float(fits[1].q) == pytest.approx(float(fits[0].q), rel=1e-7)


def test_wald_q_of_the_exact_conditional_model():
    """metafor says 268.6 for these trials; each study's own law says 163.1, as Woolf's Q nearly does."""
    data = bcg_table()
    effects, weights = [], []
    for i in range(len(data)):
        total = data.exposed_total[i] + data.control_total[i]
        cases = data.exposed_cases[i] + data.control_cases[i]
        arguments = total, cases, data.exposed_total[i]
        observed = data.exposed_cases[i]
        root = optimize.brentq(
            lambda t, a=arguments, x=observed: stats.nchypergeom_fisher.mean(*a, np.exp(t)) - x,
            -5,
            5,
            xtol=1e-12,
        )
        effects.append(root)
        weights.append(stats.nchypergeom_fisher.var(*arguments, np.exp(root)))
    effects, weights = np.array(effects), np.array(weights)
    mean = (weights * effects).sum() / weights.sum()
    fit = pool_glmm(data)
    assert float(fit.q_wald) == pytest.approx((weights * (effects - mean) ** 2).sum(), rel=1e-6)
    assert float(fit.q_wald) == pytest.approx(163.089, rel=1e-5)
    assert fit.q_wald_df == 12
