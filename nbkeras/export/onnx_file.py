"""`Model.export`: a model's forward pass as an ONNX file."""

from __future__ import annotations

import os

from nbkeras import tree
from nbkeras.errors import ArgumentError, ArgumentTypeError, FileError
from nbkeras.export.batch import SIZES, Rows, steps_of
from nbkeras.export.rules import RULES
from nbkeras.export.writer import IR_VERSION, OPSET, Unsupported, Writer
from nbkeras.graph import trace
from nbkeras.graph.dtypes import dtype_name
from nbkeras.graph.primitives import lift
from nbkeras.layers.signature import tree_of_shapes
from nbkeras.saving.atomic import write_bytes
from nbkeras.saving.weights import need_built

#: Protocol buffers end here.
MOST_BYTES = 2**31 - 1


class Spec:
    """An input of the graph: its name, its shape, with None for the batch, and its dtype."""

    def __init__(self, name, shape, dtype):
        self.name, self.shape, self.dtype = name, tuple(shape), dtype


def export(model, filepath, format="onnx", verbose=None, input_signature=None, opset_version=None, **kwargs) -> None:
    """Write a model's forward pass to an ONNX file; see `Model.export`."""
    if kwargs:
        raise ArgumentTypeError(f"export: unknown argument {next(iter(kwargs))!r}.")
    if format != "onnx":
        raise ArgumentError(f"export: the only format is 'onnx', got {format!r}.", next="format='onnx'.")
    if opset_version not in (None, OPSET):
        raise ArgumentError(f"export: opset_version must be {OPSET}, got {opset_version!r}.", next="leave it out.")
    need_built(model, "export")
    path = os.fspath(filepath)
    write_bytes(path, onnx_bytes(model, input_signature))
    if verbose:
        print(f"Saved artifact at {path!r}.")


def onnx_bytes(model, input_signature=None) -> bytes:
    """The ONNX file of a model, in memory."""
    specs, call = _signature(model, input_signature)
    return function_bytes(call, specs, model.name, getattr(model, "output_names", None))


def function_bytes(call, specs, name: str, output_names=None) -> bytes:
    """The ONNX file of a function of tensors, in memory.

    Args:
        call: takes tensors in the structure of the specs and gives a structure of tensors.
        specs: a structure of `Spec`.
        name: of the graph.
        output_names: one for each output, if they have names.
    """
    steps, outputs = steps_of([_trace(specs, call, size) for size in SIZES])
    inputs = tree.flatten(specs)
    names = [spec.name for spec in inputs]
    out_names = _output_names(output_names, len(outputs), names)
    grows = (number for number, spec in enumerate(inputs) if spec.shape[:1] == (None,))
    writer = Writer(names, {*names, *out_names}, next(grows, None))
    _write(writer, steps, name)
    for out_name, value in zip(out_names, outputs, strict=True):
        writer.nodes.append(writer.onnx.helper.make_node("Identity", [writer.name(value)], [out_name], name=out_name))
    return _file(writer, name, inputs, zip(out_names, outputs, strict=True))


def _write(writer, steps, name: str) -> None:
    """All steps; what cannot be written is told at once."""
    problems = []
    for step in steps:
        try:
            if step.primitive not in RULES:
                raise Unsupported
            writer.step(step, RULES[step.primitive])
        except Unsupported as problem:
            where = f" in {step.scope!r}" if step.scope else ""
            problems.append(f"{step.primitive} {problem}".rstrip() + where)
            # Later steps may need its outputs by name.
            writer.step(step, lambda writer, step: ["?"] * len(step.outputs))
    if problems:
        listed = ", ".join(dict.fromkeys(problems))
        raise ArgumentError(
            f"export: {name!r} cannot be written as ONNX, which has nothing for: {listed}.",
            next="export the model without these layers, or replace them.",
        )


def _file(writer, name, inputs, outputs) -> bytes:
    helper = writer.onnx.helper

    def described(tensor, shape, dtype):
        return helper.make_tensor_value_info(tensor, writer.element_type(dtype), [_length(n) for n in shape])

    graph = helper.make_graph(
        writer.nodes,
        name,
        [described(spec.name, spec.shape, spec.dtype) for spec in inputs],
        [described(out_name, value.shape, value.dtype) for out_name, value in outputs],
        writer.weights,
    )
    from nbkeras import __version__

    made = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION,
        producer_name="nbkeras", producer_version=__version__,
    )  # fmt: skip
    size = made.ByteSize()
    if size > MOST_BYTES:
        raise FileError(f"export: the model has {size} bytes, and an ONNX file cannot have more than {MOST_BYTES}.")
    return made.SerializeToString()


def _length(n):
    """A length as ONNX describes it: a number, a name, or None for lengths without one."""
    if n is None or n == Rows(1, 0):
        return "batch"
    return None if isinstance(n, Rows) else n


def _trace(specs, call, size: int):
    with trace.Graph() as graph:

        def symbol(spec):
            shape = tuple(size if n is None else n for n in spec.shape)
            return graph.input(shape, spec.dtype, spec.name)

        graph.outputs = [lift(leaf) for leaf in tree.flatten(call(tree.map_structure(symbol, specs)))]
        if graph.writes:
            changed = ", ".join(repr(variable.name) for variable in graph.writes)
            raise ArgumentError(f"export: calling the model changes variables, which a graph cannot do: {changed}.")
    return graph


def _signature(model, given):
    """The inputs, nested as the model takes them, and a function that calls the model on such a structure."""

    def call(values):
        return model(values, training=False)

    own = getattr(model, "_untracked_inputs", None)
    if own is None:
        own = getattr(model, "inputs", None)
        own = own[0] if own else None
    if own is not None:
        specs = tree.map_structure(lambda t: Spec(t.name, t.shape, t.dtype), own)
    else:
        specs, call = _of_subclass(model)
    if given is not None:
        flat, described = tree.flatten(specs), tree.flatten(given)
        if len(described) != len(flat):
            raise ArgumentError(f"export: the model has {len(flat)} inputs, input_signature has {len(described)}.")
        flat = [_given(spec, d) for spec, d in zip(flat, described, strict=True)]
        specs = tree.pack_sequence_as(specs, flat)
    for spec in tree.flatten(specs):
        if None in spec.shape[1:]:
            raise ArgumentError(
                f"export: input {spec.name!r} has shape {spec.shape}; only the batch may be of any length.",
                next="give the lengths: input_signature=[InputSpec((None, 100, ...))].",
            )
    return specs, call


def _given(spec, described):
    shape, dtype = getattr(described, "shape", None), getattr(described, "dtype", None)
    if shape is None or len(shape) != len(spec.shape):
        raise ArgumentError(f"export: input_signature describes input {spec.name!r} of shape {spec.shape} by {shape}.")
    name = getattr(described, "name", None) or spec.name
    return Spec(name, shape, spec.dtype if dtype is None else dtype_name(dtype))


def _of_subclass(model):
    """Inputs and call of a model of one's own: it was built for shapes of its arguments."""
    shapes = {name: shape for name, shape in (model._untracked_build_shapes or {}).items() if name != "self"}
    counter = iter(range(len(shapes) * 100))

    def spec(shape):
        return Spec(f"input_{next(counter)}", (None, *shape[1:]), model.compute_dtype)

    def call(values):
        return model(**values, training=False)

    return {name.removesuffix("_shape"): tree_of_shapes(shape, spec) for name, shape in shapes.items()}, call


def _output_names(given, count: int, taken: list[str]) -> list[str]:
    names = list(given or [])
    if len(set(names)) != count:
        names = [f"output_{number}" for number in range(count)]
    # A graph's names are unique: an output may be an input, or have the name of one.
    return [f"{name}_output" if name in taken else name for name in names]
