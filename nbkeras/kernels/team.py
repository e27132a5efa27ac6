"""The team: the threads that share one launch. Native code only; `threads.py` decides how many there are.

The caller of a launch is its leader. It publishes the launch and then takes chunks like everybody else, so a launch
ends even if no helper ever comes: nothing can hang on a thread that isn't there (after a fork, on a full machine).

    ticket = generation << 32 | chunks not yet taken      one atomic word: who lowers it by one owns that chunk
    done                                                   chunks finished; the leader waits until all are

A helper that finds nothing to take watches the ticket for about a millisecond (the next launch usually comes sooner)
and then sleeps in the kernel (futex). A leader that finds the team busy with another Python thread's launch runs its
own alone. The bits don't depend on any of this: chunks are fixed by the shape.

Why not Numba's `prange`: its layers need libgomp or tbb (without, a launch costs 100 us), take the GIL at each launch,
abort in a forked child, fix the number of threads at import, and each parallel function costs 0.7 s of compile time.
"""

from __future__ import annotations

import ctypes
import os
import platform
import signal
import sys
import threading

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from nbkeras.kernels import _jit

# Words of the shared state, those written by different threads on cache lines of their own.
TICKET, DONE, SLEEPERS, BUSY, ACTIVE = 0, 16, 32, 48, 64
KERNEL, ARGUMENTS, ITEMS, CHUNK, CHUNKS = 80, 81, 82, 83, 84
SYSTEM, FUTEX, YIELD, AFFINITY, PROCESSOR, SPINS = 96, 97, 98, 99, 100, 101
LEADER, MASK = 112, 128
MASK_WORDS = 16
WORDS = MASK + MASK_WORDS

REMAINING = 0xFFFFFFFF
FUTEX_WAIT, FUTEX_WAKE = 128, 129

#: How often a waiting thread looks (25 ns each with its pause instruction, on an AMD Zen 3) before it begins to offer
#: its processor to other processes now and then, and before a helper sleeps. On a full machine the offers cost us the
#: second processor for a while, but not the milliseconds of waiting for a thread that has none.
EAGER_LEADER, EAGER_HELPER = 2_000, 8_000
LOOKS = 40_000

#: System call numbers (futex, sched_yield, sched_setaffinity) by machine. Elsewhere launches run serially.
NUMBERS = {
    "x86_64": (202, 24, 203),
    "aarch64": (98, 124, 122),
    "riscv64": (98, 124, 122),
    "ppc64le": (221, 158, 222),
}

WORD = ir.IntType(64)


def _slot(builder, state, index):
    return builder.gep(state, [index])


@intrinsic
def load(typing_context, state, index):
    """state[index], read atomically."""

    def codegen(context, builder, signature, values):
        return builder.load_atomic(_slot(builder, *values), "seq_cst", 8)

    return types.int64(state, index), codegen


@intrinsic
def store(typing_context, state, index, value):
    """state[index] = value, written atomically, after all that was written before."""

    def codegen(context, builder, signature, values):
        builder.store_atomic(values[2], _slot(builder, *values[:2]), "seq_cst", 8)
        return context.get_dummy_value()

    return types.void(state, index, value), codegen


@intrinsic
def add(typing_context, state, index, value):
    """state[index] += value, atomically."""

    def codegen(context, builder, signature, values):
        return builder.atomic_rmw("add", _slot(builder, *values[:2]), values[2], "seq_cst")

    return types.int64(state, index, value), codegen


@intrinsic
def replace(typing_context, state, index, old, new):
    """state[index] = new if it is still `old`, atomically; true if it was."""

    def codegen(context, builder, signature, values):
        result = builder.cmpxchg(_slot(builder, *values[:2]), values[2], values[3], "seq_cst", "seq_cst")
        return builder.extract_value(result, 1)

    return types.boolean(state, index, old, new), codegen


@intrinsic
def pause(typing_context):
    """Tell the processor that this is a waiting loop."""

    def codegen(context, builder, signature, values):
        machine = platform.machine()
        if machine == "x86_64":
            builder.call(builder.module.declare_intrinsic("llvm.x86.sse2.pause", (), _function()), [])
        elif machine == "aarch64":
            hint = builder.module.declare_intrinsic("llvm.aarch64.hint", (), _function(ir.IntType(32)))
            builder.call(hint, [ir.IntType(32)(1)])
        return context.get_dummy_value()

    return types.void(), codegen


@intrinsic
def call(typing_context, address, arguments, lo, hi):
    """Call the kernel at an address on items [lo, hi)."""

    def codegen(context, builder, signature, values):
        kernel = builder.inttoptr(values[0], _function(WORD, WORD, WORD).as_pointer())
        builder.call(kernel, values[1:])
        return context.get_dummy_value()

    return types.void(address, arguments, lo, hi), codegen


@intrinsic
def system(typing_context, state, number, first, second, third):
    """A system call."""

    def codegen(context, builder, signature, values):
        state, number, *arguments = values
        function = ir.FunctionType(WORD, [WORD], var_arg=True)
        target = builder.inttoptr(builder.load(_slot(builder, state, WORD(SYSTEM))), function.as_pointer())
        return builder.call(target, [number, *arguments, WORD(0), WORD(0), WORD(0)])

    return types.int64(state, number, first, second, third), codegen


@intrinsic
def processor(typing_context, state):
    """The number of the processor that this thread is on."""

    def codegen(context, builder, signature, values):
        function = ir.FunctionType(ir.IntType(32), [])
        target = builder.inttoptr(builder.load(_slot(builder, values[0], WORD(PROCESSOR))), function.as_pointer())
        return builder.sext(builder.call(target, []), WORD)

    return types.int64(state), codegen


@intrinsic
def locate(typing_context, state, index):
    """The address of state[index]."""

    def codegen(context, builder, signature, values):
        return builder.ptrtoint(_slot(builder, *values), WORD)

    return types.int64(state, index), codegen


def _function(*arguments):
    return ir.FunctionType(ir.VoidType(), arguments)


@_jit.scalar
def take(state):
    """Take chunks of the published launch until none is left."""
    while True:
        ticket = load(state, TICKET)
        if ticket & REMAINING == 0:
            break
        if replace(state, TICKET, ticket, ticket - 1):
            # The launch can't end before this chunk is done, so its description stays as it is.
            lo = (state[CHUNKS] - (ticket & REMAINING)) * state[CHUNK]
            call(state[KERNEL], state[ARGUMENTS], lo, min(state[ITEMS], lo + state[CHUNK]))
            add(state, DONE, 1)


@_jit.scalar
def share(state, kernel, arguments, items, chunk, chunks):
    """Lead a launch: publish it, help with it, wait for its end. The caller holds BUSY."""
    state[KERNEL] = kernel
    state[ARGUMENTS] = arguments
    state[ITEMS] = items
    state[CHUNK] = chunk
    state[CHUNKS] = chunks
    state[LEADER] = processor(state)
    store(state, DONE, 0)
    store(state, TICKET, ((load(state, TICKET) >> 32) + 1) << 32 | chunks)
    if load(state, SLEEPERS) > 0:
        system(state, state[FUTEX], locate(state, TICKET) + 4, FUTEX_WAKE, chunks - 1)
    take(state)
    looks = 0
    while load(state, DONE) != chunks:
        looks += 1
        if looks < EAGER_LEADER:
            pause()
        else:
            system(state, state[YIELD], 0, 0, 0)


@_jit.scalar
def step_aside(state, mask):
    """Leave the leader's processor for any other.

    A scheduler may put a woken helper on the processor of who woke it, and virtual machines may pack threads that
    wait a lot on one: then the two would take turns for as long as a second. `mask` is this helper's scratch memory.
    """
    for word in range(MASK_WORDS):
        mask[word] = state[MASK + word]
    mask[state[LEADER] >> 6] &= ~(1 << (state[LEADER] & 63))
    system(state, state[AFFINITY], 0, 8 * MASK_WORDS, locate(mask, 0))
    system(state, state[AFFINITY], 0, 8 * MASK_WORDS, locate(state, MASK))


def serve(state, number, mask):
    """The life of helper `number` (1 is the first)."""
    active = load(state, ACTIVE)
    while active >= 0:
        if number >= active:
            system(state, state[FUTEX], locate(state, ACTIVE), FUTEX_WAIT, active)
        else:
            ticket = load(state, TICKET)
            if ticket & REMAINING != 0:
                take(state)
            else:
                if processor(state) == state[LEADER]:
                    step_aside(state, mask)
                looks = 0
                while looks < state[SPINS] and load(state, TICKET) == ticket:
                    looks += 1
                    if looks > EAGER_HELPER and looks & 63 == 0:
                        system(state, state[YIELD], 0, 0, 0)
                    else:
                        pause()
                if looks == state[SPINS]:
                    add(state, SLEEPERS, 1)
                    system(state, state[FUTEX], locate(state, TICKET) + 4, FUTEX_WAIT, ticket >> 32)
                    add(state, SLEEPERS, -1)
        active = load(state, ACTIVE)


class Team:
    """The helpers of this process and the state they share with leaders."""

    def __init__(self):
        libc = ctypes.CDLL(None, use_errno=True)
        libc.aligned_alloc.restype = ctypes.c_void_p
        libc.aligned_alloc.argtypes = [ctypes.c_size_t, ctypes.c_size_t]
        # Never freed: at exit helpers may still be looking at it.
        self.address = libc.aligned_alloc(64, 8 * WORDS)
        self.state = np.frombuffer((ctypes.c_int64 * WORDS).from_address(self.address), np.int64)
        self.possible = sys.platform == "linux" and sys.byteorder == "little" and platform.machine() in NUMBERS
        self._libc = libc
        self.reset()

    def reset(self) -> None:
        """A team of one, the calling thread; what a forked child starts from, as no helper survives a fork."""
        self._lock = threading.Lock()
        self.helpers = 0
        self.state[:] = 0
        self.state[ACTIVE] = 1
        self.state[SPINS] = LOOKS
        if self.possible:
            self.state[SYSTEM] = ctypes.cast(self._libc.syscall, ctypes.c_void_p).value
            self.state[PROCESSOR] = ctypes.cast(self._libc.sched_getcpu, ctypes.c_void_p).value
            self.state[[FUTEX, YIELD, AFFINITY]] = NUMBERS[platform.machine()]

    def grow(self, count: int) -> int:
        """Make launches use `count` threads, starting helpers if there are too few; return how many it could be."""
        if not self.possible:
            return 1
        with self._lock:
            allowed = sum(1 << cpu for cpu in os.sched_getaffinity(0)) % (1 << 64 * MASK_WORDS)
            self.state[MASK:] = np.frombuffer(allowed.to_bytes(8 * MASK_WORDS, "little"), np.int64)
            while self.helpers < count - 1 and self._start(self.helpers + 1):
                self.helpers += 1
            count = min(count, self.helpers + 1)
            if count != self.state[ACTIVE]:
                self.state[ACTIVE] = count
                self._libc.syscall(
                    ctypes.c_long(int(self.state[FUTEX])),
                    ctypes.c_void_p(self.address + 8 * ACTIVE),
                    ctypes.c_long(FUTEX_WAKE),
                    ctypes.c_long(2**31 - 1),
                    None,
                    None,
                    ctypes.c_long(0),
                )
        return count

    def _start(self, number: int) -> bool:
        packed = (STATE, types.int64, STATE)
        make = lambda: _jit.entry_library("nbkeras_serve", serve, packed, (), {})  # noqa: E731
        entry = _jit.load_or_compile("nbkeras_serve", "serve", "i8", make)
        memory = self._libc.aligned_alloc(64, 64 + 8 * MASK_WORDS)
        arguments = np.frombuffer((ctypes.c_int64 * 3).from_address(memory), np.int64)
        arguments[:] = self.address, number, memory + 64
        handle = ctypes.c_size_t()
        # Signals belong to Python's threads: a helper starts with all of them blocked.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        try:
            failed = self._libc.pthread_create(
                ctypes.byref(handle), None, ctypes.c_void_p(entry), ctypes.c_void_p(memory)
            )
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        if not failed:
            self._libc.pthread_detach(handle)
        return not failed


#: The state as kernels' code sees it.
STATE = types.CPointer(types.int64)
