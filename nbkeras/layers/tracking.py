"""Tracking: what is assigned to an attribute of a layer (variables, layers, metrics, seeds) belongs to the layer."""

from __future__ import annotations

from nbkeras import tree
from nbkeras.errors import StateError
from nbkeras.variables import Variable

#: What belongs to a layer: variables made trainable and others, layers, metrics, seed generators.
KINDS = ("trainable", "fixed", "layers", "metrics", "seeds")


class Tracked:
    """Base of layers: remembers variables, sub-layers, metrics and seed generators in the order of their assignment."""

    def __new__(cls, *args, **kwargs):
        self = object.__new__(cls)
        object.__setattr__(self, "_tracked", {kind: [] for kind in KINDS})
        object.__setattr__(self, "_constructor", (args, kwargs))
        object.__setattr__(self, "_untracked_locked", False)
        object.__setattr__(self, "_untracked_building", False)
        return self

    def __setattr__(self, name, value):
        if not name.startswith("_untracked"):
            value = self._track(value)
        object.__setattr__(self, name, value)

    def __delattr__(self, name):
        self._forget(getattr(self, name, None))
        object.__delattr__(self, name)

    def _check_lock(self, value):
        if self._untracked_locked:
            raise StateError(
                f"layer {self.name!r} ({type(self).__name__}) is already built: {value!r} cannot be added to it.",
                next="make all weights, layers and metrics in __init__() or build().",
            )

    @property
    def _tracker(self):
        return Lock(self)

    def _untrack_variable(self, variable) -> None:
        """Let go of a weight: it belongs to the layer no more."""
        self._forget(variable)

    def _forget(self, value):
        """Undo `_track`, for a value or all that is in it."""
        gone = {id(leaf) for leaf in tree.flatten(value)}
        for group in self._tracked.values():
            group[:] = [item for item in group if id(item) not in gone]

    def _track(self, value):
        """Register a value; lists and dicts become ones that register what is added later."""
        kind = _kind(value)
        if kind is not None:
            group = self._tracked[kind]
            if kind in ("trainable", "fixed"):
                # Freezing changes `trainable`, not the group that a variable was made for.
                group = next((g for g in map(self._tracked.get, KINDS[:2]) if any(v is value for v in g)), group)
            if not any(item is value for item in group):
                self._check_lock(value)
                group.append(value)
        elif type(value) is list:
            return TrackedList(self, value)
        elif type(value) is dict:
            return TrackedDict(self, value)
        elif type(value) is tuple:
            for part in value:
                self._track(part)
        return value


class Lock:
    """Whether a layer refuses new weights, layers and metrics; scripts write `layer._tracker.unlock()` to add some to a
    layer that is built.

    Attributes:
        changes: how often any was opened or closed: what was traced before may not know a layer's new weights.
    """

    changes = 0

    def __init__(self, layer):
        self._layer = layer

    @property
    def locked(self) -> bool:
        return self._layer._untracked_locked

    @locked.setter
    def locked(self, value):
        self._layer._untracked_locked = bool(value)
        Lock.changes += 1

    def lock(self) -> None:
        """Refuse new ones."""
        self.locked = True

    def unlock(self) -> None:
        """Take new ones."""
        self.locked = False


def _kind(value) -> str | None:
    # Classes are told by what they offer: importing them here would close a circle.
    if isinstance(value, Variable):
        return "trainable" if value.trainable else "fixed"
    if isinstance(value, Tracked):
        return "layers"
    if hasattr(value, "update_state") and hasattr(value, "reset_state"):
        return "metrics"
    if hasattr(value, "next") and hasattr(value, "state") and isinstance(value.state, Variable):
        return "seeds"
    return None


class TrackedList(list):
    """A list that belongs to a layer."""

    def __init__(self, owner, values=()):
        super().__init__()
        self._owner = owner
        self.extend(values)

    def append(self, value):
        super().append(self._owner._track(value))

    def extend(self, values):
        for value in values:
            self.append(value)

    def insert(self, index, value):
        super().insert(index, self._owner._track(value))

    def __setitem__(self, index, value):
        self._owner._forget(self[index])
        super().__setitem__(index, self._owner._track(value))

    def __delitem__(self, index):
        self._owner._forget(self[index])
        super().__delitem__(index)

    def pop(self, index=-1):
        self._owner._forget(self[index])
        return super().pop(index)

    def remove(self, value):
        # By identity first: tensors and variables compare elementwise.
        place = next((i for i, own in enumerate(self) if own is value), None)
        del self[self.index(value) if place is None else place]

    def clear(self):
        del self[:]

    def __iadd__(self, values):
        self.extend(values)
        return self

    def __reduce__(self):
        return list, (list(self),)


class TrackedDict(dict):
    """A dict that belongs to a layer."""

    def __init__(self, owner, values=()):
        super().__init__()
        self._owner = owner
        self.update(values)

    def __setitem__(self, key, value):
        if key in self:
            self._owner._forget(self[key])
        super().__setitem__(key, self._owner._track(value))

    def __delitem__(self, key):
        self._owner._forget(self[key])
        super().__delitem__(key)

    def pop(self, key, *default):
        if key in self:
            self._owner._forget(self[key])
        return super().pop(key, *default)

    def clear(self):
        for key in list(self):
            del self[key]

    def update(self, values=(), **more):
        for key, value in {**dict(values), **more}.items():
            self[key] = value

    def __reduce__(self):
        return dict, (dict(self),)
