"""No-U-Turn sampling of a compiled density."""

import numpy as np

from ..model.density import Density
from .trace import Trace

MAX_DEPTH = 10  # doublings of one trajectory at the most


def sample(model, data, settings, seed, progress=None):
    """Draw from the posterior.

    Parameters
    ----------
    model : FlatModel, HierarchicalModel or InformedModel
    data : GroupedData
    settings : Settings
    seed : int
    progress : callable, default=None
        Told of the number of steps made and of all steps.

    Returns
    -------
    trace : Trace

    Raises
    ------
    RuntimeError
        If no chain finds a start with a finite density.
    """
    from .nutpie_adapter import run  # nutpie takes seconds to import, so only a fit does

    draws, statistics = run(
        Density(model, data),
        progress=progress,
        chains=settings.chains,
        tune=settings.tune,
        draws=settings.draws,
        cores=settings.cores,
        seed=seed,
        target_accept=settings.target_accept,
        maxdepth=MAX_DEPTH,
    )
    kept = [~chain.pop("tuning").astype(bool) for chain in statistics]  # (tune + draws,) each
    return Trace(
        np.stack([x[keep] for x, keep in zip(draws, kept, strict=True)]),  # (chain, draw, n_dim)
        {
            name: np.stack([chain[name][keep] for chain, keep in zip(statistics, kept, strict=True)])  # (chain, draw)
            for name in statistics[0]
        },
    )
