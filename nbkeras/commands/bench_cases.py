"""What `nbkeras bench` times: per case our function, its work and traffic, and the same work for NumPy and PyTorch."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Case:
    """One row of the report.

    Args:
        family: 'matmul', 'conv', ...: what `--only` picks.
        name: the shape and variant.
        ours: a function of `ops` on tensors, traced once.
        shapes: of its arguments, which are drawn when asked for.
        flops: multiply-adds times two of one call; 0 where memory is the limit.
        bytes: what must be read and written once.
        numpy: the same work of NumPy arrays, or None.
        torch: `torch(*tensors) -> call`, the same work for PyTorch, or None.
    """

    family: str
    name: str
    ours: Callable
    shapes: tuple
    flops: float
    bytes: float
    numpy: Callable | None = None
    torch: Callable | None = None

    def inputs(self) -> tuple:
        """Normal float32 arrays of the shapes."""
        return tuple(
            np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)
            for seed, shape in enumerate(self.shapes)
        )


def cases() -> Iterator[Case]:
    """All cases, in the order of the report."""
    yield from _products()
    yield from _elementwise()
    yield from _rows()
    yield from _convolutions()
    yield from _pools()
    yield from _pooled_layers()


# -- matrix products --------------------------------------------------------------------------------------------------

#: (m, n, k) of a training step of the reference workloads, and two large ones.
PRODUCTS = (
    (1024, 1024, 1024), (32, 64, 64), (32, 128, 784), (128, 512, 784), (256, 512, 512), (784, 512, 128), (128, 10, 512),
)  # fmt: skip


def _products():
    from nbkeras import ops

    forms = {
        "": (ops.matmul, np.matmul, lambda a, b: lambda: a @ b),
        " A'": (lambda a, b: ops.matmul(ops.transpose(a), b), lambda a, b: a.T @ b, lambda a, b: lambda: a.T @ b),
        " B'": (lambda a, b: ops.matmul(a, ops.transpose(b)), lambda a, b: a @ b.T, lambda a, b: lambda: a @ b.T),
    }
    for m, n, k in PRODUCTS:
        for form, (ours, numpy, torch) in forms.items():
            shapes = ((k, m) if form == " A'" else (m, k), (n, k) if form == " B'" else (k, n))
            traffic = 4.0 * (m * k + k * n + m * n)
            yield Case("matmul", f"{m}x{n}x{k}{form}", ours, shapes, 2.0 * m * n * k, traffic, numpy, torch)


# -- passes over memory -----------------------------------------------------------------------------------------------

MANY = 4_000_000


def _numpy_sigmoid(x):
    return 1 / (1 + np.exp(-x))


def _elementwise():
    from nbkeras import ops

    flat, table = (MANY,), (MANY // 500, 500)
    numpy_of = {"exp": np.exp, "tanh": np.tanh, "sigmoid": _numpy_sigmoid, "relu": lambda x: np.maximum(x, 0)}
    for name, numpy in numpy_of.items():
        yield Case("elementwise", name, getattr(ops, name), (flat,), 0, 8.0 * MANY, numpy, _torch_unary(name))
    yield Case("elementwise", "add", ops.add, (flat, flat), 0, 12.0 * MANY, np.add, lambda x, y: lambda: x + y)
    yield Case(
        "elementwise",
        "relu(x*y + x)",
        lambda x, y: ops.relu(x * y + x),
        (flat, flat),
        0,
        12.0 * MANY,
        numpy=lambda x, y: np.maximum(x * y + x, 0),
        torch=lambda x, y: lambda: (x * y + x).relu(),
    )
    for name, axis, shape in (("all", None, flat), ("axis 0", 0, table), ("axis 1", 1, table)):
        ours, numpy = functools.partial(ops.sum, axis=axis), functools.partial(np.sum, axis=axis)
        yield Case("reduce", f"sum of {name}", ours, (shape,), 0, 4.0 * MANY, numpy, _torch_sum(axis))
    yield Case(
        "move",
        "transpose",
        ops.transpose,
        (table,),
        0,
        8.0 * MANY,
        numpy=lambda x: np.ascontiguousarray(x.T),
        torch=lambda x: lambda: x.T.contiguous(),
    )


def _torch_unary(name):
    return lambda x: getattr(x, name)


def _torch_sum(axis):
    return lambda x: x.sum if axis is None else functools.partial(x.sum, axis)


def _numpy_softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def _numpy_layer_norm(x):
    centred = x - x.mean(-1, keepdims=True)
    return centred / np.sqrt((centred * centred).mean(-1, keepdims=True) + 1e-3)


def _rows():
    from nbkeras import ops

    for shape in ((4096, 1000), (8192, 10)):
        traffic, name = 8.0 * math.prod(shape), "x".join(map(str, shape))
        yield Case("softmax", name, ops.softmax, (shape,), 0, traffic, _numpy_softmax, lambda x: lambda: x.softmax(-1))
    layer = functools.partial(ops.layer_normalization, epsilon=1e-3)
    shape = (4096, 512)
    traffic = 8.0 * math.prod(shape)
    yield Case("normalization", "layer 4096x512", layer, (shape,), 0, traffic, _numpy_layer_norm, _torch_layer_norm)
    yield Case(
        "normalization",
        "layer 4096x512 and back",
        lambda x, gamma, beta, dy: _and_back(layer(x, gamma, beta), [x, gamma, beta], dy),
        (shape, shape[-1:], shape[-1:], shape),
        0,
        20.0 * math.prod(shape),
        torch=_torch_layer_norm_and_back,
    )
    for shape in ((64, 32, 32, 32), (64, 16, 16, 64), (64, 8, 8, 128)):
        name, vector = "batch, relu " + "x".join(map(str, shape)), shape[-1:]
        shapes, traffic = (shape, vector, vector), 12.0 * math.prod(shape)
        yield Case("normalization", name, _batch_norm, shapes, 0, traffic, torch=_torch_batch_norm)
        back = lambda x, gamma, beta, dy: _and_back(_batch_norm(x, gamma, beta), [x, gamma, beta], dy)  # noqa: E731
        traffic = 32.0 * math.prod(shape)
        torch = _torch_batch_norm_and_back
        yield Case("normalization", f"{name} and back", back, (*shapes, shape), 0, traffic, torch=torch)


def _and_back(y, inputs, dy):
    """A result, and the gradients to its inputs."""
    from nbkeras.graph.gradient import gradient

    return [y, *gradient(y, inputs, seed=dy)]


def _batch_norm(x, gamma, beta):
    from nbkeras import ops
    from nbkeras.ops.normalizing import batch_normalized

    return ops.relu(batch_normalized(x, gamma, beta, -1, 1e-3)[0])


def _torch_layer_norm(x):
    import torch

    return lambda: torch.nn.functional.layer_norm(x, x.shape[-1:], eps=1e-3)


def _torch_batch_norm_of(x, gamma, beta):
    import torch

    return torch.nn.functional.batch_norm(x, None, None, gamma, beta, training=True, eps=1e-3).relu()


def _torch_batch_norm(x, gamma, beta):
    return functools.partial(_torch_batch_norm_of, x.permute(0, 3, 1, 2), gamma, beta)


def _torch_and_back(forward, inputs, dy):
    """A call of PyTorch's forward and its gradients."""
    import torch

    inputs = [t.detach().requires_grad_() for t in inputs]

    @torch.enable_grad()
    def call():
        return torch.autograd.grad(forward(*inputs), inputs, dy)

    return call


def _torch_batch_norm_and_back(x, gamma, beta, dy):
    x, dy = (t.permute(0, 3, 1, 2) for t in (x, dy))
    return _torch_and_back(_torch_batch_norm_of, [x, gamma, beta], dy)


def _torch_layer_norm_and_back(x, gamma, beta, dy):
    import torch

    norm = lambda x, *vectors: torch.nn.functional.layer_norm(x, x.shape[-1:], *vectors, eps=1e-3)  # noqa: E731
    return _torch_and_back(norm, [x, gamma, beta], dy)


# -- windows ----------------------------------------------------------------------------------------------------------

#: (batch, height and width, channels in, channels out, kernel, stride, dilation): Keras's 'same' padding at stride 1
#: for padded sizes is left out, as the reference list has its sizes with the border.
CONVOLUTIONS = (
    (128, 28, 1, 32, 3, 1, 1), (128, 13, 32, 64, 3, 1, 1), (64, 34, 32, 32, 3, 1, 1), (64, 18, 64, 64, 3, 1, 1),
    (64, 10, 128, 128, 3, 1, 1), (64, 34, 3, 32, 3, 1, 1), (64, 16, 64, 128, 1, 1, 1), (64, 20, 32, 32, 5, 1, 1),
    (64, 33, 32, 64, 3, 2, 1), (64, 20, 64, 64, 3, 1, 2),
)  # fmt: skip

#: Channels of depthwise convolutions, padded to the same size.
DEPTHWISE_CHANNELS = (3, 16, 32, 64, 256)


def _convolutions():
    from nbkeras import ops

    if not hasattr(ops, "conv"):
        return
    for batch, size, channels, filters, window, stride, dilation in CONVOLUTIONS:
        to = (size - dilation * (window - 1) - 1) // stride + 1
        x, w, dy = (batch, size, size, channels), (window, window, channels, filters), (batch, to, to, filters)
        flops = 2.0 * batch * to * to * filters * channels * window * window
        shape = f"{batch}x{size}x{size} {channels}->{filters} {window}x{window}"
        shape += (f" /{stride}" if stride > 1 else "") + (f" dilated {dilation}" if dilation > 1 else "")
        conv = functools.partial(ops.conv, strides=stride, padding="valid", dilation_rate=dilation)
        theirs = functools.partial(_torch_conv, stride=stride, dilation=dilation)
        yield from _three_ways(shape, conv, (x, w, dy), flops, theirs)
    for channels, window, stride in itertools.product(DEPTHWISE_CHANNELS, (3, 5), (1, 2)):
        batch, size = (32, 15 + stride) if channels > 64 else (64, 31 + stride)
        to = -(-size // stride)
        x, w, dy = (batch, size, size, channels), (window, window, channels, 1), (batch, to, to, channels)
        flops = 2.0 * math.prod(dy) * window * window
        shape = f"{batch}x{size}x{size} {channels} depthwise {window}x{window}" + (f" /{stride}" if stride > 1 else "")
        conv = functools.partial(ops.depthwise_conv, strides=stride, padding="same")
        theirs = functools.partial(_torch_conv, stride=stride, padding=window // 2, groups=channels)
        yield from _three_ways(shape, conv, (x, w, dy), flops, theirs)


def _three_ways(shape, conv, shapes, flops, torch):
    """A convolution forward, and its gradients to the input and to the kernel."""
    from nbkeras.graph.gradient import gradient

    def backward(x, w, dy, of):
        return gradient(conv(x, w), [(x, w)[of]], seed=dy)[0]

    traffic = 4.0 * sum(math.prod(array) for array in shapes)
    for name, ours, given, which in (
        ("forward", conv, shapes[:2], None),
        ("to input", functools.partial(backward, of=0), shapes, 0),
        ("to weights", functools.partial(backward, of=1), shapes, 1),
    ):
        yield Case("conv", f"{shape} {name}", ours, given, flops, traffic, torch=functools.partial(torch, which=which))


def _torch_conv(x, w, dy=None, *, which, stride, dilation=1, padding=0, groups=1):
    """PyTorch's (oneDNN's) convolution in its fastest layout, channels last; kernels (*, C, 1) if it is depthwise."""
    import torch

    x, dy = (t if t is None else t.permute(0, 3, 1, 2) for t in (x, dy))
    w = w.permute(2, 3, 0, 1) if groups > 1 else w.permute(3, 2, 0, 1)
    w = w.contiguous(memory_format=torch.channels_last)
    if which is None:
        return lambda: torch.nn.functional.conv2d(
            x, w, stride=stride, padding=padding, dilation=dilation, groups=groups
        )
    mask = [which == 0, which == 1, False]
    window = [stride, stride], [padding, padding], [dilation, dilation]
    return lambda: torch.ops.aten.convolution_backward(dy, x, w, None, *window, False, [0, 0], groups, mask)


def _pools():
    from nbkeras import ops

    if not hasattr(ops, "max_pool"):
        return
    for shape in ((128, 26, 26, 32), (64, 32, 32, 32), (64, 16, 16, 64)):
        traffic, name = 5.0 * math.prod(shape), "x".join(map(str, shape))
        for kind, theirs, pool in (("max", "max", ops.max_pool), ("average", "avg", ops.average_pool)):
            ours = functools.partial(pool, pool_size=2)
            yield Case("pool", f"{kind} 2x2 {name}", ours, (shape,), 0, traffic, torch=_torch_pool(theirs))
            small = (shape[0], shape[1] // 2, shape[2] // 2, shape[3])
            yield Case(
                "pool",
                f"{kind} 2x2 {name} and back",
                lambda x, dy, pool=ours: _and_back(pool(x), [x], dy),
                (shape, small),
                0,
                2 * traffic,
                torch=_torch_pool_and_back(theirs),
            )


def _torch_pool_and_back(kind):
    def prepare(x, dy):
        import torch

        x, dy = (t.permute(0, 3, 1, 2) for t in (x, dy))
        return _torch_and_back(lambda x: getattr(torch.nn.functional, f"{kind}_pool2d")(x, 2), [x], dy)

    return prepare


def _torch_pool(kind):
    def prepare(x):
        import torch

        x = x.permute(0, 3, 1, 2)
        return functools.partial(getattr(torch.nn.functional, f"{kind}_pool2d"), x, 2)

    return prepare


#: Samples, size of the image, channels, filters.
POOLED_LAYERS = ((128, 28, 1, 32), (128, 13, 32, 64), (64, 34, 3, 32), (64, 34, 32, 32))


def _pooled_layers():
    """A convolution of 3 by 3, bias, relu and max pooling, also with the gradients of a first layer."""
    from nbkeras import ops

    def layer(x, w, b):
        return ops.max_pool(ops.relu(ops.add(ops.conv(x, w), b)), 2)

    def and_back(x, w, b, dy):
        return _and_back(layer(x, w, b), [w, b], dy)

    for batch, size, channels, filters in POOLED_LAYERS:
        to = (size - 2) // 2
        shapes = (batch, size, size, channels), (3, 3, channels, filters), (filters,)
        dy = (batch, to, to, filters)
        flops = 2.0 * batch * (size - 2) ** 2 * filters * channels * 9
        traffic = 4.0 * sum(math.prod(array) for array in (*shapes, dy))
        name = f"{batch}x{size}x{size} {channels}->{filters} 3x3, relu, max 2x2"
        yield Case("pool", name, layer, shapes, flops, traffic, torch=_torch_pooled_layer)
        both = (*shapes, dy)
        torch = _torch_pooled_layer_and_back
        yield Case("pool", f"{name} and back", and_back, both, 2 * flops, 2 * traffic, torch=torch)


def _torch_pooled_layer_of(x, w, b):
    import torch

    return torch.nn.functional.max_pool2d(torch.relu(torch.nn.functional.conv2d(x, w, b)), 2)


def _torch_pooled_layer(x, w, b):
    import torch

    w = w.permute(3, 2, 0, 1).contiguous(memory_format=torch.channels_last)
    return functools.partial(_torch_pooled_layer_of, x.permute(0, 3, 1, 2), w, b)


def _torch_pooled_layer_and_back(x, w, b, dy):
    import torch

    x, dy = (t.permute(0, 3, 1, 2) for t in (x, dy))
    w = w.permute(3, 2, 0, 1).contiguous(memory_format=torch.channels_last)
    return _torch_and_back(lambda w, b: _torch_pooled_layer_of(x, w, b), [w, b], dy)
