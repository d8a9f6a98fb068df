"""What stands beside the program: how it is cited, and what runs before a commit and on a push."""

import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

import playground

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))


def read(path: Path) -> Any:
    import yaml

    return yaml.safe_load(path.read_text(encoding="utf-8"))


def test_the_citation_is_one_of_this_version() -> None:
    """The keys that Citation File Format 1.2.0 requires, and no key that it does not know."""
    citation = read(ROOT / "CITATION.cff")
    assert citation["cff-version"] == "1.2.0"
    assert {"message", "title", "authors"} < set(citation)
    assert set(citation) <= {
        *("cff-version", "message", "type", "title", "abstract", "version", "authors", "license", "keywords"),
        *("date-released", "doi", "repository-code", "url", "identifiers", "references", "preferred-citation"),
    }
    assert citation["type"] == "software"
    assert citation["version"] == playground.__version__
    assert citation["license"] == PROJECT["project"]["license"].split(" AND ")[0]  # a list would mean a choice
    assert all(set(author) == {"name"} for author in citation["authors"])  # a team: no one person stands for all


def test_what_runs_before_a_commit_has_a_version_that_the_project_allows() -> None:
    from packaging.requirements import Requirement

    wanted = {
        requirement.name: requirement.specifier
        for requirement in map(Requirement, PROJECT["project"]["optional-dependencies"]["dev"])
    }
    pinned = {
        repository["repo"]: repository.get("rev") for repository in read(ROOT / ".pre-commit-config.yaml")["repos"]
    }
    ruff = pinned["https://github.com/astral-sh/ruff-pre-commit"]
    assert wanted["ruff"].contains(ruff.removeprefix("v"))
    assert all(rev is None or re.fullmatch(r"v\d+\.\d+\.\d+", rev) for rev in pinned.values())


def test_every_check_before_a_commit_is_one_of_make_check() -> None:
    check = re.search(r"^check:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert check is not None
    local = next(
        repository for repository in read(ROOT / ".pre-commit-config.yaml")["repos"] if repository["repo"] == "local"
    )
    for hook in local["hooks"]:
        assert hook["entry"].split()[-1] in check[1]


def test_the_workflow_runs_the_tests_of_the_makefile_wherever_the_project_runs() -> None:
    job = read(ROOT / ".github/workflows/ci.yml")["jobs"]["test"]
    matrix = job["strategy"]["matrix"]
    assert {name.split("-")[0] for name in matrix["os"]} == {"ubuntu", "windows", "macos"}
    assert matrix["python"] == ["3.11", "3.12", "3.13", "3.14"]
    assert PROJECT["project"]["classifiers"] == [f"Programming Language :: Python :: {one}" for one in matrix["python"]]
    assert PROJECT["project"]["requires-python"] == ">=3.11"
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    parallel = re.search(r"^PARALLEL := (.*)$", makefile, re.MULTILINE)
    targets = re.findall(r"^(?:test|claims):.*\n((?:\t.*\n)+)", makefile, re.MULTILINE)
    assert parallel is not None
    assert len(targets) == 2
    asked = [
        line.split("python -m pytest")[1].replace("$(PARALLEL)", parallel[1])
        for target in targets
        for line in target.splitlines()
    ]
    # First what differs from system to system, each by itself; no reason to skip goes unread.
    assert [step["run"].split("python -m pytest")[1] for step in job["steps"] if "pytest" in step.get("run", "")] == [
        " -rs -m files",
        *asked,
    ]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_names_only_files_that_are_here(path: Path) -> None:
    commands = [step.get("run", "") for job in read(path)["jobs"].values() for step in job["steps"]]
    named = {name for command in commands for name in re.findall(r"\bpackaging/[\w./-]+", command)}
    assert named
    assert all((ROOT / name).exists() for name in named)


@pytest.mark.skipif(shutil.which("actionlint") is None, reason="needs actionlint")
def test_actionlint_finds_no_fault_in_the_workflows() -> None:
    command = ["actionlint", "-shellcheck=", "-pyflakes=", *map(str, WORKFLOWS)]
    assert subprocess.run(command, capture_output=True, text=True, check=False).stdout == ""


def test_a_release_is_made_without_keys_too() -> None:
    """Each step that reads a secret or a variable runs only where it is given; docs/releasing.md says what each is for."""
    path = ROOT / ".github/workflows/release.yml"
    jobs = read(path)["jobs"]
    keyed = [step for step in jobs["package"]["steps"] if re.search(r"\b(secrets|vars)\.", str(step))]
    assert len(keyed) == 3
    for step in keyed:
        (flag,) = re.findall(r"env\.(\w+) == 'true'", step["if"])
        assert re.search(r"ref_type == 'tag' && secrets\.\w+ != ''", jobs["package"]["env"][flag])
    page = (ROOT / "docs/releasing.md").read_text(encoding="utf-8")
    for name in re.findall(r"\b(?:secrets|vars)\.(\w+)", path.read_text(encoding="utf-8")):
        assert f"`{name}`" in page


def test_the_package_index_is_given_no_password() -> None:
    job = read(ROOT / ".github/workflows/release.yml")["jobs"]["index"]
    assert job["permissions"] == {"id-token": "write"}
    assert job["steps"][-1] == {"uses": "pypa/gh-action-pypi-publish@release/v1"}


@pytest.mark.parametrize("path", sorted((ROOT / ".github/ISSUE_TEMPLATE").glob("*.yml")), ids=lambda path: path.name)
def test_an_issue_template_is_one(path: Path) -> None:
    template = read(path)
    if path.name == "config.yml":
        assert set(template) <= {"blank_issues_enabled", "contact_links"}
        return
    assert {"name", "description", "body"} <= set(template)
    for part in template["body"]:
        assert part["type"] in ("markdown", "textarea", "input", "dropdown", "checkboxes")
        assert part["attributes"]["label"]
