"""Chains of NUTS that start near 0, or where a pilot run on some of the groups ended: what it costs and gains.

Default fits, means over two sets of moons or two splits of real rows, half of each group's rows for training. The joint
fit has all groups, but where a number stands behind the name of the set, which is `max_groups`. A pilot run has 60
steps of tuning on some of the groups, and 20 on all groups follow; near 0 there are 100. From where a pilot run ended a
trajectory has at most 2⁸ steps on 600 groups and 2⁹ on 1,000; long ones have 2¹⁰, as near 0. R-hat and the Monte Carlo
error are the greatest of the probabilities that diagnostics look at. Fits of fewer than 600 groups have no pilot run by
default: the last sets say why.
"""

from unittest.mock import patch

from skhbnn import HierarchicalBNNClassifier
from skhbnn.datasets import make_rotated_moons
from skhbnn.inference import nutpie_adapter, nuts, pilot

from .common import observed, scores
from .grouped_data import halves, read

SEEDS = (0, 1)
SETS = {  # name, max_groups
    "moons, 1,000 groups": ("moons", None),
    "moons, 1,000 groups: 600": ("moons", 600),
    "Chem97: 600": ("Chem97", 600),
    "Males": ("Males", None),
    "Catsup": ("Catsup", None),
}
STARTS = {  # groups of the pilot run, doublings of a trajectory on 600 groups
    "near 0": (None, nuts.MAX_DEPTH),
    "pilot run, 100 groups": (100, nuts.SHORT_DEPTH),
    "pilot run, 200 groups": (200, nuts.SHORT_DEPTH),
    "pilot run, 200 groups, long trajectories": (200, nuts.MAX_DEPTH),
}


def run(folder):
    rows = []
    for label, (name, max_groups) in SETS.items():
        for start, (n_groups, depth) in STARTS.items():
            found = [fit(split(folder, name, seed), max_groups, n_groups, depth, seed) for seed in SEEDS]
            gradients, seconds, loss, r_hat, error = (sum(column) / len(SEEDS) for column in zip(*found, strict=True))
            rows.append(
                {
                    "set": label,
                    "start": start,
                    "gradients of all groups": round(gradients),
                    "seconds": seconds,
                    "test log loss": loss,
                    "R-hat": r_hat,
                    "Monte Carlo error": error,
                }
            )
    return rows


def split(folder, name, seed):
    """X, y and groups of the rows that train, and of those that test."""
    if name == "moons":
        X, X_test, y, y_test, groups, groups_test = make_rotated_moons(n_groups=1_000, n_samples=40, random_state=seed)
        return (X, y, groups), (X_test, y_test, groups_test)
    table = read(folder, name)
    return tuple((table.X[part], table.y[part], table.groups[part]) for part in halves(table.groups, seed))


def fit(parts, max_groups, n_groups, depth, seed):
    """Gradients of the joint fit, seconds, test log loss, greatest R-hat and greatest error of a probability."""
    (X, y, groups), (X_test, y_test, groups_test) = parts
    gradients, last = [], nutpie_adapter.run if n_groups is None else nutpie_adapter.run_until

    def counted(*arguments, **settings):
        draws, statistics = last(*arguments, **settings)
        gradients.append(sum(int(chain["n_steps"].sum()) for chain in statistics))
        return draws, statistics

    model = HierarchicalBNNClassifier(max_groups=max_groups, n_jobs=2, random_state=seed)
    with (
        patch.object(pilot, "MANY_GROUPS", float("inf") if n_groups is None else 1),
        patch.object(pilot, "N_GROUPS", n_groups),
        patch.object(nuts, "SHORT_DEPTH", depth),
        patch.object(nutpie_adapter, last.__name__, counted),
    ):
        _, seconds, _ = observed(lambda: model.fit(X, y, groups=groups))
    loss = scores(y_test, model.predict_proba(X_test, groups=groups_test))[1]
    return gradients[-1], seconds, loss, model.diagnostics_.r_hat.max(), model.diagnostics_.mcse.max()
