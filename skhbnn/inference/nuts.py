"""No-U-Turn sampling of a compiled density."""

import numpy as np

from ..density.density import Density
from ..support.libraries import import_arviz
from ..support.memory import require_memory
from .trace import Trace

MAX_DEPTH = 10  # doublings of one trajectory at the most


def sample(model, data, settings, seed, progress=None):
    """Draw from the posterior.

    Parameters
    ----------
    model : Model
    data : GroupedData
    settings : Settings
        With ``enough``, ``draws`` is the most that are made.
    seed : int
    progress : callable, default=None
        Told of the number of steps made and of all steps.

    Returns
    -------
    trace : Trace

    Raises
    ------
    MemoryError
        If the draws would not fit.
    RuntimeError
        If no chain finds a start with a finite density.
    """
    import_arviz()  # nutpie imports it
    from .nutpie_adapter import STEP_BYTES, run, run_until  # nutpie takes seconds to import, so only a fit does

    density = Density(model, data)
    _require_memory(density.n_dim, data.n_groups * model.network.n_weights, settings, STEP_BYTES)
    arguments = {
        "progress": progress,
        "chains": settings.chains,
        "tune": settings.tune,
        "draws": settings.draws,
        "cores": settings.cores,
        "seed": seed,
        "target_accept": settings.target_accept,
        "maxdepth": MAX_DEPTH,
    }
    if settings.enough is not None:
        return _trace(*run_until(density, lambda *chains: settings.enough(_trace(*chains)), **arguments))
    chains = run(density, **arguments)
    if progress is not None:  # nutpie's last report may come before the last step
        n_steps = settings.chains * (settings.tune + settings.draws)
        progress(n_steps, n_steps)
    return _trace(*chains)


def _require_memory(n_dim, n_weights, settings, step_bytes):
    """Refuse settings whose draws would not fit: every step, once more while it is looked at, and 4 bytes for each
    number of the kept ones, the unconstrained vectors and the weights.
    """
    looks = 1 if settings.enough is None else 2
    n_bytes = looks * step_bytes * (settings.tune + settings.draws) * n_dim + 4 * settings.draws * (n_dim + n_weights)
    what = f"{settings.chains} chains of {settings.tune} + {settings.draws} steps"
    require_memory(
        settings.chains * n_bytes,
        f"{what} of {n_dim} unconstrained weights and scales",
        "lower draws, tune or chains, or hidden_layer_sizes",
    )


def _trace(draws, statistics):
    """Draws and statistics of chains without the steps of tuning, which come first."""
    n_tune = int(np.sum(statistics[0]["tuning"]))
    return Trace(
        np.stack([x[n_tune:] for x in draws]),  # (chain, draw, n_dim)
        {
            name: np.stack([chain[name][n_tune:] for chain in statistics])  # (chain, draw)
            for name in statistics[0]
            if name != "tuning"
        },
        n_tune,
    )
