"""How large the network of the hierarchical classifier best is: few inputs, and many.

Real data as in `real`, but for Chem97, over two splits. What a row does not name is the default. Log loss is of the
rows that do not train, in nats; "beyond the first" is the mean over the sets, with its standard error. CPU seconds are
of all cores together, and of the fit alone.

Of ten inputs and more there is a long fit, too. The default, `hidden_layer_sizes="auto"`, is the first row of few
inputs and the second one of ten and more. Of more than 600 groups it is the first one always, for a fit of many groups
takes long enough, and of 1,128 groups the second one gains nothing: `insteval` has both.
"""

import json
import sys

from skhbnn.model.network import MANY_INPUTS, OF_MANY_INPUTS, OTHERWISE

from .budgets import BUDGETS, LEFT_OUT, LONG, by_set, compared, mean_fit
from .grouped_data import CLASSIFICATION, find, halves, read

NETWORKS = {str(sizes): {"hidden_layer_sizes": sizes} for sizes in (OTHERWISE, OF_MANY_INPUTS, (10,), ())}
LONGER = {f"{OF_MANY_INPUTS}, {LONG}": {"hidden_layer_sizes": OF_MANY_INPUTS, **BUDGETS[LONG]}}
SEEDS = (0, 1)  # of the split, and of the fit


def run(folder):
    names = [name for name in CLASSIFICATION if find(folder, name) and name not in LEFT_OUT]
    tables = {name: read(folder, name) for name in names}
    few = [name for name in names if tables[name].X.shape[1] < MANY_INPUTS]
    many = [name for name in names if name not in few]
    of_many, found = NETWORKS | LONGER, {}
    for name, table in tables.items():
        splits = [(seed, [table.rows(rows) for rows in halves(table.groups, seed)]) for seed in SEEDS]
        for label, params in (of_many if name in many else NETWORKS).items():
            found[name, label] = mean_fit(splits, **params)
            print(json.dumps([name, label, found[name, label]]), file=sys.stderr, flush=True)
    parts = {f"fewer than {MANY_INPUTS} inputs": (few, NETWORKS), f"{MANY_INPUTS} inputs and more": (many, of_many)}
    parts = {title: part for title, part in parts.items() if part[0]}
    compare = {f"{len(sets)} sets of {title}": compared(sets, of, found) for title, (sets, of) in parts.items()}
    return compare | {f"Log loss of {title}": by_set(sets, of, found) for title, (sets, of) in parts.items()}
