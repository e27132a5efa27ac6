"""Function: the computation between Keras tensors, without the rest of a model."""

from __future__ import annotations

from nbkeras import tree
from nbkeras.graph.keras_tensor import KerasTensor
from nbkeras.layers import InputLayer
from nbkeras.models.functional import Functional
from nbkeras.ops.operation import Operation


class Function(Operation):
    """What leads from some Keras tensors to others, applied to new values.

    Args:
        inputs: a Keras tensor, or a structure of them.
        outputs: likewise, made from the inputs.
        name: made from the class name by default.

    Raises:
        GraphError: the outputs depend on more than the inputs.

    Example:
        >>> import numpy as np, nbkeras as keras
        >>> a, b = keras.KerasTensor((None, 2)), keras.KerasTensor((None, 2))
        >>> function = Function([a, b], keras.ops.relu(a + b))
        >>> function([np.array([[1.0, -3.0]]), np.array([[1.0, 1.0]])])
        array([[2., 0.]], dtype=float32)
    """

    def __init__(self, inputs, outputs, name=None):
        super().__init__(name=name)
        for tensor in tree.flatten(inputs):
            if tensor.history is None:
                InputLayer(input_tensor=tensor)
        self._functional = Functional(inputs, outputs, name=self.name)

    @property
    def inputs(self) -> list[KerasTensor]:
        """The Keras tensors that it starts from."""
        return self._functional.inputs

    @property
    def outputs(self) -> list[KerasTensor]:
        """The Keras tensors that it gives."""
        return self._functional.outputs

    @property
    def operations(self) -> list:
        """All layers and functions on the way."""
        return list(self._functional.operations)

    def call(self, inputs):
        """The outputs for values of the inputs."""
        return self._functional(inputs)

    def compute_output_shape(self, input_shape):
        """The shapes of the outputs for shapes of the inputs."""
        given = tree.map_shape_structure(KerasTensor, input_shape)
        return tree.map_structure(lambda t: t.shape, self.compute_output_spec(given))
