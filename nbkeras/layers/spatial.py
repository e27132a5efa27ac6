"""What layers over spatial axes share: the format of data, and shapes that are known without running."""

from __future__ import annotations

from nbkeras.errors import ArgumentError, ShapeError
from nbkeras.graph.dtypes import dtype_name, is_float, standardize_dtype
from nbkeras.graph.keras_tensor import KerasTensor
from nbkeras.layers.input_spec import InputSpec
from nbkeras.layers.layer import Layer
from nbkeras.ops.convolving import format_name, per_axis


class SpatialLayer(Layer):
    """A layer over spatial axes, in either format of data; its shapes are known without running it."""

    rank = 2

    #: Whether whole numbers give floats.
    averages = False

    def __init__(self, data_format=None, **kwargs):
        super().__init__(**kwargs)
        self.data_format = self._checked(format_name, data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)
        self._build_at_init()

    def _who(self) -> str:
        return f"layer {self.name!r} ({type(self).__name__})"

    def _checked(self, check, *arguments):
        """What a check gives; the error it raises says which layer it is about."""
        try:
            return check(*arguments)
        except (ArgumentError, ShapeError) as error:
            raise type(error)(f"{self._who()}: {error.args[0]}") from None

    def _sizes(self, value, name: str, least: int = 1, rank: int | None = None):
        return self._checked(per_axis, value, self.rank if rank is None else rank, name, least)

    @property
    def _spatial(self) -> slice:
        """Where the spatial axes are."""
        return slice(2, None) if self.data_format == "channels_first" else slice(1, -1)

    def _with_lengths(self, shape, lengths):
        """A shape with other lengths along the spatial axes."""
        shape = list(shape)
        shape[self._spatial] = lengths
        return tuple(shape)

    def compute_output_spec(self, inputs, **kwargs):
        dtype = dtype_name(inputs.dtype)
        if is_float(dtype):
            dtype = self.compute_dtype if self.autocast else dtype
        elif self.averages:
            dtype = standardize_dtype(None)
        return KerasTensor(self.compute_output_shape(inputs.shape), dtype)
