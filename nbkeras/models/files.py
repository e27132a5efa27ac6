"""The part of a model that reads and writes files."""

from __future__ import annotations


class Saveable:
    """`save`, `save_weights`, `load_weights` and `export`."""

    def save(self, filepath, overwrite=True, zipped=None, **kwargs):
        """Write the model to a `.keras` file that Keras reads too: configuration, weights, optimizer.

        The old file stays whole until the new one is safe on the disk. `saving.load_model` reads it.

        Args:
            filepath: must end in `.keras`, or in `.h5` for the layout of Keras 2; or a binary file, open for writing.
            overwrite: False to refuse to replace a file.
            zipped: False writes the members of a `.keras` file into a folder of that name.

        Raises:
            FileError: the file cannot be written.

        Example:
            >>> import tempfile, nbkeras as keras
            >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])
            >>> path = tempfile.mkdtemp() + "/a.keras"
            >>> model.save(path)
            >>> keras.models.load_model(path).output_shape
            (None, 3)
        """
        from nbkeras.saving import api

        api.save_model(self, filepath, overwrite, zipped, **kwargs)

    def save_weights(self, filepath, overwrite=True, max_shard_size=None):
        """Write all weights, and the optimizer's state, to a `.weights.h5` file that Keras reads too.

        The old file stays whole until the new one is safe on the disk.

        Args:
            filepath: must end in `.weights.h5`; with `max_shard_size` in `.weights.json`, beside which the files of
                weights are written. If writing is interrupted, all old ones are read, or all new ones.
            overwrite: False to refuse to replace a file.
            max_shard_size: GB that each file of weights may have; None for one file.

        Raises:
            FileError: the name is another, or the file cannot be written.
            ArgumentError: `max_shard_size` is not above 0, or less than what one weight takes.

        Example:
            >>> import tempfile, nbkeras as keras
            >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])
            >>> path = tempfile.mkdtemp() + "/a.weights.h5"
            >>> model.save_weights(path)
            >>> print(model.load_weights(path))
            2 weights loaded
        """
        from nbkeras.saving import weights

        weights.save_weights(self, filepath, overwrite, max_shard_size)

    def load_weights(self, filepath, skip_mismatch=False, **kwargs):
        """Set all weights, and the optimizer's state if the file has it, from a file.

        Every weight of the model must be in the file with its shape, and every weight of the file in the model; nothing
        is changed before this is known.

        Args:
            filepath: `.weights.h5`, `.weights.json` or `.keras`, of nbkeras or Keras, or `.h5` in the layout of
                Keras 2.
            skip_mismatch: load what fits and leave the rest as it is.
            objects_to_skip: layers that keep their weights.
            by_name: for `.h5` only: match layers by name.

        Returns:
            saving.LoadReport: what was loaded, missing, unexpected, or of another shape.

        Raises:
            FileError: the file is damaged, or not of this model.
        """
        from nbkeras.saving import api

        return api.load_weights(self, filepath, skip_mismatch, **kwargs)

    def export(self, filepath, format="onnx", verbose=None, input_signature=None, **kwargs):
        """Write the forward pass to an ONNX file (opset 18), which runs without nbkeras; needs the extra `onnx`.

        It takes batches of any size. Whatever the model computes is exported, layers of one's own too, if ONNX has
        operators for it: random numbers, for one, it has not. Inputs and outputs have the names of the model's own.

        Args:
            filepath: of the file.
            format: `"onnx"`.
            verbose: True prints where the file is.
            input_signature: shapes and dtypes of the inputs, as `InputSpec`s, Keras tensors or arrays, for models
                whose inputs have other free axes than the batch, or to fix the batch size.
            opset_version: accepted as Keras has it; 18.

        Raises:
            ArgumentError: ONNX has nothing for some layer, all of which are named; an input has a free axis besides
                the batch; what is computed depends on the batch size.
            StateError: the model is not built.
            FileError: the file cannot be written.
            ExtraMissing: the extra `onnx` is not installed.

        Example:
            >>> import tempfile, nbkeras as keras
            >>> model = keras.Sequential([keras.Input((2,), name="x"), keras.layers.Dense(3)])
            >>> model.export(tempfile.mkdtemp() + "/model.onnx", verbose=True)
            Saved artifact at '.../model.onnx'.

        Source: https://onnx.ai/onnx/operators, edition 18; arguments are those of `keras.Model.export`.
        """
        from nbkeras.export import onnx_file

        onnx_file.export(self, filepath, format, verbose, input_signature, **kwargs)
