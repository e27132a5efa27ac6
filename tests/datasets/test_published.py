"""Published data sets: found, downloaded and checked; read as Keras reads them; nothing but arrays in pickles."""

import functools
import gzip
import hashlib
import http.server
import io
import json
import pickle
import struct
import tarfile
import threading

import numpy as np
import pytest

from nbkeras import config, datasets
from nbkeras.datasets._files import Published, fetch
from nbkeras.datasets._pickled import load_npz
from nbkeras.errors import ArgumentError, DataError

RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A Keras folder of the test's own."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    return tmp_path / "keras"


def put(home, monkeypatch, module, data, name="FILE"):
    """Let a small file be the published one, and lie where it is looked for."""
    old = getattr(module, name)
    new = Published(old.name, "http://127.0.0.1:9/none", hashlib.sha256(data).hexdigest(), old.folder)
    monkeypatch.setattr(module, name, new)
    path = home / new.folder / new.name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def npz(**arrays):
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def ragged(rows, shortest=2):
    lists = np.empty(rows, dtype=object)
    lists[:] = [RNG.integers(1, 40, RNG.integers(shortest, 9)).tolist() for _ in range(rows)]
    return lists


def same(ours, theirs):
    for our_part, their_part in zip(ours, theirs, strict=True):
        for one, other in zip(our_part, their_part, strict=True):
            assert one.dtype == other.dtype
            if one.dtype == object:
                assert [list(a) for a in one] == [list(b) for b in other]
            else:
                np.testing.assert_array_equal(one, other)


def keras_twin(monkeypatch, name, path):
    """Keras's module, made to read the same file."""
    module = getattr(pytest.importorskip("keras").src.datasets, name)
    monkeypatch.setattr(module, "get_file", lambda *args, **kwargs: str(path))
    return module


@pytest.mark.oracle
def test_mnist_and_houses_as_keras(home, monkeypatch):
    images = npz(
        **{f"x_{part}": RNG.integers(0, 256, (6, 28, 28), "uint8") for part in ("train", "test")},
        **{f"y_{part}": RNG.integers(0, 10, 6, "uint8") for part in ("train", "test")},
    )
    path = put(home, monkeypatch, datasets.mnist, images)
    same(datasets.mnist.load_data(), keras_twin(monkeypatch, "mnist", path).load_data())
    houses = npz(x=RNG.normal(size=(700, 8)), y=RNG.normal(size=700))
    for name, options in (
        ("boston_housing", {}),
        ("california_housing", {"version": "small"}),
        ("california_housing", {}),
    ):
        path = put(home, monkeypatch, getattr(datasets, name), houses)
        twin = keras_twin(monkeypatch, name, path)
        for more in ({}, {"test_split": 0.33, "seed": 5}, {"test_split": 0}):
            same(getattr(datasets, name).load_data(**options, **more), twin.load_data(**options, **more))


@pytest.mark.oracle
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"num_words": 20, "skip_top": 5},
        {"maxlen": 6, "seed": 3},
        {"start_char": None, "oov_char": None, "index_from": 0, "num_words": 30},
    ],
)
def test_texts_as_keras(home, monkeypatch, options):
    reviews = npz(x_train=ragged(20), y_train=RNG.integers(0, 2, 20), x_test=ragged(15), y_test=RNG.integers(0, 2, 15))
    path = put(home, monkeypatch, datasets.imdb, reviews)
    same(datasets.imdb.load_data(**options), keras_twin(monkeypatch, "imdb", path).load_data(**options))
    path = put(home, monkeypatch, datasets.reuters, npz(x=ragged(30), y=RNG.integers(0, 46, 30)))
    same(datasets.reuters.load_data(**options), keras_twin(monkeypatch, "reuters", path).load_data(**options))


@pytest.mark.oracle
def test_words_and_topics(home, monkeypatch):
    for module in (datasets.imdb, datasets.reuters):
        put(home, monkeypatch, module, json.dumps({"the": 1}).encode(), "WORDS")
        assert module.get_word_index() == {"the": 1}
    keras = pytest.importorskip("keras")
    assert datasets.reuters.get_label_names() == keras.datasets.reuters.get_label_names()


def cifar(rows, keys):
    """A batch with keys of bytes and the old name of a module of NumPy, as Python 2 wrote it."""
    batch = {b"data": RNG.integers(0, 256, (rows, 3072), "uint8")}
    batch.update({key: RNG.integers(0, 10, rows).tolist() for key in keys})
    return pickle.dumps(batch, protocol=3).replace(b"numpy._core.multiarray", b"numpy.core.multiarray")


def archive(folder, batches):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as file:
        for name, data in batches.items():
            member = tarfile.TarInfo(f"{folder}/{name}")
            member.size = len(data)
            file.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


def test_cifar_from_the_archive_and_from_a_folder(home, monkeypatch):
    names = [*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"]
    batches = {name: cifar(3, [b"labels"]) for name in names}
    path = put(home, monkeypatch, datasets.cifar10, archive("cifar-10-batches-py", batches))
    (x_train, y_train), (x_test, y_test) = datasets.cifar10.load_data()
    assert x_train.shape == (15, 32, 32, 3) and y_train.shape == (15, 1) and y_test.dtype == np.uint8
    raw = pickle.loads(batches["test_batch"], encoding="bytes")
    np.testing.assert_array_equal(x_test[1, 2, 3], raw[b"data"][1].reshape(3, 32, 32)[:, 2, 3])
    assert not [found for found in path.parent.iterdir() if found.is_dir()], "something was unpacked"

    folder = home / "datasets" / "cifar-10-batches-py-target" / "cifar-10-batches-py"
    folder.mkdir(parents=True)
    for name, data in batches.items():
        (folder / name).write_bytes(data)
    path.unlink()
    same(datasets.cifar10.load_data(), ((x_train, y_train), (x_test, y_test)))
    monkeypatch.setattr(config, "_image_data_format", "channels_first")
    np.testing.assert_array_equal(datasets.cifar10.load_data()[1][0], x_test.transpose(0, 3, 1, 2))


def test_cifar100_has_two_kinds_of_labels(home, monkeypatch):
    batches = {name: cifar(4, [b"fine_labels", b"coarse_labels"]) for name in ("train", "test")}
    put(home, monkeypatch, datasets.cifar100, archive("cifar-100-python", batches))
    for mode in ("fine", "coarse"):
        (_, y), _ = datasets.cifar100.load_data(mode)
        assert y[:, 0].tolist() == pickle.loads(batches["train"], encoding="bytes")[f"{mode}_labels".encode()]
    with pytest.raises(ArgumentError, match="'fine' or 'coarse', got 'rough'"):
        datasets.cifar100.load_data("rough")


def test_fashion_mnist_reads_idx(home, monkeypatch):
    arrays = [RNG.integers(0, 10, (5, *([28, 28] if images else [])), "uint8") for images in (0, 1, 0, 1)]
    files = []
    for old, array in zip(datasets.fashion_mnist.FILES, arrays, strict=True):
        data = gzip.compress(
            struct.pack(">BBBB", 0, 0, 8, array.ndim) + np.array(array.shape, ">i4").tobytes() + array.tobytes()
        )
        files.append(Published(old.name, old.url, hashlib.md5(data).hexdigest(), old.folder))
        path = home / old.folder / old.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    monkeypatch.setattr(datasets.fashion_mnist, "FILES", files)
    same(datasets.fashion_mnist.load_data(), ((arrays[1], arrays[0]), (arrays[3], arrays[2])))


@pytest.fixture
def server(tmp_path):
    """A web server of the folder `www` on this machine."""
    folder = tmp_path / "www"
    folder.mkdir()

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder)) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield folder, f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


def test_downloads_once_and_whole(server, home, capsys):
    folder, url = server
    (folder / "data.bin").write_bytes(b"right")
    file = Published("data.bin", f"{url}/data.bin", hashlib.sha256(b"right").hexdigest())
    path = fetch(file)
    assert path == home / "datasets" / "data.bin" and path.read_bytes() == b"right"
    assert capsys.readouterr().out == f"Downloading {url}/data.bin to {path}\n"
    (folder / "data.bin").unlink()
    assert fetch(file) == path and not capsys.readouterr().out
    assert [found.name for found in path.parent.iterdir()] == ["data.bin"]


def test_a_damaged_file_is_fetched_again(server, home):
    folder, url = server
    (folder / "data.bin").write_bytes(b"right")
    file = Published("data.bin", f"{url}/data.bin", hashlib.md5(b"right").hexdigest())
    fetch(file).write_bytes(b"wrong")
    with pytest.warns(UserWarning, match="is not the published file"):
        assert fetch(file).read_bytes() == b"right"


def test_a_wrong_download_is_thrown_away(server, home):
    folder, url = server
    (folder / "data.bin").write_bytes(b"evil")
    with pytest.raises(DataError, match=r"not the published file: expected the digest [0-9a-f]{64}, got [0-9a-f]{64}"):
        fetch(Published("data.bin", f"{url}/data.bin", hashlib.sha256(b"right").hexdigest()))
    assert not list((home / "datasets").iterdir())


def test_without_a_network_one_error_says_where_the_file_belongs(home, monkeypatch, capsys):
    monkeypatch.setattr(datasets.mnist, "FILE", Published("mnist.npz", "http://127.0.0.1:9/mnist.npz", "0" * 64))
    place = home / "datasets" / "mnist.npz"
    with pytest.raises(DataError, match=rf"expected the file {place}(.|\n)*put it at {place}"):
        datasets.mnist.load_data()


class Gadget:
    def __reduce__(self):
        return (print, ("executed",))


@pytest.mark.parametrize("where", ["npz", "cifar"])
def test_a_pickle_that_asks_for_more_than_arrays_is_refused(where, home, monkeypatch, tmp_path, capsys):
    if where == "npz":
        evil = np.empty(1, dtype=object)
        evil[0] = Gadget()
        path = tmp_path / "evil.npz"
        np.savez(path, x=evil)
        load = functools.partial(load_npz, path)
    else:
        batches = {name: pickle.dumps(Gadget(), protocol=2) for name in ("train", "test")}
        put(home, monkeypatch, datasets.cifar100, archive("cifar-100-python", batches))
        load = datasets.cifar100.load_data
    with pytest.raises(DataError, match=r"must hold arrays only, but this one asks for (builtins|__builtin__)\.print"):
        load()
    assert "executed" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (
            lambda: datasets.boston_housing.load_data(test_split=1.0),
            ArgumentError,
            "test_split of at least 0 and below 1",
        ),
        (lambda: datasets.california_housing.load_data("tiny"), ArgumentError, "'small' or 'large', got 'tiny'"),
        (lambda: datasets.imdb.load_data(words=3), TypeError, "unknown argument 'words'"),
    ],
)
def test_bad_arguments(call, error, text):
    with pytest.raises(error, match=text):
        call()


def test_no_review_is_short_enough(home, monkeypatch):
    reviews = npz(x_train=ragged(5), y_train=np.ones(5, int), x_test=ragged(5), y_test=np.ones(5, int))
    put(home, monkeypatch, datasets.imdb, reviews)
    with pytest.raises(DataError, match="no review is shorter than maxlen=1"):
        datasets.imdb.load_data(maxlen=1)
