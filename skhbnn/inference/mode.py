"""The mode of a compiled density: a point estimate."""

import numpy as np
from scipy.optimize import minimize

from ..model.density import Density
from .trace import Trace


def find(model, data, settings, seed, progress=None):
    """Climb to the mode of the posterior density from several starts, and keep the highest.

    The density is that of the unconstrained vector, as the samplers see it.

    Parameters
    ----------
    model : FlatModel, HierarchicalModel or InformedModel
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
    density = Density(model, data)

    def objective(x):
        value, gradient = density.logp_grad(x)
        return (-value, -gradient) if np.isfinite(value) else (np.inf, np.zeros_like(x))

    best = None
    for start, start_seed in enumerate(np.random.SeedSequence(seed).spawn(settings.chains)):
        options = {"maxiter": settings.max_iter, "maxfun": 2 * settings.max_iter}
        found = minimize(objective, density.initial_point(start_seed), jac=True, method="L-BFGS-B", options=options)
        if progress is not None:
            progress(start + 1, settings.chains)
        if np.isfinite(found.fun) and (best is None or found.fun < best.fun):
            best = found
    if best is None:
        raise RuntimeError(f"None of {settings.chains} starts led to a finite density; lower prior_scale.")
    statistics = {"lp": np.array([[-best.fun]])}  # (chain, draw)
    return Trace(best.x[None, None], statistics, n_iter=best.nit, converged=best.success)  # x: (chain, draw, n_dim)
