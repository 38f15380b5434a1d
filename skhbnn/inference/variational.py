"""Automatic differentiation variational inference with PyMC."""

import math

import numpy as np

from ..support.libraries import import_pymc
from ..support.quiet import quiet_libraries
from .interrupts import interrupts_raised
from .trace import Trace

LEARNING_RATE = 0.01
START = 0.5  # means start uniform on (-START, START), in units of the prior scale
START_SIGMA = 0.1  # in the same units: wide enough to find a way, narrow enough to leave the saddle at zero weights
WINDOW = 1_000  # iterations between looks at the ELBO
PATIENCE = 2  # windows without a gain before it stops
SIGNIFICANT = 2.0  # standard errors that count as a gain


class _Watch:
    """Told of every iteration by PyMC: reports progress, and stops when the ELBO no longer rises."""

    def __init__(self, n_iter, progress):
        self.n_iter, self.progress = n_iter, progress
        self.iteration, self.without_gain = 0, 0

    @property
    def converged(self):
        return self.without_gain >= PATIENCE

    def __call__(self, approximation, losses, iteration):
        self.iteration = iteration
        if self.progress is not None and (iteration % WINDOW == 0 or iteration == self.n_iter):
            self.progress(iteration, self.n_iter)
        if iteration % WINDOW or iteration < 2 * WINDOW:
            return
        before, after = losses[-2 * WINDOW : -WINDOW], losses[-WINDOW:]  # (WINDOW,) each
        error = np.sqrt((np.var(before) + np.var(after)) / WINDOW)
        gain = np.mean(before) - np.mean(after)
        self.without_gain = 0 if gain > SIGNIFICANT * error else self.without_gain + 1
        if self.converged:
            raise StopIteration


def _start(pymc_model, model, seed):
    """Means and standard deviations that the approximation starts from, by name of the free variables."""
    from ..density.pymc_model import variable_name

    rng, point = np.random.default_rng(seed), pymc_model.initial_point()
    scales = {variable_name(model, term): term.scale for term in model.terms_of(0)}
    start, sigma = {}, {}
    for variable, value in zip(pymc_model.free_RVs, pymc_model.value_vars, strict=True):
        name, shape = variable.name, point[value.name].shape
        fixed = scales.get(name)
        scale = 1.0 if fixed is None or isinstance(fixed, str) or fixed.ndim == 2 else fixed[0]
        draw = scale * rng.uniform(-START, START, shape)
        if name in model.likelihood.own:
            draw = model.likelihood.own_from_unconstrained(draw)
        start[name] = np.exp(draw) if name == "group_scale" else draw
        sigma[name] = np.full(math.prod(shape), START_SIGMA * scale)  # PyMC wants them flat
    return start, sigma


def fit(model, data, settings, seed, progress=None):
    """Fit a normal approximation of the posterior with ``pm.fit``, and draw from it [1]_.

    Parameters
    ----------
    model : Model
    data : GroupedData
    settings : Settings
        ``inference="advi"`` has independent coordinates, ``"fullrank_advi"`` a full covariance.
    seed : int
    progress : callable, default=None
        Told of the number of iterations made and of the most that are allowed.

    Returns
    -------
    trace : Trace
        One chain of independent draws.

    Raises
    ------
    FloatingPointError
        If the optimisation turns NaN.
    ValueError
        If a minibatch would hold more rows than there are.

    References
    ----------
    .. [1] Kucukelbir, Tran, Ranganath, Gelman and Blei (2017), "Automatic differentiation variational inference",
       Journal of Machine Learning Research 18.
    """
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
    start, sigma = _start(pymc_model, model, seed)
    widths = {"start_sigma": sigma} if settings.inference == "advi" else {}
    arguments = {
        "start": start,
        **widths,
        "obj_optimizer": pm.adam(learning_rate=LEARNING_RATE),
        "progressbar": False,
        "random_seed": seed,
        **settings.sample_kwargs,
    }
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
    per_minibatch = 1 if batch_size is None else n_rows / batch_size  # PyMC's history is that of so many of the rows
    return Trace(
        unconstrained(model, data, draws["posterior"]),
        {},
        elbo=-per_minibatch * np.asarray(approximation.hist),  # (n_iter,)
        n_iter=len(approximation.hist),
        converged=watch.converged,
    )
