"""How gradients change weights, with Keras's names."""

from nbkeras.optimizers import schedules
from nbkeras.optimizers.adam import Adam
from nbkeras.optimizers.lookup import deserialize, get, serialize
from nbkeras.optimizers.optimizer import Optimizer
from nbkeras.optimizers.rmsprop import RMSprop
from nbkeras.optimizers.sgd import SGD
