"""``python -m benchmarks [section ...]``: run the sections, print Markdown tables, keep the rows as JSON."""

import argparse
import importlib
import json
import os
import platform
from importlib.metadata import version
from pathlib import Path

SECTIONS = ("startup", "speed", "flat", "prediction", "quality", "new_groups", "weight_priors", "advi")
RESULTS = Path(__file__).parent / "results"


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


def main():
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("sections", nargs="*", metavar="section", help=f"of {', '.join(SECTIONS)}; none: all")
    chosen = parser.parse_args().sections or list(SECTIONS)
    unknown = set(chosen) - set(SECTIONS)
    if unknown:
        parser.error(f"no such section: {', '.join(sorted(unknown))}; there are {', '.join(SECTIONS)}")
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
        rows = module.run()
        print(table(rows), flush=True)
        (RESULTS / f"{name}.json").write_text(json.dumps({"machine": machine, "rows": rows}, indent=1))


main()
