"""How high the evidence lower bound (ELBO) of a variational method is, from noisy estimates with heavy tails."""

import numpy as np

WINDOW = 1_000  # iterations whose estimates are taken together
MEDIAN_ERROR = 1.2533 * 1.4826  # standard error of a median of n normal numbers, by their median distance / sqrt(n)
FALLEN = 3.0  # standard errors below the highest window
LEAST_FALL = 1.0  # nats, below which the approximation is hardly worse


def levels(elbo):
    """Medians of the estimates of each whole window, and their standard errors.

    Parameters
    ----------
    elbo : ndarray of shape (n_iter,)
        Estimates of all iterations; those before the whole windows are left out.

    Returns
    -------
    medians, errors : ndarray of shape (n_windows,)
    """
    windows = elbo[len(elbo) % WINDOW :].reshape(-1, WINDOW)  # (window, iteration)
    medians = np.median(windows, axis=1)  # (window,)
    distance = np.median(np.abs(windows - medians[:, None]), axis=1)  # (window,)
    return medians, MEDIAN_ERROR * distance / np.sqrt(WINDOW)


def has_fallen(elbo):
    """Whether estimates (n_iter,) end below the highest window that they reached: the optimisation lost its way."""
    medians, errors = levels(elbo)
    if not len(medians):
        return False
    best = int(np.argmax(medians))
    fall, error = medians[best] - medians[-1], np.hypot(errors[best], errors[-1])
    return bool(fall > max(LEAST_FALL, FALLEN * error))
