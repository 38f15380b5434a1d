"""Laplace's approximation: normal distributions around the modes of the posterior density."""

import numpy as np
from scipy.special import logsumexp, softmax
from threadpoolctl import threadpool_limits

from ..density.curvature import laplace_approximation
from ..density.density import Density
from ..support.memory import require_memory
from ..support.psis import resampled, smoothed_weights
from .mode import climb
from .trace import PARETO_K_LIMIT, Trace

SAME_MODE = 0.01  # nats of height and of evidence between tops that are one mode, or its mirror images
CANDIDATES = 4  # for every draw that is kept
HIGH_DIMENSIONAL = 1_000  # beyond, importance weights are hopeless, and a candidate for every draw is enough
FEWEST = 25  # candidates: the tail of fewer has no Pareto k
FEWEST_EFFECTIVE = 5  # candidates, by their weights: fewer have no Pareto k either


@threadpool_limits.wrap(limits=1)  # the last digits of BLAS's sums depend on the number of its threads
def infer(model, data, settings, seed, progress=None):
    """Draws from normal distributions around the modes [1]_, corrected by importance weights [2]_.

    Each mode has the Gauss-Newton precision, and the weight of its evidence. Where the Pareto k of the importance
    weights says that they can be relied on, the draws are resampled by them; else the network is to be linearised
    around the modes, which is what the Gauss-Newton precision is exact for.

    ``methods.infer`` says what the arguments are. The settings ask for ``chains`` starts, ``max_iter`` iterations of
    L-BFGS from each, and ``draws`` draws, which are one chain.

    Raises
    ------
    MemoryError
        If the draws and the precision would not fit.
    RuntimeError
        If no start leads to a finite density.

    References
    ----------
    .. [1] Immer, Korzepa and Bauer (2021), "Improving predictions of Bayesian neural nets via local linearization",
       AISTATS.
    .. [2] Vehtari, Simpson, Gelman, Yao and Gabry (2024), "Pareto smoothed importance sampling", Journal of Machine
       Learning Research 25.
    """
    density = Density(model, data)
    per_draw = max(CANDIDATES if density.n_dim <= HIGH_DIMENSIONAL else 1, -(-FEWEST // settings.draws))
    n_candidates = per_draw * settings.draws
    _require_memory(density, settings.chains, n_candidates)
    tops = climb(density, settings, seed, progress)
    modes, log_evidence = _distinct_modes(density, tops)
    mode = resampled(softmax(log_evidence), n_candidates)  # (candidate,)
    rng = np.random.default_rng(seed)
    x = np.concatenate([normal.draw(rng, np.sum(mode == m)) for m, normal in enumerate(modes)])  # (candidate, dim)
    log_p = np.array([density.logp_grad(point)[0] for point in x])  # (candidate,)
    log_q = [normal.log_density(x) for normal in modes]  # (candidate,) of each mode
    log_q = logsumexp(np.transpose(log_q) + log_evidence - logsumexp(log_evidence), axis=1)  # (candidate,)
    log_weights, pareto_k = _smoothed(log_p - log_q)
    reliable = pareto_k <= PARETO_K_LIMIT
    all_alike = np.arange(0, n_candidates, per_draw)  # (draw,)
    kept = resampled(softmax(log_weights), settings.draws) if reliable else all_alike  # (draw,)
    used, mode = np.unique(mode[kept], return_inverse=True)  # (mode,), (draw,)
    statistics = {"lp": log_p[None, kept], "mode": mode[None]}  # (chain, draw)
    return Trace(
        x=x[None, kept],  # (chain, draw, n_dim)
        statistics=statistics,
        n_iter=tops[0].nit,
        converged=all(top.success for top in tops),
        pareto_k=pareto_k,
        modes=None if reliable else np.array([modes[m].mean for m in used]),  # (mode, n_dim)
    )


def _require_memory(density, n_modes, n_candidates):
    """Raise a MemoryError if a fit needs too much.

    It holds four arrays of draws, two matrices a mode and four more, and three derivatives of the outputs of a group.
    """
    data, layout, network = density.data, density.layout, density.model.network
    dim, n_coordinates = layout.n_dim, layout.n_shared + layout.n_of_group
    numbers = 4 * n_candidates * dim + (2 * n_modes + 4) * data.n_groups * n_coordinates**2
    numbers += 3 * max(np.diff(data.offsets)) * network.n_weights * network.n_outputs
    what = f"Precision matrices of {n_modes} modes, and {n_candidates} draws, of {dim} unconstrained weights and scales"
    require_memory(8 * numbers, what, "lower hidden_layer_sizes, draws or chains")


def _distinct_modes(density, tops):
    """The normal distributions around the different modes, and the logarithms of their evidence (mode,)."""
    normals: list = []
    heights: list = []  # log density, log evidence
    for top in tops:
        normal = laplace_approximation(density, top.x)
        evidence = 0.5 * (len(top.x) * np.log(2 * np.pi) - normal.log_det) - top.fun
        if not any(np.allclose((-top.fun, evidence), found, rtol=0, atol=SAME_MODE) for found in heights):
            normals.append(normal)
            heights.append((-top.fun, evidence))
    return normals, np.array([evidence for _, evidence in heights])


def _smoothed(log_ratios):
    """Pareto smoothed log importance weights (candidate,) and their Pareto k; -inf and NaN count as weight 0."""
    ratios = np.where(np.isfinite(log_ratios), log_ratios, np.min(log_ratios, where=np.isfinite(log_ratios), initial=0))
    log_weights, pareto_k = smoothed_weights(ratios)
    effective = 1 / np.sum(softmax(ratios) ** 2)  # candidates
    if effective < FEWEST_EFFECTIVE or np.isnan(pareto_k):
        pareto_k = np.inf  # of weights that underflow the fit of the tail may find anything
    return log_weights, float(pareto_k)
