"""What the README says can be run as it stands."""

import re
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"


def test_the_ten_lines_run(capsys):
    """The first block of Python: two accuracies, and probabilities of three rows with how sure the model is of them."""
    code = re.search(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL).group(1)
    exec(compile(code, "README.md", "exec"), {"__name__": "readme"})
    accuracies = [float(line) for line in capsys.readouterr().out.splitlines() if not line.lstrip().startswith("[")]
    assert len(accuracies) == 2
    assert min(accuracies) > 0.7


def test_links_lead_to_files():
    links = [link for link in re.findall(r"\]\(([^)]+)\)", README.read_text(encoding="utf-8")) if "://" not in link]
    assert links
    assert [link for link in links if not (README.parent / link).exists()] == []
