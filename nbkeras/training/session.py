"""A running `fit` as a value: everything that must be kept for it to go on, in another process, with the same bits."""

from __future__ import annotations

import contextlib
import time
import warnings

import numpy as np

from nbkeras.errors import FileError, NbkerasError, StateError
from nbkeras.training import randomness

#: The form of the state; files of another form are refused.
FORM = 2

#: What a state has, and of which type.
PARTS = {
    **dict.fromkeys(("finished", "stop_training", "stopping", "inside"), bool),
    **dict.fromkeys(("epoch", "step"), int),
    **{"logs": (dict, type(None)), "last_logs": dict, "seconds": (int, float), "restarts": int},
    **{"variables": list, "randomness": dict, "source": dict, "data": list, "callbacks": list, "versions": list},
}


class Session:
    """The place in a training and what belongs to it.

    Args:
        model: compiled, its weights and metrics made.
        source: where batches come from.
        callbacks: a `CallbackList`.
        epoch: where to start.

    Attributes:
        epoch, step: the next step.
        inside: whether its epoch has begun; else the place is between two epochs.
        logs: what the last step logged, for an epoch whose steps are all done; None between epochs.
        last_logs: those of the last epoch.
        finished: whether the training is over.
    """

    def __init__(self, model, source, callbacks, epoch: int):
        self.model, self.source, self.callbacks = model, source, callbacks
        self.epoch, self.step, self.inside = epoch, 0, False
        self.logs: dict | None = None
        self.last_logs: dict = {}
        self.finished = self.stopping = False
        self.backups = [callback for callback in callbacks if hasattr(callback, "backup_path")]
        self._pending: dict | None = None
        self._aside: list | None = None
        self._seconds, self._began = 0.0, time.monotonic()

    # -- taking up ------------------------------------------------------------------------------------------------

    def find(self) -> None:
        """Look for the state of an earlier run; the place becomes its."""
        states = [state for backup in self.backups if (state := backup.read()) is not None]
        if not states:
            return
        for state in states:
            _check_form(state)
        state = max(states, key=lambda state: (state["finished"], state["epoch"], state["step"]))
        self._check(state)
        if not state["finished"]:
            self._count_restart(state)
        self._pending = state
        self.epoch, self.step, self.inside = state["epoch"], state["step"], state["inside"]
        self.logs, self.last_logs = state["logs"], state["last_logs"]
        self.finished, self.stopping = state["finished"], state["stopping"]
        self._seconds = state["seconds"]

    def take_up(self, between: bool) -> None:
        """Restore what was found, now that callbacks have begun; a place inside an epoch once the epoch has begun too.

        Args:
            between: whether the place where this is called is between epochs.
        """
        state = self._pending
        if state is None or between == state["inside"]:
            return
        self._pending = None
        for variable, value in zip(self._variables(), state["variables"], strict=True):
            variable.assign(value)
        for callback, (_, kept) in zip(self._stateful(), state["callbacks"], strict=True):
            with _usable(f"callback {type(callback).__name__}"):
                callback.set_state(kept)
        with _usable("the data"):
            self.source.set_state(state["source"])
        self.model.stop_training = state["stop_training"]
        # Last: what was done so far may have drawn.
        with _usable("random numbers"):
            randomness.set_state(state["randomness"])

    def _count_restart(self, state) -> None:
        """Note that the training is taken up at this place; refuse to do so for ever where it never comes further."""
        state["restarts"] += 1
        for backup in self.backups:
            if backup.max_restarts is None:
                continue
            if state["restarts"] > backup.max_restarts:
                raise StateError(
                    f"fit: the training was taken up {backup.max_restarts} times at step {state['step'] + 1} of epoch "
                    f"{state['epoch'] + 1} and never came further.",
                    next=f"see why it fails there; remove {backup.backup_path()!r} or raise max_restarts to try again.",
                )
            backup.write(state)

    def _check(self, state) -> None:
        """Refuse a state of another model, other data or other callbacks."""
        names = [type(callback).__name__ for callback in self._stateful()]
        kept = [name for name, _ in state["callbacks"]]
        if kept != names:
            raise StateError(
                f"fit: the training was interrupted with callbacks {kept}, now they are {names}.",
                next="go on with the same callbacks in the same order.",
            )
        shapes = [(tuple(v.shape), str(v.dtype)) for v in self._variables()]
        if [(value.shape, str(value.dtype)) for value in state["variables"]] != shapes:
            raise StateError(
                "fit: the training that was interrupted had another model, optimizer or metrics.",
                next="build and compile the model as it was, or remove the file to start anew.",
            )
        data = self.source.describe()
        if state["data"] != data:
            raise StateError(
                f"fit: the training was interrupted with data {state['data']}, now they are {data}.",
                next="go on with the same data and batch size, or remove the file to start anew.",
            )
        versions = _versions()
        if state["versions"] != versions:
            warnings.warn(
                f"fit: the training goes on with other versions ({versions}, not {state['versions']}), so its numbers "
                "may differ in their last digits from those of an uninterrupted one.",
                stacklevel=5,
            )

    # -- keeping --------------------------------------------------------------------------------------------------

    def after_step(self, step: int, logs) -> None:
        """Note that a step is done, and keep the state if it is time.

        Args:
            step: its number in the epoch.
            logs: a function that gives its logs.
        """
        self.step = step + 1
        due = [backup for backup in self.backups if backup.is_due_after_step()]
        if due:
            self.logs = logs()
            self.keep(due)

    def before_validation(self, logs: dict) -> None:
        """Note the logs of an epoch's steps, and set aside what validation may change."""
        self.logs = logs
        self._aside = [randomness.get_state(), [seed.numpy() for seed in self._seeds()]] if self.backups else None

    def after_epoch(self, epoch: int, logs: dict, stopping: bool) -> None:
        """Note that an epoch is done, and keep the state if it is time."""
        self.epoch, self.step, self.inside, self.logs, self._aside = epoch + 1, 0, False, None, None
        self.last_logs, self.stopping = logs, stopping
        self.keep([backup for backup in self.backups if backup.is_due_after_epoch()])

    def interrupted(self, logs=None) -> bool:
        """Whether a callback wants the training to end now; then the state is kept."""
        reason = self.callbacks.interruption()
        if reason is None:
            return False
        if self._aside is None and logs is not None:
            self.logs = logs()
        self.keep(self.backups)
        self.model.stop_training = True
        kept = next((backup.backup_path() for backup in self.backups if backup.backup_path()), None)
        print(
            f"{reason}: the training ends before step {self.step + 1} of epoch {self.epoch + 1}. "
            + (f"Its state is in {kept!r}; the same fit goes on from there." if kept else "Nothing keeps its state."),
            flush=True,
        )
        return True

    def end(self) -> None:
        """Note that the training is over."""
        self.finished = True
        for backup in self.backups:
            if backup.keeps_the_end():
                self.keep([backup])
            else:
                backup.remove()

    def keep(self, backups) -> None:
        """Write the state to some callbacks' files."""
        if backups:
            state = self.state()
            for backup in backups:
                backup.write(state)

    def state(self) -> dict:
        """Everything, as plain values and arrays."""
        drawn, seeds = self._aside or (randomness.get_state(), [])
        variables = [variable.numpy() for variable in self._variables()]
        if seeds:
            places = {id(variable): i for i, variable in enumerate(self._variables())}
            for seed, value in zip(self._seeds(), seeds, strict=True):
                variables[places[id(seed)]] = value
        return {
            "form": FORM,
            "versions": _versions(),
            "finished": self.finished,
            "stop_training": self.model.stop_training,
            "stopping": self.stopping,
            "epoch": self.epoch,
            "step": self.step,
            "inside": self.inside,
            "logs": self.logs,
            "last_logs": self.last_logs,
            "restarts": 0,
            "seconds": self._seconds + time.monotonic() - self._began,
            "variables": variables,
            "randomness": drawn,
            "source": self.source.get_state(),
            "data": self.source.describe(),
            "callbacks": [[type(callback).__name__, callback.get_state()] for callback in self._stateful()],
        }

    def _stateful(self):
        return [c for c in self.callbacks if hasattr(c, "get_state") and not hasattr(c, "backup_path")]

    def _variables(self) -> list:
        """All variables of a training step, each once: weights, seeds, metrics, the optimizer's."""
        model = self.model
        if not model.optimizer.built:
            model.optimizer.build(model.trainable_weights)
        found = [*model.variables, *model.optimizer.variables, *(v for m in model.metrics for v in m.variables)]
        return list({id(variable): variable for variable in found}.values())

    def _seeds(self) -> list:
        return [s.state for layer in self.model._flatten_layers() for s in layer._tracked["seeds"]]


def _check_form(state) -> None:
    """Refuse what is no state of a training, or one of another version, though its file is whole."""
    if not isinstance(state, dict) or state.get("form") != FORM:
        form = state.get("form") if isinstance(state, dict) else None
        raise FileError(f"the state of the training has form {form!r}; this version reads {FORM}.")
    wrong = [name for name, kind in PARTS.items() if name not in state or not isinstance(state[name], kind)]
    if not wrong and not all(isinstance(value, np.ndarray) for value in state["variables"]):
        wrong = ["variables"]
    if not wrong and not all(isinstance(pair, list) and len(pair) == 2 for pair in state["callbacks"]):
        wrong = ["callbacks"]
    if wrong:
        raise FileError(
            f"the state of the training has no usable {wrong[0]!r}.", next="remove its file to start the training anew."
        )


@contextlib.contextmanager
def _usable(whose: str):
    """Inside, a part of a state is taken up: what is missing or odd in it is one error."""
    try:
        yield
    except NbkerasError:
        raise
    except Exception as error:
        raise FileError(
            f"the state of {whose}, kept when the training was interrupted, cannot be used: "
            f"{type(error).__name__}: {error}.",
            next="remove its file to start the training anew.",
        ) from error


def _versions() -> list:
    import numba

    from nbkeras import __version__

    return [f"nbkeras {__version__}", f"numba {numba.__version__}", f"numpy {np.__version__}"]
