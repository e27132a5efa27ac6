"""Cross-validation, plain and nested: each number is that of the training one would have written by hand."""

import numpy as np
import pytest

import nbkeras as keras
from nbkeras.errors import ArgumentError, ArgumentTypeError, DataError
from nbkeras.evaluation import cross_validate, nested_cross_validate
from nbkeras.evaluation.runs import _processes, seeds

pytest.importorskip("sklearn")
RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 4)).astype("float32")
Y = (X[:, 0] + X[:, 1] > 0).astype("int64")


def build(units=4, rate=0.05):
    model = keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.Dense(units, activation="relu"),
            keras.layers.Dropout(0.2),
            keras.layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(keras.optimizers.Adam(rate), "binary_crossentropy", metrics=["accuracy", keras.metrics.AUC()])
    return model


def two_inputs():
    a, b = keras.Input((2,), name="a"), keras.Input((2,), name="b")
    joined = keras.layers.Concatenate()([a, b])
    model = keras.Model(
        {"a": a, "b": b}, {"sum": keras.layers.Dense(1, name="sum")(joined), "two": keras.layers.Dense(2)(joined)}
    )
    model.compile("sgd", {"sum": "mse", "two": "mae"})
    return model


@pytest.fixture(scope="module")
def result():
    return cross_validate(build, X, Y, cv=3, epochs=2, batch_size=16, track_test=True, seed=4)


def test_each_fold_is_what_one_writes_by_hand(result):
    for run, seed in zip(result.runs, seeds(4, 3), strict=True):
        keras.utils.set_random_seed(seed)
        model = build()
        data = X[run.test], Y[run.test]
        history = model.fit(X[run.train], Y[run.train], epochs=2, batch_size=16, verbose=0, validation_data=data)
        assert list(run.history.values()) == list(history.history.values())
        assert model.evaluate(*data, batch_size=16, verbose=0) == list(run.scores.values())
        np.testing.assert_array_equal(result.predictions[run.test], model.predict(data[0], batch_size=16, verbose=0))
        assert run.scores["accuracy"] == run.history["val_accuracy"][-1]


def test_names_do_not_count_up_and_nothing_of_the_script_is_renamed(result):
    assert list(result.scores) == ["loss", "accuracy", "auc"]
    assert result.runs[2].directions == {"loss": "min", "accuracy": "max", "auc": "max"}
    before = keras.layers.Dense(1).name
    cross_validate(build, X, Y, cv=2, epochs=1)
    number = int((before + "_0").split("_")[1])
    assert keras.layers.Dense(1).name == f"dense_{number + 1}"


def test_folds_differ_in_seed_and_a_call_repeats_itself(result):
    assert len({run.seed for run in result.runs}) == 3
    keras.utils.set_random_seed(2)
    expected = [np.random.random(), keras.random.uniform((2,)).tolist()]  # noqa: NPY002
    keras.utils.set_random_seed(2)
    again = cross_validate(build, X, Y, cv=3, epochs=2, batch_size=16, track_test=True, seed=4)
    assert again.histories == result.histories
    # The script's own numbers are not disturbed.
    assert [np.random.random(), keras.random.uniform((2,)).tolist()] == expected  # noqa: NPY002


@pytest.fixture
def workers():
    yield
    # joblib keeps its workers for the next call.
    pytest.importorskip("joblib.externals.loky").get_reusable_executor().shutdown(wait=True)


@pytest.mark.usefixtures("workers")
def test_parallel_processes_give_the_same_bits(result):
    # A lambda, as it might stand in a notebook; two processes.
    parallel = cross_validate(lambda: build(), X, Y, cv=3, epochs=2, batch_size=16, track_test=True, seed=4, n_jobs=2)
    assert parallel.histories == result.histories
    np.testing.assert_array_equal(parallel.predictions, result.predictions)
    for ours, theirs in zip(parallel.model(1).get_weights(), result.runs[1].weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_the_model_of_a_fold_predicts_what_it_did(result):
    run = result.runs[1]
    np.testing.assert_array_equal(result.model(1).predict(X[run.test], verbose=0), run.predictions)


def test_printed_it_is_a_table(result):
    lines = str(result).splitlines()
    assert lines[0] == "3 folds"
    assert lines[1].split() == ["fold", "train", "test", "epochs", "loss", "accuracy", "auc", "seconds"]
    assert lines[3].split()[:4] == ["1", "40", "20", "2"]
    assert f"{result.mean('accuracy'):.4f} ± {result.std('accuracy'):.4f}" in lines[-1]


def test_lines_while_it_runs(capsys):
    cross_validate(build, X, Y, cv=2, epochs=1, verbose=1)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(" - ")[0] for line in lines] == ["fold 1/2", "fold 2/2"]


def test_nests_of_arrays_weights_frames_and_scoring():
    x = {"a": X[:, :2], "b": X[:, 2:]}
    y = {"sum": X.sum(axis=1), "two": X[:, :2]}
    weight = {"sum": np.linspace(0.5, 1, 60), "two": np.ones(60)}
    found = cross_validate(two_inputs, x, y, weight, cv=2, epochs=1, scoring={"rows": lambda y, p: len(p["two"])})
    assert found.predictions["two"].shape == (60, 2)
    assert found.scores["rows"].tolist() == [30, 30]
    pandas = pytest.importorskip("pandas")
    frame, series = pandas.DataFrame(X), pandas.Series(Y)
    as_frames = cross_validate(build, frame, series, cv=2, epochs=1)
    assert as_frames.histories == cross_validate(build, X, Y[:, None], cv=2, epochs=1).histories


def test_rows_that_no_fold_tests_are_nan():
    found = cross_validate(build, X, Y, cv=2, kind="time", epochs=1)
    assert np.isnan(found.predictions[:20]).all() and not np.isnan(found.predictions[20:]).any()


def test_callbacks_start_anew_in_each_fold():
    stop = keras.callbacks.EarlyStopping("val_loss", patience=0)
    for callbacks in ([stop], lambda: [keras.callbacks.EarlyStopping("val_loss", patience=0)]):
        found = cross_validate(build, X, Y, cv=2, epochs=3, validation_split=0.2, callbacks=callbacks)
        assert "val_loss" in found.histories[1]
    assert stop.model is None


def test_params_reach_build_fn():
    found = cross_validate(build, X, Y, cv=2, epochs=1, params={"units": 7})
    assert found.runs[0].weights[0].shape == (4, 7)


@pytest.mark.parametrize(
    ("change", "error", "text"),
    [
        ({"build_fn": build()}, ArgumentTypeError, "build_fn to be a function .* got a Sequential"),
        ({"build_fn": lambda: keras.Sequential()}, ArgumentError, "a compiled model, got one that is not compiled"),
        ({"build_fn": lambda: None}, ArgumentError, "a compiled model, got a NoneType"),
        ({"x": (X for _ in range(2))}, DataError, "expected arrays as x, got a generator"),
        ({"y": Y[:-1]}, DataError, "same number of rows"),
        ({"validation_data": (X, Y)}, ArgumentTypeError, "'validation_data' cannot be given"),
        ({"track_test": True, "validation_split": 0.1}, ArgumentError, "not both"),
        ({"n_jobs": 0}, ArgumentError, "or -1 for all processors, got 0"),
    ],
)
def test_bad_arguments(change, error, text):
    arguments = {"build_fn": build, "x": X, "y": Y, "cv": 2, **change}
    with pytest.raises(error, match=text):
        cross_validate(**arguments)


def test_a_model_that_is_not_built_has_no_place_for_weights():
    def unbuilt():
        model = keras.Sequential([keras.layers.Dense(1)])
        model.compile("sgd", "mse")
        return model

    with pytest.raises(ArgumentError, match="not built"):
        cross_validate(unbuilt, X, Y, cv=2, kind="plain").model(0)


def test_number_of_processes():
    assert _processes(None, "f") == 1
    assert _processes(3, "f") == 3
    assert 1 <= _processes(-2, "f") <= _processes(-1, "f")


def test_nested_chooses_without_the_outer_rows():
    grid = {"units": [1, 8], "fit__epochs": [1, 4]}
    found = nested_cross_validate(build, grid, X, Y, outer=2, inner=2, seed=1, batch_size=16)
    assert (found.score, found.direction) == ("accuracy", "max")
    assert [len(candidates) for candidates in found.search] == [4, 4]
    for candidates, run, chosen in zip(found.search, found.outer.runs, found.best_params, strict=True):
        for candidate in candidates:
            inner = np.concatenate([one.test for one in candidate.runs])
            assert sorted(inner.tolist()) == sorted(run.train.tolist())
            assert all(not set(one.train) & set(run.test) for one in candidate.runs)
        assert max(candidates, key=lambda candidate: candidate.mean).params == chosen
        assert len(run.epochs) == chosen["fit__epochs"]
        assert run.weights[0].shape[1] == chosen["units"] == run.params["units"]
    text = str(found)
    assert text.startswith("2 outer folds, 4 choices compared by accuracy in 2 inner folds")
    assert f"{found.mean('accuracy'):.4f} ± {found.std('accuracy'):.4f}" in text


def test_nested_by_loss_with_listed_candidates():
    found = nested_cross_validate(
        build, iter([{"rate": 1e-5}, {"rate": 0.1}]), X, Y, outer=2, inner=2, score="loss", epochs=5
    )
    assert found.direction == "min"
    assert found.best_params == [{"rate": 0.1}] * 2


@pytest.mark.parametrize(
    ("grid", "change", "text"),
    [
        ({}, {}, "param_grid is empty"),
        ([], {}, "param_grid is empty"),
        ({"units": 3}, {}, "param_grid cannot be read"),
        ({"units": [1]}, {"score": "acuracy"}, "did you mean 'accuracy'"),
        ({"units": [1]}, {"mode": "best"}, "expected mode to be 'auto', 'min' or 'max', got 'best'"),
        ({"units": [1]}, {"score": "own", "scoring": {"own": lambda y, p: 1}}, "minimized or maximized"),
        ({"units": [1]}, {"inner": [([0], [1])]}, "expected inner to be a number of folds or a splitter, got a list"),
    ],
)
def test_bad_searches(grid, change, text):
    arguments = {"outer": 2, "inner": 2, "epochs": 1, **change}
    with pytest.raises(ArgumentError, match=text):
        nested_cross_validate(build, grid, X[:20], Y[:20], kind="plain", **arguments)
