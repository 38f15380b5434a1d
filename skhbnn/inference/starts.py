"""Random starts of the methods of PyMC, which begins at 0: there a map of the inputs may have no density."""

import numpy as np

REACH = 0.5  # starts are uniform on (-REACH, REACH), in units of the prior scale
LEARNED = ("prior_scale", "group_scale")  # names of the learned scales


def units(pymc_model, model):
    """Prior scale of each free variable, 1 where it is learned or not one number, and its shape, by name.

    Parameters
    ----------
    pymc_model : pymc.Model
        The model in PyMC.
    model : Model

    Returns
    -------
    units : dict of (float, tuple)
    """
    from ..density.pymc_model import variable_name

    point = pymc_model.initial_point()
    scales = {variable_name(model, term): term.scale for term in model.terms_of(0) if not term.is_learned}
    found = {}
    for variable, value in zip(pymc_model.free_RVs, pymc_model.value_vars, strict=True):
        fixed = scales.get(variable.name)
        found[variable.name] = (1.0 if fixed is None or fixed.ndim == 2 else fixed[0]), point[value.name].shape
    return found


def random_start(pymc_model, model, rng):
    """Value of each free variable to start from, by name.

    Parameters
    ----------
    pymc_model : pymc.Model
        The model in PyMC.
    model : Model
    rng : numpy.random.Generator

    Returns
    -------
    start : dict of ndarray
    """
    free = rng.uniform(-REACH, REACH, len(model.likelihood.own))  # (own number,)
    own = model.likelihood.own_by_variable(model.likelihood.own_from_unconstrained(free))
    start = {}
    for name, (unit, shape) in units(pymc_model, model).items():
        draw = unit * rng.uniform(-REACH, REACH, shape)
        start[name] = own[name] if name in own else np.exp(draw) if name in LEARNED else draw
    return start
