"""Pictures to and from arrays and files as in Keras; folders of them as batches."""

import io
import sys

import numpy as np
import pytest

import nbkeras
from nbkeras.errors import ArgumentError, DataError, ShapeError
from nbkeras.extras import ExtraMissing
from nbkeras.utils import (
    array_to_img,
    image_dataset_from_directory,
    img_to_array,
    load_img,
    save_img,
)
from nbkeras.utils.resizing import fit, resize
from tests.tolerances import TOLERANCES

pytest.importorskip("PIL")


def picture(height, width, channels, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels)).astype("uint8")


@pytest.fixture(scope="module")
def keras():
    return pytest.importorskip("keras")


@pytest.mark.oracle
@pytest.mark.parametrize("interpolation", ["bilinear", "nearest", "bicubic", "lanczos3", "lanczos5"])
@pytest.mark.parametrize("size", [(7, 9), (4, 13), (20, 3), (1, 1)])
def test_resize_as_keras(keras, interpolation, size):
    image = picture(7, 9, 3).astype("float32")
    theirs = np.asarray(keras.ops.image.resize(image, size, interpolation))
    # Sums of up to ten products of a weight and a value up to 255.
    np.testing.assert_allclose(resize(image, size, interpolation), theirs, rtol=1e-5, atol=255 * 10 * 2**-23)


@pytest.mark.oracle
@pytest.mark.parametrize("way", ["crop_to_aspect_ratio", "pad_to_aspect_ratio"])
@pytest.mark.parametrize("size", [(5, 5), (3, 8), (8, 3)])
def test_aspect_ratios_as_keras(keras, way, size):
    for shape in ((9, 6, 3), (5, 11, 1)):
        image = picture(*shape).astype("float32")
        theirs = np.asarray(keras.ops.image.resize(image, size, "bilinear", **{way: True}))
        ours = fit(image, size, "bilinear", way.startswith("crop"), way.startswith("pad"))
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=255 * TOLERANCES["float32"]["atol"])


@pytest.mark.oracle
@pytest.mark.filterwarnings("ignore:'mode' parameter is deprecated:DeprecationWarning")
@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_arrays_and_images_as_keras(keras, channels, data_format):
    image = np.random.default_rng(0).normal(size=(6, 5, channels))
    x = image.transpose(2, 0, 1) if data_format == "channels_first" else image
    for options in ({}, {"scale": False}):
        ours, theirs = (
            library.utils.array_to_img(np.abs(x) * 300, data_format, **options) for library in (nbkeras, keras)
        )
        assert ours.mode == theirs.mode
        np.testing.assert_array_equal(np.asarray(ours), np.asarray(theirs))
    np.testing.assert_array_equal(img_to_array(ours, data_format), keras.utils.img_to_array(theirs, data_format))
    resized = nbkeras.preprocessing.image.smart_resize(x, (4, 4), data_format=data_format)
    np.testing.assert_allclose(
        resized,
        keras.preprocessing.image.smart_resize(x.astype("float32"), (4, 4), data_format=data_format),
        rtol=1e-5,
        atol=1e-5,
    )


@pytest.mark.oracle
@pytest.mark.parametrize("color_mode", ["rgb", "rgba", "grayscale"])
def test_files_as_keras(keras, color_mode, tmp_path):
    path = tmp_path / "picture.png"
    save_img(path, picture(9, 12, 3))
    for options in ({}, {"target_size": (4, 4)}, {"target_size": (3, 8), "keep_aspect_ratio": True}):
        for interpolation in ("nearest", "lanczos"):
            ours, theirs = (
                np.asarray(library.utils.load_img(path, color_mode, interpolation=interpolation, **options))
                for library in (nbkeras, keras)
            )
            np.testing.assert_array_equal(ours, theirs)


def test_jpeg_has_no_transparency(tmp_path):
    with pytest.warns(UserWarning, match="JPEG has no transparency"):
        save_img(tmp_path / "a.jpg", picture(4, 4, 4))
    assert load_img(str(tmp_path / "a.jpg")).size == (4, 4)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: load_img(3), TypeError, "expected a path or io.BytesIO, got a int"),
        (lambda: array_to_img(np.ones((2, 2))), ShapeError, "rank 3, got shape"),
        (lambda: array_to_img(np.ones((2, 2, 2))), ShapeError, "1, 3 or 4 channels, got 2"),
        (lambda: array_to_img(np.ones((2, 2, 3)), "first"), ArgumentError, "got 'first'"),
        (lambda: img_to_array(np.ones(3)), ShapeError, "two or three axes"),
        (lambda: resize(np.ones((2, 2, 1)), (3, 3), "linear"), ArgumentError, "did you mean 'bilinear'"),
    ],
)
def test_what_is_no_picture(call, error, text):
    with pytest.raises(error, match=text):
        call()
    buffer = io.BytesIO()
    save_img(buffer, picture(3, 3, 3), file_format="png")
    with pytest.raises(ArgumentError, match="got 'cmyk'"):
        load_img(buffer, "cmyk")
    with pytest.raises(ArgumentError, match="did you mean 'nearest'"):
        load_img(buffer, target_size=(2, 2), interpolation="neares")


@pytest.fixture
def folder(tmp_path):
    """Two classes: the pictures of `dark` are 0 to 4, those of `light` 200 to 206."""
    for name, first, count in (("dark", 0, 5), ("light", 200, 7)):
        (tmp_path / name).mkdir()
        for index in range(count):
            save_img(tmp_path / name / f"{index}.png", np.full((6, 8, 3), first + index), scale=False)
    (tmp_path / "light" / "notes.txt").write_text("no picture")
    return tmp_path


def rows(dataset):
    batches = list(dataset)
    return np.concatenate([x for x, _ in batches]), np.concatenate([y for _, y in batches])


def test_pictures_with_the_class_of_their_folder(folder, capsys):
    dataset = image_dataset_from_directory(folder, image_size=(4, 4), batch_size=5, shuffle=False)
    assert capsys.readouterr().out == "Found 12 files belonging to 2 classes.\n"
    assert dataset.class_names == ["dark", "light"]
    assert [path.split("/")[-2:] for path in dataset.file_paths][:2] == [["dark", "0.png"], ["dark", "1.png"]]
    x, y = rows(dataset)
    assert x.shape == (12, 4, 4, 3) and x.dtype == np.float32 and y.dtype == np.int32 and len(dataset) == 3
    np.testing.assert_allclose(x[:, 0, 0, 0], [*range(5), *range(200, 207)], rtol=1e-6)
    assert y.tolist() == [0] * 5 + [1] * 7


@pytest.mark.parametrize(
    ("options", "shape", "targets"),
    [
        ({"label_mode": "categorical"}, (4, 4, 3), (2,)),
        ({"label_mode": "binary", "class_names": ["light", "dark"]}, (4, 4, 3), (1,)),
        ({"color_mode": "grayscale", "data_format": "channels_first"}, (1, 4, 4), ()),
        ({"color_mode": "rgba", "crop_to_aspect_ratio": True}, (4, 4, 4), ()),
    ],
)
def test_forms(folder, options, shape, targets):
    x, y = rows(image_dataset_from_directory(folder, image_size=4, shuffle=False, verbose=False, **options))
    assert x.shape == (12, *shape) and y.shape == (12, *targets)
    if "class_names" in options:
        assert y[0] == 0 and x[0, 0, 0, 0] == 200


def test_shuffled_parts_do_not_overlap(folder):
    options = {"image_size": (2, 2), "seed": 3, "validation_split": 0.25, "verbose": False}
    both = image_dataset_from_directory(folder, subset="both", **options)
    alone = [image_dataset_from_directory(folder, subset=part, **options) for part in ("training", "validation")]
    assert [len(part.file_paths) for part in both] == [9, 3]
    assert [part.file_paths for part in both] == [part.file_paths for part in alone]
    assert not set(both[0].file_paths) & set(both[1].file_paths)
    for part in both:
        x, y = rows(part)
        assert ((x[:, 0, 0, 0] > 100) == (y == 1)).all()


@pytest.mark.oracle
def test_the_order_of_a_seed_is_that_of_keras(folder):
    theirs = pytest.importorskip("keras.src.utils.dataset_utils").index_directory(
        str(folder), "inferred", (".png",), seed=5, verbose=False
    )
    from nbkeras.utils.directory import index_directory

    ours = index_directory(folder, "inferred", (".png",), seed=5, verbose=False)
    assert ours[0] == theirs[0] and ours[1].tolist() == theirs[1].tolist() and ours[2] == theirs[2]


def test_without_labels_or_with_ones_own(folder, capsys):
    images = list(image_dataset_from_directory(folder, labels=None, image_size=(2, 2), batch_size=None))
    assert len(images) == 12 and images[0].shape == (2, 2, 3)
    assert "Found 12 files.\n" in capsys.readouterr().out
    own = image_dataset_from_directory(folder, labels=list(range(12)), image_size=(2, 2), shuffle=False, verbose=False)
    assert rows(own)[1].tolist() == list(range(12))


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"labels": "none"}, ArgumentError, "expected labels 'inferred', None, or a list"),
        ({"label_mode": "one"}, ArgumentError, "got 'one'"),
        ({"color_mode": "bgr"}, ArgumentError, "got 'bgr'"),
        ({"image_size": (1, 2, 3)}, ArgumentError, "image_size to be"),
        ({"interpolation": "area"}, ArgumentError, "got 'area'"),
        ({"class_names": ["dark", "grey"]}, ArgumentError, r"there are \['dark', 'light'\]"),
        ({"label_mode": "binary", "class_names": ["dark"]}, ArgumentError, "needs two classes"),
        ({"labels": [1, 2]}, DataError, "a label for each of the 12 files"),
        ({"labels": None, "class_names": ["dark"]}, ArgumentError, "class_names can only be given"),
        ({"subset": "training"}, ArgumentError, "given together"),
        ({"validation_split": 2, "subset": "training"}, ArgumentError, "between 0 and 1"),
        ({"validation_split": 0.2, "subset": "test"}, ArgumentError, "got 'test'"),
        ({"validation_split": 0.2, "subset": "training"}, ArgumentError, "needs a seed"),
        ({"validation_split": 0.01, "subset": "validation", "seed": 1}, DataError, "found no validation pictures"),
        ({"crop_to_aspect_ratio": True, "pad_to_aspect_ratio": True}, ArgumentError, "not both"),
    ],
)
def test_what_cannot_be_read(folder, options, error, text):
    with pytest.raises(error, match=text):
        image_dataset_from_directory(folder, verbose=False, **options)


def test_no_folder(tmp_path):
    with pytest.raises(DataError, match="there is no folder"):
        image_dataset_from_directory(tmp_path / "none")


def test_without_pillow(monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL.Image", None)
    with pytest.raises(ExtraMissing, match=r'array_to_img: expected the package PIL(.|\n)*"nbkeras\[image\]"'):
        array_to_img(np.ones((2, 2, 3)))
