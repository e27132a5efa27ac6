"""Every optimizer against real Keras: same weights, same gradients, a few steps."""

import numpy as np
import pytest

from nbkeras import constraints, optimizers
from nbkeras.variables import Variable

# Keras itself warns with this version of NumPy.
pytestmark = [pytest.mark.oracle, pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")]

SHAPES = ((7, 5), (5,), (5, 16), (16,), (16, 3), (3,))
STEPS = 6

GENERAL = {
    "plain": {},
    "clipnorm": {"clipnorm": 0.7},
    "clipvalue": {"clipvalue": 0.4},
    "global_clipnorm": {"global_clipnorm": 1.1},
    "weight_decay": {"weight_decay": 0.05},
    "ema": {"use_ema": True, "ema_momentum": 0.8},
    "ema_overwrite": {"use_ema": True, "ema_momentum": 0.8, "ema_overwrite_frequency": 2},
    "loss_scale": {"loss_scale_factor": 8.0},
    "clipnorm_decay_ema": {"clipnorm": 0.7, "weight_decay": 0.05, "use_ema": True},
}

CASES = [
    ("SGD", {"learning_rate": 0.1}),
    ("SGD", {"learning_rate": 0.1, "momentum": 0.9}),
    ("SGD", {"learning_rate": 0.1, "momentum": 0.9, "nesterov": True}),
    ("Adam", {"learning_rate": 0.01}),
    ("Adam", {"learning_rate": 0.01, "amsgrad": True, "beta_1": 0.8, "beta_2": 0.9, "epsilon": 1e-3}),
    ("RMSprop", {"learning_rate": 0.01}),
    ("RMSprop", {"learning_rate": 0.01, "momentum": 0.5}),
    ("RMSprop", {"learning_rate": 0.01, "centered": True, "rho": 0.8, "epsilon": 1e-3}),
    ("RMSprop", {"learning_rate": 0.01, "momentum": 0.5, "centered": True, "epsilon": 1e-3}),
    ("AdamW", {"learning_rate": 0.01}),
    ("Nadam", {"learning_rate": 0.01}),
    ("Adagrad", {"learning_rate": 0.1}),
    ("Adadelta", {"learning_rate": 1.0}),
    ("Adamax", {"learning_rate": 0.01}),
    ("Ftrl", {"learning_rate": 0.1, "l1_regularization_strength": 0.01, "l2_regularization_strength": 0.1}),
    ("Ftrl", {"learning_rate": 0.1, "beta": 0.1, "l2_shrinkage_regularization_strength": 0.1}),
    ("Lion", {"learning_rate": 0.01}),
    ("Lamb", {"learning_rate": 0.01}),
    ("Adafactor", {"learning_rate": 0.5}),
    ("Adafactor", {"learning_rate": 0.01, "relative_step": False, "clip_threshold": 0.5, "weight_decay": 0.05}),
    ("Muon", {"learning_rate": 0.01, "exclude_layers": ["w4"]}),
    ("Muon", {"learning_rate": 0.01, "nesterov": False, "ns_steps": 3, "rms_rate": None, "weight_decay": None}),
    ("ScheduleFreeAdamW", {"learning_rate": 0.01}),
    ("ScheduleFreeAdamW", {"learning_rate": 0.01, "warmup_steps": 4, "beta_1": 0.8, "clipnorm": 0.7}),
]


@pytest.fixture(scope="module")
def keras():
    return pytest.importorskip("keras")


def data(seed=0):
    numbers = np.random.default_rng(seed)
    weights = [numbers.normal(size=shape).astype("float32") for shape in SHAPES]
    gradients = [[numbers.normal(size=s).astype("float32") for s in SHAPES] for _ in range(STEPS)]
    return weights, gradients


def run(package, variable, optimizer, weights, gradients, constraint=None):
    """The weights after all steps, and the optimizer's state by path."""
    variables = [variable(w, name=f"w{i}") for i, w in enumerate(weights)]
    if constraint is not None:
        variables[0].constraint = constraint
    optimizer.build(variables)
    for grads in gradients:
        optimizer.apply(grads, variables)
    optimizer.finalize_variable_values(variables)
    state = {v.path.split("/", 1)[1] if "/" in v.path else v.path: np.asarray(v) for v in optimizer.variables}
    return [np.asarray(v) for v in variables], state


def compare(keras, name, arguments, constraints_=(None, None), rtol=1e-5):
    weights, gradients = data()
    ours = getattr(optimizers, name)(name="same", **arguments[0])
    theirs = getattr(keras.optimizers, name)(name="same", **arguments[1])
    got, state = run("nbkeras", Variable, ours, weights, gradients, constraints_[0])
    wanted, wanted_state = run("keras", keras.Variable, theirs, weights, gradients, constraints_[1])
    for a, b in zip(got, wanted, strict=True):
        np.testing.assert_allclose(a, b, rtol=rtol, atol=1e-6)
    # Keras gives Nadam's product of momenta no name of its own.
    assert [k for k in state if k != "u_product"] == [k for k in wanted_state if not k.startswith("variable")]
    assert len(state) == len(wanted_state)
    for a, b in zip(state.values(), wanted_state.values(), strict=True):
        np.testing.assert_allclose(a, b, rtol=rtol, atol=1e-6)


@pytest.mark.parametrize("name,arguments", CASES, ids=[f"{n}-{i}" for i, (n, _) in enumerate(CASES)])
def test_rule(keras, name, arguments):
    compare(keras, name, (arguments, arguments))


@pytest.mark.parametrize("extra", GENERAL.values(), ids=GENERAL.keys())
@pytest.mark.parametrize("name", ["SGD", "Adam", "RMSprop", "Adagrad", "Muon"])
def test_general_arguments(keras, name, extra):
    arguments = {"learning_rate": 0.05, **extra}
    compare(keras, name, (arguments, arguments))


ACCUMULATE = {"gradient_accumulation_steps": 4, "global_clipnorm": 1.1, "loss_scale_factor": 8.0}
ACCUMULATE_AND_AVERAGE = {
    "gradient_accumulation_steps": 2,
    "weight_decay": 0.05,
    "use_ema": True,
    "ema_momentum": 0.8,
    "ema_overwrite_frequency": 2,
}


@pytest.mark.parametrize(("name", "extra"), [("Adam", ACCUMULATE), ("Adagrad", ACCUMULATE_AND_AVERAGE)])
def test_gradient_accumulation(keras, name, extra):
    arguments = {"learning_rate": 0.05, **extra}
    compare(keras, name, (arguments, arguments))


def test_schedule(keras):
    def arguments(package):
        return {"learning_rate": package.optimizers.schedules.ExponentialDecay(0.1, 2, 0.5)}

    import nbkeras

    class Ours:
        optimizers = nbkeras.optimizers if hasattr(nbkeras, "optimizers") else optimizers

    compare(keras, "Adam", (arguments(Ours), arguments(keras)))


def test_constraint(keras):
    pair = (constraints.MaxNorm(1.0), keras.constraints.MaxNorm(1.0))
    compare(keras, "SGD", ({"learning_rate": 0.1}, {"learning_rate": 0.1}), pair)


def test_float64(keras):
    weights, gradients = data()
    variables = [Variable(w, dtype="float64") for w in weights]
    optimizer = optimizers.Adam(0.01, clipnorm=1.0)
    for grads in gradients:
        optimizer.apply([g.astype("float64") for g in grads], variables)
    single = [Variable(w) for w in weights]
    other = optimizers.Adam(0.01, clipnorm=1.0)
    for grads in gradients:
        other.apply(grads, single)
    for a, b in zip(variables, single, strict=True):
        assert a.numpy().dtype == np.float64
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize(
    "name", [n for n in dir(optimizers) if n[0].isupper() and n not in ("Optimizer", "OptimizerMap")]
)
def test_config(keras, name):
    def made(package):
        cls = getattr(package, name)
        inner = package.SGD(name="sgd")
        if name == "MultiOptimizer":
            return cls(package.OptimizerMap(inner, {"head/.*": package.Adam(name="adam")}))
        return cls(inner) if name == "LossScaleOptimizer" else cls()

    ours, theirs = made(optimizers), made(keras.optimizers)
    assert {**ours.get_config(), "name": 0} == {**theirs.get_config(), "name": 0}
    again = optimizers.deserialize(optimizers.serialize(ours))
    assert again.get_config() == ours.get_config()
    if name not in ("LossScaleOptimizer", "MultiOptimizer"):
        assert type(optimizers.get(name.lower())) is type(ours)


def test_loss_scale(keras):
    weights, gradients = data()
    gradients[2][1][0] = np.inf
    gradients[4][0][0, 0] = np.nan
    made = []
    for package, variable in ((optimizers, Variable), (keras.optimizers, keras.Variable)):
        inner = package.Adam(0.01, clipnorm=0.7, weight_decay=0.05)
        optimizer = package.LossScaleOptimizer(inner, initial_scale=4.0, dynamic_growth_steps=2)
        made.append((optimizer, [variable(w) for w in weights]))
        optimizer.build(made[-1][1])
    (ours, own_weights), (theirs, their_weights) = made
    # Keras's own apply() fails outside of a compiled step on JAX.
    values, state = [v.value for v in their_weights], [v.value for v in theirs.variables]
    for grads in gradients:
        ours.apply(grads, own_weights)
        values, state = theirs.stateless_apply(state, grads, values)
    for a, b in zip([*own_weights, *ours.variables], [*values, *state], strict=True):
        np.testing.assert_allclose(a, np.asarray(b), rtol=1e-5, atol=1e-6)
