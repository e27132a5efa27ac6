"""TensorBoard's own reader finds in the event files what the training had."""

import numpy as np
import pytest

import nbkeras as keras
from nbkeras.callbacks import TensorBoard
from nbkeras.callbacks.event_file import EventFile, crc32c, histogram_rows, png
from nbkeras.errors import ArgumentError

X = np.random.default_rng(0).normal(size=(24, 4)).astype("float32")
Y = (X[:, :1] > 0).astype("float32")


def build():
    inputs = keras.Input((4,), name="x")
    hidden = keras.layers.Dense(3, activation="tanh", name="hidden")(inputs)
    joined = keras.layers.Concatenate(name="join")([inputs, hidden])
    model = keras.Model(inputs, keras.layers.Dense(1, activation="sigmoid", name="head")(joined))
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    return model


def read(folder):
    """What the real TensorBoard sees in a run."""
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    found = accumulator.EventAccumulator(str(folder), size_guidance={"tensors": 0})
    found.Reload()
    return found


def values(run, tag):
    from tensorboard.util import tensor_util

    events = run.Tensors(tag)
    return [event.step for event in events], [tensor_util.make_ndarray(event.tensor_proto) for event in events]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("logs")
    model = build()
    keras.utils.set_random_seed(0)
    callback = TensorBoard(folder, histogram_freq=2, write_images=True, update_freq=2, write_steps_per_second=True)
    weights = []
    look = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: weights.append(model.get_weights()))
    history = model.fit(X, Y, 8, 3, verbose=0, validation_split=0.25, callbacks=[callback, look])
    return folder, model, history.history, weights


def test_scalars_are_the_history(trained):
    folder, _, history, _ = trained
    for run, prefix in (("train", ""), ("validation", "val_")):
        found = read(folder / run)
        for name in ("loss", "accuracy"):
            steps, numbers = values(found, f"epoch_{name}")
            assert steps == [0, 1, 2]
            np.testing.assert_allclose(np.array(numbers), history[prefix + name], rtol=1e-6)
    train, validation = read(folder / "train"), read(folder / "validation")
    np.testing.assert_allclose(values(train, "epoch_learning_rate")[1], 0.001, rtol=1e-6)
    # Three batches an epoch, every second one is logged.
    assert values(train, "batch_loss")[0] == [2, 4, 6, 8]
    assert min(values(train, "epoch_steps_per_second")[1]) > 0
    assert values(validation, "evaluation_loss_vs_iterations")[0] == [3, 6, 9]
    assert train.summary_metadata["epoch_loss"].plugin_data.plugin_name == "scalars"


def test_histograms_and_pictures_of_weights(trained):
    folder, model, _, weights = trained
    train = read(folder / "train")
    for index, weight in enumerate(model.weights):
        steps, rows = values(train, f"{weight.path}/histogram")
        assert steps == [0, 2]
        for epoch, row in zip(steps, rows, strict=True):
            assert row.shape == (30, 3)
            assert row[:, 2].sum() == weight.numpy().size
            assert row[0, 0] == pytest.approx(weights[epoch][index].min(), abs=1e-12)
            assert row[-1, 1] == pytest.approx(weights[epoch][index].max(), abs=1e-12)
    _, pictures = values(train, "hidden/kernel/image")
    assert pictures[0][:2].tolist() == [b"4", b"3"]
    assert train.summary_metadata["hidden/kernel/image"].plugin_data.plugin_name == "images"


def test_the_model_as_graph_and_text(trained):
    folder, _, _, _ = trained
    train = read(folder / "train")
    graph = {node.name: (node.op, list(node.input)) for node in train.Graph().node}
    assert graph == {
        "x": ("InputLayer", []),
        "hidden": ("Dense", ["x"]),
        "join": ("Concatenate", ["x", "hidden"]),
        "head": ("Dense", ["join"]),
    }
    assert "Trainable params: 23" in values(train, "model")[1][0].item().decode()


def test_another_fit_writes_other_files_and_an_evaluation_alone_too(tmp_path):
    model, callback = build(), TensorBoard(tmp_path, write_graph=False)
    for first in (0, 1):
        model.fit(X, Y, epochs=first + 1, initial_epoch=first, verbose=0, callbacks=[callback])
    assert len(list((tmp_path / "train").iterdir())) == 2
    assert values(read(tmp_path / "train"), "epoch_loss")[0] == [0, 1]
    loss = model.evaluate(X, Y, verbose=0, callbacks=[TensorBoard(tmp_path / "alone")])[0]
    steps, numbers = values(read(tmp_path / "alone" / "validation"), "evaluation_loss_vs_iterations")
    assert steps == [2] and numbers[0] == np.float32(loss)


def test_a_model_without_a_graph_lists_its_layers(tmp_path):
    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = keras.layers.Dense(1, name="only")

        def call(self, x):
            return self.dense(x)

    model = Own()
    model.compile("sgd", "mse")
    model.fit(X, Y, verbose=0, callbacks=[TensorBoard(tmp_path)])
    assert [node.name for node in read(tmp_path / "train").Graph().node] == ["only"]


def test_without_batch_logging_there_are_no_batch_hooks(tmp_path):
    from nbkeras.callbacks.callback import overrides

    assert not overrides(TensorBoard(tmp_path), "on_train_batch_end")
    assert overrides(TensorBoard(tmp_path, update_freq="batch"), "on_train_batch_end")


def test_bars_of_odd_weights():
    assert histogram_rows(np.array([np.nan, np.inf])).tolist() == np.zeros((30, 3)).tolist()
    same = histogram_rows(np.full((2, 2), 7.0))
    assert same[-1].tolist() == [7, 7, 4] and same[:-1, 2].sum() == 0
    largest = np.finfo("float64").max
    wide = histogram_rows(np.array([-largest, largest]))
    assert np.isfinite(wide).all() and wide[:, 2].sum() == 2


def test_pictures_are_png_files():
    image = pytest.importorskip("PIL.Image")
    import io

    for channels, mode in ((1, "L"), (3, "RGB"), (4, "RGBA")):
        pixels = np.random.default_rng(0).random((5, 7, channels))
        opened = image.open(io.BytesIO(png(pixels)))
        assert (opened.mode, opened.size) == (mode, (7, 5))
        np.testing.assert_allclose(np.asarray(opened).reshape(5, 7, channels), pixels * 255, atol=0.51)


def test_checksums_are_those_of_tensorboard(tmp_path):
    theirs = pytest.importorskip("tensorboard.compat.tensorflow_stub.pywrap_tensorflow")
    data = bytes(range(256)) * 3
    assert crc32c(data) == theirs.crc32c(data)
    file = EventFile(tmp_path)
    file.scalar("großartig", float("nan"), 2**40)
    file.flush()
    steps, numbers = values(read(tmp_path), "großartig")
    assert steps == [2**40] and np.isnan(numbers[0])


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"profile_batch": 5}, "expected profile_batch=0"),
        ({"update_freq": 0}, "update_freq to be a number of batches"),
        ({"update_freq": "step"}, "got 'step'"),
        ({"histogram_freq": -1}, "histogram_freq to be a number"),
    ],
)
def test_bad_arguments(arguments, text):
    with pytest.raises(ArgumentError, match=text):
        TensorBoard("logs", **arguments)


def test_metadata_of_a_layer_that_is_not_there(tmp_path):
    with pytest.raises(ArgumentError, match=r"names layers that are not there: \['words'\]"):
        build().fit(
            X,
            Y,
            verbose=0,
            callbacks=[TensorBoard(tmp_path, embeddings_freq=1, embeddings_metadata={"words": "w.tsv"})],
        )
