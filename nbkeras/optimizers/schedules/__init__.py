"""Learning-rate schedules, with Keras's names."""

from nbkeras.optimizers.schedules.cosine import CosineDecay, CosineDecayRestarts
from nbkeras.optimizers.schedules.decays import (
    ExponentialDecay,
    InverseTimeDecay,
    PiecewiseConstantDecay,
    PolynomialDecay,
)
from nbkeras.optimizers.schedules.lookup import deserialize, serialize
from nbkeras.optimizers.schedules.schedule import LearningRateSchedule
