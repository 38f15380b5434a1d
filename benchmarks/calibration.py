"""Simulation-based calibration: the posteriors are as wide as they should be.

If parameters are drawn from the prior, labels from the network that they make, and draws from the posterior of those
labels, then the rank of the truth among the draws is uniform, whatever the quantity that is ranked [1]. The truth
and its labels come from plain NumPy; labels of one class only are drawn again together with the truth, which leaves
the posterior given the labels as it is. Inputs arrive in other units than the prior's, so that the standardisation
takes part. Flat and informed: a 2-3-1 network on 20 rows; hierarchical and affine: 2-2-1 networks of 4 groups of 10
rows, with partial and with affine pooling; 2 chains of 300 + 300 steps.

Ranked are the logits at three new inputs (of several groups: of the first group, of the second, and of one that the
fit has not seen), the group scales, and the log likelihood of all training labels. The draws of each quantity are
thinned to their effective sample size (the smaller of bulk and tail), the rank is made continuous by a uniform number,
and its histogram is held to the uniform one by a chi-square test. In the line "all" p is the smallest of the p above
it times their number (Bonferroni): below 0.0005 the posteriors are taken to be miscalibrated. The package simuk does
not fit: it fits a PyMC model by `pm.sample`, which is not the sampler here, and ranks its variables one by one, whose
equivalent modes (permuted hidden units) no chain visits all.

What to see: p of NUTS is not small; under a wrong prior (the truths come from one twice as wide as the model's) it is.
ADVI is shown as what it is, an approximation that takes the weights for independent, normal, and of one mode: a
small p says that its intervals are not as wide as they should be. It has fewer replications, as every fit compiles a
model; a large p of so few only says that no gross fault was found.

[1] Talts, Betancourt, Simpson, Vehtari and Gelman (2018), "Validating Bayesian inference algorithms with
simulation-based calibration", arXiv:1804.06788.
"""

from contextlib import nullcontext
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from joblib import Parallel, delayed
from scipy.special import expit, log_expit
from scipy.stats import chisquare

from skhbnn import FlatBNNClassifier, HierarchicalBNNClassifier, InformedPriorBNNClassifier
from skhbnn.support.libraries import import_arviz

from .common import convergence_ignored

LEVEL = 5e-4  # of all tests together; of the small counts the chi-square test makes it more, but less than 1e-3
RUNS = {
    "NUTS": {"replications": 1_000},
    "NUTS, wrong prior": {"replications": 50, "widen": 2.0},
    "ADVI": {"replications": 40, "inference": "advi"},
}
SETTINGS = {"chains": 2, "tune": 300, "draws": 300}
FEATURE_MEAN, FEATURE_SCALE = np.array([5.0, -2.0]), np.array([3.0, 0.1])  # (feature,) each
NEW_INPUTS = np.array([[-1.0, 0.5], [0.3, -1.2], [1.5, 1.0]])  # (row, feature), in standard units


@dataclass(frozen=True)
class Case:
    """A model, and the size of the data that it is fitted to."""

    estimator: type
    sizes: tuple  # of the layers, inputs and output included
    prior_scale: tuple | None  # of each layer; None: that of informed_prior
    n_groups: int
    n_rows: int  # of each group
    pooling: str = "partial"

    @property
    def part_sizes(self):
        """Number of weights of each layer's matrix, and of its intercepts."""
        return [n for n_in, n_out in pairwise(self.sizes) for n in (n_in * n_out, n_out)]


CASES = {
    "flat": Case(FlatBNNClassifier, (2, 3, 1), (1.0, 2.0), 1, 20),
    "hierarchical": Case(HierarchicalBNNClassifier, (2, 2, 1), (1.0, 1.5), 4, 10),
    "affine": Case(HierarchicalBNNClassifier, (2, 2, 1), (1.0, 1.5), 4, 10, "affine"),
    "informed": Case(InformedPriorBNNClassifier, (2, 3, 1), None, 1, 20),
}


def run():
    rows = []
    for title, settings in RUNS.items():
        tests = []
        for model, case in CASES.items():
            tests += [{"model": model, **row} for row in uniformity(ranks(case, **settings))]
        p = min(1.0, len(tests) * min(test["p"] for test in tests))
        tests.append({**dict.fromkeys(tests[0], "-"), "model": "all", "p": p})
        rows += [{"inference": title, **test} for test in tests]
    return rows


def uniformity(positions):
    """Chi-square test of uniformity for each statistic; positions: by statistic, (replication,) between 0 and 1."""
    rows = []
    for statistic, values in positions.items():
        n_bins = 20 if len(values) >= 500 else 5
        counts, _ = np.histogram(values, n_bins, (0, 1))  # (bin,)
        test = chisquare(counts)
        rows.append(
            {
                "ranked": statistic,
                "replications": len(values),
                "bins": n_bins,
                "chi-square": float(test.statistic),
                "p": float(test.pvalue),
            }
        )
    return rows


def ranks(case, replications, *, n_jobs=2, **settings):
    """Continuous ranks of the truth among the draws, by statistic, (replication,) between 0 and 1."""
    seeds = np.random.SeedSequence(2018).spawn(replications)
    results = Parallel(n_jobs=n_jobs)(delayed(replicate)(case, seed, **settings) for seed in seeds)
    return {statistic: np.array([result[statistic] for result in results]) for statistic in results[0]}


def replicate(case, seed, *, widen=1.0, **settings):
    """Ranks of one truth; its prior is so many times as wide as that of the model."""
    rng = np.random.default_rng(seed)
    codes = np.repeat(np.arange(case.n_groups), case.n_rows)  # (row,)
    y = np.zeros(len(codes), dtype=int)  # (row,)
    while len(np.unique(y)) < 2:
        weights, group_scales = draw_truth(case, rng, widen)  # (group, weight), (part,)
        Z = rng.normal(size=(len(codes), 2))  # (row, feature)
        Z = (Z - Z.mean(axis=0)) / Z.std(axis=0)
        logits = forward(case, weights[codes], Z)  # (row,)
        y = (rng.random(len(y)) < expit(logits)).astype(int)
    X, X_new = (FEATURE_MEAN + FEATURE_SCALE * inputs for inputs in (Z, NEW_INPUTS))  # (row, feature) each
    fitted = classifier(case, random_state=int(rng.integers(2**31)), **{**SETTINGS, **settings})
    groups, new_groups, new_codes = {}, {}, [0, 0, 0]
    if case.n_groups > 1:
        groups, new_groups, new_codes = {"groups": codes}, {"groups": [0, 1, "new"]}, [0, 1, -1]
    with convergence_ignored(), compiled_quickly() if fitted.inference == "advi" else nullcontext():
        fitted.fit(X, y, **groups)

    new_logits = forward(case, weights[new_codes], NEW_INPUTS)  # (row,)
    truth = statistics(new_logits[None], logits[None], y)
    new_proba, proba = fitted.sample_proba(X_new, **new_groups), fitted.sample_proba(X, **groups)  # (draw, row, class)
    draws = statistics(log_odds(new_proba), log_odds(proba), y)
    for part, scale in enumerate(group_scales):
        name = f"group scale of {fitted.posterior_.learned_parts[part]}"
        truth[name], draws[name] = [scale], fitted.posterior_.group_scale[..., part]  # (chain, draw)
    n_chains = len(fitted.posterior_.weights)
    return {name: position(truth[name][0], draws[name].reshape(n_chains, -1), rng) for name in truth}


def compiled_quickly():
    """PyTensor's settings that compile a small model in less than half of the usual time; they change no result."""
    import pytensor  # takes seconds to import
    from pytensor.compile.mode import Mode

    return pytensor.config.change_flags(mode=Mode("cvm", "fast_compile"))


def draw_truth(case, rng, widen):
    """Weights of every group and, of several groups, of one more (group, weight), and the group scales (part,)."""
    n_weights = sum(case.part_sizes)
    if case.prior_scale is None:
        mean, cholesky = informed_prior(n_weights)  # (weight,), (weight, weight)
        return (mean + widen * cholesky @ rng.normal(size=n_weights))[None], []
    scale = np.repeat(np.repeat(case.prior_scale, 2), case.part_sizes)  # (weight,)
    mean = widen * scale * rng.normal(size=n_weights)  # (weight,)
    if case.n_groups == 1:
        return mean[None], []
    if case.pooling == "affine":
        return draw_affine_truth(case, rng, widen, mean)
    group_scales = widen * abs(rng.normal(size=len(case.part_sizes)))  # (part,)
    deviations = rng.normal(size=(case.n_groups + 1, n_weights))  # (group, weight)
    return mean + np.repeat(group_scales, case.part_sizes) * deviations, group_scales


def draw_affine_truth(case, rng, widen, mean):
    """The same of groups that differ in an affine map of the inputs and in the output layer around mean (weight,)."""
    n_in, n_hidden = case.sizes[:2]
    n_groups, ends = case.n_groups + 1, np.cumsum(case.part_sizes)  # of matrix, intercepts, output, its intercept
    output, intercept, of_map, of_shift = scales = widen * abs(rng.normal(size=4))
    matrix = mean[: ends[0]].reshape(n_in, n_hidden)
    maps = np.eye(n_in) + of_map * rng.normal(size=(n_groups, n_in, n_in))  # (group, input, input)
    shifts = of_shift * rng.normal(size=(n_groups, n_in))  # (group, input)
    weights = np.tile(mean, (n_groups, 1))  # (group, weight)
    weights[:, : ends[0]] = np.einsum("gik,ku->giu", maps, matrix).reshape(n_groups, -1)
    weights[:, ends[0] : ends[1]] += np.einsum("gk,ku->gu", shifts, matrix)
    own = weights[:, ends[1] :]  # (group, weight of the output layer)
    own += np.repeat([output, intercept], case.part_sizes[2:]) * rng.normal(size=own.shape)
    return weights, scales


def informed_prior(n_weights):
    """An arbitrary mean (weight,), and a Cholesky factor (weight, weight) with correlations."""
    rng = np.random.default_rng(0)
    factor = rng.normal(size=(n_weights, n_weights)) / np.sqrt(n_weights)  # (weight, weight)
    return rng.normal(size=n_weights), np.linalg.cholesky(factor @ factor.T + 0.3 * np.eye(n_weights))


def forward(case, weights, Z):
    """Logit of each row of Z (row, feature) under weights of its own (row, weight), (row,)."""
    h, start = Z, 0  # (row, unit)
    for layer, (n_in, n_out) in enumerate(pairwise(case.sizes)):
        h = np.tanh(h) if layer else h
        matrix = weights[:, start : start + n_in * n_out].reshape(-1, n_in, n_out)  # (row, input, unit)
        start += n_in * n_out
        h = np.einsum("ri,rio->ro", h, matrix) + weights[:, start : start + n_out]
        start += n_out
    return h[:, 0]


def classifier(case, **settings):
    """The estimator of the case, unfitted."""
    settings["hidden_layer_sizes"] = case.sizes[1:-1]
    if case.n_groups > 1:
        settings["pooling"] = case.pooling
    if case.prior_scale is not None:
        return case.estimator(prior_scale=case.prior_scale, **settings)
    mean, cholesky = informed_prior(sum(case.part_sizes))
    units = {"feature_mean": FEATURE_MEAN, "feature_scale": FEATURE_SCALE}
    return case.estimator(prior_mean=mean, prior_cov=cholesky @ cholesky.T, **units, **settings)


def log_odds(proba):
    """Logits (draw, row) of probabilities (draw, row, class)."""
    log_proba = np.log(np.maximum(proba, np.finfo(float).tiny))  # a probability may round to 0
    return log_proba[:, :, 1] - log_proba[:, :, 0]


def statistics(new_logits, logits, y):
    """What is ranked, by name, (draw,); from logits (draw, row) of new and of training rows."""
    log_likelihood = log_expit(np.where(y == 1, logits, -logits)).sum(axis=1)  # (draw,)
    return {**{f"logit {row}": new_logits[:, row] for row in range(len(NEW_INPUTS))}, "log likelihood": log_likelihood}


def position(truth, draws, rng):
    """Rank of the truth among draws (chain, draw), thinned to independent ones, as a number between 0 and 1."""
    arviz = import_arviz()
    ess = min(arviz.ess(draws), arviz.ess(draws, method="tail", prob=(0.05, 0.95)), draws.size)
    kept = np.linspace(0, draws.size - 1, max(1, int(ess))).round().astype(int)  # (kept draw,)
    thinned = draws.ravel()[kept]  # (kept draw,)
    n_less, n_equal = np.sum(thinned < truth), np.sum(thinned == truth)
    return float((n_less + rng.random() * (n_equal + 1)) / (len(thinned) + 1))
