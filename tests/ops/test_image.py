"""ops.image against Keras: every function over its modes, dtypes, data formats, batches and single images."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import nbkeras
from nbkeras.errors import ArgumentError, ArgumentTypeError, ShapeError
from nbkeras.graph.gradient import gradient
from nbkeras.graph.traced import Traced
from nbkeras.ops import image

RNG = np.random.default_rng(0)
X = RNG.uniform(size=(2, 7, 9, 3)).astype("float32")
BYTES = RNG.integers(0, 256, (2, 5, 6, 3)).astype("uint8")
TRANSFORMS = RNG.normal(size=(2, 8)).astype("float32") * 0.3 + np.array([1, 0, 1, 0, 1, -1, 0, 0], "float32")
TRANSFORMS[:, 6:] = 0  # Keras's backends read the last two numbers in different ways.
CORNERS = np.array([[[0, 0], [8, 0], [0, 6], [8, 6]]] * 2, "float32")
MOVED = CORNERS + RNG.uniform(0, 2, CORNERS.shape).astype("float32")
PLACES = RNG.uniform(-9, 14, (2, 5, 4)).astype("float32")
FILLS = ("constant", "nearest", "wrap", "mirror", "reflect")
WAYS = ("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5")

CASES = {
    "grayscale": [("rgb_to_grayscale", (X,), {}), ("rgb_to_grayscale", (BYTES,), {})],
    "hsv": [("rgb_to_hsv", (np.where(X > 0.8, X[..., :1], X),), {}), ("rgb_to_hsv", (np.zeros_like(X),), {})],
    "rgb": [("hsv_to_rgb", (X,), {}), ("hsv_to_rgb", (X * 3 - 1,), {})],
    "resize": [
        ("resize", (x, size, way), {"antialias": antialias})
        for x, size, way, antialias in itertools.product((X, BYTES), ((3, 20), (7, 4)), WAYS, (False, True))
    ],
    "proportions": [
        ("resize", (X, size), {kind: True, "fill_value": 0.5})
        for size in ((4, 4), (3, 10), (12, 6))
        for kind in ("crop_to_aspect_ratio", "pad_to_aspect_ratio")
    ],
    "affine": [
        ("affine_transform", (X, TRANSFORMS, way, fill, 0.5), {}) for way in ("nearest", "bilinear") for fill in FILLS
    ],
    "affine of bytes": [("affine_transform", (BYTES, TRANSFORMS, "bilinear"), {})],
    "perspective": [("perspective_transform", (X, CORNERS, MOVED, way, 0.5), {}) for way in ("nearest", "bilinear")],
    "patches": [
        ("extract_patches", (X, (2, 3)), {}),
        ("extract_patches", (X, 3, 2, 1, "same"), {}),
        ("extract_patches", (X, 2, (1, 1), 2), {}),
    ],
    "pad": [
        ("pad_images", (X, 1, 2, 3, 4), {}),
        ("pad_images", (X, 1, None, None, 4), {"target_height": 9, "target_width": 15}),
    ],
    "crop": [
        ("crop_images", (X, 1, 2, 3, 4), {}),
        ("crop_images", (X, None, 0, 2, None), {"target_height": 4, "target_width": 5}),
    ],
    "blur": [("gaussian_blur", (X,), {}), ("gaussian_blur", (X, (5, 3), (1.5, 0.7)), {})],
    "ssim": [("ssim", (X, X**2), {"filter_size": 5}), ("ssim", (X[:, :5], X[:, 2:]), {"filter_size": 3, "k1": 0.1})],
    "sobel": [("sobel_edges", (X,), {})],
}


def first_of(arguments):
    """The first image, transform or set of points of each batch."""
    return tuple(a[0] if isinstance(a, np.ndarray) else a for a in arguments)


def channels_first(arguments):
    return tuple(np.moveaxis(a, -1, 1) if isinstance(a, np.ndarray) and a.ndim == 4 else a for a in arguments)


@pytest.mark.oracle
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", CASES)
def test_as_in_keras(kind):
    keras = pytest.importorskip("keras", reason="the extra 'oracle' is not installed")

    # Keras's own crop and pad of channels first do not keep to it, nor does its sobel.
    for name, args, kwargs in CASES[kind]:
        ways = [(args, {"data_format": "channels_last"}), (channels_first(args), {"data_format": "channels_first"})]
        if kind != "sobel":
            ways.append((first_of(args), {"data_format": "channels_last"}))
        for values, how in ways:
            theirs = np.asarray(getattr(keras.ops.image, name)(*values, **kwargs, **how))
            ours = getattr(image, name)(*values, **kwargs, **how)
            assert ours.shape == theirs.shape and ours.dtype == theirs.dtype, (name, kwargs, how, ours.dtype)
            tolerance = 2e-5
            if name == "resize" and theirs.dtype == "uint8":
                # Halves may be rounded either way.
                theirs = np.asarray(keras.ops.image.resize(values[0].astype("float32"), *values[1:], **kwargs, **how))
                theirs, tolerance = np.clip(theirs, 0, 255), 0.5001
            np.testing.assert_allclose(ours, theirs, rtol=2e-5, atol=tolerance, err_msg=name)


@pytest.mark.oracle
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("fill", FILLS)
@pytest.mark.parametrize("order", [0, 1])
def test_map_coordinates_as_in_keras(fill, order):
    keras = pytest.importorskip("keras", reason="the extra 'oracle' is not installed")

    for x in (X[0, :, :, 0], BYTES[0, :, :, 0].astype("int32"), X[0, :1, :, 0]):
        theirs = np.asarray(keras.ops.image.map_coordinates(x, PLACES, order, fill, 2))
        ours = image.map_coordinates(x, PLACES, order, fill, 2)
        assert ours.dtype == theirs.dtype
        np.testing.assert_allclose(ours, theirs, rtol=2e-5, atol=1e-5)


@pytest.mark.oracle
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("method", ["linear", "cubic", "lanczos3", "lanczos5"])
def test_scale_and_translate_and_volumes_as_in_keras(method):
    keras = pytest.importorskip("keras", reason="the extra 'oracle' is not installed")

    for antialias in (False, True):
        args = (X, (2, 10, 4, 3), np.array([1.7, 0.4]), np.array([-1.3, 0.6]), (1, 2), method, antialias)
        theirs = keras.ops.image.scale_and_translate(*args)
        np.testing.assert_allclose(image.scale_and_translate(*args), theirs, rtol=2e-5, atol=2e-5)
    volumes = X.reshape(1, 7, 9, 6, 1)
    for name in ("extract_patches_3d", "extract_patches"):
        theirs = getattr(keras.ops.image, name)(volumes, (2, 3, 2))
        np.testing.assert_array_equal(getattr(image, name)(volumes, (2, 3, 2)), theirs)


def test_elastic_transform():
    same = image.elastic_transform(X, alpha=0.0, seed=1)
    np.testing.assert_allclose(same, X, rtol=1e-6)
    bent = image.elastic_transform(X, alpha=9.0, sigma=1.0, seed=1)
    np.testing.assert_array_equal(bent, image.elastic_transform(X, alpha=9.0, sigma=1.0, seed=1))
    assert bent.shape == X.shape and np.abs(bent - X).max() > 0.05 and X.min() <= bent.min() and bent.max() <= X.max()
    one = image.elastic_transform(np.moveaxis(X[0], -1, 0), sigma=1.0, data_format="channels_first")
    assert one.shape == (3, 7, 9)


def test_the_last_numbers_of_a_transform_are_a_perspective():
    numbers = TRANSFORMS.copy()
    numbers[:, 6:] = [[0.02, -0.01], [-0.03, 0.04]]
    x, y = CORNERS[..., 0], CORNERS[..., 1]
    a0, a1, a2, b0, b1, b2, c0, c1 = numbers.T[:, :, None]
    seen = np.stack([a0 * x + a1 * y + a2, b0 * x + b1 * y + b2], axis=-1) / (c0 * x + c1 * y + 1)[..., None]
    np.testing.assert_allclose(
        image.affine_transform(X, numbers), image.perspective_transform(X, seen, CORNERS), atol=1e-3
    )


def test_gradients_and_models():
    def slope(function, x):
        def total(x):
            return gradient(nbkeras.ops.sum(nbkeras.ops.square(function(x))), [x])[0]

        return Traced(total)(x)

    x = X.astype("float64")
    for function in (
        lambda x: image.resize(x, (4, 12)),
        lambda x: image.affine_transform(x, TRANSFORMS, "bilinear", "reflect"),
        lambda x: image.rgb_to_hsv(x),
        lambda x: image.gaussian_blur(x),
    ):
        direction = RNG.normal(size=x.shape)
        step = 1e-6
        up, down = (float(np.sum(function(x + sign * step * direction) ** 2)) for sign in (1, -1))
        np.testing.assert_allclose((up - down) / (2 * step), np.sum(slope(function, x) * direction), rtol=1e-5)
    entry = nbkeras.Input((7, 9, 3))
    model = nbkeras.Model(entry, image.rgb_to_grayscale(image.resize(entry, (3, 3))))
    assert model.output_shape == (None, 3, 3, 1)
    np.testing.assert_allclose(model(X), image.rgb_to_grayscale(image.resize(X, (3, 3))), rtol=1e-6)


def test_in_functional_models():
    entry, sigma = nbkeras.Input((7, 9, 3)), nbkeras.Input(batch_shape=(2,))
    model = nbkeras.Model([entry, sigma], image.gaussian_blur(entry, (3, 5), sigma))
    expected = image.gaussian_blur(X, (3, 5), (0.5, 2.0))
    np.testing.assert_allclose(model([X, np.array([0.5, 2], "float32")]), expected, rtol=1e-5, atol=1e-6)
    bent = nbkeras.Model(entry, image.elastic_transform(entry))
    assert bent.output_shape == (None, 7, 9, 3)
    assert np.abs(bent(X) - bent(X)).max() > 1e-3
    scale, shift = nbkeras.Input(batch_shape=(2,)), nbkeras.Input(batch_shape=(2,))
    for method in ("linear", "cubic", "lanczos3"):
        y = image.scale_and_translate(entry, (None, 8, 8, 3), scale, shift, (1, 2), method)
        assert y.shape == (None, 8, 8, 3)
        numbers = np.array([0.6, 1.3], "float32"), np.array([1.0, -2.5], "float32")
        expected = image.scale_and_translate(X, (2, 8, 8, 3), *numbers, (1, 2), method)
        got = nbkeras.Model([entry, scale, shift], y)([X, *numbers])
        np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-5)
    moved = image.scale_and_translate(entry, (None, 8, 8, 3), (2.0, 1.0), (0.0, 0.0), (1, 2), "linear")
    assert moved.shape == (None, 8, 8, 3)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: image.resize(X, (3, 3), "cubic"),
            ArgumentError,
            "interpolation must be one of nearest, .*got 'cubic'",
        ),
        (lambda: image.resize(X, (0, 3)), ArgumentError, "resize: height must be a whole number from 1 on, got 0"),
        (lambda: image.extract_patches(X, "2"), ArgumentTypeError, "size must be a whole number or 2"),
        (lambda: image.resize(X, 3), ArgumentError, "size must be a height and a width, got 3"),
        (lambda: image.resize(X[0, 0], (3, 3)), ShapeError, r"resize: expected one image, .*got shape \(9, 3\)"),
        (
            lambda: image.resize(X, (3, 3), crop_to_aspect_ratio=True, pad_to_aspect_ratio=True),
            ArgumentError,
            "only one of",
        ),
        (lambda: image.resize(X, (3, 3), data_format="NHWC"), ArgumentError, "data_format must be .* got 'NHWC'"),
        (lambda: image.rgb_to_hsv(BYTES), ArgumentError, "expected images of a float dtype, got uint8"),
        (lambda: image.hsv_to_rgb(X[..., :2]), ShapeError, "expected 3 channels, got 2"),
        (lambda: image.affine_transform(X, TRANSFORMS[:, :6]), ShapeError, r"expected transforms .*got shape \(2, 6\)"),
        (lambda: image.affine_transform(X, TRANSFORMS, fill_mode="zero"), ArgumentError, "fill_mode must be one of"),
        (lambda: image.perspective_transform(X, CORNERS, CORNERS[:, :3]), ShapeError, "expected start and end points"),
        (lambda: image.map_coordinates(X, PLACES, 1), ShapeError, r"expected coordinates \(4, \.\.\.\)"),
        (lambda: image.map_coordinates(X, PLACES, 2), ArgumentError, "order must be 0 or 1, got 2"),
        (lambda: image.pad_images(X, 1, 1), ArgumentError, "give exactly two of top_padding, bottom_padding, target_h"),
        (lambda: image.pad_images(X, 1, 1, -1, 1), ArgumentError, "bottom_padding cannot be -1"),
        (
            lambda: image.pad_images(X, 1, 1, target_height=7, target_width=20),
            ArgumentError,
            "the rows do not fit: 8 of 7",
        ),
        (lambda: image.crop_images(X, 4, 0, 4, 0), ArgumentError, "the rows do not fit: 9 of 7"),
        (lambda: image.sobel_edges(X[0]), ShapeError, "expected a batch of images"),
        (lambda: image.ssim(X, X[:, 1:]), ShapeError, "expected images of one shape"),
        (
            lambda: image.scale_and_translate(X, (2, 4, 4, 3), [1.0], [0.0], (1, 2), "linear"),
            ArgumentError,
            "2 axes, 1 scales and 1 translations",
        ),
        (lambda: image.extract_patches(X, (2, 2, 2, 2)), ArgumentError, "a whole number, or 2 or 3 of them, got"),
    ],
)
def test_what_does_not_fit(call, error, message):
    with pytest.raises(error, match=message):
        call()
