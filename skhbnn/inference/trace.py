"""Settings and trace: what every method of inference takes, and what it returns."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

# Names of a sampler's statistics in ArviZ, and in nutpie.
STATISTICS = {
    "diverging": "diverging",
    "energy": "energy",
    "tree_depth": "depth",
    "reached_max_treedepth": "maxdepth_reached",
    "n_steps": "n_steps",
    "step_size": "step_size",
    "lp": "logp",
}

PARETO_K_LIMIT = 0.7  # importance weights beyond it are not to be relied on


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Choices of a user about the inference.

    Parameters
    ----------
    inference : str
        Name of the method.
    chains, tune, draws : int
        Chains, and steps of each that adapt the sampler and that are kept. A variational method gives ``draws`` draws
        of its approximation, ``"map"`` and ``"laplace"`` try ``chains`` starts.
    target_accept : float
        Acceptance probability that the step size of NUTS is adapted to.
    cores : int
        Chains that run at once. It changes no draw.
    max_iter : int
        Most iterations of an optimisation.
    batch_size : int or None
        Rows of a minibatch of a variational method.
    sample_kwargs : dict
        Further arguments of ``pm.sample`` or ``pm.fit``.
    enough : callable or None
        Told of a trace so far, whether NUTS may stop before ``draws``.
    """

    inference: str
    chains: int
    tune: int
    draws: int
    target_accept: float
    cores: int
    max_iter: int
    batch_size: int | None = None
    sample_kwargs: dict = field(default_factory=dict)
    enough: Callable | None = None


@dataclass(frozen=True, eq=False, kw_only=True)
class Trace:
    """Draws of the unconstrained vector that a method of inference kept, and how the method fared.

    Parameters
    ----------
    x : ndarray of shape (n_chains, n_draws, n_dim)
    statistics : dict of ndarray of shape (n_chains, n_draws)
        The STATISTICS that the method has, by ArviZ's names.
    n_tune : int
        Steps of each chain of a sampler that are not kept.
    elbo : ndarray of shape (n_iter,) or None
        Evidence lower bound of every iteration of a variational method.
    n_iter : int or None
        Iterations of an optimisation.
    converged : bool or None
        Whether an optimisation came to its end.
    pareto_k : float or None
        Shape of the tail of the importance weights of an approximation.
    modes : ndarray of shape (n_modes, n_dim) or None
        Where to linearise the network, if it is to be linearised; ``statistics["mode"]`` has the mode of each draw.
    """

    x: np.ndarray
    statistics: dict = field(default_factory=dict)
    n_tune: int = 0
    elbo: np.ndarray | None = None
    n_iter: int | None = None
    converged: bool | None = None
    pareto_k: float | None = None
    modes: np.ndarray | None = None
