"""Files for those who cite, report and build: they agree with the project."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
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


def check_workflow(path: Path) -> subprocess.CompletedProcess[str]:
    """Check a workflow against the schema that GitHub's workflows have."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema"]
    command += ["vendor.github-workflows", str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_workflows_have_the_keys_that_github_knows(tmp_path: Path) -> None:
    for path in (ROOT / ".github/workflows").iterdir():
        done = check_workflow(path)
        assert done.returncode == 0, done.stdout
        wrong = tmp_path / path.name
        wrong.write_text(path.read_text().replace("timeout-minutes", "timeout-minuts", 1))
        assert "timeout-minuts" in check_workflow(wrong).stdout


def test_every_package_says_that_it_is_typed() -> None:
    for package in ("golden", "hdl", "sim", "litelstm"):
        assert (ROOT / package / "py.typed").is_file(), package


def test_issue_templates_have_a_name_and_a_purpose() -> None:
    for path in (ROOT / ".github/ISSUE_TEMPLATE").iterdir():
        _, head, _ = path.read_text().split("---\n", 2)
        assert set(yaml.safe_load(head)) == {"name", "about"}, path
