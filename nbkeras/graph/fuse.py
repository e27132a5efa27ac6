"""Rewrites: fewer launches and fewer passes over memory, same numbers.

| rewrite | why | gain |
|---|---|---|
| equal nodes become one | gradients of gradients repeat nodes | second derivatives: 65 launches instead of 69 |
| transposes that meet their inverses (`transposes.py`) | channels first is computed as channels last | `convnet` 72 % |
| matrix products read transposed matrices where they lie | no copy | transpose(a) @ b, 784x64x128: 46 % |
| softmax beside its cross-entropy | the loss kernel computes the softmax anyway | `mlp_small` 2 % |
| convolution + a vector | it is the bias of the convolution | custom layers: a pass over memory |
| affine, convolution + residual | it is added to a hot tile | prediction of a residual network 5 % |
| affine, convolution + activation | it runs on a hot tile | 2 to 4 %; `convnet`'s prediction 19 % |
| places of max pooling that no gradient reads | only training needs them | prediction of `convnet` 1 % |
| normalization of channels + relu | one more instruction as the result is stored | `vgg` 3 %, its prediction 1 to 4 % |
| affine, convolution + normalization with given statistics | scaled weights | prediction of `vgg` 2 to 4 % |
| relu's derivative before that of the normalization | whether x passed is computed from x | `vgg` 1 to 2 % |
| their gradients + relu's derivative | the mask is applied as the tile is stored | `mlp_small` 4 %, `conv1d` 1 % |
| relu's derivative behind max pooling | it is known from the pooled values | `convnet` 9 % |
| pixels + max pooling (`pools.py`) | pooled in cache | `convnet` 15 %, its prediction 35 %, that of `vgg` 10 % |
| max pooling's gradient + a kernel's (`pools.py`) | spread in cache, where nothing else reads it | `convnet` 10 % |
| sums behind pooling's gradient (`sums.py`) | of what it was given: a bias reads a quarter | makes way for that |
| sums beside a kernel's gradient (`sums.py`) | a bias takes no pass of its own | 2 to 10 % of that gradient |
| chains of elementwise nodes (`groups.py`) | one pass over memory for the whole chain | a pass a node |

Gains: what a training step of the reference workloads takes longer without the one rewrite, on one core of an AMD EPYC
with AVX-512 (of `pools.py` and `sums.py` on two of a Xeon); a workload that is not named gains less than 1 %, the error
of the measurement.
"""

from __future__ import annotations

import numpy as np

from nbkeras.graph import order
from nbkeras.graph.gates import fuse_gate, gate_channels, gate_pooled
from nbkeras.graph.groups import group
from nbkeras.graph.pools import forget_places, fuse_pool, spread_in_kernel
from nbkeras.graph.primitives import TABLE
from nbkeras.graph.rewriting import count_uses, exchange, needed, replace
from nbkeras.graph.sums import sum_before_pooling, sum_beside_kernel
from nbkeras.graph.symbol import Node
from nbkeras.graph.transposes import cancel_transposes, read_transposed
from nbkeras.graph.verify import verify
from nbkeras.kernels.scalars import ACTIVATIONS


def fuse(graph) -> list[Node]:
    """The nodes that a plan runs, in order, after all rewrites; each pass is verified.

    A rewrite gives the very list that it was given if it finds nothing to do. The rewrites see values alone; what
    overwriting memory demands of the order is found once they are done.
    """
    nodes, checked = needed(graph.nodes, graph), set()
    verify(nodes, graph, "trace", checked)
    for rewrite in REWRITES:
        before, nodes = nodes, rewrite(nodes, graph)
        if nodes is not before:
            verify(nodes, graph, rewrite.__name__, checked)
    nodes, extra = order.settle(nodes, graph)
    nodes = group(nodes, graph, extra)
    verify(nodes, graph, "group", checked)
    return nodes


def _frozen(value):
    if isinstance(value, np.ndarray):
        return value.tobytes(), value.shape
    return tuple(value) if isinstance(value, list) else value


def merge_equal(nodes, graph):
    """Nodes with equal primitive, inputs and parameters become one."""
    seen, replacement, kept = {}, {}, []
    for node in nodes:
        node.inputs = tuple(replacement.get(id(s), s) for s in node.inputs)
        params = tuple(sorted((k, _frozen(v)) for k, v in node.params.items()))
        key = (node.primitive.name, tuple(id(s) for s in node.inputs), params)
        first = seen.get(key)
        if first is None or node.primitive.inplace:
            seen[key] = node
            kept.append(node)
        else:
            replacement.update((id(s), t) for s, t in zip(node.outputs, first.outputs, strict=True))
    if not replacement:
        return nodes
    replace(kept, graph, replacement)
    return kept


def move_transposes(nodes, graph):
    """Transposes behind elementwise work, where they meet their inverses (`transposes.py`)."""
    moved, replacement = cancel_transposes(nodes)
    if moved is None:
        return nodes
    replace(moved, graph, replacement)
    return merge_equal(needed(moved, graph), graph)


def share_softmax(nodes, graph):
    """A softmax whose input also goes into a fused cross-entropy is that node's second output."""
    fused = {id(n.inputs[0]): n for n in nodes if n.primitive.name.endswith("softmax_crossentropy")}
    if not fused:
        return nodes
    producers = {id(s): n for n in nodes for s in n.outputs}
    replacement, kept = {}, []
    for node in nodes:
        loss = fused.get(id(node.inputs[0])) if node.primitive.name == "softmax" and not node.params["log"] else None
        # A target made from the softmax itself, as in distillation, must have it before the loss.
        if loss is not None and not _depends(loss, node, producers, replacement):
            replacement[id(node.outputs[0])] = loss.outputs[1]
        else:
            kept.append(node)
    if not replacement:
        return nodes
    replace(kept, graph, replacement)
    return order.sort(kept, {})  # the loss may come after what reads the softmax


def _depends(node, other, producers, replacement) -> bool:
    """Does a node need what the other computes, once replacements are made?"""
    seen, waiting = {id(node)}, [node]
    while waiting:
        for symbol in waiting.pop().inputs:
            producer = producers.get(id(replacement.get(id(symbol), symbol)))
            if producer is other:
                return True
            if producer is not None and id(producer) not in seen:
                seen.add(id(producer))
                waiting.append(producer)
    return False


#: Primitives that can apply an activation to what they compute.
ACTIVATED = ("affine", "convolution")


def fuse_activation(nodes, graph):
    """affine or convolution, then an activation whose derivative needs only its output, becomes one node."""
    uses, producers = count_uses(nodes, graph), {id(s): n for n in nodes for s in n.outputs}
    gone, made = set(), {}
    for node in nodes:
        code = ACTIVATIONS.get(node.primitive.name)
        source = producers.get(id(node.inputs[0])) if code and len(node.inputs) == 1 else None
        if source is None or source.primitive.name not in ACTIVATED or uses[id(node.inputs[0])] != 1:
            continue
        if source.params.get("activation", 0):
            continue
        fused = Node(source.primitive, source.inputs, {**source.params, "activation": code}, source.scope)
        gone.add(id(source))
        made[id(node)] = fused
    return exchange(nodes, graph, made, gone)


def fuse_bias(nodes, graph):
    """convolution, then the sum of it and a vector of its units, as custom layers write it, becomes one node."""

    def params_of(source, other):
        bare = source.primitive.name == "convolution" and len(source.inputs) == 2
        return source.params if bare and other.shape == source.outputs[0].shape[-1:] else None

    return _fuse_sums(nodes, graph, params_of)


def fuse_residual(nodes, graph):
    """affine or convolution, then the sum of it and a tensor of its shape, becomes one node."""

    def params_of(source, other):
        return {**source.params, "residual": True} if other.shape == source.outputs[0].shape else None

    return _fuse_sums(nodes, graph, params_of)


def _fuse_sums(nodes, graph, params_of):
    """A product, then the sum of it and another tensor, becomes one node with the parameters that those two give."""
    if not any(n.primitive.name == "add" for n in nodes):
        return nodes
    uses, producers = count_uses(nodes, graph), {id(s): n for n in nodes for s in n.outputs}
    gone, made = set(), {}
    for node in nodes:
        if node.primitive.name != "add":
            continue
        for summed, other in (node.inputs, node.inputs[::-1]):
            source = producers.get(id(summed))
            alone = source is not None and uses[id(summed)] == 1 and id(source) not in gone
            plain = alone and source.primitive.name in ACTIVATED and not source.params.get("activation", 0)
            params = params_of(source, other) if plain and summed.shape == node.outputs[0].shape else None
            if params is not None:
                made[id(node)] = Node(source.primitive, (*source.inputs, other), params, source.scope)
                gone.add(id(source))
                break
    return exchange(nodes, graph, made, gone)


def fuse_channels(nodes, graph):
    """A normalization of channels that only a relu reads applies it."""
    kinds = ("batch_norm", "channel_affine")
    producers = {id(s): n for n in nodes for s in n.outputs if n.primitive.name in kinds}
    uses = count_uses(nodes, graph) if producers else {}
    gone, made = set(), {}
    for node in nodes:
        source = producers.get(id(node.inputs[0])) if node.primitive.name == "relu" else None
        if source is None or node.inputs[0].index != 0 or uses[id(node.inputs[0])] != 1 or "relu" in source.params:
            continue
        made[id(source)] = Node(source.primitive, source.inputs, {**source.params, "relu": True}, source.scope)
        gone.add((id(node), id(node.outputs[0]), id(source)))
    if not made:
        return nodes
    pairs = ((n.outputs, made[id(n)].outputs) for n in nodes if id(n) in made)
    replacement = {id(s): t for old, new in pairs for s, t in zip(old, new, strict=True)}
    replacement.update((output, made[source].outputs[0]) for _, output, source in gone)
    relus = {relu for relu, _, _ in gone}
    kept = [made.get(id(n), n) for n in nodes if id(n) not in relus]
    replace(kept, graph, replacement)
    return kept


def fold_channels(nodes, graph):
    """affine or convolution, then a normalization with given statistics: scaled weights and another bias do both.

    (x w + b - center) * scale + shift = x (w * scale) + (b - center) * scale + shift.
    """
    if not any(n.primitive.name == "channel_affine" for n in nodes):
        return nodes
    uses, producers = count_uses(nodes, graph), {id(s): n for n in nodes for s in n.outputs}
    gone, made = set(), {}
    for node in nodes:
        source = producers.get(id(node.inputs[0])) if node.primitive.name == "channel_affine" else None
        if source is None or source.primitive.name not in ACTIVATED or uses[id(node.inputs[0])] != 1:
            continue
        # Few samples: the outputs are fewer than the weights.
        x, weights, *bias = source.inputs
        turned = source.params.get("tb")  # their columns lie in rows, which the scale does not fit
        if source.params.get("activation", 0) or turned or weights.size > node.outputs[0].size:
            continue
        made[id(node)] = _scaled(node, source, x, weights, bias)
        gone.add(id(source))
    if not made:
        return nodes
    replacement = {id(n.outputs[0]): made[id(n)][-1].outputs[0] for n in nodes if id(n) in made}
    kept = [m for n in nodes if id(n) not in gone for m in made.get(id(n), [n])]
    replace(kept, graph, replacement)
    return kept


def _scaled(node, source, x, weights, bias):
    """The nodes of an affine or convolution that does what a channel_affine does after it."""
    _, center, scale, shift = node.inputs

    def emit(name, *inputs):
        steps.append(Node(TABLE[name], inputs, {}, node.scope))
        return steps[-1].outputs[0]

    steps: list[Node] = []
    weights = emit("multiply", weights, scale)
    level = emit("subtract", bias[0], center) if bias else emit("negative", center)
    level = emit("add", emit("multiply", level, scale), shift)
    activation = {"activation": ACTIVATIONS["relu"]} if node.params.get("relu") else {}
    steps.append(Node(source.primitive, (x, weights, level), {**source.params, **activation}, source.scope))
    return steps


#: All rewrites, in order: a gate goes into a normalization rather than into the product before it.
REWRITES = (
    merge_equal,
    move_transposes,
    read_transposed,
    share_softmax,
    fuse_bias,
    forget_places,
    fuse_channels,
    fold_channels,
    fuse_residual,
    fuse_activation,
    gate_channels,
    gate_pooled,
    sum_before_pooling,
    fuse_gate,
    fuse_pool,
    spread_in_kernel,
    sum_beside_kernel,
)
