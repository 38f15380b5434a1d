"""
Per-group fits on a Dask cluster
================================

Thousands of groups are fitted one by one, under one prior, on as many machines as there are. ``PerGroupClassifier``
goes through joblib, so that the cluster is a matter of one ``with``. Here it is two processes of this machine.
"""

# %%
# The cluster
# -----------
# Workers have one thread each: then joblib's count of jobs is their number. The guard at the end is what every program
# that starts processes needs.

import logging
import os
import time

import matplotlib.pyplot as plt
import numpy as np
from dask.distributed import Client, LocalCluster
from joblib import parallel_config
from sklearn.metrics import log_loss

from skhbnn import HierarchicalBNNClassifier, InformedPriorBNNClassifier, PerGroupClassifier
from skhbnn.datasets import make_rotated_moons
from skhbnn.plotting import DecisionSurfaceDisplay, UncertaintySurfaceDisplay


def local_cluster():
    """Two worker processes; replace it by ``Client("scheduler:8786")`` for a cluster that runs already."""
    quiet = {"dashboard_address": ":0", "silence_logs": logging.ERROR}
    return LocalCluster(n_workers=2, threads_per_worker=1, **quiet)


# %%
# A prior, then one fit per group
# -------------------------------
# The hierarchical fit of eighteen groups gives the prior; six more, of ten rows each, are fitted on the cluster. Unseen
# groups get the prior itself. With an integer ``random_state`` every group is seeded from its label, so that the place
# where it is fitted changes nothing: the predictions are compared bit by bit with those of fits in this process.


def run():
    """Fit the groups on the cluster and in this process; returns the classifier."""
    X, _, y, _, groups, _ = make_rotated_moons()
    hierarchical = HierarchicalBNNClassifier(fit_intercept=False, target_accept=0.95, n_jobs=2, random_state=0).fit(
        X, y, groups=groups
    )
    prior = InformedPriorBNNClassifier.from_hierarchical(hierarchical)
    per_group = PerGroupClassifier(prior, fallback="prior", random_state=0)

    X_new, X_later, y_new, y_later, new, later = make_rotated_moons(n_groups=6, random_state=777)
    few = np.arange(len(new)) % 50 < 10  # (row,): the first ten of each group
    with local_cluster() as cluster, Client(cluster) as client, parallel_config(backend="dask"):
        workers = set(client.run(os.getpid).values())
        print(f"{len(workers)} workers, this process among them: {os.getpid() in workers}")
        start = time.perf_counter()
        per_group.fit(X_new[few], y_new[few], groups=new[few])
        seconds = time.perf_counter() - start
        print(f"{len(per_group.estimators_)} groups in {seconds:.1f} s, imports of the workers included")
    proba = per_group.predict_proba(X_later, groups=later)  # (row, class)
    here = per_group.fit(X_new[few], y_new[few], groups=new[few]).predict_proba(X_later, groups=later)  # (row, class)
    print(f"the same as in this process, to the last bit: {np.array_equal(proba, here)}")
    unseen = per_group.predict_proba(X_later, groups=["unseen"] * len(later))  # (row, class)
    print(f"test log loss (nats): {log_loss(y_later, proba):.3f}; by the prior alone: {log_loss(y_later, unseen):.3f}")
    return per_group


# %%
# What to look at
# ---------------
# The groups share no weights, and yet most lines are bent as the border of two moons is: that is the prior. Ten rows
# turn it, and where they leave open how it goes on, the network says so. The displays take the whole
# ``PerGroupClassifier``.

if __name__ == "__main__":
    fitted = run()
    DecisionSurfaceDisplay.from_estimator(fitted)
    UncertaintySurfaceDisplay.from_estimator(fitted)
    plt.show()

# %%
# Checkpoints, workers that are killed, and Ray: :doc:`Many groups </scaling>` in the user guide.
