"""Input: where data enters a functional model."""

from __future__ import annotations

import operator
import warnings

from nbkeras import dtype_policies
from nbkeras.arguments import FLAG, accepts
from nbkeras.errors import ArgumentError, ArgumentTypeError
from nbkeras.graph.dtypes import standardize_dtype
from nbkeras.graph.keras_tensor import KerasTensor, OperationCall
from nbkeras.layers.layer import Layer
from nbkeras.naming import auto_name


class InputLayer(Layer):
    """The place of an input in a model's list of layers.

    Args:
        shape: the shape of one sample.
        batch_size: the number of samples, any if None.
        dtype: floatx by default.
        sparse, ragged: not supported; must be falsy.
        batch_shape: the whole shape, instead of `shape` and `batch_size`.
        input_tensor: an existing Keras tensor instead.
        optional: accepted as Keras has it.
        name: of the layer and its tensor.

    Example:
        >>> from nbkeras import Sequential, layers
        >>> Sequential([layers.InputLayer((3,)), layers.Dense(2)]).output_shape
        (None, 2)
    """

    @accepts(optional=FLAG)
    def __init__(
        self,
        shape=None,
        batch_size=None,
        dtype=None,
        sparse=None,
        ragged=None,
        batch_shape=None,
        input_tensor=None,
        optional=False,
        name=None,
        **kwargs,
    ):
        if "input_shape" in kwargs:
            warnings.warn("InputLayer: the argument input_shape has a new name; write shape=...", stacklevel=3)
            shape = kwargs.pop("input_shape")
        super().__init__(name=name or auto_name("input_layer"), dtype=None, **kwargs)
        if sparse or ragged:
            raise ArgumentError(f"Input {self.name!r}: sparse and ragged inputs are not supported.")
        if input_tensor is not None:
            self._check_tensor(input_tensor, shape, batch_size, batch_shape, dtype)
            batch_shape, dtype = input_tensor.shape, input_tensor.dtype
        elif batch_shape is not None and (shape is not None or batch_size is not None):
            raise ArgumentError(
                f"Input {self.name!r}: batch_shape={batch_shape!r} cannot be given together with shape or batch_size.",
                next="leave out one of them.",
            )
        if batch_shape is None:
            if shape is None:
                raise ArgumentError(f"Input {self.name!r}: no shape was given.", next="write Input(shape=(features,)).")
            shape = (shape,) if isinstance(shape, int) else shape
        given = shape if batch_shape is None else batch_shape
        try:
            batch_shape = (batch_size, *shape) if batch_shape is None else batch_shape
            self.batch_shape = tuple(None if n is None else operator.index(n) for n in batch_shape)
        except (TypeError, ValueError):
            raise ArgumentTypeError(
                f"Input {self.name!r}: a shape is made of whole numbers, and None for what is open, got {given!r}."
            ) from None
        for n in self.batch_shape:
            if n is not None and n < 0:
                raise ArgumentError(f"Input {self.name!r}: shape {self.batch_shape} has a negative length.")
        self.dtype_policy = dtype_policies.get(standardize_dtype(dtype))
        self.optional = optional
        self.built = True
        made = KerasTensor(self.batch_shape, self.dtype, name=self.name)
        if input_tensor is not None and input_tensor.history is None:
            made = input_tensor
        self._untracked_calls.append(OperationCall(self, (), {}, made))

    def _check_tensor(self, tensor, shape, batch_size, batch_shape, dtype):
        if not isinstance(tensor, KerasTensor):
            raise ArgumentError(f"Input {self.name!r}: expected a Keras tensor, got {tensor!r}.")
        for what, given, own in (
            ("shape", shape, tensor.shape[1:]),
            ("batch_size", batch_size, tensor.shape[0] if tensor.shape else None),
            ("batch_shape", batch_shape, tensor.shape),
            ("dtype", dtype, tensor.dtype),
        ):
            given = tuple(given) if isinstance(given, list) else given
            if given is not None and given != own:
                raise ArgumentError(f"Input {self.name!r}: {what} is {given!r}, but the tensor's is {own!r}.")

    @property
    def sparse(self) -> bool:
        """False: there are no sparse tensors."""
        return False

    @property
    def ragged(self) -> bool:
        """False: there are no ragged tensors."""
        return False

    def call(self):
        """Nothing: the value is given from outside."""
        return None

    def get_config(self):
        return {
            "batch_shape": self.batch_shape,
            "dtype": self.dtype,
            "sparse": False,
            "ragged": False,
            "name": self.name,
            "optional": self.optional,
        }


def Input(
    shape=None,
    batch_size=None,
    dtype=None,
    sparse=None,
    ragged=None,
    batch_shape=None,
    name=None,
    tensor=None,
    optional=False,
):
    """A Keras tensor to build a model from; see `InputLayer` for the arguments.

    Example:
        >>> Input((28, 28), name="image").shape
        (None, 28, 28)
    """
    layer = InputLayer(shape, batch_size, dtype, sparse, ragged, batch_shape, tensor, optional, name)
    return layer.output
