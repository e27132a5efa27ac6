"""Every example runs, finds what it should, and leaves a picture."""

import importlib
import pkgutil

import pytest

from nbkeras import examples
from nbkeras.extras import ExtraMissing

#: Example -> how well a short run does at least, by one of the numbers that `main` returns.
LEAST = {
    "binary": ("area", 0.95),
    "callbacks": ("accuracy", 0.9),
    "conv1d": ("accuracy", 0.85),
    "convnet": ("accuracy", 0.85),
    "cross_validation": ("accuracy", 0.85),
    "functional": ("digit", 0.8),
    "learning_curves": ("most", 0.8),
    "multiclass": ("accuracy", 0.85),
    "nested_cross_validation": ("accuracy", 0.7),
    "regression": ("r2", 0.2),
    "subclassing": ("accuracy", 0.8),
}
#: Fewer epochs than by default, but enough for that.
EPOCHS = {
    "nested_cross_validation": 6,
    "regression": 25,
    "subclassing": 20,
    "cross_validation": 12,
    "conv1d": 5,
    "convnet": 4,
    "learning_curves": 5,
    "functional": 6,
}


def test_every_example_is_tested():
    found = {module.name for module in pkgutil.iter_modules(examples.__path__) if not module.name.startswith("_")}
    assert found == set(LEAST)


@pytest.mark.parametrize("name", sorted(LEAST))
def test_runs_finds_and_draws(name, tmp_path, capsys):
    for package in ("matplotlib", "sklearn"):
        pytest.importorskip(package)
    picture = tmp_path / "made" / f"{name}.png"
    main = importlib.import_module(f"nbkeras.examples.{name}").main
    found = main(["--epochs", str(EPOCHS.get(name, 10)), "--output", str(picture)])
    number, least = LEAST[name]
    assert found[number] >= least
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert str(picture) in capsys.readouterr().out.splitlines()[-1]


@pytest.mark.parametrize("name", sorted(LEAST))
def test_help(name, capsys):
    example = importlib.import_module(f"nbkeras.examples.{name}")
    with pytest.raises(SystemExit) as ended:
        example.main(["--help"])
    assert ended.value.code == 0
    text = capsys.readouterr().out
    assert f"python -m nbkeras.examples.{name}" in text
    assert " ".join(example.__doc__.split("\n")[0].split()) in " ".join(text.split())
    with pytest.raises(SystemExit):
        example.main(["--epochs", "0"])


def test_without_sklearn(monkeypatch, tmp_path):
    import sys

    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(ExtraMissing, match=r"the example's data, wine,: expected the package sklearn"):
        importlib.import_module("nbkeras.examples._example").load_table("wine", 0)
