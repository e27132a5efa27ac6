"""InputSpec: the shapes that a layer accepts."""

from __future__ import annotations


class InputSpec:
    """What a layer accepts: shape (None is any), rank, and lengths of single axes.

    Args:
        dtype: not checked; Keras has it.
        shape: the whole shape, None for free axes.
        ndim, max_ndim, min_ndim: the rank, exactly or within bounds.
        axes: axis -> length.
        allow_last_axis_squeeze, optional, name: as in Keras.

    Example:
        >>> from nbkeras.layers import Dense
        >>> layer = Dense(2)
        >>> layer.build((None, 3))
        >>> layer.input_spec
        InputSpec(min_ndim=2, axes={-1: 3})
    """

    def __init__(
        self,
        dtype=None,
        shape=None,
        ndim=None,
        max_ndim=None,
        min_ndim=None,
        axes=None,
        allow_last_axis_squeeze=False,
        name=None,
        optional=False,
    ):
        self.dtype, self.shape, self.name, self.optional = dtype, shape, name, optional
        self.ndim = len(shape) if shape is not None else ndim
        self.max_ndim, self.min_ndim, self.axes = max_ndim, min_ndim, axes or {}
        self.allow_last_axis_squeeze = allow_last_axis_squeeze

    def __repr__(self):
        given = {name: getattr(self, name) for name in ("dtype", "shape", "ndim", "max_ndim", "min_ndim", "axes")}
        return f"InputSpec({', '.join(f'{name}={value}' for name, value in given.items() if value)})"

    def get_config(self) -> dict:
        """The arguments that make an equal one."""
        names = ("dtype", "shape", "ndim", "max_ndim", "min_ndim", "axes", "optional")
        return {name: getattr(self, name) for name in names}

    @classmethod
    def from_config(cls, config):
        """One from `get_config`."""
        return cls(**config)

    def problem(self, shape) -> str | None:
        """What is wrong with a shape, or None."""
        rank = len(shape)
        if self.ndim is not None and rank != self.ndim and not (self.allow_last_axis_squeeze and rank == self.ndim - 1):
            return f"rank {self.ndim}"
        if self.max_ndim is not None and rank > self.max_ndim:
            return f"rank at most {self.max_ndim}"
        if self.min_ndim is not None and rank < self.min_ndim:
            return f"rank at least {self.min_ndim}"
        wanted = dict(self.axes)
        if self.shape is not None:
            wanted.update({i: n for i, n in enumerate(self.shape) if n is not None})
        for axis, length in wanted.items():
            if length is not None and -rank <= axis < rank and shape[axis] not in (length, None):
                return f"length {length} along axis {axis}"
        return None
