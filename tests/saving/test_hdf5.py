"""The reader of HDF5 files: all that Keras writes is read as h5py reads it, all else is refused."""

import h5py
import numpy as np
import pytest

import nbkeras as keras
from nbkeras.errors import FileError
from nbkeras.saving.byte_source import Bytes, FileBytes, open_bytes
from nbkeras.saving.hdf5 import Dataset, Group, Hdf5

DTYPES = "int8 uint8 int16 uint16 int32 uint32 int64 uint64 float16 float32 float64 bool >f4 >i8".split()


def reading(path):
    return Hdf5(Bytes(path.read_bytes(), path.name))


def test_arrays_of_every_dtype_and_shape(tmp_path):
    rng, path, arrays = np.random.default_rng(0), tmp_path / "a.h5", {}
    with h5py.File(path, "w") as file:
        for number, dtype in enumerate(DTYPES):
            for shape in [(), (0,), (3,), (2, 0, 4), (5, 7), (2, 1, 3, 4)]:
                name = f"group{number % 3}/inner/{len(arrays)}"
                arrays[name] = rng.integers(0, 2 if dtype == "bool" else 100, shape).astype(dtype)
                file[name] = arrays[name]
    root = reading(path).root
    found = dict(root.datasets())
    assert set(found) == set(arrays)
    for name, array in arrays.items():
        dataset = found[name]
        assert (dataset.shape, dataset.dtype, dataset.nbytes) == (array.shape, array.dtype, array.nbytes)
        np.testing.assert_array_equal(dataset.read(), array)
        assert dataset.read().dtype == array.dtype


@pytest.mark.parametrize("members", [1, 8, 9, 300, 3000])
def test_groups_of_any_size(tmp_path, members):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        for i in range(members):
            file[f"layers/number_{i}/vars/0"] = np.int32(i)
    root = reading(path).root
    assert len(root.get("layers").members()) == members
    assert sorted(int(d.read()) for _, d in root.datasets()) == list(range(members))


def test_attributes(tmp_path):
    path = tmp_path / "a.h5"
    given = {"text": "ä long " * 500, "fixed": np.bytes_(b"abc"), "number": 3, "array": np.arange(4.0),
             "names": [b"a", b"bcd"], "empty": ""}  # fmt: skip
    with h5py.File(path, "w") as file:
        for name, value in given.items():
            file.attrs[name] = value
        for i in range(100):
            file.create_group(f"g{i}").attrs["name"] = f"layer {i}"
    root = reading(path).root
    assert root.attrs["text"] == given["text"] and root.attrs["empty"] == ""
    assert root.attrs["fixed"] == "abc" and root.attrs["names"] == ["a", "bcd"]
    assert int(root.attrs["number"]) == 3 and root.attrs["array"].tolist() == [0.0, 1.0, 2.0, 3.0]
    assert [root.get(f"g{i}").attrs for i in range(100)] == [{"name": f"layer {i}"} for i in range(100)]


def test_many_strings_of_any_length(tmp_path):
    path, names = tmp_path / "a.h5", [f"layer {'x' * (i % 7)} {i}" for i in range(4000)]
    with h5py.File(path, "w") as file:
        file.attrs.create("layer_names", names, dtype=h5py.string_dtype())
    assert reading(path).root.attrs["layer_names"] == names


def test_paths(tmp_path):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["a/b/c"] = np.arange(3)
    root = reading(path).root
    assert isinstance(root.get("a/b"), Group) and isinstance(root.get("/a/b/c"), Dataset)
    assert "a/b" in root and "a/x" not in root and "a/b/c/d" not in root and ".." not in root
    with pytest.raises(FileError, match=r"has no 'x/y' in '/a'"):
        root.get("a").get("x/y")


def hostile(tmp_path, make, name="a.h5", **options):
    path = tmp_path / name
    with h5py.File(path, "w", **options) as file:
        file["honest"] = np.arange(3.0)
        make(file)
    return path


def virtual(file):
    layout = h5py.VirtualLayout((3,), "f8")
    layout[:] = h5py.VirtualSource("/etc/passwd", "x", (3,))
    file.create_virtual_dataset("x", layout)


REFUSED = {
    "soft link": lambda f: f.__setitem__("x", h5py.SoftLink("/honest")),
    "external link": lambda f: f.__setitem__("x", h5py.ExternalLink("/etc/passwd", "/")),
    "external storage": lambda f: f.create_dataset("x", (8,), "u1", external=[("/etc/passwd", 0, 8)]),
    "virtual": virtual,
    "chunks": lambda f: f.create_dataset("x", (100,), "f4", chunks=(10,)),
    "other compression": lambda f: f.create_dataset("x", data=np.zeros(100), compression="lzf"),
    "checksums": lambda f: f.create_dataset("x", data=np.zeros(100), fletcher32=True),
    "a bomb": lambda f: f.create_dataset("x", data=np.zeros(2**24, "f8"), compression="gzip"),
    "many chunks": lambda f: f.create_dataset("x", data=np.zeros(200_000, "i1"), chunks=(1,)),
    "gaps": lambda f: f.create_dataset("x", (100,), "f4", chunks=(10,)).__setitem__(slice(0, 20), 1),
    "strings": lambda f: f.create_dataset("x", data=["a", "b"], dtype=h5py.string_dtype()),
    "fixed strings": lambda f: f.create_dataset("x", data=np.array([b"abc"])),
    "ragged": lambda f: f.create_dataset("x", (2,), h5py.vlen_dtype(np.int32)),
    "reference": lambda f: f.create_dataset("x", data=np.array([f.ref], h5py.ref_dtype)),
    "opaque": lambda f: f.create_dataset("x", data=np.zeros(2, "V7")),
    "compound": lambda f: f.create_dataset("x", data=np.zeros(2, [("a", "f4"), ("b", "i2")])),
    "complex": lambda f: f.create_dataset("x", data=np.zeros(2, "c8")),
    "enum": lambda f: f.create_dataset("x", (2,), h5py.enum_dtype({"A": 0, "B": 1}, "i1")),
    "null": lambda f: f.create_dataset("x", data=h5py.Empty("f4")),
    "named type": lambda f: f.__setitem__("x", np.dtype("f4")),
    "shape bomb": lambda f: f.create_dataset("x", (2**40,), "f4"),
    "many attributes": lambda f: [f["honest"].attrs.__setitem__(f"a{i}", i) for i in range(20)],
}


@pytest.mark.parametrize("what", REFUSED)
@pytest.mark.parametrize("libver", ["earliest", "latest"])
def test_all_else_is_refused(tmp_path, what, libver):
    path = hostile(tmp_path, REFUSED[what], libver=libver)

    def read_all():
        root = reading(path).root
        for _, dataset in root.datasets():
            dataset.read(), dataset.attrs

    if what == "many attributes" and libver == "earliest":
        read_all()  # The older format has them all in the header.
        return
    with pytest.raises(FileError):
        read_all()


def test_cycles_end(tmp_path):
    def make(file):
        file["a/b/c"] = np.arange(3)
        file["a/b/again"] = file["a"]
        file["a/b/c2"] = file["a/b/c"]

    root = reading(hostile(tmp_path, make)).root
    assert sorted(path for path, _ in root.datasets()) == ["a/b/c", "honest"]


def test_a_deep_file_is_refused(tmp_path):
    path = hostile(tmp_path, lambda f: f.create_group("/".join("a" * 200)))
    with pytest.raises(FileError, match="a group so deep"):
        list(reading(path).root.datasets())


def test_every_shortened_file_is_refused(tmp_path):
    path = hostile(tmp_path, lambda f: f.create_group("a/b").attrs.__setitem__("name", "x"))
    data = path.read_bytes()
    for size in [*range(0, 200), *range(200, len(data), 97)]:
        with pytest.raises(FileError):
            Hdf5(Bytes(data[:size], "a"))


def test_files_and_memory_give_the_same_bytes(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(bytes(range(200)))
    file, source = open_bytes(path)
    with file:
        memory = Bytes(path.read_bytes(), "a")
        assert isinstance(source, FileBytes)
        for one in (source, source.part(10, 50, "b").part(5, 20, "c")):
            other = memory if one is source else memory.part(10, 50, "b").part(5, 20, "c")
            assert one.size == other.size and one.read(3, 9) == other.read(3, 9)
            np.testing.assert_array_equal(
                one.read_array(4, (2, 2), np.dtype("<i4")), other.read_array(4, (2, 2), np.dtype("<i4"))
            )
            for start, count in [(one.size - 3, 4), (-1, 2), (0, one.size + 1), (2**60, 1), (0, -1)]:
                for part in (one, other):
                    with pytest.raises(FileError, match="damaged or cut off"):
                        part.read(start, count)


def test_arrays_without_elements_claim_no_size_either(tmp_path):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["w"] = np.zeros((0, 77))
        file.attrs["a"] = np.zeros((0, 77))
    honest, huge = (np.array([0, n], "<u8").tobytes() for n in (77, 2**63 + 5))
    data = path.read_bytes()
    assert honest in data and reading(path).root.get("w").read().shape == (0, 77)
    root = Hdf5(Bytes(data.replace(honest, huge), "a.h5")).root
    for read in (lambda: root.get("w"), lambda: root.attrs):
        with pytest.raises(FileError, match=r"an array of shape \(0, 9223372036854775813\) is not read"):
            read()


def test_what_is_no_file(tmp_path):
    with pytest.raises(FileError, match=r"no regular file|Is a directory"):
        open_bytes(tmp_path)
    with pytest.raises(FileError, match=r"(?s)cannot read .*missing.*check the path"):
        open_bytes(tmp_path / "missing")


GZIP = {"compression": "gzip"}


@pytest.mark.parametrize("options", [{}, GZIP, {"compression": 9, "shuffle": True}, {"shuffle": True}])
def test_arrays_in_chunks(tmp_path, options):
    rng = np.random.default_rng(0)
    arrays = {
        "even": (rng.normal(size=(8, 6)), (4, 3)), "ragged": (rng.normal(size=(7, 5)).astype("f4"), (3, 2)),
        "line": (rng.integers(0, 9, 1000), (7,)), "one": (rng.normal(size=(3, 4, 5)).astype("f2"), (3, 4, 5)),
        "bytes": (rng.integers(0, 9, (3, 3)).astype("u1"), (2, 2)), "large": (rng.normal(size=(900, 30)), (1, 30)),
    }  # fmt: skip
    with h5py.File(tmp_path / "a.h5", "w") as file:
        for name, (array, chunks) in arrays.items():
            file.create_dataset(name, data=array, chunks=chunks, **options)
        file.create_dataset("growing", data=np.arange(5), maxshape=(None,), **options)
        file.create_dataset("nothing", (0, 4), "f4", chunks=(2, 2), maxshape=(None, 4), **options)
    root = reading(tmp_path / "a.h5").root
    for name, (array, _) in arrays.items():
        found = root.get(name).read()
        assert found.dtype == array.dtype
        np.testing.assert_array_equal(found, array)
    np.testing.assert_array_equal(root.get("growing").read(), np.arange(5))
    assert root.get("nothing").read().shape == (0, 4)


def test_compressed_files_of_weights(tmp_path):
    model = keras.Sequential([keras.Input((30,)), keras.layers.Dense(40), keras.layers.Dense(30)])
    model.compile("adam", "mse")
    model.optimizer.build(model.trainable_variables)
    model.save_weights(tmp_path / "a.weights.h5")
    model.save(tmp_path / "a.h5")
    expected = model.get_weights()
    for name in ("a.weights.h5", "a.h5"):
        with h5py.File(tmp_path / name, "r+") as file:
            for path in sorted(dict(reading(tmp_path / name).root.datasets())):
                if file[path].ndim:
                    array = file[path][()]
                    del file[path]
                    file.create_dataset(path, data=array, shuffle=True, **GZIP)
        other = keras.models.clone_model(model)
        assert other.load_weights(tmp_path / name).complete
        for one, two in zip(expected, other.get_weights(), strict=True):
            np.testing.assert_array_equal(one, two)
    assert keras.saving.load_model(tmp_path / "a.h5").count_params() == model.count_params()


def test_damaged_chunks_change_nothing(tmp_path):
    path = tmp_path / "a.weights.h5"
    model = keras.Sequential([keras.Input((30,)), keras.layers.Dense(40), keras.layers.Dense(30)])
    model.save_weights(path)
    with h5py.File(path, "r+") as file:
        del file["layers/dense_1/vars/0"]
        data = np.random.default_rng(0).normal(size=(40, 30)).astype("f4")
        file["layers/dense_1/vars"].create_dataset("0", data=data, compression="gzip")
        place = file["layers/dense_1/vars/0"].id.get_chunk_info(0).byte_offset
    content = bytearray(path.read_bytes())
    content[place + 30] ^= 255
    path.write_bytes(content)
    model.set_weights([np.zeros_like(weight) for weight in model.get_weights()])
    with pytest.raises(FileError, match="is damaged"):
        model.load_weights(path)
    assert not any(weight.any() for weight in model.get_weights())
