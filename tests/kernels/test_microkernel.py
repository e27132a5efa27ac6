"""The register tile on each kind of processor, read from the assembly LLVM makes of it."""

import re

import pytest
from llvmlite import binding as llvm
from llvmlite import ir

from nbkeras.kernels.emission import WORD, loop, private_function, raw
from nbkeras.kernels.geometry import Geometry
from nbkeras.kernels.microkernel import WHOLE, Product
from nbkeras.kernels.tile import PointedRows, Tile

X86 = {"skylake-avx512": (64, 32, "zmm"), "haswell": (32, 16, "ymm"), "znver3": (32, 16, "ymm")}


def inner_loop(element, processor, registers, triple="x86_64-unknown-linux-gnu", declare=None):
    """The instructions of the innermost loop of the largest whole tile, compiled for a processor."""
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    shape = Geometry(element, *registers)
    module = ir.Module()
    module.triple = triple
    function = (declare or Product(shape, shape.rows, WHOLE).declare)(module)
    function.linkage = "external"
    machine = llvm.Target.from_triple(triple).create_target_machine(cpu=processor, opt=3)
    parsed = llvm.parse_assembly(str(module))
    parsed.verify()
    builder = llvm.create_pass_builder(machine, llvm.PipelineTuningOptions(speed_level=3))
    builder.getModulePassManager().run(parsed, builder)
    body = machine.emit_assembly(parsed).split(f"\n{function.name}:")[1].split("func_end")[0]
    blocks = re.split(r"^\.?L\w+:", body, flags=re.MULTILINE)
    loop = max(blocks, key=lambda block: len(re.findall(r"\bv?fm(?:add|la)", block)))
    return shape, loop


def pointed(element, registers):
    """A tile whose rows are found through a table of pointers, moved by an offset for each of several taps."""
    shape = Geometry(element, *registers)

    def emit(function):
        c, table, offsets, x, taps, depth = function.args
        builder = ir.IRBuilder(function.append_basic_block("entry"))
        tile = Tile(builder, shape, shape.rows)
        row = WORD(shape.columns * shape.item)

        def tap(index, values):
            sums, x = values[:-1], values[-1]
            offset = builder.load(builder.gep(offsets, [index]))
            bases = [builder.load(builder.gep(table, [WORD(r)])) for r in range(shape.rows)]
            factors = PointedRows(builder, shape, [builder.gep(base, [offset]) for base in bases])
            return [*tile.accumulate(sums, depth, factors, x, row), builder.gep(x, [builder.mul(depth, row)])]

        *sums, _ = loop(builder, taps, [*tile.zeros(), raw(builder, x)], tap)
        tile.store(sums, tile.rows_at(c, row))
        builder.ret_void()

    data = element.as_pointer()
    kinds = [data, data.as_pointer(), WORD.as_pointer(), data, WORD, WORD]
    return lambda module: private_function(module, "pointed", kinds, emit)


@pytest.mark.parametrize("processor", X86)
def test_rows_through_pointers(processor):
    """Sums carried over several loops stay in registers too; pointers may be read back, never a sum."""
    width, registers, name = X86[processor]
    element = ir.FloatType()
    shape, loop = inner_loop(element, processor, (width, registers), declare=pointed(element, (width, registers)))
    products = re.findall(r"\bvfmadd\w+\s.*", loop)
    assert products and len(products) % (2 * shape.rows) == 0 and all(name in line for line in products)
    assert not re.search(r"%[xyz]mm\d+, .*\(", "\n".join(line for line in loop.splitlines() if "vfmadd" not in line))


@pytest.mark.parametrize("processor", X86)
@pytest.mark.parametrize("element", [ir.FloatType(), ir.DoubleType()], ids=["f4", "f8"])
def test_the_sum_stays_in_registers(processor, element):
    """The loop is wide multiply-adds, two loads of x and a broadcast for each row a step: no sum goes to memory."""
    width, registers, name = X86[processor]
    shape, loop = inner_loop(element, processor, (width, registers))
    products = re.findall(r"\bvfmadd\w+\s.*", loop)
    steps, rest = divmod(len(products), 2 * shape.rows)
    assert steps >= 1 and rest == 0
    assert all(name in line for line in products)
    vectors = [line for line in loop.splitlines() if "mm" in line and "vfmadd" not in line]
    stores = [line for line in vectors if re.search(r"%[xyz]mm\d+, .*\(", line)]
    assert not stores, stores
    assert "%rsp" not in loop, loop
    folded = sum("(" in line for line in products)
    assert len(vectors) + folded <= steps * (shape.rows + 2), loop


def test_neon_tile():
    """128-bit vectors with 32 registers: multiply-adds only, and nothing stored in the loop."""
    shape, loop = inner_loop(ir.FloatType(), "neoverse-n1", (16, 32), "aarch64-unknown-linux-gnu")
    assert len(re.findall(r"\bfmla\s+v", loop)) % (2 * shape.rows) == 0
    assert not re.search(r"\bst[rp]\s+q", loop)
