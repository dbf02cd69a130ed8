"""Files for those who cite, report and build: they agree with the project."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def test_citation() -> None:
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert cited["version"] == PROJECT["version"]
    assert cited["license"] == PROJECT["license"]
    assert cited["title"] == PROJECT["name"]
    assert cited["references"][0]["doi"] in (ROOT / "README.md").read_text()


def test_workflows_call_goals_of_the_makefile() -> None:
    goals = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for path in (ROOT / ".github/workflows").iterdir():
        jobs = yaml.safe_load(path.read_text())["jobs"]
        calls = [
            step["run"].split() for job in jobs.values() for step in job["steps"] if "run" in step
        ]
        assert calls
        assert all(make == "make" and goal in goals for make, goal, *_ in calls), calls


def test_every_package_says_that_it_is_typed() -> None:
    for package in ("golden", "hdl", "sim", "litelstm"):
        assert (ROOT / package / "py.typed").is_file(), package


def test_issue_templates_have_a_name_and_a_purpose() -> None:
    for path in (ROOT / ".github/ISSUE_TEMPLATE").iterdir():
        _, head, _ = path.read_text().split("---\n", 2)
        assert set(yaml.safe_load(head)) == {"name", "about"}, path
