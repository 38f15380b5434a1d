"""What users meet: the public names, and the members that this package gives them."""

import inspect

import skhbnn
from skhbnn import datasets, inspection, plotting
from skhbnn.data.rows import GroupedData
from skhbnn.data.standardizer import Standardizer
from skhbnn.density import pymc_model
from skhbnn.model import network, terms
from skhbnn.posterior import diagnostics, draws

RECORDS = [draws.Posterior, diagnostics.Diagnostics, diagnostics.OptimizationDiagnostics]
RECORDS += [GroupedData, Standardizer, network.Network]
RECORDS += [terms.Model, terms.Term, terms.RandomIntercept, terms.Layout]
ENTRANCES = [getattr(skhbnn, name) for name in skhbnn.__all__ if name != "__version__"]
ENTRANCES += [getattr(plotting, name) for name in plotting.__all__] + [
    getattr(datasets, name) for name in datasets.__all__
]
ENTRANCES += [getattr(inspection, name) for name in inspection.__all__]
ESTIMATORS = [entrance for entrance in ENTRANCES if hasattr(entrance, "fit")]


def function_of(member):
    """The function behind a method, class method, property or ``available_if``."""
    if isinstance(member, property):
        member = member.fget
    return inspect.unwrap(getattr(member, "__func__", member))


def public_names():
    """Dotted names of the public objects and of the members that this package gives them."""
    for thing in [*ENTRANCES, *RECORDS, pymc_model.build_model]:
        home = f"{thing.__module__}.{thing.__name__}"
        yield home, thing
        for name, member in inspect.getmembers(thing) if inspect.isclass(thing) else ():
            function = function_of(member)
            if not name.startswith("_") and inspect.isfunction(function) and function.__module__.startswith("skhbnn"):
                yield f"{home}.{name}", function


PUBLIC = dict(public_names())
