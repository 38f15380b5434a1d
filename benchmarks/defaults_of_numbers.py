"""Which settings of the hierarchical regressor predict best: the evidence for its defaults.

The data are the numbers and counts of `benchmarks/grouped_data.py`, of at most 60 groups each: half of each group's
rows train, the other half test, in two ways. Each setting differs from the default in what it names; the default is
`pooling="auto"`, `prior_scale=(1.0, 2.0)`, `group_scale_prior="half_normal"`, `hidden_layer_sizes=(5, 5)`,
`target_accept=0.9`, and the normal likelihood, of counts the Poisson one.

Negative log predictive density of the test rows in nats, per unit of the target; its difference from the default;
seconds relative to the default, beside other fits on the machine (the first fit of a likelihood may compile it); and
the share of fits that warned. Means over splits, by the default chains.
"""

import json
import sys
from functools import partial

import numpy as np
from joblib import Parallel, delayed
from scipy.special import logsumexp
from scipy.stats import poisson

from skhbnn import HierarchicalBNNRegressor

from .common import observed, trajectories
from .grouped_data import COUNTS, NUMBERS, find, halves, read_numbers, some_groups
from .peers_of_counts import over

SPLITS = (0, 1)
N_GROUPS = 60
DEFAULT = "the default"
SETTINGS = {
    DEFAULT: {},
    **{f"prior_scale={scale!r}": {"prior_scale": scale} for scale in (1.0, (1.0, 4.0), "fan_in")},
    "pooling='partial'": {"pooling": "partial"},
    "pooling='affine'": {"pooling": "affine"},
    "group_scale_prior='half_cauchy'": {"group_scale_prior": "half_cauchy"},
    "weight_prior='student_t'": {"weight_prior": "student_t"},
    "hidden_layer_sizes=(10,)": {"hidden_layer_sizes": (10,)},
    "hidden_layer_sizes=()": {"hidden_layer_sizes": ()},
}
OF_NUMBERS = {"likelihood='student_t'": {"likelihood": "student_t"}}


def fit(train, test, seed, *, long_trajectories=False, **params):
    """Mean negative log predictive density of the test rows, by the hierarchical regressor."""
    model = HierarchicalBNNRegressor(random_state=seed, n_jobs=1, **params)
    # The density of a rate is one of the counts only where the exposure is the row's weight.
    weighted = {} if train.exposure is None else {"sample_weight": over(train)}
    with trajectories(long=long_trajectories):
        model.fit(train.X, train.y / over(train), groups=train.groups, **weighted)
    if train.exposure is None:
        return -model.log_predictive_density(test.X, test.y, groups=test.groups).mean()
    means = over(test) * model.sample_mean(test.X, groups=test.groups)  # (draw, row)
    return -np.mean(logsumexp(poisson.logpmf(test.y, means), axis=0) - np.log(len(means)))


def settings(name):
    """Parameters of every setting of a set, by what it is called."""
    return of_kind(SETTINGS if name in COUNTS else SETTINGS | OF_NUMBERS, name)


def of_kind(settings, name):
    """Settings with the likelihood that the targets of a set ask for."""
    kind = {"likelihood": "poisson"} if name in COUNTS else {}
    return {setting: {**kind, **params} for setting, params in settings.items()}


def one(folder, name, seed, params):
    """Loss, seconds, and whether the fit warned."""
    table = some_groups(read_numbers(folder, name), N_GROUPS, 0)
    train, test = (table.rows(rows) for rows in halves(table.groups, seed))
    found = observed(partial(fit, **params), train, test, seed)
    print(json.dumps([name, seed, params, *found]), file=sys.stderr, flush=True)
    return found


def run(folder):
    """Table of the settings; folder has the files that benchmarks/grouped_data.py names."""
    rows = []
    for name, of in fits(folder, settings).items():
        default = of[DEFAULT].mean(axis=0)  # loss, seconds, share
        for setting, values in of.items():
            loss, seconds, warned = values.mean(axis=0)
            rows.append(
                {
                    "data": name,
                    "setting": setting,
                    "negative log density": float(loss),
                    "difference from the default": "" if setting == DEFAULT else f"{loss - default[0]:+.4f}",
                    "seconds, relative": f"{seconds / default[1]:.2f}",
                    "warned": f"{warned:.0%}",
                }
            )
    return rows


def fits(folder, settings, splits=SPLITS):
    """By set and setting the losses, seconds, and whether fits warned (split, 3); settings gives those of a set."""
    names = [name for name in NUMBERS | COUNTS if find(folder, name)]
    tasks = [(name, setting, seed) for name in names for setting in settings(name) for seed in splits]
    run_one = delayed(one)
    found = Parallel(n_jobs=2)(run_one(folder, name, seed, settings(name)[setting]) for name, setting, seed in tasks)
    results = dict(zip(tasks, found, strict=True))
    return {
        name: {
            setting: np.array([results[name, setting, seed] for seed in splits], float) for setting in settings(name)
        }
        for name in names
    }
