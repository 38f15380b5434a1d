"""Fuzz the estimators for long: ``python tools/fuzz.py [COMBINATIONS] [SEED] [PROPERTY ...]``.

Prints every escape once, with a case that shows it, and at the end how many combinations were tried.
"""

import collections
import contextlib
import sys
import time
import traceback
from pathlib import Path

import hypothesis

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from hostile import PROPERTIES

BATCH = 500  # of one seed: hypothesis remembers all examples of a batch


def key_of(error):
    """What makes two escapes one: where the error came from, and the beginning of its text."""
    frames = traceback.extract_tb((error.__cause__ or error).__traceback__)
    own = [frame for frame in frames if "skhbnn" in frame.filename.split("/")] or frames
    return f"{type(error).__name__} {own[-1].filename}:{own[-1].lineno} {str(error)[:40]}"


def run(name, n, seed, tried, escapes):
    """Try n cases of a property."""

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=n,
        database=None,
        deadline=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(PROPERTIES[name])
    def check(case):
        try:
            case.check()
            tried[name] += 1
        except hypothesis.errors.UnsatisfiedAssumption:
            raise
        except Exception as error:  # kept, so that the run goes on
            tried[name] += 1
            key = key_of(error)
            escapes[key] += 1
            if escapes[key] == 1:
                print(f"--- {name}: {type(error).__name__}: {error}\n    {case}\n    {key}", flush=True)

    with contextlib.suppress(hypothesis.errors.Unsatisfiable):
        check()


def main(n=20_000, seed=None, *names):
    """Try n cases, of every property or of those named; whether any escaped."""
    seed = int(time.time() if seed is None else seed)
    tried, escapes, start = collections.Counter(), collections.Counter(), time.monotonic()
    names = names or tuple(PROPERTIES)
    for number in range(0, int(n), BATCH * len(names)):
        for name in names:
            run(name, BATCH, seed + number, tried, escapes)
        print(
            f"{sum(tried.values())} combinations, {len(escapes)} escapes, {time.monotonic() - start:.0f} s", flush=True
        )
    print(f"seed {seed}: {dict(tried)}, {len(escapes)} kinds of escapes, {sum(escapes.values())} in all")
    return len(escapes) > 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
