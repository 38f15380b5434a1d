"""Simulation-based calibration: the posteriors are as wide as they should be.

If parameters are drawn from the prior, labels from the network that they make, and draws from the posterior of those
labels, then the rank of the truth among the draws is uniform, whatever the quantity that is ranked [1]. The truth
and its labels come from plain NumPy; labels of one class only are drawn again together with the truth, which leaves
the posterior given the labels as it is, and so are counts above 1,000. Inputs of the classifiers arrive in other units
than the prior's, so that the standardisation takes part. Flat and informed: a 2-3-1 network on 20 rows; hierarchical
and affine: 2-2-1 networks of 4 groups of 10 rows, with partial and with affine pooling; 2 chains of 300 + 300 steps.
The other likelihoods, by their names, are of the flat and the hierarchical model; random intercepts are those of five
labels, crossed with the groups of the hierarchical model.

Nested: 4 groups in 2 outer ones, with the fifth in one of these. "prior scales": a flat 2-2-1 network on 30 rows, with
learned scales of the prior. "ard": the hierarchical and the affine model, the scales of whose inputs and hidden layer
are learned, as by default.

Ranked are the outputs of the network (logits, of a classifier) at three new inputs (of several groups: of the first
group, of the second, and of one that the fit has not seen), the learned scales of the prior and of the groups, the
numbers that the likelihood learns, and the log likelihood of all training labels. The draws of each quantity are
thinned to their effective sample size (the smaller of bulk and tail), the rank is made continuous by a uniform number,
and its histogram is held to the uniform one by a chi-square test. In the line "all" p is the smallest of the p above
it times their number (Bonferroni): below 0.0005 the posteriors are taken to be miscalibrated. The package simuk does
not fit: it fits a PyMC model by `pm.sample`, which is not the sampler here, and ranks its variables one by one, whose
equivalent modes (permuted hidden units) no chain visits all.

What to see: p of NUTS is not small; under a wrong prior (the truths come from one twice as wide as the model's) it is.
ADVI is shown as what it is, an approximation that takes the weights for independent, normal, and of one mode: a
small p says that its intervals are not as wide as they should be. It has fewer replications, as every fit compiles a
model, and the classifiers alone; a large p of so few only says that no gross fault was found.

[1] Talts, Betancourt, Simpson, Vehtari and Gelman (2018), "Validating Bayesian inference algorithms with
simulation-based calibration", arXiv:1804.06788.
"""

import json
import sys
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from joblib import Parallel, delayed
from scipy import stats
from scipy.special import expit, log_expit

from skhbnn import FlatBNNClassifier, HierarchicalBNNClassifier, InformedPriorBNNClassifier
from skhbnn.data.rows import GroupedData
from skhbnn.inference.methods import infer
from skhbnn.inference.trace import Settings
from skhbnn.model.build import flat_model, hierarchical_model
from skhbnn.model.network import Network
from skhbnn.model.terms import Layout
from skhbnn.posterior.from_trace import posterior_from_trace
from skhbnn.support.libraries import import_arviz

from .common import convergence_ignored

LEVEL = 5e-4  # of all tests together; of the small counts the chi-square test makes it more, but less than 1e-3
RUNS = {
    "NUTS": {"replications": 1_000},
    "NUTS, wrong prior": {"replications": 50, "widen": 2.0},
    "ADVI": {"replications": 40, "inference": "advi"},
}
MOST = 1_000  # of the counts that a fit is given
N_CLASSES = 3  # of ordered classes
SETTINGS = {"chains": 2, "tune": 300, "draws": 300}
FEATURE_MEAN, FEATURE_SCALE = np.array([5.0, -2.0]), np.array([3.0, 0.1])  # (feature,) each
NEW_INPUTS = np.array([[-1.0, 0.5], [0.3, -1.2], [1.5, 1.0]])  # (row, feature), in standard units


@dataclass(frozen=True)
class Target:
    """A likelihood in NumPy's and SciPy's words; outputs are (..., row), own numbers (..., 1) each."""

    own: Callable  # random generator, width of the prior -> own numbers (own number,)
    draw: Callable  # random generator, outputs, own numbers -> targets (row,)
    log_density: Callable  # targets, outputs, own numbers -> log likelihoods (..., row)
    may_be: Callable = lambda y: True  # whether a fit may be given these targets


def _is_no_large_count(y):
    return y.max() <= MOST


def _rate(outputs):
    return np.exp(np.minimum(outputs, 30.0))  # of larger ones no target is ever kept


def _overdispersed(outputs, phi):
    """SciPy's parameters of a negative binomial distribution."""
    return phi**-2, 1 / (1 + phi**2 * _rate(outputs))


def _ordinal_log_density(y, outputs, *cutpoints):
    up_to = np.stack([np.zeros_like(outputs), *(expit(cut - outputs) for cut in cutpoints), np.ones_like(outputs)])
    return np.log(np.take_along_axis(np.diff(up_to, axis=0), np.broadcast_to(y, (1, *outputs.shape)), axis=0)[0])


TARGETS = {
    "bernoulli": Target(
        lambda rng, width: np.empty(0),
        lambda rng, z: (rng.random(len(z)) < expit(z)).astype(int),
        lambda y, z: log_expit(np.where(y == 1, z, -z)),
        lambda y: len(np.unique(y)) > 1,
    ),
    "normal": Target(
        lambda rng, width: width * abs(rng.normal(size=1)),
        lambda rng, z, sd: rng.normal(z, sd),
        lambda y, z, sd: stats.norm.logpdf(y, z, sd),
    ),
    "student_t": Target(
        lambda rng, width: np.array([width * abs(rng.normal()), 2 + width * rng.gamma(2, 10)]),
        lambda rng, z, scale, nu: z + scale * rng.standard_t(nu, len(z)),
        lambda y, z, scale, nu: stats.t.logpdf(y, nu, z, scale),
    ),
    "poisson": Target(
        lambda rng, width: np.empty(0),
        lambda rng, z: rng.poisson(_rate(z)),
        lambda y, z: stats.poisson.logpmf(y, _rate(z)),
        _is_no_large_count,
    ),
    "negative_binomial": Target(
        lambda rng, width: width * abs(rng.normal(size=1)),
        lambda rng, z, phi: rng.poisson(_rate(z) * phi**2 * rng.gamma(phi**-2, size=len(z))),
        lambda y, z, phi: stats.nbinom.logpmf(y, *_overdispersed(z, phi)),
        _is_no_large_count,
    ),
    "ordinal": Target(
        lambda rng, width: np.sort(3 * width * rng.normal(size=N_CLASSES - 1)),
        lambda rng, z, *cutpoints: np.digitize(z + rng.logistic(size=len(z)), np.ravel(cutpoints)),
        _ordinal_log_density,
    ),
}


@dataclass(frozen=True)
class Case:
    """A model, and the size of the data that it is fitted to."""

    estimator: type | None  # None: the model alone, without an estimator around it
    sizes: tuple  # of the layers, inputs and output included
    prior_scale: tuple | str | None  # of each layer, or the prior of learned ones; None: that of informed_prior
    n_groups: int
    n_rows: int  # of each group
    pooling: str = "partial"
    regions: tuple = ()  # of nested groups the outer group of each, and of one that the fit has not seen
    likelihood: str = "bernoulli"
    n_labels: int = 0  # of a column of random intercepts; 0: there is none

    @property
    def part_sizes(self):
        """Number of weights of each layer's matrix, and of its intercepts."""
        return [n for n_in, n_out in pairwise(self.sizes) for n in (n_in * n_out, n_out)]


CASES = {
    "flat": Case(FlatBNNClassifier, (2, 3, 1), (1.0, 2.0), 1, 20),
    "hierarchical": Case(HierarchicalBNNClassifier, (2, 2, 1), (1.0, 1.5), 4, 10),
    "nested": Case(HierarchicalBNNClassifier, (2, 2, 1), (1.0, 1.5), 4, 10, regions=(0, 0, 1, 1, 1)),
    "affine": Case(HierarchicalBNNClassifier, (2, 2, 1), (1.0, 1.5), 4, 10, "affine"),
    "informed": Case(InformedPriorBNNClassifier, (2, 3, 1), None, 1, 20),
}
CASES["random intercepts"] = Case(None, (2, 2, 1), (1.0, 1.5), 4, 10, n_labels=5)
for _name in ("half_normal", "half_cauchy", "inverse_gamma", "ard"):
    CASES[f"prior scales: {_name}"] = Case(FlatBNNClassifier, (2, 2, 1), _name, 1, 30)
for _name in ("partial", "affine"):
    CASES[f"ard, {_name}"] = Case(HierarchicalBNNClassifier, (2, 2, 1), ("ard", 1.5), 4, 10, _name)
for _name in list(TARGETS)[1:]:
    CASES[f"{_name}, flat"] = Case(None, (2, 3, 1), (1.0, 1.0), 1, 20, likelihood=_name)
    CASES[f"{_name}, hierarchical"] = Case(None, (2, 2, 1), (1.0, 1.0), 4, 10, likelihood=_name)


def run():
    rows = []
    for title, settings in RUNS.items():
        tests = []
        for model, case in CASES.items():
            if title == "ADVI" and case.estimator is None:
                continue
            tests += [{"model": model, **row} for row in uniformity(ranks(case, **settings))]
            print(json.dumps([title, tests]), file=sys.stderr, flush=True)
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
        test = stats.chisquare(counts)
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
    rng, target = np.random.default_rng(seed), TARGETS[case.likelihood]
    codes = np.repeat(np.arange(case.n_groups), case.n_rows)  # (row,)
    y, new_labels = None, [0, 1, -1] if case.n_labels else [0, 0, 0]  # (row,); of new rows, -1: not in the fit
    while y is None or not target.may_be(y):
        weights, prior_scales, group_scales = draw_truth(case, rng, widen)  # (group, weight), (learned scale,) each
        labels = np.arange(len(codes)) % max(case.n_labels, 1)  # (row,)
        intercepts = np.zeros(2)  # (label,), and one more
        if case.n_labels:
            group_scales = [*group_scales, widen * abs(rng.normal())]
            intercepts = group_scales[-1] * rng.normal(size=case.n_labels + 1)  # (label,), and one more
        own = target.own(rng, widen)  # (own number,)
        Z = rng.normal(size=(len(codes), 2))  # (row, feature)
        Z = (Z - Z.mean(axis=0)) / Z.std(axis=0)
        outputs = forward(case, weights[codes], Z) + intercepts[labels]  # (row,)
        y = target.draw(rng, outputs, *own)
    new_codes = [0, 1, -1] if case.n_groups > 1 else [0, 0, 0]  # of new rows; -1: of a group that is not in the fit
    draws_of = draws_of_model if case.estimator is None else draws_of_estimator
    seed_of_fit = int(rng.integers(2**31))
    of_rows = (codes, new_codes) if case.estimator else ((codes, labels), (new_codes, new_labels))
    new_draws, draws, posterior = draws_of(case, Z, y, *of_rows, seed_of_fit, {**SETTINGS, **settings})

    new_outputs = forward(case, weights[new_codes], NEW_INPUTS) + intercepts[new_labels]  # (row,)
    truth = statistics(target, new_outputs[None], outputs[None], y, own[None])
    n_chains, n_own = len(posterior.weights), len(own)
    own_draws = np.empty((len(draws), 0)) if posterior.own is None else posterior.own.reshape(-1, n_own).astype(float)
    drawn = statistics(target, new_draws, draws, y, own_draws)
    for kind, learned, names, scales in (
        ("prior", prior_scales, posterior.prior_parts, posterior.prior_scale),
        ("group", group_scales, posterior.learned_parts, posterior.group_scale),
    ):
        for part, scale in enumerate(learned):
            name = f"{kind} scale of {names[part]}"
            truth[name], drawn[name] = [scale], scales[..., part]  # (chain, draw)
    for k, name in enumerate(posterior.model.likelihood.own):
        truth[name], drawn[name] = [own[k]], own_draws[:, k]  # (draw,)
    return {name: position(truth[name][0], drawn[name].reshape(n_chains, -1), rng) for name in truth}


def draws_of_estimator(case, Z, y, codes, new_codes, seed, settings):
    """Logits of new and of training rows under each draw, (draw, row) each, and the posterior of a classifier."""
    X, X_new = (FEATURE_MEAN + FEATURE_SCALE * inputs for inputs in (Z, NEW_INPUTS))  # (row, feature) each
    fitted = classifier(case, random_state=seed, **settings)
    groups, new_groups = {}, {}
    if case.n_groups > 1:
        labels = ["new" if code < 0 else code for code in new_codes]
        groups, new_groups = {"groups": codes}, {"groups": labels}
        if case.regions:
            groups["groups"] = [(case.regions[code], code) for code in codes]
            new_groups["groups"] = [(case.regions[code], label) for code, label in zip(new_codes, labels, strict=True)]
    with convergence_ignored(), compiled_quickly() if fitted.inference == "advi" else nullcontext():
        fitted.fit(X, y, **groups)
    new_proba, proba = fitted.sample_proba(X_new, **new_groups), fitted.sample_proba(X, **groups)  # (draw, row, class)
    return log_odds(new_proba), log_odds(proba), fitted.posterior_


def draws_of_model(case, Z, y, of_rows, of_new_rows, seed, settings):
    """Outputs of new and of training rows under each draw, (draw, row) each, and the posterior of a model.

    of_rows, of_new_rows: codes of the group and of the label of each row, -1 of what is not in the fit.
    """
    network, scale = Network(case.sizes, "tanh", True), np.array(case.prior_scale)  # (layer,)
    kind = {"n_classes": N_CLASSES if case.likelihood == "ordinal" else None}
    kind |= {"intercepts": {"item": case.n_labels} if case.n_labels else {}}
    if case.n_groups > 1:
        model = hierarchical_model(network, case.likelihood, scale, (case.pooling,) * len(scale), **kind)
    else:
        model = flat_model(network, case.likelihood, scale, **kind)
    offsets = case.n_rows * np.arange(case.n_groups + 1)  # (group + 1,)
    rows = {"X": Z, "y": y, "weights": np.ones(len(y)), "places": np.arange(len(y))}  # (row, ...) each
    if case.n_labels:
        rows |= {"intercept_labels": [list(range(case.n_labels))], "intercept_codes": of_rows[1][:, None]}
    data = GroupedData(**rows, offsets=offsets, group_labels=list(range(case.n_groups)))
    chosen = Settings(**{"inference": "nuts", "target_accept": 0.9, "cores": 1, "max_iter": 0, **settings})
    posterior = posterior_from_trace(Layout(model, data.members), infer(model, data, chosen, seed), seed)

    def outputs(codes, labels, inputs):
        parts = []
        for row, code, label in zip(inputs, codes, labels, strict=True):
            draws = posterior.population_parameters("new") if code < 0 else posterior.group_parameters(code)
            numbers = np.full((1, len(model.random_intercepts)), label)  # (row, column)
            ((_, draws, row_and_label),) = posterior.with_intercepts(draws, row[None], numbers)
            parts.append(posterior.predictor.outputs_and_own(draws.astype(float), row_and_label)[0][:, 0, 0])  # (draw,)
        return np.stack(parts, axis=1)  # (draw, row)

    return outputs(*of_new_rows, NEW_INPUTS), outputs(*of_rows, Z), posterior


def compiled_quickly():
    """PyTensor's settings that compile a small model in less than half of the usual time; they change no result."""
    import pytensor  # takes seconds to import
    from pytensor.compile.mode import Mode

    return pytensor.config.change_flags(mode=Mode("cvm", "fast_compile"))


def draw_truth(case, rng, widen):
    """Weights of every group and, of several groups, of one more (group, weight); prior scales; group scales (part,).

    Scales are those that are learned.
    """
    n_weights = sum(case.part_sizes)
    if case.prior_scale is None:
        mean, cholesky = informed_prior(n_weights)  # (weight,), (weight, weight)
        return (mean + widen * cholesky @ rng.normal(size=n_weights))[None], [], []
    scale, learned = draw_prior_scales(case, rng, widen)  # (weight,), (learned scale,)
    mean = widen * scale * rng.normal(size=n_weights)  # (weight,)
    if case.n_groups == 1:
        return mean[None], learned, []
    if case.pooling == "affine":
        weights, group_scales = draw_affine_truth(case, rng, widen, mean)
        return weights, learned, group_scales
    group_scales = widen * abs(rng.normal(size=len(case.part_sizes)))  # (part,)
    deviations = rng.normal(size=(case.n_groups + 1, n_weights))  # (group, weight)
    if case.regions:
        of_shops = widen * abs(rng.normal(size=len(case.part_sizes)))  # (part,)
        of_regions = rng.normal(size=(max(case.regions) + 1, n_weights))[list(case.regions)]  # (group, weight)
        mean = mean + np.repeat(group_scales, case.part_sizes) * of_regions  # (group, weight)
        both = np.concatenate([group_scales, of_shops])  # (part of a level,)
        return mean + np.repeat(of_shops, case.part_sizes) * deviations, learned, both
    return mean + np.repeat(group_scales, case.part_sizes) * deviations, learned, group_scales


def draw_prior_scales(case, rng, widen):
    """Prior scales of all weights (weight,), and those that are learned."""
    *kinds, of_output = (case.prior_scale,) * 2 if isinstance(case.prior_scale, str) else case.prior_scale
    if not isinstance(kinds[0], str):
        return np.repeat(np.repeat(case.prior_scale, 2), case.part_sizes), []
    n_in, n_units, n_out = case.sizes
    n_learned = 1 + isinstance(of_output, str) + n_in * ("ard" in kinds)
    if "half_cauchy" in kinds:
        learned = widen * abs(rng.standard_cauchy(n_learned))  # (learned scale,)
    elif "inverse_gamma" in kinds:
        learned = widen / rng.gamma(2, size=n_learned)  # (learned scale,)
    else:
        learned = widen * abs(rng.normal(size=n_learned))  # (learned scale,)
    *of_inputs, first, last = learned if isinstance(of_output, str) else [*learned, of_output]
    of_matrix = np.repeat(of_inputs or [first] * n_in, n_units)  # (weight of the first matrix,)
    return np.concatenate([of_matrix, [first] * n_units, [last] * (n_units * n_out + n_out)]), learned


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


def statistics(target, new_outputs, outputs, y, own):
    """What is ranked, by name, (draw,); from outputs (draw, row) of new and of training rows, and own numbers."""
    log_likelihood = target.log_density(y, outputs, *(number[:, None] for number in own.T)).sum(axis=1)  # (draw,)
    of_rows = {f"output {row}": new_outputs[:, row] for row in range(len(NEW_INPUTS))}
    return {**of_rows, "log likelihood": log_likelihood}


def position(truth, draws, rng):
    """Rank of the truth among draws (chain, draw), thinned to independent ones, as a number between 0 and 1."""
    arviz = import_arviz()
    ess = min(arviz.ess(draws), arviz.ess(draws, method="tail", prob=(0.05, 0.95)), draws.size)
    kept = np.linspace(0, draws.size - 1, max(1, int(ess))).round().astype(int)  # (kept draw,)
    thinned = draws.ravel()[kept]  # (kept draw,)
    n_less, n_equal = np.sum(thinned < truth), np.sum(thinned == truth)
    return float((n_less + rng.random() * (n_equal + 1)) / (len(thinned) + 1))
