"""Files that mean harm, made anew by each run of the tests; `python -m tests.saving.corpus FOLDER` writes them out.

Every file tries one thing: to run code, to read or write other files, to use up memory or time, to be understood in
two ways, or to end in anything but an error that is documented.
"""

from __future__ import annotations

import base64
import copy
import io
import json
import pathlib
import pickle
import struct
import sys
import tarfile
import zipfile
import zlib

import h5py
import numpy as np

import nbkeras as keras
from nbkeras.saving import archive, model_file
from nbkeras.saving.archive import CONFIG, METADATA, WEIGHTS

SECRET = "/etc/hostname"

#: Sets the title of a terminal's window, rings, and writes from right to left.
TERMINAL = "\x1b]0;x\x07\u202e"


def benign():
    """A small model with everything that files have: weights, an optimizer's state, a loss, metrics."""
    x = keras.Input((4,), name="x")
    y = keras.layers.Dense(3, activation="tanh", name="first")(x)
    model = keras.Model(x, keras.layers.Dense(2, kernel_initializer="zeros", name="last")(y), name="benign")
    model.compile(keras.optimizers.Adam(name="adam"), "mse", metrics=["mae"])
    model.optimizer.build(model.trainable_variables)
    return model


def parts(model=None):
    """Configuration and weights of the benign model, as a file has them."""
    model = model or benign()
    config, pieces = model_file.contents(model)
    return json.loads(json.dumps(config)), b"".join(pieces)


def zipped(members, method=zipfile.ZIP_STORED, comment=b""):
    """An archive of pairs (name, bytes)."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as made:
        made.comment = comment
        for name, data in members:
            made.writestr(name, data)
    return file.getvalue()


def packed(config, data):
    """An archive as nbkeras writes it."""
    file = io.BytesIO()
    archive.write(file, config, [data])
    return file.getvalue()


def whole(config=None, data=None):
    """A well-formed archive of a configuration and weights."""
    own_config, own_data = parts_once()
    return packed(own_config if config is None else config, own_data if data is None else data)


def members(config=None, data=None):
    own_config, own_data = parts_once()
    text = config if isinstance(config, bytes) else json.dumps(own_config if config is None else config).encode()
    return [(METADATA, b"{}"), (CONFIG, text), (WEIGHTS, own_data if data is None else data)]


def with_layer(entry):
    """The benign configuration with another last layer."""
    config = copy.deepcopy(parts_once()[0])
    layers = config["config"]["layers"]
    layers[-1] = {**layers[-1], "build_config": None, **entry}
    return config


def with_compile(**entries):
    config = copy.deepcopy(parts_once()[0])
    config["compile_config"].update(entries)
    return config


def edited(change):
    config = copy.deepcopy(parts_once()[0])
    change(config)
    return config


def lambda_layer(code=True):
    """A Lambda layer with the byte code of `os.system`, as Keras wrote it."""
    import marshal

    text = base64.b64encode(marshal.dumps(compile("__import__('os').system('id')", "x", "eval"))).decode()
    function = {"class_name": "__lambda__", "config": {"code": text, "defaults": None, "closure": None}}
    if not code:
        function = [text, None, None]
    return {"module": "keras.layers", "class_name": "Lambda", "config": {"name": "last", "function": function,
            "function_type": "lambda", "arguments": {}}, "registered_name": None}  # fmt: skip


def hdf5(make, **options):
    """An HDF5 file: the benign weights, then what `make` does to it."""
    file = io.BytesIO(parts_once()[1])
    with h5py.File(file, "r+", **options) as opened:
        make(opened)
    return file.getvalue()


def replaced(path, make):
    """The benign weights, with the array at a path made in another way."""

    def change(file):
        del file[path]
        group, name = path.rsplit("/", 1)
        make(file[group], name)

    return hdf5(change)


FIRST = "layers/dense/vars/0"


def virtual(group, name):
    layout = h5py.VirtualLayout((4, 3), "f4")
    layout[:] = h5py.VirtualSource(SECRET, "x", (4, 3))
    group.create_virtual_dataset(name, layout)


#: What can stand in the place of a weight.
WEIGHTS_FILES = {
    "soft_link": lambda: replaced(FIRST, lambda g, n: g.__setitem__(n, h5py.SoftLink("/layers/dense_1/vars/0"))),
    "external_link": lambda: replaced(FIRST, lambda g, n: g.__setitem__(n, h5py.ExternalLink(SECRET, "/"))),
    "external_group": lambda: hdf5(
        lambda f: (f.pop("layers"), f.__setitem__("layers", h5py.ExternalLink(SECRET, "/")))
    ),
    "external_storage": lambda: replaced(
        FIRST, lambda g, n: g.create_dataset(n, (4, 3), "u1", external=[(SECRET, 0, 12)])
    ),
    "virtual_data": lambda: replaced(FIRST, virtual),
    "shape_bomb": lambda: replaced(FIRST, lambda g, n: g.create_dataset(n, (2**40, 3), "f4")),
    "empty_storage": lambda: replaced(FIRST, lambda g, n: g.create_dataset(n, (4, 3), "f4")),
    "compressed_bomb": lambda: replaced(
        FIRST, lambda g, n: g.create_dataset(n, data=np.zeros((4000, 3000), "f4"), compression="gzip")
    ),
    "chunks": lambda: replaced(FIRST, lambda g, n: g.create_dataset(n, (4, 3), "f4", chunks=(1, 1))),
    "strings": lambda: replaced(FIRST, lambda g, n: g.create_dataset(n, data=["a"], dtype=h5py.string_dtype())),
    "opaque": lambda: replaced(FIRST, lambda g, n: g.create_dataset(n, data=np.zeros((4, 3), "V7"))),
    "pickled": lambda: replaced(FIRST, lambda g, n: g.create_dataset(n, data=np.void(pickle.dumps(print)))),
    "reference": lambda: replaced(
        FIRST, lambda g, n: g.create_dataset(n, data=np.array([g.ref], h5py.ref_dtype))
    ),
    "compound": lambda: replaced(
        FIRST, lambda g, n: g.create_dataset(n, data=np.zeros((4, 3), [("a", "f4"), ("b", "f4")]))
    ),
    "group_for_array": lambda: replaced(FIRST, lambda g, n: g.create_group(n)),
    "array_for_group": lambda: hdf5(lambda f: (f.pop("layers"), f.create_dataset("layers", data=np.zeros(3)))),
    "cycle": lambda: hdf5(lambda f: f["layers"].__setitem__("again", f["layers"])),
    "deep_groups": lambda: hdf5(lambda f: f.create_group("/".join("d" * 300))),
    "path_names": lambda: hdf5(lambda f: f.create_dataset("..", data=np.zeros(3))),
    "many_arrays": lambda: hdf5(
        lambda f: [f.create_dataset(f"layers/dense/vars/{i}", data=np.zeros(1)) for i in range(2, 2000)]
    ),
    "new_format": lambda: hdf5_of_newest(),
    "cut_off": lambda: parts_once()[1][:-3000],
    "wrong_shape": lambda: replaced(FIRST, lambda g, n: g.create_dataset(n, data=np.zeros((3, 4), "f4"))),
    "endless_heap": lambda: tampered(b"HEAP", 8, struct.pack("<Q", 2**62)),
    "endless_tree": lambda: tampered(b"TREE", 6, struct.pack("<H", 65535)),
    "tree_in_itself": lambda: looping(),
    "endless_list": lambda: tampered(b"SNOD", 6, struct.pack("<H", 65535)),
}  # fmt: skip


def hdf5_of_newest():
    file = io.BytesIO()
    with h5py.File(file, "w", libver="latest") as opened:
        for i in range(20):
            opened[f"layers/dense/vars/{i}"] = np.zeros(3)
    return file.getvalue()


def tampered(signature, offset, data):
    """The benign weights with a number changed in every structure of a kind."""
    content = bytearray(parts_once()[1])
    at = content.find(signature)
    while at >= 0:
        content[at + offset : at + offset + len(data)] = data
        at = content.find(signature, at + 4)
    return bytes(content)


def looping():
    """A tree whose first child is itself."""
    content = bytearray(parts_once()[1])
    at = content.find(b"TREE")
    content[at + 32 : at + 40] = struct.pack("<Q", at)
    return bytes(content)


def function(module, name):
    return {"module": module, "class_name": "function", "config": name, "registered_name": name}


def dense(**config):
    return {"class_name": "Dense", "module": "keras.layers", "config": {"name": "last", "units": 2, **config}}


def graph_op(name, module="keras.src.ops.numpy", **config):
    return {"module": module, "class_name": name, "config": {"name": "last", **config}, "registered_name": name}


def own(kind, **config):
    return {"module": "keras.layers", "class_name": kind, "config": {"name": "last", **config}, "registered_name": None}


def inbound(source):
    place = {"shape": [None, 3], "dtype": "float32", "keras_history": source}
    tensor = {"class_name": "__keras_tensor__", "config": place}
    return {"inbound_nodes": [{"args": [tensor], "kwargs": {}}]}


def models_in_models(depth, calls):
    """A model that calls the one inside it so many times, and so on: `calls ** depth` calls in all."""
    inside = own("Identity")
    for level in range(depth):
        name, nodes, source = f"level{level}", [], ["x", 0, 0]
        for call in range(calls):
            nodes += inbound(source)["inbound_nodes"]
            source = [inside["config"]["name"], call, 0]
        entry = {**inside, "name": inside["config"]["name"], "inbound_nodes": nodes}
        x = {**own("InputLayer"), "name": "x", "inbound_nodes": []}
        x["config"] = {"name": "x", "batch_shape": [None, 3], "dtype": "float32"}
        inside = {"module": "keras", "class_name": "Functional", "registered_name": None, "config": {
            "name": name, "layers": [x, entry], "input_layers": [["x", 0, 0]], "output_layers": [source]}}  # fmt: skip
    return inside


def zeros():
    """The configuration of a model with 60 MB of weights, and its weights, which are all zeros."""
    x = keras.Input((1,))
    model = keras.Model(x, keras.layers.Dense(15_000_000, kernel_initializer="zeros", use_bias=False)(x))
    config, data = parts(model)
    return json.dumps(config).encode(), data


def reached(source):
    return {**dense(), **inbound(source)}


#: Configurations that ask for something else than layers, or for too much.
CONFIGS = {
    "lambda_code": lambda: with_layer(lambda_layer()),
    "lambda_code_of_keras_2": lambda: with_layer(lambda_layer(code=False)),
    "os_system_as_layer": lambda: with_layer({"module": "os", "class_name": "system", "config": "id"}),
    "eval_as_layer": lambda: with_layer({"module": "builtins", "class_name": "eval", "config": {"x": "1"}}),
    "subprocess_as_layer": lambda: with_layer(
        {"module": "subprocess", "class_name": "Popen", "config": {"args": "id", "shell": True}}
    ),
    "get_file_as_operation": lambda: with_layer(
        graph_op("get_file", "keras.src.utils.file_utils", origin="http://127.0.0.1:1/x")
    ),
    "unsafe_switch": lambda: with_layer(function("keras.config", "enable_unsafe_deserialization")),
    "unsafe_switch_as_operation": lambda: with_layer(graph_op("EnableUnsafeDeserialization", "keras.src.ops.core")),
    "load_model_as_operation": lambda: with_layer(graph_op("LoadModel", "keras.src.ops.core", filepath="x.keras")),
    "torch_wrapper": lambda: with_layer(
        own("TorchModuleWrapper", module=base64.b64encode(pickle.dumps(print)).decode(), output_shape=None)
    ),
    "jax_layer": lambda: with_layer(own("JaxLayer", call_fn=function("builtins", "exec"))),
    "saved_model_by_path": lambda: with_layer(own("TFSMLayer", filepath="/tmp/evil", call_endpoint="serve")),
    "vocabulary_of_a_file": lambda: with_layer(own("StringLookup", vocabulary=SECRET)),
    "vocabulary_of_a_url": lambda: with_layer(own("TextVectorization", vocabulary="http://127.0.0.1:1/v")),
    "loss_of_os": lambda: with_compile(loss=function("os", "system")),
    "loss_of_builtins": lambda: with_compile(loss=function("builtins", "exec")),
    "metric_by_module": lambda: with_compile(metrics=[{"module": "os", "class_name": "getcwd", "config": {}}]),
    "optimizer_of_another_family": lambda: with_compile(optimizer=dense()),
    "schedule_of_another_family": lambda: with_compile(
        optimizer={"class_name": "SGD", "module": "keras.optimizers", "config": {"learning_rate": dense()}}
    ),
    "compile_with_a_path": lambda: with_compile(filepath="/tmp/x"),
    "names_as_paths": lambda: with_layer(dense(name="../../../../tmp/evil")),
    "units_of_a_trillion": lambda: with_layer(dense(units=10**12)),
    "units_beyond_64_bits": lambda: with_layer(dense(units=2**70)),
    "units_below_zero": lambda: with_layer(dense(units=-3)),
    "units_of_text": lambda: with_layer(dense(units="3")),
    "units_that_are_no_number": lambda: with_layer(dense(units=float("nan"))),
    "units_of_a_list": lambda: with_layer(dense(units=[2, 2])),
    "many_large_layers": lambda: edited(
        lambda c: c["config"]["layers"].extend(
            {**dense(name=f"l{i}", units=10**6), **inbound(["first", 0, 0]), "name": f"l{i}"} for i in range(50)
        )
    ),
    "a_huge_input": lambda: edited(
        lambda c: c["config"]["layers"][0]["config"].update(batch_shape=[None, 10**15])
    ),
    "a_repetition_bomb": lambda: with_layer(own("RepeatVector", n=10**12)),
    "a_dropout_bomb": lambda: with_layer(own("Dropout", rate=0.5, noise_shape=[10**6, 10**6])),
    "a_reshape_bomb": lambda: with_layer(own("Reshape", target_shape=[10**9] * 10)),
    "a_tile_bomb": lambda: with_layer(graph_op("Tile", repeats=[10**6, 10**6])),
    "a_one_hot_bomb": lambda: with_layer(graph_op("OneHot", "keras.src.ops.nn", num_classes=10**12)),
    "a_loop_operation": lambda: with_layer(graph_op("WhileLoop", "keras.src.ops.core", cond=1, body=1)),
    "thresholds_of_a_trillion": lambda: with_compile(
        metrics=[{"module": "keras.metrics", "class_name": "AUC", "config": {"num_thresholds": 10**12}}]
    ),
    "classes_of_a_trillion": lambda: with_compile(
        metrics=[{"module": "keras.metrics", "class_name": "MeanIoU", "config": {"num_classes": 10**9}}]
    ),
    "an_initializer_with_code": lambda: with_layer(dense(kernel_initializer=lambda_layer())),
    "an_initializer_by_module": lambda: with_layer(
        dense(kernel_initializer={"module": "os", "class_name": "system", "config": {}})
    ),
    "an_activation_of_python": lambda: with_layer(dense(activation="__import__('os').system('id')")),
    "an_activation_by_module": lambda: with_layer(dense(activation=function("os", "system"))),
    "a_graph_with_a_cycle": lambda: with_layer(reached(["last", 0, 0])),
    "a_graph_with_a_gap": lambda: with_layer(reached(["nobody", 0, 0])),
    "a_graph_with_odd_places": lambda: with_layer(reached(["first", -1, 10**30])),
    "a_graph_of_text": lambda: edited(lambda c: c["config"].update(layers="layers")),
    "no_outputs": lambda: edited(lambda c: c["config"].pop("output_layers")),
    "an_array_of_objects": lambda: with_layer(
        dense(kernel_initializer={"module": "keras.initializers", "class_name": "Constant", "config": {
            "value": {"class_name": "__numpy__", "config": {"value": [1], "dtype": "object"}}}})
    ),
    "an_unknown_key": lambda: with_layer(dense(callback="x")),
    "a_name_that_drives_the_terminal": lambda: with_layer(dense(name=TERMINAL)),
    "a_key_that_drives_the_terminal": lambda: with_layer(dense(**{TERMINAL: 1})),
    "a_metric_that_drives_the_terminal": lambda: with_compile(
        metrics=[{"module": "keras.metrics", "class_name": "Mean", "config": {"name": TERMINAL}}]
    ),
    "models_that_call_models": lambda: models_in_models(5, 200),
    "a_list_for_a_model": lambda: [1, 2, 3],
    "a_number_for_a_model": lambda: 7,
    "text_for_a_class": lambda: {"class_name": ["Functional"], "config": {}},
    "a_config_that_is_a_string": lambda: {"module": "keras", "class_name": "Sequential", "config": "x"},
}  # fmt: skip


def encrypted():
    data = bytearray(zipped(members()))
    for signature, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = data.find(signature)
        while place >= 0:
            data[place + at] |= 1
            place = data.find(signature, place + 4)
    return bytes(data)


def listed_twice():
    """Two entries of the list of members that point at the same bytes."""
    config, data = parts_once()
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        for name, content in ((METADATA, b"{}"), (CONFIG, json.dumps(config)), (WEIGHTS, data)):
            made.writestr(name, content)
        made.filelist[0].header_offset = made.filelist[1].header_offset
    return file.getvalue()


def changed_field(name, offset, value):
    """An archive with a number of a member's entry in the list changed."""
    data = bytearray(zipped(members()))
    place = data.find(b"PK\x01\x02")
    while data[place + 46 : place + 46 + len(name)] != name.encode():
        place = data.find(b"PK\x01\x02", place + 4)
    data[place + offset : place + offset + 4] = struct.pack("<I", value)
    return bytes(data)


def tarred():
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as made:
        for name, kind in (("../../tmp/evil", tarfile.REGTYPE), ("link", tarfile.SYMTYPE)):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, SECRET
            made.addfile(info)
    return file.getvalue()


def with_tail(data):
    return whole() + data


#: Archives that are not quite archives.
ARCHIVES = {
    "nothing": lambda: b"",
    "text": lambda: b"hello",
    "a_pickle": lambda: pickle.dumps(print),
    "a_tar_with_links": lambda: tarred(),
    "yaml": lambda: zipped(members(b"!!python/object/apply:os.system ['id']")),
    "a_member_missing": lambda: zipped(members()[:2]),
    "a_member_outside": lambda: zipped([*members(), ("../../tmp/evil", b"x")]),
    "an_absolute_member": lambda: zipped([("/etc/passwd", b"x"), *members()[1:]]),
    "assets": lambda: zipped([*members(), ("assets/vocabulary.txt", b"x")]),
    "numpy_weights": lambda: zipped([*members()[:2], ("model.weights.npz", b"x")]),
    "pickled_weights": lambda: zipped([*members()[:2], (WEIGHTS, pickle.dumps(print))]),
    "a_member_twice": lambda: listed_twice(),
    "encrypted": lambda: encrypted(),
    "lzma": lambda: zipped(members(), zipfile.ZIP_LZMA),
    "bzip2": lambda: zipped(members(), zipfile.ZIP_BZIP2),
    "a_deflated_bomb_of_text": lambda: zipped(members(b" " * (300 * 2**20)), zipfile.ZIP_DEFLATED),
    "a_deflated_bomb_of_weights": lambda: zipped(members(None, bytes(300 * 2**20)), zipfile.ZIP_DEFLATED),
    "a_size_that_lies": lambda: changed_field(CONFIG, 24, 2**31),
    "two_sizes": lambda: changed_field(CONFIG, 20, 3),
    "a_size_for_zip64": lambda: changed_field(WEIGHTS, 24, 2**32 - 1),
    "a_place_outside": lambda: changed_field(WEIGHTS, 42, 2**31),
    "a_place_inside": lambda: changed_field(WEIGHTS, 42, 10),
    "a_checksum_that_lies": lambda: changed_field(CONFIG, 16, zlib.crc32(b"x")),
    "bytes_behind": lambda: with_tail(b"#!/bin/sh\n"),
    "an_archive_behind": lambda: with_tail(whole()),
    "bytes_before": lambda: b"#!/bin/sh\n" + whole(),
    "a_comment": lambda: zipped(members(), comment=b"x"),
    "cut_off": lambda: whole()[:-100],
    "values_in_values": lambda: zipped(members(b"[" * 100_000)),
    "many_values": lambda: zipped(members(b"[" + b"1," * 3_000_000 + b"1]")),
    "lists_without_values": lambda: zipped(members(b"[" + b"[]," * 1_900_000 + b"1]")),
    "lists_deflated": lambda: zipped(members(b"[" + b"{}," * 2_500_000 + b"1]"), zipfile.ZIP_DEFLATED),
    "spaces_deflated": lambda: zipped(members(b"[" + b" " * 60_000_000 + b"1]"), zipfile.ZIP_DEFLATED),
    "texts": lambda: zipped(members(b"[" + b'"ab",' * 5_000_000 + b"1]")),
    "keys": lambda: zipped(members(b"{" + b",".join(b'"%d":1' % i for i in range(400_000)) + b"}")),
    "zeros_deflated": lambda: zipped(members(*zeros()), zipfile.ZIP_DEFLATED),
    "a_long_number": lambda: zipped(members(b'{"class_name": ' + b"9" * 100_000 + b"}")),
    "text_that_is_none": lambda: zipped(members(b"\xff\xfe\x00")),
}  # fmt: skip


def hostile():
    """All files: triples of what it is, how a file of it ends, and its bytes."""
    for name, make in ARCHIVES.items():
        yield name, ".keras", make()
    for name, make in CONFIGS.items():
        yield name, ".keras", whole(make())
    for name, make in WEIGHTS_FILES.items():
        data = make()
        yield name, ".weights.h5", data
        yield f"{name}_in_an_archive", ".keras", whole(None, data)


def odd_values(rng):
    """A value that a configuration's may be replaced by."""
    values = [
        *(None, True, -1, 0, 10**6, 10**12, 2**63, 1e308, float("nan"), [], {}, [None], [[]], [1, 2, 3]),
        *("", "x", "../x", "relu", "Dense", "http://127.0.0.1:1/", SECRET, "9" * 50),
        *({"class_name": name, "config": {}} for name in ("Dense", "Lambda", "Functional")),
        {"module": "os", "class_name": "system", "config": "id"},
    ]
    return values[rng.integers(len(values))]


def mutated_config(rng):
    """The benign configuration with some values replaced, removed or moved."""
    config = copy.deepcopy(parts_once()[0])
    for _ in range(rng.integers(1, 4)):
        holders = []

        def collect(value, holders=holders):
            if isinstance(value, (dict, list)) and value:
                holders.append(value)
                for part in value.values() if isinstance(value, dict) else value:
                    collect(part)

        collect(config)
        if not holders:
            break
        holder = holders[rng.integers(len(holders))]
        key = list(holder)[rng.integers(len(holder))] if isinstance(holder, dict) else int(rng.integers(len(holder)))
        if rng.random() < 0.2:
            del holder[key]
        elif rng.random() < 0.2:
            holder[key] = json.loads(json.dumps(holders[rng.integers(len(holders))]))
        else:
            holder[key] = odd_values(rng)
    return config


_parts = []


def parts_once():
    if not _parts:
        _parts.append(parts())
    return _parts[0]


def mutated_bytes(rng, data: bytes) -> bytes:
    """Bytes with some of them changed, cut out or doubled; more often where the structure is."""
    content = bytearray(data)
    for _ in range(rng.integers(1, 6)):
        at = int(rng.integers(len(content)) if rng.random() < 0.5 else rng.integers(min(3000, len(content))))
        kind = rng.integers(5)
        if kind == 0:
            content[at] ^= 1 << int(rng.integers(8))
        elif kind == 1:
            size = int(rng.choice([1, 2, 4, 8]))
            number = [0, 1, 2**31 - 1, 2**32 - 1, 2**63 - 1, 2**64 - 1, at, len(content)][rng.integers(8)]
            content[at : at + size] = (number % 2 ** (8 * size)).to_bytes(size, "little")
        elif kind == 2:
            content[at : at + 8] = rng.bytes(8)
        elif kind == 3:
            del content[at : at + int(rng.integers(1, 40))]
        else:
            start = int(rng.integers(len(content)))
            content[at:at] = content[start : start + int(rng.integers(1, 64))]
        if not content:
            break
    return bytes(content)


def mutation(seed: int):
    """One mutated file: how its name ends, and its bytes."""
    rng = np.random.default_rng(seed)
    config, data = parts_once()
    kind = rng.integers(4)
    if kind == 0:
        return ".keras", packed(mutated_config(rng), data)
    if kind == 1:
        return ".keras", packed(config, mutated_bytes(rng, data))
    if kind == 2:
        return ".weights.h5", mutated_bytes(rng, data)
    return ".keras", mutated_bytes(rng, packed(config, data))


if __name__ == "__main__":
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, ending, content in hostile():
        (folder / f"{name}{ending}").write_bytes(content)
