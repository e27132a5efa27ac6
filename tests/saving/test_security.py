"""Files that mean harm end in a documented error, through every way in: no code runs, no other file is touched."""

import contextlib
import inspect
import json
import os
import pathlib
import sys
import time
import warnings

import numpy as np
import pytest

import nbkeras as keras
from nbkeras import layers
from nbkeras.errors import NbkerasError
from nbkeras.saving import load_model
from tests.saving import corpus

#: What no file may make Python do.
FORBIDDEN = (
    "exec", "compile", "import", "pickle.find_class", "marshal.loads", "os.system", "os.exec", "os.posix_spawn",
    "os.fork", "subprocess.Popen", "socket.connect", "socket.getaddrinfo", "urllib.Request", "os.listdir", "os.mkdir",
    "os.remove", "os.rename", "os.symlink", "ctypes.dlopen", "shutil.rmtree", "tempfile.mkstemp", "os.chmod", "open",
)  # fmt: skip

_watch = {"events": None, "allowed": ()}


def _hook(event, arguments):
    if _watch["events"] is None or event not in FORBIDDEN:
        return
    if event == "open" and (isinstance(arguments[0], int) or str(arguments[0]).startswith(_watch["allowed"])):
        return
    _watch["events"].append((event, str(arguments)[:200]))


@contextlib.contextmanager
def watched(path):
    """Inside, nothing but the file at the path may be opened, and nothing forbidden may happen."""
    if not _watch.get("installed"):
        sys.addaudithook(_hook)
        _watch["installed"] = True
    _watch["events"], _watch["allowed"] = [], (str(path),)
    try:
        yield
        happened = _watch["events"]
    finally:
        _watch["events"] = None
    assert happened == [], happened


def status(name: str) -> int:
    """A number of kB that Linux knows of this process."""
    line = next(line for line in pathlib.Path("/proc/self/status").read_text().splitlines() if line.startswith(name))
    return int(line.split()[1])


def start_of_peak() -> int:
    """Let the peak of memory (VmHWM) begin anew; returns the kB that are taken now."""
    pathlib.Path("/proc/self/clear_refs").write_text("5")
    return status("VmRSS")


def outcome(function, *arguments):
    """None if the call went well, else its error, which must be one that is documented."""
    try:
        function(*arguments)
    except NbkerasError as error:
        return error
    return None


@pytest.fixture(scope="module")
def target(tmp_path_factory):
    """A model whose weights the files want to be."""
    return warmed(tmp_path_factory.mktemp("benign"))


def warmed(folder):
    """The benign model, after everything was loaded once, so that no import is left to do."""
    model = corpus.benign()
    (folder / "a.keras").write_bytes(corpus.whole())
    (folder / "a.weights.h5").write_bytes(corpus.parts_once()[1])
    load_model(folder / "a.keras")
    model.load_weights(folder / "a.keras")
    model.load_weights(folder / "a.weights.h5")
    keras.models.clone_model(keras.models.model_from_json(model.to_json()))
    for name, make in corpus.CONFIGS.items():
        if name != "many_large_layers":
            outcome(keras.models.model_from_json, json.dumps(make()))
    return model


FILES = [(name, ending) for name, ending, _ in corpus.hostile()]


def test_the_corpus_is_large_and_its_frame_is_sound(tmp_path, target):
    """A benign file passes everything that the hostile ones go through: what they fail for is what is wrong in them."""
    assert len(FILES) >= 100 and len(set(FILES)) == len(FILES)
    path = tmp_path / "a.keras"
    path.write_bytes(corpus.whole())
    with watched(path):
        assert load_model(path).built
        assert target.load_weights(path).complete


@pytest.mark.filterwarnings("ignore:model 'benign'.* the state of its optimizer")
def test_the_whole_corpus(tmp_path, target):
    for name, ending, data in corpus.hostile():
        path = tmp_path / f"{name}{ending}"
        path.write_bytes(data)
        before = target.get_weights()
        memory = start_of_peak()
        start = time.perf_counter()
        errors = []
        with watched(path):
            errors.append(outcome(target.load_weights, path))
            if ending == ".keras":
                errors.append(outcome(load_model, path))
        seconds = time.perf_counter() - start
        grown = status("VmHWM") - memory
        assert seconds < 2.0 * len(errors), (name, seconds)
        assert grown < 2 * len(data) // 1024 + 64 * 1024, (name, grown)
        if name not in HARMLESS:
            assert errors[-1] is not None, name
        if name in corpus.WEIGHTS_FILES and name not in HARMLESS:
            assert errors[0] is not None, name
            for one, now in zip(before, target.get_weights(), strict=True):
                assert (one == now).all(), name
    assert sorted(os.listdir(tmp_path)) == sorted(f"{name}{ending}" for name, ending in FILES)


#: Odd, but nothing is wrong with them: a name is never used as a path, and what is linked to twice is read once.
HARMLESS = ("names_as_paths", "cycle", "cycle_in_an_archive")


#: Without weights to be held against, a large model is just that; a large output takes no memory before it is computed.
HARMLESS_WITHOUT_WEIGHTS = ("a_repetition_bomb", "a_dropout_bomb", "a_tile_bomb")


@pytest.mark.parametrize("name", [name for name in corpus.CONFIGS if name != "many_large_layers"])
def test_configurations_through_every_other_way_in(target, name):
    config = corpus.CONFIGS[name]()
    text = json.dumps(config)
    ways = [lambda: keras.models.model_from_json(text), lambda: layers.deserialize(config)]
    if isinstance(config, dict):
        inner = config["config"]
        whole = isinstance(inner, dict) and "layers" in inner
        ways += [lambda cls=cls: cls.from_config(inner) for cls in (keras.Model, keras.models.Functional) if whole]
    compiled = config.get("compile_config") if isinstance(config, dict) else None
    if compiled and compiled != corpus.parts_once()[0]["compile_config"]:
        ways = [lambda: corpus.benign().compile_from_config(compiled)]
    for way in ways:
        with watched("nothing"):
            error = outcome(way)
        assert error is not None or name in (*HARMLESS, *HARMLESS_WITHOUT_WEIGHTS), name


def test_no_text_of_a_file_drives_the_terminal(tmp_path, capsys):
    """Wherever a control character stands in a configuration: no message, summary or line of a log has it."""
    path, texts = tmp_path / "a.keras", []
    config = corpus.with_layer(corpus.graph_op("Relu", "keras.src.ops.nn"))
    for changed in (*_with_each_text(corpus.parts_once()[0]), *_with_each_text(config)):
        path.write_bytes(corpus.whole(changed))
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            texts.append(str(outcome(lambda: _shown(load_model(path)))))
        texts += [str(each.message) for each in warned]
    texts += [*capsys.readouterr()]
    assert len(texts) > 300
    assert not [text for text in texts if set(text) & set(corpus.TERMINAL) - set("]0;x")]


def _shown(model):
    """All that is printed of a model."""
    model.summary()
    print(model, model.layers, model.metrics, model.optimizer, model.loss)
    model.fit(np.ones((4, 4)), np.ones((4, 2)), verbose=2)


def _with_each_text(value, wrap=lambda changed: changed):
    """The configuration, again and again, each time with another of its texts or keys changed."""
    if isinstance(value, str):
        yield wrap(corpus.TERMINAL)
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for place, part in parts:

        def put(changed, place=place):
            copied = value.copy()
            copied[place] = changed
            return wrap(copied)

        yield from _with_each_text(part, put)
        if isinstance(value, dict):
            yield wrap({corpus.TERMINAL if key == place else key: part for key, part in value.items()})


def test_lambdas_are_refused_whatever_the_switch_says(tmp_path):
    path = tmp_path / "a.keras"
    path.write_bytes(corpus.whole(corpus.with_layer(corpus.lambda_layer())))
    for safe_mode in (True, False, None):
        with watched(path), pytest.raises(NbkerasError):
            load_model(path, safe_mode=safe_mode)


def test_no_argument_of_what_ships_is_a_path():
    """A layer that opened a file which its configuration names would be a way out of the archive."""
    words = ("path", "file", "url", "vocabulary", "directory", "origin")
    for name in layers.__all__:
        cls = getattr(layers, name)
        if inspect.isclass(cls):
            taken = inspect.signature(cls.__init__).parameters
            assert not [argument for argument in taken if any(word in argument for word in words)], name


def test_no_way_to_run_code_is_in_the_loading_code():
    """No pickle, marshal, yaml, eval, exec or import by name in all of the package but for what is listed."""
    import ast

    root = pathlib.Path(keras.__file__).parent
    names = {"eval", "exec", "compile", "__import__", "import_module", "loads"}
    modules = {"pickle", "marshal", "yaml", "shelve", "dill", "cloudpickle", "runpy", "tarfile", "urllib"}
    for path in [*root.glob("saving/*.py"), *root.glob("models/*.py"), *root.glob("layers/*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                assert not {alias.name.split(".")[0] for alias in node.names} & modules, path
            if isinstance(node, ast.ImportFrom):
                assert str(node.module).split(".")[0] not in modules, path
            if isinstance(node, ast.Call):
                called = getattr(node.func, "id", None) or getattr(node.func, "attr", None)
                owner = getattr(getattr(node.func, "value", None), "id", None)
                allowed = (called, owner) in {
                    ("loads", "json"),
                    ("compile", "self"),
                    ("compile", "model"),
                    ("compile", "re"),
                }
                assert called not in names or allowed, (path, node.lineno)


def fuzz(folder, target, seeds):
    """Load mutated files; their only outcomes are a model or a documented error. Returns how many loaded."""
    loaded = 0
    for seed in seeds:
        ending, data = corpus.mutation(seed)
        path = folder / f"mutation{ending}"
        path.write_bytes(data)
        start = time.perf_counter()
        with watched(path):
            if ending == ".keras":
                loaded += outcome(load_model, path) is None
            else:
                loaded += outcome(lambda path=path: target.load_weights(path, skip_mismatch=True)) is None
        assert time.perf_counter() - start < 2.0, seed
    return loaded


@pytest.mark.filterwarnings("ignore")
def test_mutated_files(tmp_path, target):
    loaded = fuzz(tmp_path, target, range(400))
    assert 0 < loaded < 300


def test_a_state_of_training_is_no_way_in(tmp_path):
    model = corpus.benign()
    path = tmp_path / "state"
    for data in (b"", b"NBKSTATE", corpus.whole(), b"NBKSTATE" + bytes(100)):
        path.write_bytes(data)
        with watched(path), pytest.warns(UserWarning, match=r"state|damaged"):
            error = outcome(lambda: model.fit([[0.0] * 4], [[0.0] * 2], verbose=0, resume=path))
        assert error is not None
