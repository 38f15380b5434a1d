"""Agreement of draws with a distribution that is known."""

import numpy as np

from skhbnn.support.libraries import import_arviz


def moments(values, log_density):
    """Mean and standard deviation of values under an unnormalised log density on an even grid."""
    density = np.exp(log_density - log_density.max())
    density /= density.sum()
    mean = (values * density).sum()
    return mean, np.sqrt(((values - mean) ** 2 * density).sum())


def assert_moments(draws, mean, std, least_ess):
    """Mean and standard deviation of enough draws (chain, draw) are right to 4 standard errors."""
    arviz = import_arviz()
    draws = draws.astype(float)
    for quantity, truth in ((draws, mean), ((draws - mean) ** 2, std**2)):
        ess = float(arviz.ess(quantity))
        assert ess > least_ess
        assert abs(quantity.mean() - truth) < 4 * quantity.std() / np.sqrt(ess)
