"""How long the chains of the hierarchical regressor must be, and how short its steps.

The data and what is not named are those of `defaults_of_numbers`, of six splits. A higher `target_accept` makes
shorter steps; it is 0.9 where none is named. Trajectories have at most 2⁸ gradients on up to 200 groups, long ones 2¹⁰.
Log loss is the negative log predictive density of the test rows, in nats; "beyond the first" is the mean over the sets,
with its standard error; seconds are relative to those of the first, beside another fit on the machine; "warned" is the
share of fits that did.
"""

from functools import partial

import numpy as np

from .defaults_of_numbers import fits, of_kind

SPLITS = range(6)
FIRST = "4 of 200 + 150"
STEPS = {
    FIRST: {"chains": 4, "tune": 200, "draws": 150},
    **{f"8 of 100 + 50, target_accept={share}": {"target_accept": share} for share in (0.8, 0.95, 0.98)},
    "8 of 100 + 50, the default": {},
    "8 of 100 + 50, long trajectories": {"long_trajectories": True},
}


def run(folder):
    found = fits(folder, partial(of_kind, STEPS), SPLITS)
    rows = []
    for setting in STEPS:
        means = np.array([of[setting].mean(axis=0) for of in found.values()])  # (set, loss and seconds and share)
        first = np.array([of[FIRST].mean(axis=0) for of in found.values()])  # (set, 3)
        beyond = means[:, 0] - first[:, 0]  # (set,)
        rows.append(
            {
                "chains": setting,
                "log loss beyond the first": f"{beyond.mean():+.4f} ± {beyond.std(ddof=1) / len(beyond) ** 0.5:.4f}",
                "worst": f"{beyond.max():+.4f}",
                "seconds, relative, median": f"{np.median(means[:, 1] / first[:, 1]):.2f}",
                "warned": f"{means[:, 2].mean():.0%}",
            }
        )
    by_set = [
        {"set": name, **{setting: f"{of[setting][:, 2].mean():.0%}" for setting in STEPS}} for name, of in found.items()
    ]
    return {"Steps": rows, "Share of fits that warned": by_set}
