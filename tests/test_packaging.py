"""The package says truthfully what it is and needs, and the tree looks as the design says."""

import ast
import configparser
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TOP_LEVEL = {
    ".ci",
    ".gitignore",
    "LICENSE",
    "README.md",
    "asv_benchmarks",
    "nbkeras",
    "nbkeras_cuda",
    "pyproject.toml",
    "setup.cfg",
    "tests",
}
#: Their __init__.py hold what the entry points name, `backend`, and collect the kernels.
DEVICE_PACKAGES = {"nbkeras/kernels", "nbkeras_cuda", "nbkeras_cuda/kernels"}
#: Folders that exist on one machine only; a file that names one works nowhere else.
LOCAL_PATHS = re.compile(r"(?<![\w.~}])/(?:work|opt|root)/\w")


@pytest.fixture(scope="module")
def settings():
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg")
    return parser


def tracked_files():
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listing.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listing.stdout.split("\0") if name and (ROOT / name).is_file()]


def requirements(settings):
    yield "install_requires", settings["options"]["install_requires"]
    yield from settings["options.extras_require"].items()


def test_every_requirement_of_the_package_has_both_bounds(settings):
    for where, text in requirements(settings):
        for line in filter(None, text.split("\n")):
            assert re.fullmatch(r"[\w-]+(\[\w+\])?>=[\d.]+,<[\d.]+", line), f"{where}: {line}"


def test_one_version(settings):
    import nbkeras

    assert nbkeras.__version__ == settings["metadata"]["version"]


def test_cuda_means_cuda13(settings):
    extras = settings["options.extras_require"]
    assert extras["cuda"] == extras["cuda13"]


def test_entry_points_name_both_devices(settings):
    devices = settings["options.entry_points"]["nbkeras.devices"].split("\n")
    assert [line.split("=")[0].strip() for line in devices if line] == ["cpu", "cuda"]
    assert "nbkeras.__main__:main" in settings["options.entry_points"]["console_scripts"]


def test_top_level_holds_what_the_design_says():
    assert {path.relative_to(ROOT).parts[0] for path in tracked_files()} <= TOP_LEVEL


def test_every_folder_of_modules_is_a_package():
    # A folder without __init__.py is left out of the wheel.
    for path in tracked_files():
        if path.suffix == ".py" and path.relative_to(ROOT).parts[0] in ("nbkeras", "nbkeras_cuda"):
            assert (path.parent / "__init__.py").exists(), path.parent.relative_to(ROOT)


def test_init_files_only_list_names():
    allowed = (ast.Import, ast.ImportFrom, ast.Assign)
    for path in tracked_files():
        if path.name == "__init__.py" and path.parent.relative_to(ROOT).as_posix() not in DEVICE_PACKAGES:
            body = ast.parse(path.read_text()).body
            strangers = [node for node in body if not isinstance(node, allowed) and not is_listing(node)]
            assert not strangers, f"{path.relative_to(ROOT)} line {strangers[0].lineno} does more than list names"


def is_listing(node):
    if isinstance(node, ast.FunctionDef):
        return node.name in ("__getattr__", "__dir__")
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def test_no_test_needs_keras_without_saying_so():
    """README's test command installs no Keras: what compares with it is passed over, with `importorskip`."""
    bare = [
        path.relative_to(ROOT)
        for path in sorted((ROOT / "tests").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Import) and any(alias.name == "keras" for alias in node.names)
    ]
    assert bare == []


def test_no_file_names_a_path_of_one_machine():
    for path in tracked_files():
        if path.suffix in (".py", ".md", ".cfg", ".toml", ".json") or path.parent.name == ".ci":
            found = LOCAL_PATHS.search(path.read_text())
            assert not found, f"{path.relative_to(ROOT)}: {found.group()}"


def test_readme_gives_the_two_commands_that_ci_runs():
    readme = (ROOT / "README.md").read_text()
    assert 'python -m venv .venv && .venv/bin/pip install ".[plot]" && .venv/bin/nbkeras demo' in readme
    assert 'python -m venv .venv && .venv/bin/pip install -e ".[test]" && .venv/bin/pytest' in readme
    script = (ROOT / ".ci" / "run").read_text()
    assert "pip" in script
    assert 'NBKERAS_CI_EXTRAS:-test' in script


def test_readme_names_only_settings_and_folders_that_exist():
    from nbkeras.config import ENVIRONMENT

    readme = (ROOT / "README.md").read_text()
    assert set(re.findall(r"NBKERAS_[A-Z_]+", readme)) == set(ENVIRONMENT)
    for folder in re.findall(r"^\| `([\w/]+/)` \|", readme, flags=re.MULTILINE):
        assert (ROOT / folder).is_dir(), folder


def test_importing_the_tools_loads_no_optional_package():
    code = "import sys, nbkeras.evaluation, nbkeras.datasets, nbkeras.__main__; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert not {"matplotlib", "sklearn", "pandas", "rich"} & set(loaded.split())
