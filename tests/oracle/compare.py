"""Run one training in both libraries and hold the results against each other."""

import numpy as np

import nbkeras

#: Sums in another order: a forward pass, and weights after some steps.
FORWARD = {"rtol": 1e-5, "atol": 1e-5}
TRAINED = {"rtol": 1e-4, "atol": 2e-5}


def data(rows=50, seed=0):
    """Arrays for every kind of model in `models.py`, by name."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((rows, 6)).astype("float32")
    classes = rng.integers(0, 3, rows)
    return {
        "x": x,
        "x2": rng.standard_normal((rows, 4)).astype("float32"),
        "x3": rng.standard_normal((rows, 6)).astype("float32"),
        "images": rng.standard_normal((rows, 2, 3)).astype("float32"),
        "number": (x[:, :1] - 0.5 * x[:, 1:2] ** 2).astype("float32"),
        "classes": classes,
        "one_hot": np.eye(3, dtype="float32")[classes],
        "yes": (x[:, :1] > 0).astype("float32"),
        "weights": rng.uniform(0.2, 2.0, rows).astype("float32"),
    }


def twins(keras, build):
    """The model in Keras and here, with the same weights."""
    keras.backend.clear_session()
    keras.utils.set_random_seed(1)
    theirs, ours = build(keras), build(nbkeras)
    return theirs, ours


def same_weights(theirs, ours):
    """Give ours the weights of theirs; both must be built."""
    ours.set_weights(theirs.get_weights())


def assert_same(theirs, ours, tolerance, what=""):
    """Two nests of arrays, lists and dicts have the same structure and nearly the same numbers."""
    if isinstance(theirs, dict):
        assert isinstance(ours, dict) and list(theirs) == list(ours), (what, list(theirs), list(ours))
        for key, value in theirs.items():
            assert_same(value, ours[key], tolerance, f"{what}[{key!r}]")
    elif isinstance(theirs, (list, tuple)):
        assert isinstance(ours, type(theirs)) and len(theirs) == len(ours), (what, theirs, ours)
        for index, (one, other) in enumerate(zip(theirs, ours, strict=True)):
            assert_same(one, other, tolerance, f"{what}[{index}]")
    else:
        assert np.shape(theirs) == np.shape(ours), (what, np.shape(theirs), np.shape(ours))
        np.testing.assert_allclose(ours, theirs, **tolerance, err_msg=what)


def by_name(outputs):
    """Outputs with the keys of a dict in one order: Keras gives them in one or another."""
    return dict(sorted(outputs.items())) if isinstance(outputs, dict) else outputs
