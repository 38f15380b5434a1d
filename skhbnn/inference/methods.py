"""The methods of inference by name. Each module brings in what it needs, when it is used."""

METHODS = ("nuts", "advi", "fullrank_advi", "map", "metropolis", "pymc")
VARIATIONAL = ("advi", "fullrank_advi")  # use batch_size
THROUGH_PYMC = ("advi", "fullrank_advi", "metropolis", "pymc")  # use sample_kwargs
PROGRESS_UNITS = {"advi": "iterations", "fullrank_advi": "iterations", "map": "starts"}  # of the others: draws


def infer(model, data, settings, seed, progress=None):
    """Draws from the posterior of a model by the method that the settings name; see its function."""
    if settings.inference == "nuts":
        from .nuts import sample as method
    elif settings.inference == "map":
        from .mode import find as method
    elif settings.inference in VARIATIONAL:
        from .variational import fit as method
    else:
        from .pymc_sampling import sample as method
    return method(model, data, settings, seed, progress)
