"""Chains that found worse modes than others, told by groups that they did not see."""

import numpy as np
from scipy.special import logsumexp

WORSE = 0.015  # nats a row, from which a chain is in a worse mode than another one


def near_best(log_evidence, n_rows):
    """Which chains foretell groups that they did not see no more than WORSE nats a row worse than the best one.

    Parameters
    ----------
    log_evidence : ndarray of shape (n_groups, n_chains, n_draws)
        Logarithm of the marginal density of the rows of each group under each draw; groups in which one is NaN are left
        out.
    n_rows : ndarray of shape (n_groups,)
        Rows of each group, each counted as often as its weight says.

    Returns
    -------
    is_near : ndarray of shape (n_chains,)
        All of them where no group is left.
    """
    is_known = np.isfinite(log_evidence).all(axis=(1, 2))  # (group,)
    if not is_known.any():
        return np.ones(log_evidence.shape[1], dtype=bool)
    of_chain = np.sum(logsumexp(log_evidence[is_known], axis=2), axis=0) / n_rows[is_known].sum()  # (chain,), nats
    return of_chain >= of_chain.max() - WORSE
