"""`TensorBoard`: logs, weights and the model itself, for TensorBoard's page."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from nbkeras.arguments import FLAG, PATH, accepts, whole
from nbkeras.callbacks.callback import Callback, Logs
from nbkeras.callbacks.event_file import EventFile
from nbkeras.callbacks.rates import learning_rates
from nbkeras.errors import ArgumentError


class TensorBoard(Callback):
    """Write event files for TensorBoard: `tensorboard --logdir logs` shows them, during the training too.

    The runs are `train` and `validation`. Each epoch gives `epoch_loss`, the metrics and the learning rate; each
    evaluation `evaluation_loss_vs_iterations` and the like, by the optimizer's steps. Neither TensorBoard nor
    TensorFlow need be installed where the training runs. Each `fit` writes new files, which the page joins.

    Args:
        log_dir: the folder for the runs.
        histogram_freq: every so many epochs, how each weight is distributed; 0 never.
        write_graph: the model as a graph, and its summary as text.
        write_images: where histograms are written, weights as pictures too.
        write_steps_per_second: training steps a second, by epoch, and by batch where batches are logged.
        update_freq: `"epoch"`; or a number of batches, or `"batch"` for 1, after which running averages are written
            too, as `batch_loss` and so on. Every batch costs: the numbers must be fetched.
        profile_batch: 0; `NBKERAS_DEBUG=1` prints the time of each kernel instead.
        embeddings_freq: every so many epochs, the weights of Embedding layers for the page's projector; 0 never.
        embeddings_metadata: a file with a line of labels for each row, or a dict from layer names to such files.

    Raises:
        ArgumentError: frequencies below 0, profiling, layers in `embeddings_metadata` that the model lacks.

    Example:
        >>> import tempfile
        >>> callback = TensorBoard(tempfile.mkdtemp(), histogram_freq=1)
        >>> callback.update_freq
        'epoch'

    Source: arguments, runs and tags are those of `keras.callbacks.TensorBoard`.
    """

    STATE = ("_batches",)

    @accepts(log_dir=PATH, embeddings_freq=whole(0), write_graph=FLAG, write_images=FLAG, write_steps_per_second=FLAG)
    def __init__(
        self,
        log_dir: str | os.PathLike = "logs",
        histogram_freq: int = 0,
        write_graph: bool = True,
        write_images: bool = False,
        write_steps_per_second: bool = False,
        update_freq: int | str = "epoch",
        profile_batch: int | tuple[int, int] = 0,
        embeddings_freq: int = 0,
        embeddings_metadata: str | Mapping[str, str] | None = None,
    ):
        super().__init__()
        self.log_dir = str(log_dir)
        self.histogram_freq = histogram_freq
        self.write_graph = write_graph
        self.write_images = write_images
        self.write_steps_per_second = write_steps_per_second
        self.update_freq = 1 if update_freq == "batch" else update_freq
        self.embeddings_freq = embeddings_freq
        self.embeddings_metadata = embeddings_metadata
        self._check(profile_batch)
        self._files: dict[str, EventFile] = {}
        self._batches = 0
        self._epoch_start = self._batch_start = 0.0
        self._steps_before = 0
        if self.update_freq != "epoch":
            # As hooks of this object alone: a callback without batch hooks costs nothing a batch.
            self.on_train_batch_begin, self.on_train_batch_end = self._begin_batch, self._end_batch

    def _check(self, profile_batch) -> None:
        if profile_batch not in (0, None, False, "0"):
            raise ArgumentError(
                f"TensorBoard: expected profile_batch=0, as there is no profile to write, got {profile_batch!r}.",
                next="run with NBKERAS_DEBUG=1, which prints the time of each kernel.",
            )
        frequency = 1 if self.update_freq == "epoch" else self.update_freq
        for name, value in (("update_freq", frequency), ("histogram_freq", self.histogram_freq)):
            if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < (name == "update_freq"):
                raise ArgumentError(f"TensorBoard: expected {name} to be a number of batches or epochs, got {value!r}.")

    def set_model(self, model: Any) -> None:
        super().set_model(model)
        if self.embeddings_freq:
            self._check_metadata()

    def on_train_begin(self, logs: Logs = None) -> None:
        self._batches = 0
        self._files = {}
        if self.write_graph:
            self._write_model()

    def on_train_end(self, logs: Logs = None) -> None:
        self._flush()

    def on_test_end(self, logs: Logs = None) -> None:
        optimizer = getattr(self.model, "optimizer", None)
        if optimizer is not None:
            step = int(optimizer.iterations)
            for name, value in (logs or {}).items():
                self._scalar("validation", f"evaluation_{name}_vs_iterations", value, step)
            self._flush()

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        if self.write_steps_per_second:
            self._steps_before = int(self.model.optimizer.iterations)
            self._epoch_start = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        logs = dict(logs or {})
        if logs:
            logs.update(learning_rates(self.model))
            if self.write_steps_per_second:
                steps = int(self.model.optimizer.iterations) - self._steps_before
                logs["steps_per_second"] = steps / (time.perf_counter() - self._epoch_start)
        for name, value in logs.items():
            run = "validation" if name.startswith("val_") else "train"
            self._scalar(run, f"epoch_{name.removeprefix('val_')}", value, epoch)
        if self.histogram_freq and epoch % self.histogram_freq == 0:
            self._write_weights(epoch)
        if self.embeddings_freq and epoch % self.embeddings_freq == 0:
            self._write_embeddings()
        self._flush()

    def _begin_batch(self, batch: int, logs: Logs = None) -> None:
        self._batches += 1
        self._batch_start = time.perf_counter()

    def _end_batch(self, batch: int, logs: Logs = None) -> None:
        if self._batches % self.update_freq:
            return
        logs = dict(logs or {})
        if self.write_steps_per_second:
            logs["steps_per_second"] = 1.0 / (time.perf_counter() - self._batch_start)
        for name, value in logs.items():
            self._scalar("train", f"batch_{name}", value, self._batches)

    def _file(self, run: str) -> EventFile:
        if run not in self._files:
            self._files[run] = EventFile(os.path.join(self.log_dir, run))
        return self._files[run]

    def _scalar(self, run: str, tag: str, value: Any, step: int) -> None:
        # A metric such as F1Score is a vector: a curve for each class.
        values = np.asarray(value, dtype=float)
        for index, number in enumerate(values.reshape(-1).tolist()):
            self._file(run).scalar(tag if values.ndim == 0 else f"{tag}_{index}", number, step)

    def _flush(self) -> None:
        for file in self._files.values():
            file.flush()

    def _write_model(self) -> None:
        # Utilities import callbacks' base; the other way round only when needed.
        from nbkeras.utils.topology import nodes_of

        lines: list[str] = []
        self.model.summary(print_fn=lines.append, line_length=100)
        file = self._file("train")
        file.text("model", "    " + "\n".join(lines).replace("\n", "\n    "), 0)
        nodes = nodes_of(self.model)
        if nodes:
            file.graph((node.name, node.kind, [source.name for source in node.sources], _shape(node)) for node in nodes)
        file.flush()

    def _write_weights(self, epoch: int) -> None:
        file = self._file("train")
        for layer in self.model.layers:
            for weight in layer.weights:
                values = weight.numpy()
                file.histogram(f"{weight.path}/histogram", values, epoch)
                pictures = _as_pictures(values) if self.write_images else None
                if pictures is not None:
                    file.images(f"{weight.path}/image", pictures, epoch)

    def _embeddings(self) -> dict[str, np.ndarray]:
        """The matrices of Embedding layers, by layer name."""
        found = {layer.name: getattr(layer, "embeddings", None) for layer in self.model.layers}
        return {name: matrix.numpy() for name, matrix in found.items() if matrix is not None}

    def _check_metadata(self) -> None:
        if isinstance(self.embeddings_metadata, Mapping):
            names = {layer.name for layer in self.model.layers}
            unknown = sorted(set(self.embeddings_metadata) - names)
            if unknown:
                raise ArgumentError(f"TensorBoard: embeddings_metadata names layers that are not there: {unknown}.")

    def _write_embeddings(self) -> None:
        """Tables for the projector, and the file that tells it of them."""
        lines = []
        for name, matrix in self._embeddings().items():
            table = f"{name}.tsv"
            np.savetxt(os.path.join(self.log_dir, table), matrix, fmt="%.8g", delimiter="\t")
            given = self.embeddings_metadata
            labels = given.get(name) if isinstance(given, Mapping) else given
            lines.append(f'embeddings {{\n  tensor_name: "{name}"\n  tensor_path: "{table}"')
            lines.append(f'  metadata_path: "{labels}"\n}}' if labels else "}")
        with open(os.path.join(self.log_dir, "projector_config.pbtxt"), "w") as file:
            file.write("\n".join(lines) + "\n")


def _shape(node) -> str:
    return ", ".join(str(tensor.shape) for tensor in node.outputs)


def _as_pictures(weight: np.ndarray) -> np.ndarray | None:
    """A weight as (N, H, W, C) pictures, values 0 to 1; None where its shape is no picture's, as in Keras.

    A vector is a row of pixels, a matrix lies on its long side, and a filter bank of three axes has a picture for
    each of the last one's slices.
    """
    values = np.squeeze(weight).astype(np.float64)
    if values.ndim == 1:
        values = values.reshape(1, 1, values.size, 1)
    elif values.ndim == 2:
        values = values.T if values.shape[0] > values.shape[1] else values
        values = values[None, :, :, None]
    elif values.ndim == 3:
        values = values.transpose(2, 0, 1)[..., None]
    if values.ndim != 4 or values.shape[-1] not in (1, 3, 4) or not values.size:
        return None
    low, high = np.nanmin(values), np.nanmax(values)
    return (values - low) / (high - low) if high > low else np.zeros_like(values)
