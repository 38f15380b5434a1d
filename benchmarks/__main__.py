"""``python -m benchmarks [section ...]``: run the sections, print Markdown tables, keep the rows as JSON.

Sections that take long run by name only; their tables become pages of the documentation.
"""

import argparse
import importlib
import json
import os
import platform
from importlib.metadata import version
from pathlib import Path

SECTIONS = (
    *("startup", "speed", "flat", "prediction", "quality", "new_groups", "weight_priors", "advi"),
    *("gradient", "search", "many_groups", "laplace", "sequential"),
)
LONG = (
    *("calibration", "predictive_calibration", "defaults", "peers", "scaling", "stacking", "starts"),
    *("insteval", "saved", "real", "real_numbers", "defaults_of_numbers", "real_search", "budgets", "merged"),
    *("crossed", "nested", "prior_scales", "cluster", "steps_of_numbers", "pilot", "networks"),
)
DATA = {  # what they read
    **dict.fromkeys(("predictive_calibration", "defaults", "stacking"), "vowel.csv and contraception.csv"),
    "insteval": "insteval.csv",
    "crossed": "verbagg.csv and insteval.csv",
    "nested": "guPrenat.csv and Chem97.csv",
    **dict.fromkeys(
        (
            "saved",
            "real",
            "real_numbers",
            "defaults_of_numbers",
            "steps_of_numbers",
            "pilot",
            "networks",
            "real_search",
            "budgets",
            "merged",
            "prior_scales",
        ),
        "the CSV files that benchmarks/grouped_data.py names",
    ),
}
RESULTS = Path(__file__).parent / "results"
PAGES = Path(__file__).parents[1] / "docs" / "tables"


def processor():
    """Name of the processor, where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.processor())


def table(rows):
    """Rows of dicts with the same keys as a Markdown table."""
    names = list(rows[0])
    lines = [names, ["---"] * len(names)]
    lines += [[f"{v:.4g}" if isinstance(v, float) else str(v) for v in row.values()] for row in rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def tables(rows):
    """One table of rows, or several by their titles, as Markdown."""
    if not isinstance(rows, dict):
        return table(rows)
    return "\n\n".join(f"## {title}\n\n{table(part)}" for title, part in rows.items())


def page(name, module, rows, machine, groups):
    """Published tables with their explanation, as Markdown."""
    title, text = module.__doc__.strip().split("\n", 1)
    command = f"python -m benchmarks {name}" + (" --data FOLDER" if name in DATA else "")
    command += f" --groups {groups}" if name == "cluster" else ""
    made = f"Made by `{command}` with {', '.join(f'{key} {value}' for key, value in machine.items())}."
    return f"# {title.removesuffix('.')}\n\n{text.strip()}\n\n{tables(rows)}\n\n{made}\n"


def main():
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    names = ", ".join(SECTIONS + LONG)
    parser.add_argument(
        "sections", nargs="*", metavar="section", help=f"of {names}; none: all but the last {len(LONG)}"
    )
    parser.add_argument("--data", type=Path, help=f"folder of the CSV files that {' and '.join(DATA)} read")
    parser.add_argument("--groups", type=int, default=4_000, help="groups that the section cluster fits")
    arguments = parser.parse_args()
    chosen = arguments.sections or list(SECTIONS)
    unknown = set(chosen) - set(SECTIONS + LONG)
    if unknown:
        parser.error(f"no such section: {', '.join(sorted(unknown))}; there are {names}")
    for name in set(chosen) & set(DATA):
        if arguments.data is None:
            parser.error(f"{name} needs --data, the folder of {DATA[name]}")
    packages = ("numpy", "scikit-learn", "numba", "nutpie", "pymc", "pytensor", "arviz")
    machine = {
        "processor": processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        **{name: version(name) for name in packages},
    }
    print(", ".join(f"{name} {value}" for name, value in machine.items()), flush=True)
    RESULTS.mkdir(exist_ok=True)
    for name in chosen:
        module = importlib.import_module(f".{name}", __package__)
        print(f"\n## {module.__doc__.strip().splitlines()[0]}\n", flush=True)
        given = [arguments.data] if name in DATA else [arguments.groups] if name == "cluster" else []
        rows = module.run(*given)
        print(tables(rows), flush=True)
        if name in LONG:
            PAGES.mkdir(exist_ok=True)
            (PAGES / f"{name}.md").write_text(page(name, module, rows, machine, arguments.groups))
        (RESULTS / f"{name}.json").write_text(json.dumps({"machine": machine, "rows": rows}, indent=1))


main()
