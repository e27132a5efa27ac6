"""How masks go from layer to layer: which masks a call is given, and which masks its outputs carry."""

from __future__ import annotations

import warnings

from nbkeras import tree
from nbkeras.graph.masks import get_mask, with_mask
from nbkeras.layers.signature import bind
from nbkeras.ops.common import is_tensor


class Masks:
    """The masks around one call of a layer.

    Args:
        layer: a layer.
        args, kwargs: of the call.

    Attributes:
        kwargs: what the call gets besides: `mask` where the layer's `call` takes it and it was not given, or
            `<argument>_mask` where there are several tensors.
        previous: the mask that was given, else those that the first argument carries.
    """

    def __init__(self, layer, args, kwargs):
        self.layer = layer
        parameters = layer._call_parameters
        self.first = args[0] if args else next(iter(kwargs.values()), None)
        self.kwargs = {}
        if "mask" in parameters and kwargs.get("mask") is None:
            tensors = _tensor_arguments(parameters, args, kwargs)
            if len(tensors) == 1 and bind(parameters, args, kwargs).get("mask") is None:
                self.kwargs["mask"] = masks_of(*tensors.values())
        elif any(name.endswith("_mask") for name in parameters):
            bound = bind(parameters, args, kwargs)
            for name, value in _tensor_arguments(parameters, args, kwargs).items():
                if f"{name}_mask" in parameters and bound.get(f"{name}_mask") is None:
                    self.kwargs[f"{name}_mask"] = masks_of(value)
        given = kwargs.get("mask") if kwargs.get("mask") is not None else self.kwargs.get("mask")
        self.previous = given if given is not None else masks_of(self.first)

    def passed_on(self, outputs, replace=False):
        """The outputs, carrying the masks that the layer's `compute_mask` says.

        Args:
            outputs: of the call.
            replace: outputs that carry a mask already get another too.
        """
        if not self.layer.supports_masking:
            if any(mask is not None for mask in tree.flatten(self.previous)) and not hasattr(self.layer, "layers"):
                _warn(self.layer)
            return outputs
        leaves = tree.flatten(outputs)
        if not replace and all(get_mask(leaf) is not None for leaf in leaves):
            return outputs
        masks = self.layer.compute_mask(self.first, self.previous)
        if masks is None:
            return outputs
        masks = tree.flatten(masks)
        masks += [None] * (len(leaves) - len(masks))
        carrying = [
            with_mask(leaf, mask) if replace or get_mask(leaf) is None else leaf
            for leaf, mask in zip(leaves, masks, strict=False)
        ]
        return tree.pack_sequence_as(outputs, carrying)


def masks_of(structure):
    """The masks of all tensors of a structure; None for those without."""
    return tree.map_structure(get_mask, structure)


def _tensor_arguments(parameters, args, kwargs) -> dict:
    found = {}
    for name, value in bind(parameters, args, kwargs).items():
        leaves = tree.flatten(value)
        if leaves and all(leaf is None or is_tensor(leaf) for leaf in leaves) and any(map(is_tensor, leaves)):
            found[name] = value
    return found


def _warn(layer):
    if not layer._untracked_warned:
        layer._untracked_warned = True
        warnings.warn(
            f"layer {layer.name!r} ({type(layer).__name__}) was given an input that carries a mask, but does not "
            "support masking: the layers after it will not see the mask.",
            stacklevel=5,
        )
