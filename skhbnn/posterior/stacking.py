"""Weights of chains that stayed in different modes."""

from dataclasses import replace

import numpy as np
from scipy.optimize import minimize
from scipy.special import logsumexp

from ..support.evidence import near_best
from ..support.psis import smoothed_weights


def weigh_chains(posterior, chain_weights, log_likelihood, row_weights):
    """A posterior with weights of the chains.

    Parameters
    ----------
    posterior : Posterior
    chain_weights : {"equal", "stacking"}
    log_likelihood : callable
        Returns the log likelihood of each training row under each draw, (chain, draw, row); called only where needed.
    row_weights : ndarray of shape (n_rows,)
        How often each of these rows counts.

    Returns
    -------
    posterior : Posterior
    """
    if chain_weights == "equal" or len(posterior.weights) == 1:
        return replace(posterior, chain_weights=None)
    if posterior.chain_weights is not None:
        return posterior
    return replace(posterior, chain_weights=stacking_weights(log_likelihood(), row_weights))


def stacking_weights(log_likelihood, row_weights):
    """Weights of chains whose mixture predicts unseen rows best [1]_.

    Parameters
    ----------
    log_likelihood : ndarray of shape (n_chains, n_draws, n_rows)
        Log likelihood of each training row under each draw.
    row_weights : ndarray of shape (n_rows,)
        How often each row counts.

    Returns
    -------
    weights : ndarray of shape (n_chains,)
        Weights that add up to 1, of the highest mean logarithm of the mixture's leave-one-out predictive densities,
        which come from Pareto smoothed importance sampling.

    References
    ----------
    .. [1] Yao, Vehtari and Gelman (2022), "Stacking for non-mixing Bayesian computations: the curse and blessing of
       multimodal posteriors", Journal of Machine Learning Research 23.
    """
    by_row = np.swapaxes(log_likelihood, 1, 2)  # (chain, row, draw)
    log_density = np.array([logsumexp(smoothed_weights(-chain)[0] + chain, axis=1) for chain in by_row])  # (chain, row)
    density = np.exp(log_density - log_density.max(axis=0))  # (chain, row)
    n_chains, share = len(density), row_weights / row_weights.sum()  # (row,)

    def loss(weights):
        mixture = weights @ density  # (row,)
        return -np.log(mixture) @ share, -(density / mixture) @ share

    found = minimize(
        loss,
        np.full(n_chains, 1 / n_chains),
        jac=True,
        method="SLSQP",
        tol=1e-12,
        bounds=[(0, 1)] * n_chains,
        constraints={"type": "eq", "fun": lambda w: w.sum() - 1, "jac": np.ones_like},
    )
    weights = found.x.clip(0)  # (chain,)
    return weights / weights.sum()


def without_worse_chains(posterior, log_evidence, n_rows):
    """A posterior in which chains have no share that foretell groups, which they did not see, worse than the best one.

    Parameters
    ----------
    posterior : Posterior
    log_evidence, n_rows
        As ``near_best`` takes them.

    Returns
    -------
    posterior : Posterior
        In which chains that are not near the best one have weight 0, and the shares of the others are to each other as
        they were.
    """
    is_kept = near_best(log_evidence, n_rows)  # (chain,)
    if is_kept.all():
        return posterior
    shares = np.ones(len(is_kept)) if posterior.chain_weights is None else posterior.chain_weights  # (chain,)
    shares = shares * is_kept if np.any(shares * is_kept) else is_kept.astype(float)
    return replace(posterior, chain_weights=shares / shares.sum())
