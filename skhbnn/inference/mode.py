"""The mode of a compiled density: a point estimate."""

import numpy as np
from scipy.optimize import minimize
from threadpoolctl import threadpool_limits

from ..density.density import Density
from .trace import Trace


@threadpool_limits.wrap(limits=1)  # the last digits of BLAS's sums depend on the number of its threads
def find(model, data, settings, seed, progress=None):
    """Climb to the mode of the posterior density from several starts, and keep the highest.

    The density is that of the unconstrained vector, as the samplers see it.

    Parameters
    ----------
    model : Model
    data : GroupedData
    settings : Settings
        ``chains`` starts, ``max_iter`` iterations of L-BFGS from each.
    seed : int
    progress : callable, default=None
        Told of the number of starts tried and of all starts.

    Returns
    -------
    trace : Trace
        One chain of one draw.

    Raises
    ------
    RuntimeError
        If no start leads to a finite density.
    """
    best = climb(Density(model, data), settings, seed, progress)[0]
    statistics = {"lp": np.array([[-best.fun]])}  # (chain, draw)
    return Trace(best.x[None, None], statistics, n_iter=best.nit, converged=best.success)  # x: (chain, draw, n_dim)


def climb(density, settings, seed, progress=None):
    """Climb a density from every start.

    Returns
    -------
    tops : list of scipy.optimize.OptimizeResult
        Where L-BFGS ended with a finite density, the highest first; ``fun`` is the negative log density.

    Raises
    ------
    RuntimeError
        If there is none.
    """

    def objective(x):
        value, gradient = density.logp_grad(x)
        return (-value, -gradient) if np.isfinite(value) else (np.inf, np.zeros_like(x))

    tops = []
    for start, start_seed in enumerate(np.random.SeedSequence(seed).spawn(settings.chains)):
        options = {"maxiter": settings.max_iter, "maxfun": 2 * settings.max_iter}
        found = minimize(objective, density.initial_point(start_seed), jac=True, method="L-BFGS-B", options=options)
        if progress is not None:
            progress(start + 1, settings.chains)
        if np.isfinite(found.fun):
            tops.append(found)
    if not tops:
        raise RuntimeError(f"None of {settings.chains} starts led to a finite density; lower prior_scale.")
    return sorted(tops, key=lambda top: top.fun)
