"""Optimizers whose rule is a kernel over flat arenas: one launch updates all weights."""

from __future__ import annotations

from nbkeras.graph.primitives import cast, emit
from nbkeras.optimizers.optimizer import Optimizer
from nbkeras.optimizers.sections import Section


class FlatOptimizer(Optimizer):
    """The base of optimizers with a kernel.

    A subclass says in `slots()` which lists of variables its rule keeps, and emits the rule in `rule`. One that
    overrides `update_step` is updated weight by weight, like any other optimizer.
    """

    def slots(self) -> list[list]:
        """The rule's slots, each a list with one variable a weight, in the order in which `rule` takes them."""
        raise NotImplementedError(f"optimizer {type(self).__name__} has no slots().")

    def rule(self, weights, gradient, learning_rate, slots):
        """Emit the rule on flat symbols; returns the new weights and a list of the new slots."""
        raise NotImplementedError(f"optimizer {type(self).__name__} has no rule().")

    def _update_sections(self, flats, sections, rate):
        if type(self).update_step is not FlatOptimizer.update_step:
            super()._update_sections(flats, sections, rate)
            return
        for gradient, section in zip(flats, sections, strict=True):
            places = [self._get_variable_index(v) for v in section.variables]
            states = [Section([slot[i] for i in places]) for slot in self.slots()]
            rate_here = cast(rate, section.dtype)
            weights, slots = self.rule(section.read(), gradient, rate_here, [s.read() for s in states])
            section.write(weights)
            for state, flat in zip(states, slots, strict=True):
                state.write(flat)

    def update_step(self, gradient, variable, learning_rate):
        """Change one weight by the rule."""
        place = self._get_variable_index(variable)
        states = [slot[place] for slot in self.slots()]
        flat = [emit("reshape", v, shape=(variable.size,)) for v in (variable, gradient, *states)]
        weights, slots = self.rule(flat[0], flat[1], cast(learning_rate, variable.dtype), flat[2:])
        for target, value in zip((variable, *states), (weights, *slots), strict=True):
            self.assign(target, emit("reshape", value, shape=target.shape))
