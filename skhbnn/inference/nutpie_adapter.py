"""nutpie, which no other module knows: a density goes in, draws and statistics of the sampler come out.

Two routes give equal draws. The C route hands nutpie the addresses of compiled callbacks, as nutpie does for
its own PyMC models; its names are nutpie's internals. The Python route is nutpie's public ``from_pyfunc``.
"""

import dataclasses
import functools
import math
import time
from collections.abc import Callable

import numpy as np
import nutpie
from nutpie.compiled_pyfunc import from_pyfunc
from nutpie.sample import CompiledModel

from ..density import compiled
from ..density.density import Density
from .trace import STATISTICS

VARIABLE = "x"
DIM = "unconstrained"
STORED = "float32"  # the sampler itself goes on in float64
# What nutpie keeps of a step, a dimension: 0.16.8 its position and gradient in float64 too, asked for or not.
STEP_BYTES = 20 if hasattr(nutpie._lib.PyNutsSettings, "store_gradient") else 4
FIRST_LOOK = 100  # draws of each chain before it is first asked whether they are enough
GROWTH = 1.5  # from one look to the next
POLL = 0.005  # seconds until the next look whether a chain has ended, and the first one at how far it is
PROGRESS = "{{ total_finished_draws }} {{ total_draws }}"


@dataclasses.dataclass(frozen=True)
class _CallbackModel(CompiledModel):
    """A density that nutpie calls through C, without Python and without the GIL."""

    density: Density
    initial_point: Callable
    progress: Callable | None

    @property
    def n_dim(self):
        return self.density.n_dim

    @property
    def shapes(self):
        return {VARIABLE: (self.n_dim,)}

    @property
    def coords(self):
        return {DIM: np.arange(self.n_dim)}

    def _make_sampler(self, settings, init_mean, cores, progress_type, *rest):
        # *rest: what follows differs between nutpie's releases, and is only passed on.
        if self.progress is not None:
            report = lambda text: self.progress(*map(int, text.split()))  # noqa: E731
            progress_type = nutpie._lib.ProgressType.template_callback(500, PROGRESS, cores, report)
        return nutpie._lib.PySampler.from_pymc(settings, cores, self._make_model(init_mean), progress_type, *rest)

    def _make_model(self, init_mean):
        lib, n_dim, header = nutpie._lib, self.n_dim, self.density.header_address
        logp, expand = self.density.callback, compiled.expand_callback()
        keep_alive = (self.density, logp, expand)
        sizes = {DIM: n_dim}
        return lib.PyMcModel(
            lib.LogpFunc(logp.address, header, keep_alive),
            lib.ExpandFunc(n_dim, n_dim, expand.address, header, keep_alive),
            lib.PyVariable.new_variables([VARIABLE], [STORED], [(n_dim,)], sizes, self.dims),
            n_dim,
            sizes,
            self.coords,
            self.initial_point,
            None,
        )


def _python_model(density, initial_point):
    return from_pyfunc(
        density.n_dim,
        make_logp_fn=lambda: density.logp_grad,
        make_expand_fn=lambda *seeds: lambda x: {VARIABLE: x.astype(STORED)},
        expanded_dtypes=[np.dtype(STORED)],
        expanded_shapes=[(density.n_dim,)],
        expanded_names=[VARIABLE],
        dims={VARIABLE: (DIM,)},
        coords={DIM: np.arange(density.n_dim)},
        make_initial_point_fn=initial_point,
    )


def has_callback_route():
    """Whether the installed nutpie has the internals that the C route needs."""
    names = ("LogpFunc", "ExpandFunc", "PyMcModel", "PyVariable", "PySampler")
    lib = getattr(nutpie, "_lib", None)
    return all(hasattr(lib, name) for name in names) and hasattr(getattr(lib, "PySampler", None), "from_pymc")


def run(density, *, route=None, progress=None, **settings):
    """Draws from a density by nutpie, with the sampler's statistics.

    Parameters
    ----------
    density : Density
    route : {"c", "python"}, default=None
        None: the C route where nutpie has it.
    progress : callable, default=None
        Called from another thread with the number of steps made and of all steps; not by the Python route.
    **settings
        Arguments of ``nutpie.sample``.

    Returns
    -------
    draws : list of ndarray of shape (n_tune + n_draws, n_dim)
        One per chain.
    statistics : list of dict of ndarray of shape (n_tune + n_draws,)
        One per chain, under ArviZ's names.
    """
    sampler = _start(density, route, progress, None, **settings)
    try:
        trace = sampler.wait()
    except BaseException:
        sampler.cancel()
        raise
    if progress is not None:  # nutpie's last report may come before the last step
        n_steps = settings["chains"] * (settings["tune"] + settings["draws"])
        progress(n_steps, n_steps)
    return _arrays(trace, density.n_dim)


def run_until(density, enough, *, chains, cores, seed, starts=None, route=None, progress=None, **settings):
    """Draws from a density by nutpie, as many as prove enough, with the sampler's statistics.

    Every chain is a sampler of its own, which waits for slower chains while it is ahead. Whether the draws are
    enough is asked at fixed numbers of draws, so that neither ``cores`` nor the speed of the machine changes the
    result.

    Parameters
    ----------
    density : Density
    enough : callable or None
        Told of the draws and statistics so far, in the form that is returned. None: nothing but all draws is enough.
    chains : int
    cores : int
        Chains that run at once.
    seed : int
    starts : list of ndarray of shape (n_dim,), default=None
        Where each chain starts. None: near 0.
    route : {"c", "python"}, default=None
        None: the C route where nutpie has it.
    progress : callable, default=None
        Called with the number of steps made and of all steps.
    **settings
        Further arguments of ``nutpie.sample``: ``tune``, ``draws``, which is the most of each chain, and others.

    Returns
    -------
    draws : list of ndarray of shape (n_tune + n_draws, n_dim)
        One per chain.
    statistics : list of dict of ndarray of shape (n_tune + n_draws,)
        One per chain, under ArviZ's names.
    """
    seeds = np.random.SeedSequence(seed).generate_state(chains)  # (chain,)
    tune, draws = settings["tune"], settings["draws"]
    start_one = functools.partial(_start, density, route, chains=1, cores=1, **settings)
    reports = [None] * chains if progress is None or enough is not None else _reports(progress, chains)
    start = [
        functools.partial(start_one, report, None if starts is None else starts[chain], seed=int(seeds[chain]))
        for chain, report in enumerate(reports)
    ]
    samplers: list = [None] * chains
    n_draws = draws if enough is None else min(FIRST_LOOK, draws)
    try:
        while True:
            _advance(samplers, start, tune + n_draws, cores, n_draws == draws)
            parts = [_arrays(sampler.inspect(), density.n_dim, tune + n_draws) for sampler in samplers]
            found = [x for (x,), _ in parts], [statistics for _, (statistics,) in parts]
            done = n_draws == draws or enough(*found)
            if progress is not None:
                made = chains * (tune + n_draws)
                progress(made, made if done else chains * (tune + draws))
            if done:
                return found
            n_draws = min(math.ceil(GROWTH * n_draws), draws)
    finally:
        for sampler in samplers:
            if sampler is not None:
                sampler.cancel()


def _reports(progress, chains):
    """A callback for each chain, which is told of the chain's steps and tells progress of those of all chains."""
    made = [0] * chains

    def report(chain, n_made, n_all):
        made[chain] = n_made
        progress(sum(made), chains * n_all)

    return [functools.partial(report, chain) for chain in range(chains)]


def _advance(samplers, start, n_steps, cores, is_end):
    """Let every chain run to n_steps or a little beyond, cores of them at once, and wait there.

    is_end: whether n_steps are all.
    """
    waiting, seconds = list(range(len(samplers))), POLL
    running: set = set()
    while waiting or running:
        while waiting and len(running) < cores:
            chain = waiting.pop(0)
            if samplers[chain] is None:
                samplers[chain] = start[chain]()
            else:
                samplers[chain].resume()
            running.add(chain)
        time.sleep(seconds)
        if not is_end:
            seconds *= GROWTH  # every look copies all draws
        for chain in sorted(running):
            if _is_finished(samplers[chain]) or (not is_end and _n_made(samplers[chain]) >= n_steps):
                samplers[chain].pause()
                running.remove(chain)
                seconds = POLL


def _is_finished(sampler):
    """Whether a sampler of one chain has ended; raises the error of a chain that failed."""
    try:
        return sampler.is_finished
    except TimeoutError:  # nutpie's answer while it runs
        return False


def _n_made(sampler):
    """The number of steps that a sampler of one chain has made."""
    batches, _ = sampler.inspect().get_arrow_trace()  # none before the first step
    return sum(batch.num_rows for batch in batches)


def _start(density, route, progress, start, **settings):
    """A sampler of nutpie, started at a point (n_dim,), or near 0, which runs in the background."""
    if route is None:
        route = "c" if has_callback_route() else "python"
    initial_point = density.initial_point if start is None else lambda seed: start
    if route == "c":
        model = _CallbackModel(dims={VARIABLE: (DIM,)}, density=density, initial_point=initial_point, progress=progress)
    else:
        model = _python_model(density, initial_point)
    return nutpie.sample(model, return_raw_trace=True, blocking=False, progress_bar=False, **settings)


def _arrays(trace, n_dim, n_steps=None):
    """The first n_steps draws and statistics of each chain of a raw trace; None: all."""
    draw_batches, stat_batches = trace.get_arrow_trace()
    draws = [_matrix(batch.column(VARIABLE), n_dim)[:n_steps] for batch in draw_batches]
    statistics = [{name: part[:n_steps] for name, part in _statistics(batch).items()} for batch in stat_batches]
    return draws, statistics


def _matrix(column, n_dim):
    import pyarrow

    return pyarrow.array(column).flatten().to_numpy(zero_copy_only=False).reshape(-1, n_dim)  # (step, n_dim)


def _statistics(batch):
    import pyarrow

    names = {"tuning": "tuning", **STATISTICS}
    return {name: pyarrow.array(batch.column(own)).to_numpy(zero_copy_only=False) for name, own in names.items()}
