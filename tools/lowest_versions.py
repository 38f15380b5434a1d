"""Print every runtime dependency at its lowest supported version, as constraints for pip."""

import tomllib
from pathlib import Path

from packaging.requirements import Requirement

project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
for text in project["dependencies"] + project["optional-dependencies"]["plot"]:
    requirement = Requirement(text)
    lowest = next(bound.version for bound in requirement.specifier if bound.operator == ">=")
    print(f"{requirement.name}=={lowest}")
