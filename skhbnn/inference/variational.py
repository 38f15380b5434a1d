"""Variational inference: a normal approximation of the posterior, fitted by PyMC."""

import math

import numpy as np

from ..model.terms import Layout
from ..support.libraries import import_pymc
from ..support.memory import require_memory
from ..support.quiet import quiet_libraries
from .elbo import WINDOW, has_fallen, levels
from .interrupts import interrupts_raised
from .starts import random_start, units
from .trace import Trace

LEARNING_RATE = 0.01
START_SIGMA = 0.1  # in units of the prior scale: wide enough to find a way, narrow enough to leave the saddle at 0
PATIENCE = 2  # windows without a gain before it stops
SIGNIFICANT = 2.0  # standard errors that count as a gain


class _Watch:
    """A callback of ``pm.fit``: reports progress, and stops the fit when the ELBO no longer rises."""

    def __init__(self, n_iter, progress):
        self.n_iter, self.progress = n_iter, progress
        self.iteration, self.without_gain = 0, 0

    @property
    def converged(self):
        return self.without_gain >= PATIENCE

    def __call__(self, approximation, losses, iteration):
        self.iteration = iteration
        if self.progress is not None and iteration % WINDOW == 0:
            self.progress(iteration, self.n_iter)
        if iteration % WINDOW or iteration < 2 * WINDOW:
            return
        (before, after), errors = levels(-np.asarray(losses[-2 * WINDOW :]))
        self.without_gain = 0 if after - before > SIGNIFICANT * np.hypot(*errors) else self.without_gain + 1
        if self.converged:
            raise StopIteration


def _require_memory(layout, draws):
    """Raise a MemoryError if the draws need too much: seven copies of 8 bytes a number while PyMC names them."""
    n_bytes = 7 * 8 * draws * max(layout.n_dim, layout.members.shape[1] * layout.model.network.n_weights)
    require_memory(
        n_bytes,
        f"{draws} draws of {layout.n_dim} unconstrained weights and scales",
        "lower draws, or hidden_layer_sizes",
    )


def infer(model, data, settings, seed, progress=None):
    """Independent draws, one chain, from a normal approximation of the posterior that ``pm.fit`` fits [1]_.

    ``methods.infer`` says what the arguments are. ``inference="advi"`` has independent coordinates,
    ``"fullrank_advi"`` a full covariance. Progress is told of the iterations made and of the most that are allowed.

    Raises
    ------
    FloatingPointError
        If the optimisation turns NaN.
    MemoryError
        If the draws would not fit.
    ValueError
        If a minibatch would hold more rows than there are.

    References
    ----------
    .. [1] Kucukelbir, Tran, Ranganath, Gelman and Blei (2017), "Automatic differentiation variational inference",
       Journal of Machine Learning Research 18.
    """
    layout = Layout(model, data.members)
    _require_memory(layout, settings.draws)
    pm = import_pymc()
    from ..density.pymc_model import build_model, unconstrained

    batch_size, n_rows = settings.batch_size, len(data.y)
    if batch_size is not None and batch_size > n_rows:
        raise ValueError(
            f"batch_size={batch_size}, but there are {n_rows} rows; give at most as many, or None for all."
        )
    # A minibatch of a wide network is matrix products, where PyTensor's BLAS is faster than the compiled Op.
    pymc_model = build_model(model, data, fused=batch_size is None, batch_size=batch_size)
    watch = _Watch(settings.max_iter, progress)
    arguments = {
        "start": random_start(pymc_model, model, np.random.default_rng(seed)),
        "obj_optimizer": pm.adam(learning_rate=LEARNING_RATE),
        "progressbar": False,
        "random_seed": seed,
    }
    if settings.inference == "advi":
        arguments["start_sigma"] = {  # PyMC wants them flat
            name: np.full(math.prod(shape), START_SIGMA * unit)
            for name, (unit, shape) in units(pymc_model, model).items()
        }
    arguments |= settings.sample_kwargs
    with quiet_libraries(), pymc_model, interrupts_raised() as look:
        arguments["callbacks"] = [look, watch, *settings.sample_kwargs.get("callbacks", [])]
        try:
            approximation = pm.fit(settings.max_iter, method=settings.inference, **arguments)
        except FloatingPointError as error:
            raise FloatingPointError(
                f"{settings.inference} turned NaN after iteration {watch.iteration}: standardise the inputs, lower "
                'prior_scale, or pass a smaller step, sample_kwargs={"obj_optimizer": pm.adam(learning_rate=...)}.'
            ) from error
        draws = approximation.sample(settings.draws, random_seed=seed)
    n_iter = len(approximation.hist)
    per_minibatch = 1 if batch_size is None else n_rows / batch_size  # PyMC's history is that of so many of the rows
    elbo = -per_minibatch * np.asarray(approximation.hist)  # (n_iter,)
    if progress is not None:
        progress(n_iter, n_iter)
    return Trace(
        x=unconstrained(layout, draws["posterior"]),  # (chain, draw, n_dim)
        elbo=elbo,
        n_iter=n_iter,
        converged=watch.converged and not has_fallen(elbo),
    )
