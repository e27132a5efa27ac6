"""One test for each published weakness of Keras's loading, named after it, through every way in that it may take.

The list is that of the advisories on github.com/keras-team/keras and of the CVE database up to 2026. Nothing may run,
no other file may be touched, and what comes is an error that is documented, or a model in which nothing is left of it.
"""

import base64
import hashlib
import io
import json
import os
import pickle
import tarfile
import warnings

import h5py
import numpy as np
import pytest

import nbkeras as keras
from nbkeras import datasets, layers, losses, metrics, models, optimizers, saving
from nbkeras.datasets import cifar10
from nbkeras.datasets._files import Published
from tests.saving import corpus
from tests.saving.test_security import outcome, target, watched

assert target  # a fixture


def legacy_file(path, config):
    """A whole model in the layout of Keras 2 with another configuration."""
    corpus.benign().save(path)
    with h5py.File(path, "a") as file:
        file.attrs["model_config"] = json.dumps({"class_name": config["class_name"], "config": config["config"]})
        compiled = config.get("compile_config") or {}
        if compiled:
            optimizer = compiled.pop("optimizer", None)
            file.attrs["training_config"] = json.dumps({**compiled, "optimizer_config": optimizer})


def folder_of(path, config, data=None):
    path.mkdir()
    for name, content in corpus.members(config, data):
        (path / name).write_bytes(content)


def ways_of_configurations(folder, config):
    """name -> function: every way in that takes a configuration; some read a file in the folder."""
    (folder / "a.keras").write_bytes(corpus.whole(config))
    legacy_file(folder / "a.h5", json.loads(json.dumps(config)))
    folder_of(folder / "unzipped", config)
    inner, text = config["config"], json.dumps(config)
    file = io.BytesIO(corpus.whole(config))
    last = inner["layers"][-1]
    stacked = {"name": "s", "layers": [inner["layers"][0], {**last, "build_config": None}]}
    ways = {
        "load_model(.keras)": lambda: saving.load_model(folder / "a.keras"),
        "load_model(.keras, safe_mode=False)": lambda: saving.load_model(folder / "a.keras", safe_mode=False),
        "load_model(.keras, safe_mode=None)": lambda: models.load_model(folder / "a.keras", safe_mode=None),
        "load_model(open file)": lambda: saving.load_model(file),
        "load_model(.h5)": lambda: saving.load_model(folder / "a.h5"),
        "load_model(.h5, safe_mode=False)": lambda: saving.load_model(folder / "a.h5", safe_mode=False),
        "load_model(folder)": lambda: saving.load_model(folder / "unzipped"),
        "model_from_json": lambda: models.model_from_json(text),
        "layers.deserialize": lambda: layers.deserialize(json.loads(text)),
        "deserialize_keras_object": lambda: saving.deserialize_keras_object(json.loads(text)),
        "deserialize_keras_object(safe_mode=False)": lambda: saving.deserialize_keras_object(
            json.loads(text), safe_mode=False
        ),
        "Model.from_config": lambda: keras.Model.from_config(json.loads(json.dumps(inner))),
        "Functional.from_config": lambda: models.Functional.from_config(json.loads(json.dumps(inner))),
        "Sequential.from_config": lambda: keras.Sequential.from_config(json.loads(json.dumps(stacked))),
        "the layer alone": lambda: layers.deserialize(json.loads(json.dumps(last))),
        "an object alone": lambda: saving.deserialize_keras_object(json.loads(json.dumps(last))),
    }
    return ways


@pytest.fixture
def refused(tmp_path, target):
    """A function that sends a last layer through every way in of configurations: all must refuse it."""

    def check(entry, sort=ways_of_configurations):
        tmp_path.joinpath("x").mkdir(exist_ok=True)
        folder = tmp_path / "x" / str(len(os.listdir(tmp_path / "x")))
        folder.mkdir()
        ways = sort(folder, corpus.with_layer(entry))
        before = sorted(str(path) for path in tmp_path.rglob("*"))
        for name, way in ways.items():
            with watched(folder):
                assert outcome(way) is not None, name
        assert sorted(str(path) for path in tmp_path.rglob("*")) == before

    return check


def test_the_ways_in_take_what_is_benign(tmp_path, target):
    """What is refused below is refused for what is wrong in it; all modules are loaded before anything is watched."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ways = ways_of_configurations(tmp_path, json.loads(json.dumps(corpus.parts_once()[0])))
        for name, way in ways.items():
            assert outcome(way) is None, name
    for name, way in ways_of_weights(tmp_path, corpus.parts_once()[1], legacy_weights(lambda file: None)).items():
        assert outcome(way) is None, name


def test_cve_2021_37678_yaml(tmp_path, refused, target):
    text = b"!!python/object/apply:os.system ['id']"
    (tmp_path / "a.keras").write_bytes(corpus.zipped(corpus.members(text)))
    corpus.benign().save(tmp_path / "a.h5")
    with h5py.File(tmp_path / "a.h5", "a") as file:
        file.attrs["model_config"] = text.decode()
    for way in (
        lambda: saving.load_model(tmp_path / "a.keras"),
        lambda: saving.load_model(tmp_path / "a.h5"),
        lambda: models.model_from_json(text),
        lambda: models.model_from_json(text.decode()),
    ):
        with watched(tmp_path):
            assert outcome(way) is not None
    assert not hasattr(models, "model_from_yaml") and not hasattr(keras.Model, "to_yaml")


@pytest.mark.parametrize("code", [True, False], ids=["keras3", "keras2"])
def test_cve_2024_3660_lambda_with_bytecode(refused, code):
    refused(corpus.lambda_layer(code))


def test_cve_2024_55459_and_2025_12060_and_2025_12638_get_file_unpacks_archives(refused, tmp_path, monkeypatch):
    # Files never reach it; a script that calls it itself gets nothing outside of the archive's folder.
    refused(corpus.graph_op("get_file", "keras.src.utils.file_utils", origin="http://127.0.0.1:1/x", extract=True))
    refused({**corpus.own("get_file", origin="http://127.0.0.1:1/x", extract=True), "module": "keras.utils"})
    hostile_tar(tmp_path, monkeypatch, lambda add: add("../../evil", b"x"))
    before = sorted(str(path) for path in tmp_path.rglob("*"))
    assert outcome(datasets.cifar10.load_data) is None
    assert sorted(str(path) for path in tmp_path.rglob("*")) == before
    packed = tmp_path / "evil.tar"
    with tarfile.open(packed, "w") as file:
        for name, kind in (("../../evil", tarfile.REGTYPE), ("/tmp/nbkeras-evil", tarfile.REGTYPE),
                           ("link", tarfile.SYMTYPE), ("link/x", tarfile.REGTYPE), ("hard", tarfile.LNKTYPE),
                           ("good", tarfile.REGTYPE)):  # fmt: skip
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, "/tmp"
            file.addfile(member, io.BytesIO(b""))
    cache = tmp_path / "cache" / "of" / "files"
    with pytest.warns(UserWarning, match="left out"):
        outcome(lambda: keras.utils.get_file("evil.tar", f"file://{packed}", extract=True, cache_dir=cache))
    made = {path.name for path in (tmp_path / "cache").rglob("*") if not path.is_dir()}
    assert made <= {"evil.tar", "good", "x"} and not any(p.is_symlink() for p in cache.rglob("*"))
    assert not os.path.exists("/tmp/nbkeras-evil") and not os.path.exists("/tmp/x")
    assert os.listdir(tmp_path / "cache") == ["of"] and os.listdir(tmp_path / "cache" / "of") == ["files"]


def test_cve_2025_1550_a_configuration_names_any_function(refused):
    refused({"module": "os", "class_name": "system", "config": "id", "registered_name": "system"})
    refused({"module": "subprocess", "class_name": "Popen", "config": {"args": "id", "shell": True}})
    refused({"module": "builtins", "class_name": "eval", "config": {"x": "1"}, "registered_name": None})
    refused(corpus.dense(activation=corpus.function("os", "system")))
    refused(corpus.dense(kernel_initializer={"module": "os", "class_name": "system", "config": {"command": "id"}}))
    for family in (losses, metrics, optimizers, layers, keras.initializers, keras.regularizers, keras.constraints):
        for entry in (corpus.function("os", "system"), {"module": "os", "class_name": "getcwd", "config": {}}):
            with watched("nothing"):
                assert outcome(lambda family=family, entry=entry: family.deserialize(entry)) is not None
    for entry in ({"loss": corpus.function("os", "system")}, {"optimizer": corpus.function("builtins", "exec")}):
        compiled = {**corpus.parts_once()[0]["compile_config"], **entry}
        with watched("nothing"):
            assert outcome(lambda compiled=compiled: corpus.benign().compile_from_config(compiled)) is not None


def test_cve_2025_8747_functions_of_the_library_as_gadgets(refused):
    refused(corpus.graph_op("LoadModel", "keras.src.ops.core", filepath="x.keras"))
    refused(corpus.function("keras.saving", "load_model"))
    refused(corpus.function("keras.utils", "get_file"))
    refused({"module": "keras.saving", "class_name": "load_model", "config": {"filepath": "x.keras"}})
    refused(corpus.dense(activation=corpus.function("nbkeras.saving", "load_model")))


def test_cve_2025_9906_a_configuration_turns_safe_mode_off(refused):
    refused(corpus.function("keras.config", "enable_unsafe_deserialization"))
    refused(corpus.graph_op("EnableUnsafeDeserialization", "keras.src.ops.core"))
    # There is none to turn off, for scripts neither.
    assert outcome(keras.config.enable_unsafe_deserialization) is not None
    refused(corpus.lambda_layer())


def test_cve_2025_9905_h5_files_ignore_safe_mode(tmp_path, target):
    for code in (True, False):
        path = tmp_path / f"{code}.h5"
        legacy_file(path, corpus.with_layer(corpus.lambda_layer(code)))
        for options in ({}, {"safe_mode": True}, {"safe_mode": False}, {"compile": False}):
            with watched(path):
                assert outcome(lambda path=path, options=options: saving.load_model(path, **options)) is not None


def torch_wrapper():
    module = base64.b64encode(pickle.dumps(print)).decode()
    return corpus.own("TorchModuleWrapper", module=module, output_shape=None)


def test_cve_2025_49655_torch_module_wrapper_unpickles(refused):
    refused(torch_wrapper())


def test_cve_2026_12484_torch_module_wrapper_outside_of_a_scope(target):
    entry = torch_wrapper()
    for way in (lambda: layers.deserialize(entry), lambda: saving.deserialize_keras_object(entry),
                lambda: keras.Sequential.from_config({"name": "s", "layers": [entry]})):  # fmt: skip
        with watched("nothing"):
            assert outcome(way) is not None


def test_cve_2025_12058_a_vocabulary_is_a_path(refused):
    for kind in ("StringLookup", "IntegerLookup", "TextVectorization", "IndexLookup"):
        for path in (corpus.SECRET, "http://127.0.0.1:1/v"):
            refused(corpus.own(kind, vocabulary=path))


def test_cve_2026_1462_tfsm_layer_loads_by_path(refused):
    refused(corpus.own("TFSMLayer", filepath="/tmp/evil", call_endpoint="serve"))


def test_cve_2026_12481_safe_mode_none_in_from_config_and_clone_model(target):
    config = corpus.with_layer(corpus.lambda_layer())
    inner = config["config"]
    for safe_mode in (None, False, True):
        with watched("nothing"):
            assert outcome(lambda s=safe_mode: saving.deserialize_keras_object(config, safe_mode=s)) is not None
    with watched("nothing"):
        assert outcome(lambda: keras.Model.from_config(inner)) is not None
    # A model with a lambda of this process is copied in memory, where its function is; it never becomes a file.
    ran = []
    model = keras.Sequential([keras.Input((2,)), layers.Lambda(lambda x: (ran.append(1), x)[1])])
    assert keras.models.clone_model(model).built
    assert outcome(lambda: model.to_json()) is not None


def hostile_tar(folder, monkeypatch, change):
    """An archive of CIFAR-10 that has more in it than its batches, and passes for the published one."""
    buffer = io.BytesIO()
    batch = pickle.dumps({b"data": np.zeros((2, 3072), np.uint8), b"labels": [0, 1]}, protocol=3)
    names = [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]
    with tarfile.open(fileobj=buffer, mode="w:gz") as file:

        def add(name, data, kind=tarfile.REGTYPE):
            member = tarfile.TarInfo(name)
            member.type, member.size = kind, len(data) if kind == tarfile.REGTYPE else 0
            member.linkname = corpus.SECRET
            file.addfile(member, io.BytesIO(data))

        change(add)
        for name in names:
            add(f"cifar-10-batches-py/{name}", batch)
    monkeypatch.setenv("KERAS_HOME", str(folder / "home"))
    old = cifar10.FILE
    digest = hashlib.sha256(buffer.getvalue()).hexdigest()
    monkeypatch.setattr(cifar10, "FILE", Published(old.name, "http://127.0.0.1:9/none", digest, old.folder))
    path = folder / "home" / old.folder / old.name
    path.parent.mkdir(parents=True)
    path.write_bytes(buffer.getvalue())


def test_cve_2026_12482_links_in_tar_archives(tmp_path, monkeypatch):
    def links(add):
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE):
            add(f"evil{kind!r}", b"", kind)
            add("cifar-10-batches-py/meta", b"", kind)

    hostile_tar(tmp_path, monkeypatch, links)
    before = sorted(str(path) for path in tmp_path.rglob("*"))
    assert outcome(datasets.cifar10.load_data) is None
    monkeypatch.undo()
    hostile_tar(
        tmp_path / "second", monkeypatch,
        lambda add: [add("cifar-10-batches-py/test_batch", b"", tarfile.SYMTYPE)],
    )  # fmt: skip
    outcome(datasets.cifar10.load_data)
    assert sorted(str(p) for p in tmp_path.rglob("*") if "second" not in str(p)) == before


# Weights


def legacy_weights(change):
    """The benign weights in the layout of Keras 2, then what `change` does to the file."""
    file = io.BytesIO()
    with h5py.File(file, "w") as made:
        model = corpus.benign()
        made.attrs["layer_names"] = [b"first", b"last"]
        for layer in model.layers[1:]:
            group = made.create_group(layer.name)
            group.attrs["weight_names"] = [f"{layer.name}/{i}".encode() for i in range(2)]
            for i, weight in enumerate(layer.get_weights()):
                group[f"{layer.name}/{i}"] = weight
        change(made)
    return file.getvalue()


def ways_of_weights(folder, data, legacy=None):
    """name -> function: every way in that takes arrays."""
    model = corpus.benign()
    (folder / "w.weights.h5").write_bytes(data)
    (folder / "w.keras").write_bytes(corpus.whole(None, data))
    folder_of(folder / "w", None, data)
    ways = {
        "load_weights(.weights.h5)": lambda: model.load_weights(folder / "w.weights.h5"),
        "load_weights(.keras)": lambda: model.load_weights(folder / "w.keras"),
        "load_model(.keras)": lambda: saving.load_model(folder / "w.keras"),
        "load_model(folder)": lambda: saving.load_model(folder / "w"),
    }
    listed = {"metadata": {}, "weight_map": {"/vars": "s_00000.weights.h5"}}
    (folder / "s.weights.json").write_text(json.dumps(listed))
    (folder / "s_00000.weights.h5").write_bytes(data)
    ways["load_weights(.weights.json)"] = lambda: model.load_weights(folder / "s.weights.json")
    if legacy is not None:
        (folder / "w.h5").write_bytes(legacy)
        ways["load_weights(.h5)"] = lambda: model.load_weights(folder / "w.h5")
        ways["load_weights(.h5, by_name)"] = lambda: model.load_weights(folder / "w.h5", by_name=True)
    return ways


@pytest.fixture
def no_weights(tmp_path, target):
    """A function that puts something in the place of a weight and sends it through every way in of weights."""

    def check(make):
        def instead(file):
            del file["first/first/0"]
            make(file["first/first"], "0")

        folder = tmp_path / str(len(os.listdir(tmp_path)))
        folder.mkdir()
        ways = ways_of_weights(folder, corpus.replaced(corpus.FIRST, make), legacy_weights(instead))
        for name, way in ways.items():
            with watched(folder):
                assert outcome(way) is not None, name

    return check


def test_cve_2026_0897_and_2026_12570_shape_bombs(no_weights):
    no_weights(lambda group, name: group.create_dataset(name, (2**40, 3), "f4"))
    no_weights(lambda group, name: group.create_dataset(name, (2**31, 2**31), "f8", chunks=(2**10, 2**10)))
    grows = {"chunks": (2**12, 2**12), "maxshape": (None, None)}
    no_weights(lambda group, name: group.create_dataset(name, (4, 3), "f4", **grows))
    no_weights(
        lambda group, name: group.create_dataset(name, data=np.zeros((6000, 3000), "f4"), compression="gzip")
    )


def test_cve_2026_1669_external_storage(no_weights):
    no_weights(lambda group, name: group.create_dataset(name, (4, 3), "u1", external=[(corpus.SECRET, 0, 12)]))
    no_weights(lambda group, name: group.__setitem__(name, h5py.ExternalLink(corpus.SECRET, "/")))


def test_cve_2026_9335_links_in_weights(no_weights, tmp_path, target):
    no_weights(lambda group, name: group.__setitem__(name, h5py.SoftLink("/vars")))
    no_weights(lambda group, name: group.__setitem__(name, h5py.ExternalLink(corpus.SECRET, "/x")))
    for link in (h5py.SoftLink("/elsewhere"), h5py.ExternalLink(corpus.SECRET, "/")):

        def whole(file, link=link):
            del file["first"]
            file["first"] = link

        path = tmp_path / f"{type(link).__name__}.h5"
        path.write_bytes(legacy_weights(whole))
        for options in ({}, {"by_name": True}, {"skip_mismatch": True}):
            with watched(path):
                assert outcome(lambda path=path, options=options: target.load_weights(path, **options)) is not None


def test_cve_2026_12480_virtual_datasets(no_weights):
    no_weights(corpus.virtual)


def test_cve_2026_11816_members_outside_of_the_archive(tmp_path, target, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("../../evil", "/etc/evil", "assets/../../evil", "model.weights.h5/../evil", "evil"):
        path = tmp_path / "a.keras"
        path.write_bytes(corpus.zipped([*corpus.members(), (name, b"x")]))
        for way in (lambda path=path: saving.load_model(path), lambda path=path: target.load_weights(path)):
            with watched(path):
                assert outcome(way) is not None
        assert os.listdir(tmp_path) == ["a.keras"]


def test_cve_2026_12479_names_of_layers_as_paths(tmp_path, monkeypatch, target):
    inside = tmp_path / "inside" / "deep"
    inside.mkdir(parents=True)
    monkeypatch.chdir(inside)
    for name in ("../../../evil", "/tmp/nbkeras-evil", "..", "a/../../b"):
        (inside / "a.keras").write_bytes(corpus.whole(corpus.with_layer(corpus.dense(name=name))))
        try:
            model = saving.load_model(inside / "a.keras")
        except keras.errors.NbkerasError:
            continue
        model.save("b.keras")
        model.save_weights("b.weights.h5")
        model.save_weights("b.weights.json", max_shard_size=1)
        outcome(lambda model=model: model.save("b.h5"))
        saving.load_model("b.keras").load_weights("b.weights.h5")
    assert os.listdir(tmp_path) == ["inside"] and os.listdir(tmp_path / "inside") == ["deep"]
    assert all(name.startswith(("a.", "b")) for name in os.listdir(inside))
    assert not os.path.exists("/tmp/nbkeras-evil")
