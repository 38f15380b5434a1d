"""The only place that knows nutpie: a density in, raw draws and sampler statistics out.

Two routes give the same draws. The C route hands nutpie the addresses of compiled callbacks, as nutpie does for
its own PyMC models; its names are nutpie's internals. The Python route is nutpie's public ``from_pyfunc``.
"""

import dataclasses
import warnings
from collections.abc import Callable

import numpy as np

from ..model import kernels
from ..model.density import Density
from .trace import STATISTICS

with warnings.catch_warnings():
    warnings.simplefilter("ignore", FutureWarning)  # ArviZ 0.23 announces ArviZ 1 at every import
    import nutpie
    from nutpie.compiled_pyfunc import from_pyfunc
    from nutpie.sample import CompiledModel

VARIABLE = "x"
DIM = "unconstrained"
PROGRESS = "{{ total_finished_draws }} {{ total_draws }}"


@dataclasses.dataclass(frozen=True)
class _CallbackModel(CompiledModel):
    """A density that nutpie calls through C, without Python and without the GIL."""

    density: Density
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
        lib, n_dim, header = nutpie._lib, self.n_dim, self.density.header
        logp, expand = kernels.nutpie_callbacks()
        keep_alive = (self.density, header)
        sizes = {DIM: n_dim}
        return lib.PyMcModel(
            lib.LogpFunc(logp.address, header.ctypes.data, keep_alive),
            lib.ExpandFunc(n_dim, n_dim, expand.address, header.ctypes.data, keep_alive),
            lib.PyVariable.new_variables([VARIABLE], ["float64"], [(n_dim,)], sizes, self.dims),
            n_dim,
            sizes,
            self.coords,
            self.density.initial_point,
            None,
        )


def _python_model(density):
    return from_pyfunc(
        density.n_dim,
        make_logp_fn=lambda: density.logp_grad,
        make_expand_fn=lambda *seeds: lambda x: {VARIABLE: x},
        expanded_dtypes=[np.dtype("float64")],
        expanded_shapes=[(density.n_dim,)],
        expanded_names=[VARIABLE],
        dims={VARIABLE: (DIM,)},
        coords={DIM: np.arange(density.n_dim)},
        make_initial_point_fn=density.initial_point,
    )


def has_callback_route():
    """Whether the installed nutpie has the internals that the C route needs."""
    names = ("LogpFunc", "ExpandFunc", "PyMcModel", "PyVariable", "PySampler")
    lib = getattr(nutpie, "_lib", None)
    return all(hasattr(lib, name) for name in names) and hasattr(getattr(lib, "PySampler", None), "from_pymc")


def run(density, *, route=None, progress=None, **settings):
    """Sample a density with nutpie.

    Parameters
    ----------
    density : Density
    route : {"c", "python"}, default=None
        None: the C route where nutpie has it.
    progress : callable, default=None
        Called from another thread with the number of steps made and of all steps; the Python route shows nutpie's
        own bar instead.
    **settings
        Arguments of ``nutpie.sample``.

    Returns
    -------
    draws : list of ndarray of shape (n_tune + n_draws, n_dim)
        One per chain.
    statistics : list of dict of ndarray of shape (n_tune + n_draws,)
        One per chain, under ArviZ's names.
    """
    if route is None:
        route = "c" if has_callback_route() else "python"
    if route == "c":
        model, bar = _CallbackModel(dims={VARIABLE: (DIM,)}, density=density, progress=progress), False
    else:
        model, bar = _python_model(density), progress is not None
    sampler = nutpie.sample(model, return_raw_trace=True, blocking=False, progress_bar=bar, **settings)
    try:
        trace = sampler.wait()
    except BaseException:
        sampler.cancel()
        raise
    draw_batches, stat_batches = trace.get_arrow_trace()
    draws = [_matrix(batch.column(VARIABLE), density.n_dim) for batch in draw_batches]
    return draws, [_statistics(batch) for batch in stat_batches]


def _matrix(column, n_dim):
    import pyarrow

    return pyarrow.array(column).flatten().to_numpy(zero_copy_only=False).reshape(-1, n_dim)  # (step, n_dim)


def _statistics(batch):
    import pyarrow

    names = {"tuning": "tuning", **STATISTICS}
    return {name: pyarrow.array(batch.column(own)).to_numpy(zero_copy_only=False) for name, own in names.items()}
