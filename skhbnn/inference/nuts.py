"""No-U-Turn sampling of a compiled density."""

from dataclasses import dataclass

import numpy as np

MAX_DEPTH = 10  # doublings of one trajectory at the most


@dataclass(frozen=True)
class NutsSettings:
    """What a user may set of the sampler.

    Parameters
    ----------
    chains, tune, draws : int
        Chains, and steps of each that adapt the sampler and that are kept.
    target_accept : float
        Acceptance probability that the step size is adapted to.
    cores : int
        Chains that run at once. It changes no draw.
    """

    chains: int
    tune: int
    draws: int
    target_accept: float
    cores: int


@dataclass(frozen=True, eq=False)
class Trace:
    """Kept draws of the unconstrained vector, and how the sampler fared.

    Parameters
    ----------
    x : ndarray of shape (n_chains, n_draws, n_dim)
    statistics : dict of ndarray of shape (n_chains, n_draws)
        ``diverging``, ``depth``, ``maxdepth_reached``, ``energy``, ``logp``, ``n_steps`` and ``step_size``.
    """

    x: np.ndarray
    statistics: dict


def sample(density, settings, seed, progress=None):
    """Draw from a density.

    Parameters
    ----------
    density : Density
    settings : NutsSettings
    seed : int
    progress : Progress, default=None
        Told of the draws while they are made.

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
        density,
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
