"""The registry of the methods of inference: a new method is one module here, and one entry below."""

from dataclasses import dataclass
from importlib import import_module


@dataclass(frozen=True, kw_only=True)
class Method:
    """One method of inference, as data.

    Parameters
    ----------
    name : str
        What the parameter ``inference`` of the estimators calls the method.
    module : str
        Module of this package with a function ``infer`` that does the work. It is imported when the method is used,
        so that nobody waits for the libraries of a method that is not.
    unit : str
        What the steps are whose number the method reports.
    uses : tuple of str
        Parameters of the estimators that this method uses and others do not. Their default is None.
    in_threads : bool
        Whether chains run in threads, which cost nothing to start, and not in processes.
    takes_intercepts : bool
        Whether a model may have random intercepts.
    of_groups, of_learned_scales : str
        How far a fit of groups, or one that learns group scales, is from the posterior, and what to do; empty where
        there is nothing to say.
    """

    name: str
    module: str
    unit: str
    uses: tuple = ()
    in_threads: bool = False
    takes_intercepts: bool = True
    of_groups: str = ""
    of_learned_scales: str = ""


_NORMAL = (
    "takes the weights of all groups for normal and of one mode: on grouped data it predicts far worse than NUTS "
    "(on the article's data, log loss 0.40 instead of 0.30 nats). Use "
    'inference="nuts" unless there are too many rows for it.'
)
_MODE = (
    "climbs to the joint mode of the networks of all groups and the learned group scales, which is far too sure of "
    "noisy targets: on real data its predictions can be worse than the frequencies of the classes. Use "
    'inference="nuts". For many small groups: fit some hundred of them by "nuts", and an estimator per group whose '
    "prior is from_hierarchical(fit, inference={name!r}) to the others."
)
_ENTRIES = (
    Method(name="nuts", module="nuts", unit="draws", uses=("tol",), in_threads=True),
    Method(name="laplace", module="laplace", unit="starts", takes_intercepts=False, of_learned_scales=_MODE),
    Method(
        name="advi",
        module="variational",
        unit="iterations",
        uses=("batch_size", "sample_kwargs"),
        of_groups=_NORMAL,
    ),
    Method(
        name="fullrank_advi",
        module="variational",
        unit="iterations",
        uses=("batch_size", "sample_kwargs"),
        of_groups=_NORMAL,
    ),
    Method(name="map", module="mode", unit="starts", of_learned_scales=_MODE),
    Method(name="metropolis", module="pymc_sampling", unit="draws", uses=("sample_kwargs",)),
    Method(name="pymc", module="pymc_sampling", unit="draws", uses=("sample_kwargs",)),
)
METHODS = {method.name: method for method in _ENTRIES}
OWN_PARAMETERS = tuple(sorted({name for method in _ENTRIES for name in method.uses}))  # that only some methods use


def require_used(inference, parameters):
    """Refuse parameters that the chosen method would ignore.

    Parameters
    ----------
    inference : str
        Name of the method.
    parameters : dict
        Value of each of OWN_PARAMETERS.

    Raises
    ------
    ValueError
        If the method does not use one that has a value.
    """
    for name in OWN_PARAMETERS:
        if parameters[name] and name not in METHODS[inference].uses:
            users = " or ".join(repr(method.name) for method in _ENTRIES if name in method.uses)
            raise ValueError(
                f"{name} is only for inference={users}, and inference={inference!r} does not use it; set {name}=None."
            )


def require_random_intercepts(inference):
    """Refuse a method that knows no random intercepts.

    Parameters
    ----------
    inference : str
        Name of the method.

    Raises
    ------
    ValueError
        If the method is none for such a model.
    """
    if not METHODS[inference].takes_intercepts:
        others = ", ".join(repr(method.name) for method in _ENTRIES if method.takes_intercepts)
        raise ValueError(f"inference={inference!r} knows no random_intercepts; set inference to one of {others}.")


def infer(model, data, settings, seed, progress=None):
    """Draws from the posterior of a model, by the method that the settings name.

    Every module of a method has a function ``infer`` with these arguments and this result.

    Parameters
    ----------
    model : Model
        Network, likelihood, family and terms.
    data : GroupedData
        Rows sorted by group, inputs standardised.
    settings : Settings
        What the user has chosen.
    seed : int
        Source of everything random.
    progress : callable, default=None
        Told of the number of steps made and of all steps, in the unit of the method, and at the end that all are made.

    Returns
    -------
    trace : Trace
        The draws, and how the method fared.

    Raises
    ------
    MemoryError
        If what the method keeps would not fit in memory.
    """
    module = import_module(f".{METHODS[settings.inference].module}", __package__)
    return module.infer(model, data, settings, seed, progress)
