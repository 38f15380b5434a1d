"""Weights of chains that stayed in different modes."""

from dataclasses import replace

import numpy as np
from scipy.optimize import minimize
from scipy.special import logsumexp

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
    return _best_mixture(log_density, row_weights / row_weights.sum())


def stacking_weights_of_groups(log_evidence):
    """Weights of chains whose mixture gives the rows of groups that the chains did not see the highest density.

    Parameters
    ----------
    log_evidence : ndarray of shape (n_groups, n_chains, n_draws)
        Logarithm of the marginal density of the rows of each group under each draw; groups in which one is NaN are left
        out.

    Returns
    -------
    weights : ndarray of shape (n_chains,)
        Weights that add up to 1.
    """
    log_evidence = log_evidence[np.isfinite(log_evidence).all(axis=(1, 2))]  # (group, chain, draw)
    n_groups, n_chains, n_draws = log_evidence.shape
    if n_groups == 0:
        return np.full(n_chains, 1 / n_chains)
    log_density = logsumexp(log_evidence, axis=2).T - np.log(n_draws)  # (chain, group)
    return _best_mixture(log_density, np.full(n_groups, 1 / n_groups))


def _best_mixture(log_density, share):
    """Weights (chain,) of the highest mean log density of a mixture, given log densities (chain, case).

    share: that of each case in the mean, (case,).
    """
    density = np.exp(log_density - log_density.max(axis=0))  # (chain, case)
    n_chains = len(density)

    def loss(weights):
        mixture = weights @ density  # (case,)
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
