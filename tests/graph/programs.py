"""Programs drawn at random as data: built into a graph, interpreted by the references, made smaller when they fail."""

from __future__ import annotations

import contextlib
import time

import numpy as np

from nbkeras.errors import GraphError, ShapeError
from nbkeras.graph import trace
from nbkeras.graph.gradient import gradient
from nbkeras.graph.plan import Plan
from nbkeras.graph.primitives import cast, emit
from nbkeras.graph.symbol import Node, Symbol
from nbkeras.graph.variable import Arena, Slot
from nbkeras.optimizers.sections import Section

SHAPES = [(), (1,), (3,), (4,), (2, 3), (3, 4), (4, 3), (1, 4), (3, 1), (2, 3, 4), (1, 3, 4), (37,), (30, 40)]
#: Besides those, in programs with rare values: shapes without elements.
EMPTY = [(0,), (0, 3), (3, 0), (2, 0, 4)]
FLOATS, INTEGERS = ("float32", "float64"), ("int32", "int64")


class Program:
    """Nodes as (primitive, inputs, params, outputs) over the symbols of the graph that was drawn.

    Attributes:
        variables: the slots, arenas among them behind their members.
        first: variable -> value before the first run.
        rare: whether NaN and infinity are among its inputs.
    """

    def __init__(self, graph, variables, outputs, rare=False):
        self.rare = rare
        self.nodes = [(n.primitive, n.inputs, n.params, n.outputs) for n in graph.nodes]
        self.inputs, self.constants = list(graph.inputs), dict(graph.constants)
        self.reads, self.values = dict(graph.reads), dict(graph.values)
        self.variables, self.outputs = variables, list(outputs)
        self.first = {v: v.numpy() for v in variables}

    def but(self, **changed):
        """The same program with some attributes changed, without nodes that nothing needs."""
        made = Program.__new__(Program)
        made.__dict__.update(self.__dict__, **changed)
        needed = {id(s) for s in made.outputs} | {id(s) for v, s in made.values.items() if s is not made.reads[v]}
        kept = []
        for node in reversed(made.nodes):
            if any(id(s) in needed for s in node[3]):
                kept.append(node)
                needed.update(id(s) for s in node[1])
        made.nodes = kept[::-1]
        made.inputs = [s for s in made.inputs if id(s) in needed]
        return made

    def graph(self):
        """A fresh graph with fresh symbols: planning changes nodes."""
        graph, fresh = trace.Graph(), {}

        def source(symbol):
            fresh[id(symbol)] = Symbol(symbol.shape, symbol.dtype, name=symbol.name)
            return fresh[id(symbol)]

        graph.inputs = [source(s) for s in self.inputs]
        graph.constants = {source(s): value for s, value in self.constants.items()}
        graph.reads = {v: source(s) for v, s in self.reads.items()}
        for primitive, inputs, params, outputs in self.nodes:
            node = Node(primitive, [fresh[id(s)] for s in inputs], params, "")
            graph.nodes.append(node)
            fresh.update((id(old), new) for old, new in zip(outputs, node.outputs, strict=True))
        graph.values = {v: fresh[id(s)] for v, s in self.values.items()}
        graph.outputs = [fresh[id(s)] for s in self.outputs]
        return graph

    def interpret(self, arrays, state, noise=None):
        """Outputs and the variables' new values, node by node; `noise` shakes every float result a little."""
        values = {id(s): a for s, a in zip(self.inputs, arrays, strict=True)}
        values.update((id(s), a) for s, a in self.constants.items())
        values.update((id(s), state[v]) for v, s in self.reads.items())
        for primitive, inputs, params, outputs in self.nodes:
            with np.errstate(all="ignore"):
                results = primitive.reference(*(values[id(s)] for s in inputs), **params)
                results = results if isinstance(results, tuple) else (results,)
                for symbol, result in zip(outputs, results, strict=True):
                    value = np.array(result).astype(symbol.dtype).reshape(symbol.shape)
                    exact = primitive.view or primitive.name in EXACT
                    if noise is not None and symbol.dtype in FLOATS and not exact:
                        shaken = 1 + noise.uniform(-3e-7, 3e-7, symbol.shape)
                        value = (value * shaken).astype(symbol.dtype).reshape(symbol.shape)
                    values[id(symbol)] = value
        new = dict(state)
        written = [v for v, s in self.values.items() if s is not self.reads[v]]
        for variable in sorted(written, key=lambda v: not isinstance(v, Arena)):
            value = new[variable] = values[id(self.values[variable])]
            if isinstance(variable, Arena):
                for member, offset in zip(variable.variables, variable.offsets, strict=True):
                    new[member] = value[offset : offset + member.size].reshape(member.shape)
        return [values[id(s)] for s in self.outputs], {v: a for v, a in new.items() if not isinstance(v, Arena)}

    def __str__(self):
        names = {id(s): f"in{i}" for i, s in enumerate(self.inputs)}
        names.update((id(s), f"constant{s.shape}{s.dtype}") for s in self.constants)
        names.update((id(s), f"old[{v.name}]") for v, s in self.reads.items())
        lines = [f"{names[id(s)]}: {s.dtype}{list(s.shape)}" for s in self.inputs]
        for number, (primitive, inputs, params, outputs) in enumerate(self.nodes):
            names.update((id(s), f"s{number}" + "'" * i) for i, s in enumerate(outputs))
            left = ", ".join(f"{names[id(s)]}: {s.dtype}{list(s.shape)}" for s in outputs)
            lines.append(f"{left} = {primitive.name}({', '.join(names[id(s)] for s in inputs)}) {params}")
        for variable, symbol in self.values.items():
            where = f"{variable.arena.name}+{variable.offset}" if variable.arena is not None else "alone"
            lines.append(f"{variable.name} ({where}, {variable.dtype}{list(variable.shape)}) := {names[id(symbol)]}")
        return "\n".join([*lines, "return " + ", ".join(names[id(s)] for s in self.outputs)])


#: Nodes that only move or choose values.
EXACT = frozenset(
    "take place concatenate transpose gather pack negative absolute sign floor ceil round relu maximum minimum where "
    "broadcast_to sort clip_values".split()
)


def random_value(rng, shape, dtype, rare=False):
    if dtype == "bool":
        return rng.random(shape) < 0.5
    if dtype in INTEGERS:
        return rng.integers(-3, 6, shape).astype(dtype)
    value = rng.uniform(-1.5, 1.5, shape).astype(dtype)
    if rare and rng.random() < 0.4:
        value[rng.random(shape) < 0.1] = rng.choice([np.nan, np.nan, np.inf, -np.inf])
    return value


#: How often each kind of operation is drawn; 1 for those not named.
WEIGHTS = {"unary": 4.0, "binary": 5.0, "assign": 4.0, "dense": 1.5, "gradient": 1.5, "optimizer": 2.0, "raw": 0.7}


class Drawing:
    """Draws one program, operation after operation.

    Args:
        rare: also shapes without elements, NaN and infinity.
    """

    def __init__(self, seed, rare=False):
        self.rng = np.random.default_rng(seed)
        self.rare = rare
        self.shapes = SHAPES + EMPTY if rare else SHAPES
        self.slots, self.arenas = [], []
        self._variables()
        self.pool = []
        with trace.Graph() as self.graph:
            for _ in range(self.rng.integers(1, 4)):
                self.pool.append(self.graph.input(self.shape(), self.dtype()))
            for _ in range(self.rng.integers(4, 30)):
                # NumPy's ValueError: there is nothing to draw from on an axis of length 0.
                with contextlib.suppress(GraphError, ShapeError, *([ValueError] if rare else [])):
                    self.step()
        candidates = [s for s in self.pool if self.rng.random() < 0.2] or self.pool[-1:]
        candidates += [s for s in (*self.graph.reads.values(), *self.graph.values.values()) if self.rng.random() < 0.2]
        self.program = Program(self.graph, self.slots + self.arenas, candidates, rare).but()

    def shape(self):
        return self.shapes[self.rng.integers(len(self.shapes))]

    def value(self, shape, dtype):
        return random_value(self.rng, shape, dtype, self.rare)

    def dtype(self):
        return str(self.rng.choice(["float32"] * 6 + ["float64", "int32", "int64", "bool"]))

    def _slot(self, shape, dtype):
        slot = Slot(self.value(shape, dtype), dtype, f"v{len(self.slots)}")
        self.slots.append(slot)
        return slot

    def _variables(self):
        for _ in range(self.rng.integers(1, 5)):
            self._slot(self.shape(), self.dtype())
        if self.rng.random() < 0.6:
            shapes = [SHAPES[i] for i in self.rng.integers(2, len(SHAPES), self.rng.integers(1, 4))]
            shapes += [(4, 3)] * int(self.rng.integers(0, 3))
            for name in ("weights", "first", "second")[: self.rng.integers(1, 4)]:
                self.arenas.append(Arena([self._slot(s, "float32") for s in shapes], name))
        self.counter, self.rate = self._slot((), "int64"), self._slot((), "float32")
        self.rate.array[...] = 0.1
        self.counter.array[...] = 2

    # -- choosing operands --------------------------------------------------------------------------------------------

    def read(self, variable):
        symbol = self.graph.read(variable)
        return symbol

    def pick(self, test=lambda s: True):
        """Something that passes a test: made lately, made some time, or a variable's present value."""
        if self.rng.random() < 0.35:
            variables = [v for v in self.slots if test(v)]
            if variables:
                return self.read(variables[self.rng.integers(len(variables))])
        found = [s for s in self.pool if test(s)]
        if found and self.rng.random() < 0.5:
            found = found[-4:]
        if found:
            return found[self.rng.integers(len(found))]
        raise GraphError("nothing to choose from")

    def floating(self, test=lambda s: True):
        return self.pick(lambda s: s.dtype in FLOATS and test(s))

    def like(self, shape, dtype):
        """Something of this shape and dtype, made if there is nothing."""
        if self.rng.random() < 0.8:
            with contextlib.suppress(GraphError, ShapeError):
                return self.pick(lambda s: tuple(s.shape) == tuple(shape) and s.dtype == dtype)
        if self.rng.random() < 0.5:
            with contextlib.suppress(GraphError, ValueError):
                found = self.pick(lambda s: fits(s, shape) and np.broadcast_shapes(s.shape, shape) == tuple(shape))
                if not (self.rare and dtype in INTEGERS and found.dtype in FLOATS):
                    return emit("broadcast_to", cast(found, dtype), shape=tuple(shape))
        return self.graph.constant(self.value(shape, dtype))

    def fitting(self, x, dtype=None):
        """Something of x's dtype that broadcasts with it, not to something big."""
        if self.rng.random() < 0.3:
            shape = x.shape[len(x.shape) - self.rng.integers(0, len(x.shape) + 1) :]
            return self.graph.constant(self.value(shape, dtype or x.dtype))
        exact = self.rare and (dtype or x.dtype) in INTEGERS
        found = self.pick(lambda s: fits(s, x.shape) and not (exact and s.dtype in FLOATS))
        return cast(found, dtype or x.dtype)

    def choice(self, words):
        return str(self.rng.choice(words.split()))

    # -- operations ---------------------------------------------------------------------------------------------------

    def step(self):
        kinds = [name for name in dir(self) if name.startswith("op_")]
        weights = np.array([WEIGHTS.get(k[3:], 1.0) for k in kinds])
        made = getattr(self, self.rng.choice(kinds, p=weights / weights.sum()))()
        made = made if isinstance(made, (tuple, list)) else (made,)
        self.pool += [s for s in made if isinstance(s, Symbol) and (s.size or self.rare)]

    def op_unary(self):
        name = self.choice("tanh sin sigmoid relu negative absolute floor square exp softplus")
        x = self.floating()
        return emit(name, emit("tanh", x) if name == "exp" else x)

    def op_binary(self):
        x = self.pick()
        if x.dtype == "bool":
            return emit(self.choice("logical_and logical_or logical_xor equal"), x, self.fitting(x))
        y = self.fitting(x)
        pair = (x, y) if self.rng.random() < 0.5 else (y, x)
        if self.rng.random() < 0.25:
            return emit(self.choice("less greater equal less_equal not_equal"), *pair)
        if x.dtype in INTEGERS:
            return emit(self.choice("add subtract maximum minimum floor_divide mod"), *pair)
        if self.rng.random() < 0.15:
            base = emit("absolute", emit("tanh", pair[0]))
            return emit("power", emit("add", base, np.asarray(0.3, x.dtype)), emit("tanh", pair[1]))
        return emit(self.choice("add subtract multiply maximum minimum"), *pair)

    def op_where(self):
        x = self.pick()
        return emit("where", self.fitting(x, "bool"), x, self.fitting(x))

    def op_cast(self):
        # No integer is NaN or infinite: what a processor makes of them is its own.
        return cast(self.pick(lambda s: not self.rare or s.dtype not in FLOATS), self.dtype())

    def op_reduce(self):
        x = self.pick(lambda s: s.shape)
        axes = tuple(i for i in range(len(x.shape)) if self.rng.random() < 0.6)
        op = "max" if x.dtype == "bool" else self.choice("sum max min")
        if not x.size and op != "sum":
            raise GraphError("the largest of nothing")
        return emit("reduce", x, axes=axes, op=op)

    def op_arg(self):
        x = self.pick(lambda s: s.shape and s.size and s.dtype != "bool")
        return emit("arg_reduce", x, axis=int(self.rng.integers(len(x.shape))), op=self.choice("max min"))

    def op_transpose(self):
        x = self.pick()
        return emit("transpose", x, axes=tuple(int(a) for a in self.rng.permutation(len(x.shape))))

    def op_reshape(self):
        x = self.pick()
        shapes = [s for s in self.shapes if int(np.prod(s)) == x.size] + [(x.size,), (1, x.size)]
        return emit("reshape", x, shape=shapes[self.rng.integers(len(shapes))])

    def op_stop(self):
        return emit("stop_gradient", self.pick())

    def op_take(self):
        x = self.pick(lambda s: s.shape)
        start, step, shape = [], [], []
        for n in x.shape:
            size = int(self.rng.integers(1, n + 1))
            back = self.rng.random() < 0.3
            start.append(int(self.rng.integers(size - 1, n)) if back else int(self.rng.integers(0, n - size + 1)))
            step.append(-1 if back else 1)
            shape.append(size)
        return emit("take", x, start=tuple(start), step=tuple(step), shape=tuple(shape))

    def op_place(self):
        x = self.pick(lambda s: s.shape and s.size < 200)
        start = tuple(int(i) for i in self.rng.integers(0, 2, len(x.shape)))
        shape = tuple(n + s + int(self.rng.integers(0, 2)) for n, s in zip(x.shape, start, strict=True))
        return emit("place", x, start=start, step=(1,) * len(shape), shape=shape, value=float(self.rng.integers(0, 2)))

    def op_concatenate(self):
        x = self.pick(lambda s: s.shape and s.size < 200)
        other = self.like(x.shape, x.dtype)
        return emit("concatenate", x, other, axis=int(self.rng.integers(len(x.shape))))

    def _index(self):
        return self.pick(lambda s: s.dtype == "int64" and len(s.shape) <= 1)

    def op_gather(self):
        x = self.pick(lambda s: s.shape and 0 < s.size < 200)
        return emit("gather", x, self._index(), axis=int(self.rng.integers(len(x.shape))))

    def op_scatter(self):
        index = self.pick(lambda s: s.dtype == "int64" and len(s.shape) == 1)
        return emit("scatter_add", index, self.like(index.shape, "float32"), axis=0, size=5)

    def op_matmul(self):
        a = self.pick(lambda s: s.dtype == "float32" and len(s.shape) == 3)
        batch, m, k = a.shape
        if self.rng.random() < 0.5:
            return emit("matmul", a, self.like((batch, k, 3), "float32"), ta=False, tb=False)
        return emit("matmul", a, self.like((batch, m, 3), "float32"), ta=True, tb=False)

    def op_dense(self):
        w = self.read(self._of(lambda v: v.shape in ((4, 3), (3, 4)) and v.dtype == "float32"))
        x = self.pick(lambda s: s.dtype == "float32" and s.shape and s.shape[-1] == w.shape[0])
        bias = (self.like((w.shape[1],), "float32"),) if self.rng.random() < 0.7 else ()
        y = emit("affine", x, w, *bias)
        self.pool.append(y)
        return emit(self.choice("relu tanh sigmoid"), y) if self.rng.random() < 0.7 else y

    def _of(self, test):
        found = [v for v in self.slots if test(v)]
        if not found:
            raise GraphError("no such variable")
        return found[self.rng.integers(len(found))]

    def op_softmax(self):
        return emit("softmax", self.pick(lambda s: s.dtype == "float32" and s.shape), log=bool(self.rng.random() < 0.3))

    def op_crossentropy(self):
        x = self.pick(lambda s: s.dtype == "float32" and s.shape and s.shape[-1])
        if self.rare:
            x = emit("tanh", x)  # of infinite logits the order of summing decides
        if self.rng.random() < 0.5:
            self.pool.append(emit("softmax", x, log=False))
        if self.rng.random() < 0.5:
            target = emit("maximum", self.like(x.shape[:-1], "int64"), np.int64(0))
            made = emit("softmax_crossentropy", x, emit("minimum", target, np.int64(x.shape[-1] - 1)), epsilon=1e-7)
        else:
            target = self.like(x.shape, "float32")
            made = emit("dense_softmax_crossentropy", x, emit("tanh", target) if self.rare else target, epsilon=0.0)
        if self.rng.random() < 0.5:
            self.pool.append(emit("softmax", x, log=False))
        return made

    def op_sort(self):
        x = self.pick(lambda s: s.dtype in ("float32", "int64") and s.shape and s.size < 200)
        return emit("sort", x, descending=bool(self.rng.random() < 0.5))

    def op_cumulative(self):
        x = self.pick(lambda s: s.dtype in ("float32", "int64") and s.shape and s.size < 200)
        axis = int(self.rng.integers(len(x.shape)))
        return emit("cumulative", x, axis=axis, op="sum", reverse=bool(self.rng.random() < 0.5))

    def op_again(self):
        """A node once more, for merging."""
        nodes = [n for n in self.graph.nodes if not n.primitive.inplace]
        if not nodes:
            raise GraphError("nothing yet")
        node = nodes[self.rng.integers(len(nodes))]
        return emit(node.primitive.name, *node.inputs, **node.params)

    # -- variables ----------------------------------------------------------------------------------------------------

    def op_assign(self):
        variable = self._of(lambda v: v is not self.rate)
        value = self.like(variable.shape, variable.dtype)
        if self.rng.random() < 0.3:
            with contextlib.suppress(GraphError, ShapeError):
                value = emit("add", self.read(variable), value) if value.dtype != "bool" else value
        return self.graph.write(variable, value)

    def op_swap(self):
        a = self._of(lambda v: True)
        b = self._of(lambda v: v.shape == a.shape and v.dtype == a.dtype)
        first, second = self.read(a), self.read(b)
        self.graph.write(a, second)
        self.graph.write(b, first)
        return first

    def op_gradient(self):
        y = self.floating()
        if y.shape:
            y = emit("reduce", y, axes=tuple(range(len(y.shape))), op="sum")
        sources = [s for s in (*self.graph.inputs, *self.graph.reads.values()) if s.dtype == y.dtype]
        found = [g for g in gradient(y, sources) if g is not None]
        return found

    def op_optimizer(self):
        """One update of a stretch of an arena, as the optimizers make it."""
        if not self.arenas:
            raise GraphError("no arena")
        count = len(self.arenas[0].variables)
        start = int(self.rng.integers(count)) if self.rng.random() < 0.4 else 0
        stop = int(self.rng.integers(start, count)) + 1 if self.rng.random() < 0.4 else count
        sections = [Section(a.variables[start:stop]) for a in self.arenas]
        if self.rng.random() < 0.4:
            y = self.floating(lambda s: s.dtype == "float32")
            y = emit("reduce", y, axes=tuple(range(len(y.shape))), op="sum") if y.shape else y
            grads = gradient(y, [self.read(v) for v in sections[0].variables])
        else:
            grads = [None] * (stop - start)
        grads = [
            self.like(v.shape, "float32") if g is None else g for g, v in zip(grads, sections[0].variables, strict=True)
        ]
        flat = sections[0].pack(grads)
        kind = self.rng.random()
        if kind < 0.2:
            flat = emit("clip_values", flat, limit=0.5)
        elif kind < 0.4:
            norms = emit("segment_norms", flat, offsets=sections[0].segments)
            flat = emit("clip_segments", flat, norms, offsets=sections[0].segments, limit=0.7)
        rate = self.read(self.rate)
        if len(sections) == 1:
            sections[0].write(emit("subtract", sections[0].read(), emit("multiply", flat, rate)))
        elif len(sections) == 3 and self.rng.random() < 0.4:
            second = emit("square", sections[2].read())
            new = emit("rmsprop", sections[0].read(), second, flat, sections[1].read(), flat, rate,
                       rho=0.9, momentum=0.5, epsilon=1e-3, centered=0)  # fmt: skip
            for section, value in zip(sections, (new[0], new[3], new[1]), strict=True):
                section.write(value)
        elif len(sections) == 2:
            new = emit("sgd", *(s.read() for s in sections), flat, rate, momentum=0.9, nesterov=0)
            for section, value in zip(sections, new, strict=True):
                section.write(value)
        else:
            # Squares: Adam takes the root of its second moments.
            second = sections[2].read()
            new = emit("adam", sections[0].read(), sections[1].read(), emit("square", second), flat, rate,
                       self.read(self.counter), beta1=0.9, beta2=0.99, epsilon=1e-3)  # fmt: skip
            for section, value in zip(sections, new, strict=True):
                section.write(value)
        made = sections[0].unpack(flat)
        if self.rng.random() < 0.5:
            sections[0].write(emit("multiply", sections[0].read(), np.float32(0.5)))
        if self.rng.random() < 0.5:
            self.graph.values[self.counter] = emit("increment", self.counter, amount=1)
        return made if self.rng.random() < 0.5 else [self.graph.read(v) for v in sections[0].variables]

    def op_raw(self):
        """An in-place primitive on whatever there is."""
        kind = self.rng.random()
        if kind < 0.3:
            return emit("clip_values", self.pick(lambda s: s.dtype == "float32"), limit=0.5)
        if kind < 0.5:
            variable = self._of(lambda v: v.dtype == "int64" and v.size)
            made = emit("increment", self.read(variable), amount=2)
            if self.rng.random() < 0.6:
                self.graph.write(variable, made)
            return made
        x = self.pick(lambda s: s.dtype == "float32" and s.size < 2000)
        m, g = self.like(x.shape, "float32"), self.like(x.shape, "float32")
        if len({id(x), id(m)}) < 2:
            raise GraphError("one memory for two results")
        made = emit("sgd", x, m, g, self.read(self.rate), momentum=0.5, nesterov=1)
        for variable, symbol in list(self.graph.values.items()):
            if (symbol is x and self.rng.random() < 0.6) or (symbol is m and self.rng.random() < 0.6):
                self.graph.write(variable, made[self.rng.integers(2)])
        return made


def fits(s, shape):
    """Does s broadcast to the shape, or the other way round?"""
    try:
        both = np.broadcast_shapes(s.shape, shape)
    except ValueError:
        return False
    return both in (tuple(s.shape), tuple(shape)) and int(np.prod(both)) < 2000


# -- comparing --------------------------------------------------------------------------------------------------------


def compare(program, seed=0, runs=3):
    """None if plan and references agree over several runs, else what differs."""
    rng = np.random.default_rng(seed)
    for variable, value in program.first.items():
        if not isinstance(variable, Arena):
            np.copyto(variable.array, value)
    try:
        plan = Plan(program.graph())
    except Exception as error:
        return f"planning: {type(error).__name__}: {error}"
    for number in range(runs):
        arrays = [random_value(rng, s.shape, s.dtype, program.rare) for s in program.inputs]
        state = {v: v.numpy() for v in program.variables}
        truth = flat(program.interpret(arrays, state))
        shaken = [flat(program.interpret(arrays, state, np.random.default_rng(i))) for i in range(3)]
        for buffer, array in zip(plan.inputs, arrays, strict=True):
            np.copyto(buffer, array)
        plan.run()
        found = {f"output {i}": np.array(a) for i, a in enumerate(plan.outputs)}
        found.update((v.name, v.numpy()) for v in program.variables if not isinstance(v, Arena))
        for name, want in truth.items():
            got = found[name]
            if got.shape != want.shape or got.dtype != want.dtype:
                return f"run {number}, {name}: {got.dtype}{got.shape} for {want.dtype}{want.shape}"
            wrong = differs(got, want, [s[name] for s in shaken])
            if wrong.any():
                index = tuple(int(i) for i in np.argwhere(wrong)[0])
                return f"run {number}, {name}{list(index)}: got {got[index]}, not {want[index]}; {wrong.sum()} wrong"
        if any(a.dtype.kind == "f" and not (np.abs(a) < 1e4).all() for a in found.values()):
            return None
    return None


def flat(result):
    outputs, state = result
    return {**{f"output {i}": a for i, a in enumerate(outputs)}, **{v.name: a for v, a in state.items()}}


def differs(got, want, shaken):
    """Where the difference is more than rounding: what shaking every node's result a little does, several times."""
    if want.dtype.kind != "f":
        unsure = np.any([s != want for s in shaken], axis=0)
        return (got != want) & ~unsure
    with np.errstate(all="ignore"):
        spread = np.max([np.abs(s.astype(float) - want) for s in shaken], axis=0)
        largest = np.abs(want[np.isfinite(want)]).max(initial=0)
        tolerance = 2e-5 * np.abs(want) + 2e-6 * largest + 30 * spread + 1e-7
        close = np.abs(got.astype(float) - want) <= tolerance
        unsure = ~np.isfinite(spread) | (np.abs(want) > 1e6)
        # NaN or infinity that shaking leaves as it is must be there.
        firm = ~np.isfinite(want) & np.all([(s == want) | (np.isnan(s) & np.isnan(want)) for s in shaken], axis=0)
        same = (got == want) | (np.isnan(got) & np.isnan(want))
    return np.where(firm, ~same, ~(close | unsure))


def smaller(program, seed, seconds=10):
    """A program that still fails, with as little as possible in it."""

    def fails(candidate):
        return compare(candidate, seed) is not None

    progress, end = True, time.monotonic() + seconds
    while progress and time.monotonic() < end:
        progress = False
        for i in range(len(program.outputs) - 1, -1, -1):
            candidate = program.but(outputs=program.outputs[:i] + program.outputs[i + 1 :])
            if fails(candidate):
                program, progress = candidate, True
        for variable in list(program.values):
            if program.values[variable] is not program.reads[variable]:
                candidate = program.but(values={**program.values, variable: program.reads[variable]})
                if fails(candidate):
                    program, progress = candidate, True
        position = len(program.nodes) - 1
        while position >= 0:
            # The node's results become inputs of the program.
            node = program.nodes[position]
            rest = program.nodes[:position] + program.nodes[position + 1 :]
            candidate = program.but(nodes=rest, inputs=[*program.inputs, *node[3]])
            if fails(candidate):
                program, progress = candidate, True
            position = min(position, len(program.nodes)) - 1
    used = {id(s) for n in program.nodes for s in n[1]} | {id(s) for s in program.outputs}
    used |= {id(program.values[v]) for v in program.values if program.values[v] is not program.reads[v]}
    program.constants = {s: a for s, a in program.constants.items() if id(s) in used}
    written = {v for v, s in program.values.items() if s is not program.reads[v]}
    keep = {v for v in program.values if id(program.reads[v]) in used or v in written}
    candidate = program.but(
        reads={v: s for v, s in program.reads.items() if v in keep},
        values={v: s for v, s in program.values.items() if v in keep},
    )
    return candidate if fails(candidate) else program
