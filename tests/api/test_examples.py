"""Every public function and class shows how it is used: an example in its docstring, which runs as a doctest."""

from __future__ import annotations

import inspect
import sys

import nbkeras

#: What may lack an example, and why.
EXCUSED = {
    "nbkeras.datasets": "everything but digits is downloaded",
    "nbkeras.utils.get_file": "downloads",
    "nbkeras.utils.plot_model": "needs Graphviz's program",
    "nbkeras.device.compilers_for": "needs a CUDA extra",
    "nbkeras.config.flag": "what it says is the environment's",
    "nbkeras.config.setting": "what it says is the environment's",
}


def public():
    """(name as users write it, object) of each callable once: what packages list, and what single modules define."""
    modules, found = [nbkeras], {}
    for module in modules:
        for name in getattr(module, "__all__", dir(module)):
            thing = getattr(module, name)
            if name.startswith("_"):
                continue
            if inspect.ismodule(thing):
                inside = thing.__name__ == f"{module.__name__}.{name}"
                listed = hasattr(module, "__all__") or hasattr(thing, "__path__")
                if inside and listed and thing not in modules:
                    modules.append(thing)
            elif callable(thing) and getattr(thing, "__module__", "").startswith(
                "nbkeras" if hasattr(module, "__path__") else module.__name__
            ):
                found.setdefault(id(thing), (f"{module.__name__}.{name}", thing))
    return sorted(found.values(), key=lambda pair: pair[0])


def excused(name: str) -> bool:
    return any(name == known or name.startswith(known + ".") for known in EXCUSED)


def test_all_are_seen():
    names = [name for name, _ in public()]
    assert len(names) > 750
    for name in ("ops.matmul", "layers.Dense", "optimizers.schedules.CosineDecay", "tree.flatten", "random.normal"):
        assert f"nbkeras.{name}" in names


def test_each_has_an_example():
    lacking = [name for name, thing in public() if ">>>" not in (thing.__doc__ or "") and not excused(name)]
    assert not lacking, f"give these an example that runs as a doctest: {', '.join(lacking)}"


def test_each_example_runs():
    """Doctest looks in the module that an object names as its own."""
    lost = []
    for name, thing in public():
        home = vars(sys.modules[thing.__module__]).values()
        if ">>>" in (thing.__doc__ or "") and not any(value is thing for value in home):
            lost.append(name)
    assert not lost
