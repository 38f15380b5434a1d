"""Print the licence of every package that skhbnn brings along in this environment: a table of docs/licences.md."""

from importlib.metadata import distribution

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ONLY_IN_A_FILE = {"cons": "LGPL-3.0", "minikanren": "BSD-3-Clause"}  # whose metadata do not say


def closure(name, extra, found):
    """Add a distribution and all that it needs here to those found, by name."""
    key = canonicalize_name(name)
    if (key, extra) in found:
        return
    found[key, extra] = distribution(name)
    for requirement in map(Requirement, distribution(name).requires or []):
        if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
            for wanted in requirement.extras or [""]:
                closure(requirement.name, wanted, found)


def licence(name, metadata):
    """What the metadata of a distribution say: an SPDX expression, else classifiers, else the first line of a text."""
    classifiers = [text.split(" :: ")[-1] for text in metadata.get_all("Classifier", []) if text.startswith("License")]
    stated = metadata.get("License-Expression") or " and ".join(classifiers) or metadata.get("License")
    return stated.strip().splitlines()[0] if stated else ONLY_IN_A_FILE[name]


found = {}
closure("skhbnn", "", found)
closure("skhbnn", "plot", found)
rows = {key: licence(key, package.metadata) for (key, _), package in found.items() if key != "skhbnn"}
print("| package | licence |\n|---|---|")
for key, text in sorted(rows.items()):
    print(f"| {key} | {text} |")
