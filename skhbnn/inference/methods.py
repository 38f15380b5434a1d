"""The methods of inference by name. Each module brings in what it needs, when it is used."""

from ..model.terms import Layout
from ..support.memory import require_memory

METHODS = ("nuts", "laplace", "advi", "fullrank_advi", "map", "metropolis", "pymc")
VARIATIONAL = ("advi", "fullrank_advi")  # use batch_size
THROUGH_PYMC = ("advi", "fullrank_advi", "metropolis", "pymc")  # use sample_kwargs
PROGRESS_UNITS = {  # of the others: draws
    **dict.fromkeys(VARIATIONAL, "iterations"),
    **dict.fromkeys(("laplace", "map"), "starts"),
}


def infer(model, data, settings, seed, progress=None):
    """Draws from the posterior of a model by the method that the settings name; see its function.

    Raises
    ------
    MemoryError
        If the draws, or the matrices of ``"laplace"``, would not fit.
    """
    if settings.inference in THROUGH_PYMC:
        n_weights = data.n_groups * model.network.n_weights
        n_dim = Layout(model, data.members.max(axis=1) + 1).n_dim
        _require_memory_for_draws(n_dim, n_weights, settings)
    if settings.inference == "nuts":
        from .nuts import sample as method
    elif settings.inference == "laplace":
        from .laplace import fit as method
    elif settings.inference == "map":
        from .mode import find as method
    elif settings.inference in VARIATIONAL:
        from .variational import fit as method
    else:
        from .pymc_sampling import sample as method
    return method(model, data, settings, seed, progress)


def _require_memory_for_draws(n_dim, n_weights, settings):
    """Refuse settings of a method of PyMC whose draws would not fit in memory.

    A number is 8 bytes. A sampler holds every step, with two copies of the kept ones once it is done, and the
    quantities that follow from a draw, the weights. The draws of a variational method exist seven times over while they
    are named.
    """
    chains, tune, draws = (
        settings.sample_kwargs.get(name, getattr(settings, name)) for name in ("chains", "tune", "draws")
    )
    if settings.inference in VARIATIONAL:
        numbers, said, lower = 7 * settings.draws, f"{settings.draws} draws", "draws"
    else:
        numbers = 2 * chains * (tune + 3 * draws)
        said, lower = f"{chains} chains of {tune} + {draws} steps", "draws, tune or chains"
    advice = f"lower {lower}, or hidden_layer_sizes"
    n_bytes = 8 * max(n_dim, n_weights) * numbers
    require_memory(n_bytes, f"{said} of {n_dim} unconstrained weights and scales", advice)
