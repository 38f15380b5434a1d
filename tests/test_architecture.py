"""What the table of modules for contributors says is there, and what is there is in the table."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
OF_KINDS = ("likelihoods", "families", "scale_priors", "pooling", "datasets", "per_group")  # a file each, in no table
TABLE = (
    (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").partition("| in `skhbnn/` | job |")[2].partition("\n\n")[0]
)
NAMED = set(re.findall(r"[\w/]*\w\.py", TABLE))


def holds_a_display(path):
    """Whether a module has a display, of which each has its own."""
    return path.parent.name == "plotting" and "def from_estimator" in path.read_text(encoding="utf-8")


MODULES = [
    path
    for path in sorted((ROOT / "skhbnn").rglob("*.py"))
    if path.name != "__init__.py" and path.parent.name not in OF_KINDS and not holds_a_display(path)
]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(ROOT / "skhbnn").as_posix())
def test_every_module_has_its_row(path):
    assert path.name in {name.rpartition("/")[2] for name in NAMED}


def test_every_row_is_a_module():
    names = {path.name for path in (ROOT / "skhbnn").rglob("*.py")}
    assert {name.rpartition("/")[2] for name in NAMED} <= names
