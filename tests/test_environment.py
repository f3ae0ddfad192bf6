"""What a machine installs: lock, conda environment and project agree, and no address is recorded."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CORE = {"pandas", "numpy", "scipy", "statsmodels", "matplotlib", "jupyterlab", "pytest"}


def _lock(name):
    text = (ROOT / "requirements" / f"{name}.lock").read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;\\]+)", text, re.MULTILINE)), text


def _conda():
    # One "name=version" a line: no YAML parser is needed to read it, nor a dependency to test it.
    text = (ROOT / "environment.yml").read_text(encoding="utf-8")
    return dict(re.findall(r"^\s+- ([a-z]+)=([\w.]+)$", text, re.MULTILINE)), text


def test_conda_pins_agree_with_the_lock():
    lock, _ = _lock("project")
    conda, text = _conda()
    assert set(conda) - {"python", "pip"} == CORE
    assert {name: conda[name] for name in CORE} == {name: lock[name] for name in CORE}
    assert re.search(r"- pip:\n\s+- -e \.", text)


@pytest.mark.parametrize("name", ["project", "installer"])
def test_the_lock_has_a_hash_for_everything_and_no_address(name):
    pins, text = _lock(name)
    assert pins
    entries = re.split(r"\n(?=\S)", text.strip())
    assert all("--hash=sha256:" in entry for entry in entries)
    assert not re.search(r"://|index|find-links|file:", text)


def test_every_dependency_is_locked():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lock, _ = _lock("project")
    wanted = project["dependencies"] + [
        d for extra in project["optional-dependencies"].values() for d in extra
    ]
    for requirement in wanted:
        name = re.match(r"[A-Za-z0-9._-]+", requirement)[0].lower()
        assert name in lock, requirement


def test_one_version_a_package():
    # A second pin for another Python would let numbers differ between machines.
    _, text = _lock("project")
    for package in ("numpy", "scipy", "pandas", "statsmodels", "matplotlib"):
        assert len(re.findall(rf"^{package}==", text, re.MULTILINE)) == 1, package
