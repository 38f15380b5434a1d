"""What is published: the wheel and the source distribution, built without a network."""

import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email.parser import Parser
from pathlib import Path

import processes
import pytest

import skhbnn
from skhbnn.support.caller import WARNINGS_PAGE

ROOT = Path(__file__).parents[1]
FOLDERS = ["benchmarks", "docs", "examples", "recipe", "skhbnn", "tests", "tools"]
FILES = [
    "CHANGELOG.md",
    "CITATION.cff",
    "CODE_OF_CONDUCT.md",
    "CONTRIBUTING.md",
    "LICENSE",
    "MANIFEST.in",
    "Makefile",
    "README.md",
    "conftest.py",
]
GENERATED = ["benchmarks/results", "docs/_build", "docs/api", "docs/gallery", "examples/figures"]
STRAY = [
    *[f"{folder}/stray.txt" for folder in GENERATED],
    *["docs/sg_execution_times.rst", "skhbnn/kernel/.lanes.py.swp", "skhbnn/__pycache__/__init__.cpython-311.pyc"],
    *["tests/.hypothesis/examples/ab/cd", "notes.md", "build/lib/skhbnn/old.py", ".venv/bin/activate"],
    "examples/gallery/stray.ipynb",
]


def files_in(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The files of a clone, and what was built from it: its folder holds other files as well, as folders do."""
    source, output = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("built")

    def generated(folder, names):
        at = Path(folder).relative_to(ROOT)
        stray = {n for n in names if n.startswith((".", "__pycache__", "sg_")) or n.endswith(".ipynb")}
        return stray | {n for n in names if (at / n).as_posix() in GENERATED}

    for name in FOLDERS:
        shutil.copytree(ROOT / name, source / name, ignore=generated)
    for name in [*FILES, "pyproject.toml"]:
        shutil.copy(ROOT / name, source)
    files = files_in(source)
    for name in STRAY:
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).touch()
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", output, source]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return files, output


def test_source_distribution_is_the_clone(built):
    """Every file that a clone has, so that its tests and docs run from it too, and none of what work leaves behind."""
    files, output = built
    name = f"skhbnn-{skhbnn.__version__}"
    with tarfile.open(output / f"{name}.tar.gz") as archive:
        found = {member.name.removeprefix(f"{name}/") for member in archive if member.isfile()}
    added = {name for name in found if name in ("PKG-INFO", "setup.cfg") or name.startswith("skhbnn.egg-info/")}
    assert found - added == files
    assert {"tests/conftest.py", "tests/saved/expected.json", "docs/conf.py", "pyproject.toml"} < found


def test_wheel_is_the_package(built):
    files, output = built
    (wheel,) = output.glob("*.whl")
    assert wheel.name == f"skhbnn-{skhbnn.__version__}-py3-none-any.whl"
    records = f"skhbnn-{skhbnn.__version__}.dist-info"
    with zipfile.ZipFile(wheel) as archive:
        found = {name for name in archive.namelist() if not name.startswith(records)}
        metadata = Parser().parsestr(archive.read(f"{records}/METADATA").decode())
        assert archive.read(f"{records}/licenses/LICENSE") == (ROOT / "LICENSE").read_bytes()
    assert found == {name for name in files if name.startswith("skhbnn/")}
    assert "skhbnn/py.typed" in found
    assert metadata["License-Expression"] == "BSD-3-Clause"


def test_wheel_installs(built, tmp_path):
    """By pip, and is then what is imported; ``make package`` does so in an empty environment, and fits."""
    (wheel,) = built[1].glob("*.whl")
    options = ["--quiet", "--no-index", "--no-deps", "--no-compile", "--disable-pip-version-check"]
    subprocess.run([sys.executable, "-m", "pip", "install", *options, "--target", tmp_path, wheel], check=True)
    output, said, code = processes.run("import skhbnn; print(skhbnn.__file__)", "-P", PYTHONPATH=str(tmp_path))
    assert (output, said, code) == (f"{tmp_path / 'skhbnn' / '__init__.py'}\n", "", 0)


# Copies of what pyproject.toml says ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def project():
    """The table ``project`` of pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def test_versions_are_one(project):
    citation, recipe = (ROOT / "CITATION.cff").read_text(), (ROOT / "recipe" / "meta.yaml").read_text()
    assert skhbnn.__version__ == project["version"]
    assert f"\nversion: {project['version']}\n" in citation
    assert f'set version = "{project["version"]}"' in recipe


def test_addresses_are_those_of_the_project(project):
    urls = project["urls"]
    assert urls["Documentation"] + "/warnings.html" == WARNINGS_PAGE
    assert (ROOT / "docs" / "warnings.md").is_file()
    citation, recipe = (ROOT / "CITATION.cff").read_text(), (ROOT / "recipe" / "meta.yaml").read_text()
    for text in (f'repository-code: "{urls["Repository"]}"', f'url: "{urls["Documentation"]}"'):
        assert text in citation
    for text in (f"home: {urls['Repository']}\n", f"doc_url: {urls['Documentation']}\n"):
        assert text in recipe


def test_the_recipe_asks_for_what_the_package_asks_for(project):
    lines = (ROOT / "recipe" / "meta.yaml").read_text().partition("  run:\n")[2].partition("\ntest:")[0]
    asked = [line.strip().removeprefix("- ").replace(" ", "") for line in lines.strip().splitlines()]
    assert asked == [f"python{project['requires-python']}", *project["dependencies"]]
