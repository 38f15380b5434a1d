"""Scripts of the gallery that need real data say so where it is missing."""

import subprocess
import sys
from pathlib import Path

import pytest

GALLERY = Path(__file__).parent.parent / "examples" / "gallery"


@pytest.mark.parametrize("name", ["plot_05_vowels", "plot_06_contraception", "plot_07_mnist"])
def test_missing_data(name, tmp_path):
    command = [sys.executable, "-W", "ignore", str(GALLERY / f"{name}.py"), str(tmp_path / "absent")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"Skipped: there is no {tmp_path / 'absent'}. Name ")
