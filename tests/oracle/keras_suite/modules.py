"""`keras` and `keras.src...`, as Keras's own tests import them, answered by nbkeras.

A name is looked up where Keras's source says that it is exported: what has `@keras_export("keras.ops.add")` there is
`nbkeras.ops.add` here. Keras's sources are parsed for that; what runs of them is the tests, the folder `testing`, and a
few helpers without Keras in them (`REAL`). A name that nbkeras does not have is an object whose use fails the test.
"""

from __future__ import annotations

import ast
import functools
import importlib.abc
import importlib.machinery
import importlib.util
import inspect
import re
import sys
import types
from pathlib import Path

import nbkeras
from nbkeras.initializers.variance_scaling import compute_fans
from nbkeras.models.functional import Functional

SOURCE = Path(importlib.util.find_spec("keras").submodule_search_locations[0])

#: Modules of Keras that run as they are.
REAL = {
    f"keras.src.utils.{name}"
    for name in ("module_utils", "naming", "file_utils", "io_utils", "dtype_utils", "python_utils")
} | {"keras.src.backend.common.backend_utils"}

#: What is no public name of Keras, and where the same thing stands here.
ELSEWHERE = {
    "keras.src.backend.common.global_state.clear_session": "backend.clear_session",
    "keras.src.legacy.saving.legacy_h5_format.save_model_to_hdf5": "saving.save_model",
    "keras.src.legacy.saving.legacy_h5_format.load_model_from_hdf5": "saving.load_model",
    "keras.src.saving.saving_lib.save_weights_only": "saving.save_weights",
    "keras.src.saving.saving_lib.load_weights_only": "saving.load_weights",
    "keras.src.saving.object_registration.GLOBAL_CUSTOM_NAMES": "saving.registry._registered_names",
}

#: What Keras tells its tests of a backend, and small helpers.
FACTS = {
    "SUPPORTS_SPARSE_TENSORS": False,
    "SUPPORTS_RAGGED_TENSORS": False,
    "SUPPORTS_COMPLEX_DTYPES": False,
    "IS_THREAD_SAFE": True,
    "keras_export": lambda path: lambda thing: thing,
    "compute_fans": compute_fans,
    "get_keras_mask": lambda x: getattr(x, "_keras_mask", None),
    "set_keras_mask": lambda x, mask: setattr(x, "_keras_mask", mask),
}

#: Where names without an export are looked for under nbkeras, after the module's own place.
PLACES = ("", "backend", "ops", "config", "saving", "utils", "models", "layers")


class Missing(NotImplementedError):
    """nbkeras does not have a name that a test uses."""


def missing(path: str) -> type:
    """A class that stands for a name; it can be looked at but not used."""

    class Meta(type):
        def __getattr__(cls, name):
            if name.startswith("__"):
                raise AttributeError(name)
            return missing(f"{path}.{name}")

        def __call__(cls, *arguments, **named):
            raise Missing(f"nbkeras has no {path}")

    return Meta(path.rpartition(".")[2], (), {})


def file_of(module: str) -> Path | None:
    """The file of a module of Keras's sources."""
    stem = SOURCE.joinpath(*module.split(".")[1:])
    if stem.is_dir():
        return stem / "__init__.py"
    return stem.with_suffix(".py") if stem.with_suffix(".py").is_file() else None


@functools.cache
def definitions(module: str) -> dict:
    """What a module defines: name -> (`"export"`, paths), (`"from"`, (module, name)), or another kind and its node."""
    file = file_of(module)
    found = {}
    if file is not None and file.is_file():
        _note(ast.parse(file.read_text()).body, found)
    return found


def _note(body, found):
    for node in body:
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
            paths = [path for decorator in node.decorator_list for path in _exports(decorator)]
            kind = "class" if isinstance(node, ast.ClassDef) else "def"
            found[node.name] = ("export", paths) if paths else (kind, node)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("keras"):
            for alias in node.names:
                found.setdefault(alias.asname or alias.name, ("from", (node.module, alias.name)))
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            found.setdefault(node.targets[0].id, ("assign", node.value))
        elif isinstance(node, ast.If):
            _note([*node.body, *node.orelse], found)
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            # The decorator may also be called with a thing that was made elsewhere.
            paths, arguments = _exports(node.value.func), node.value.args
            if paths and arguments and isinstance(arguments[0], ast.Name):
                found[arguments[0].id] = ("export", paths)


def _exports(node) -> list[str]:
    if not (isinstance(node, ast.Call) and getattr(node.func, "id", "") == "keras_export"):
        return []
    try:
        paths = ast.literal_eval(node.args[0])
    except ValueError:
        return []
    return [paths] if isinstance(paths, str) else list(paths)


def at(path: str):
    """What stands at a dotted path under nbkeras."""
    return functools.reduce(getattr, filter(None, path.split(".")), nbkeras)


@functools.cache
def resolve(module: str, name: str):
    """What answers `from module import name`.

    Raises:
        AttributeError: Keras has no such name either.
    """
    full = f"{module}.{name}"
    if full in ELSEWHERE:
        return at(ELSEWHERE[full])
    if name in FACTS:
        return FACTS[name]
    kind, value = definitions(module).get(name, (None, None))
    if kind == "export":
        return _exported(value)
    if file_of(full) is not None:
        return importlib.import_module(full)
    if kind == "from":
        return resolve(*value)
    if kind == "class" and module.startswith("keras.src.ops"):
        made = operation(module, value)
        if made is not None:
            return made
    for place in (module.removeprefix("keras.src").strip("."), *PLACES):
        try:
            return getattr(at(place), name)
        except AttributeError:
            pass
    if kind == "assign":
        try:
            return ast.literal_eval(value)
        except ValueError:
            pass
    if kind is None and not module.startswith("keras.src.backend"):
        raise AttributeError(f"{module} has no {name}")
    return missing(full)


def _exported(paths):
    for path in paths:
        try:
            return at(path.removeprefix("keras."))
        except AttributeError:
            pass
    return missing(paths[0])


def operation(module: str, node: ast.ClassDef):
    """Keras's class of an operation from the function that stands here: `Add()(x, y)` calls `add(x, y)`."""
    names = [n for n, (kind, _) in definitions(module).items() if kind == "export"]
    function = next((resolve(module, n) for n in names if n.replace("_", "") == node.name.lower()), None)
    if function is None or isinstance(function, type):
        return None
    parameters = inspect.signature(function).parameters
    settings_names, _ = _method(module, node, "__init__")
    input_names, takes_any = _method(module, node, "call")
    inputs_first = next((p.kind is p.VAR_POSITIONAL for p in parameters.values()), False)

    class Op(nbkeras.Operation):
        def __init__(self, *arguments, name=None, dtype=None, **named):
            super().__init__(name=name) if name else super().__init__()
            self.settings = dict(zip(settings_names, arguments, strict=False)) | named
            if dtype is not None:
                self.settings["dtype"] = dtype

        def __getattr__(self, attribute):
            try:
                return self.__dict__["settings"][attribute]
            except KeyError:
                raise AttributeError(attribute) from None

        def call(self, *arguments, **named):
            settings = {key: value for key, value in self.settings.items() if key in parameters}
            if takes_any:
                if inputs_first:
                    return function(*arguments, **named, **settings)
                return function(*settings.values(), *arguments, **named)
            inputs = {}
            for known, value in zip(input_names, arguments, strict=False):
                free = [p for p in parameters if p not in (*settings, *named, *inputs)]
                inputs[known if known in free else free[0]] = value
            return function(**inputs, **named, **settings)

        __call__ = symbolic_call = call

        def compute_output_spec(self, *arguments, **named):
            return nbkeras.backend.compute_output_spec(self.call, *arguments, **named)

    Op.__name__ = node.name
    return Op


def _method(module, node, name):
    """The arguments of a class's method, and whether it takes any number."""
    bases = [definitions(module).get(getattr(base, "id", ""), (None, None)) for base in node.bases]
    for known in (node, *(base for kind, base in bases if kind == "class")):
        for item in known.body:
            if isinstance(item, ast.FunctionDef) and item.name == name:
                return [argument.arg for argument in item.args.args][1:], item.args.vararg is not None
    return [], False


class _Internal(types.ModuleType):
    """A module under `keras.src`."""

    def __getattr__(self, name):
        # What Python and pytest ask of every module.
        if re.match(r"__|pytest_|set_?up|tear_?down", name, re.IGNORECASE):
            raise AttributeError(name)
        return resolve(self.__name__, name)


class _Public(types.ModuleType):
    """`keras`, or a public module under it."""

    def __getattr__(self, name):
        if name == "src":
            return importlib.import_module("keras.src")
        path = f"{self.__name__}.{name}".removeprefix("keras.")
        try:
            return at(path)
        except AttributeError:
            if name.startswith("__"):
                raise
            return missing(f"keras.{path}")


class _TrainerTests(importlib.machinery.SourceFileLoader):
    """The one test file that asks for a backend's own class of trainer."""

    def get_code(self, fullname):
        otherwise = 'raise ImportError(f"Invalid backend: {backend.backend()}")'
        text = Path(self.path).read_text().replace(otherwise, "from nbkeras.training.trainer import Trainer")
        text = text.replace('"torch": "cpu",', '"torch": "cpu", "numba": "cpu",')
        return compile(text, self.path, "exec")


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(self, fullname, path=None, target=None):
        if fullname.partition(".")[0] != "keras":
            return None
        file = file_of(fullname)
        if fullname.endswith("_test") or fullname.startswith("keras.src.testing") or fullname in REAL:
            loader = _TrainerTests(fullname, str(file)) if fullname.endswith("trainer_test") else None
            folders = [str(file.parent)] if file.name == "__init__.py" else None
            return importlib.util.spec_from_file_location(
                fullname, file, loader=loader, submodule_search_locations=folders
            )
        spec = importlib.machinery.ModuleSpec(fullname, self, is_package=True)
        spec.submodule_search_locations = [str(SOURCE)]
        return spec

    def create_module(self, spec):
        return (_Internal if spec.name.startswith("keras.src") else _Public)(spec.name)

    def exec_module(self, module):
        file = file_of(module.__name__)
        if file is not None:
            module.__file__ = str(file)


def _lend_private_names():
    """Private attributes of Keras's layers that many tests read, and where the same thing stands here."""
    kinds = {"_seed_generators": "seeds", "_trainable_variables": "trainable", "_non_trainable_variables": "fixed"}
    for name, kind in {**kinds, "_metrics": "metrics"}.items():
        setattr(nbkeras.layers.Layer, name, property(lambda self, kind=kind: list(self._tracked[kind])))
    nbkeras.Sequential._functional = property(lambda self: self._untracked_functional)
    Functional._operations = property(lambda self: self.operations)


def install():
    """From now on `import keras` gives nbkeras."""
    _lend_private_names()
    sys.meta_path.insert(0, _Finder())
