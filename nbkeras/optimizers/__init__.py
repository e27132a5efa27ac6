"""How gradients change weights, with Keras's names."""

from nbkeras.optimizers import schedules
from nbkeras.optimizers.adadelta import Adadelta
from nbkeras.optimizers.adafactor import Adafactor
from nbkeras.optimizers.adagrad import Adagrad
from nbkeras.optimizers.adam import Adam
from nbkeras.optimizers.adamax import Adamax
from nbkeras.optimizers.adamw import AdamW
from nbkeras.optimizers.ftrl import Ftrl
from nbkeras.optimizers.lamb import Lamb
from nbkeras.optimizers.lion import Lion
from nbkeras.optimizers.lookup import deserialize, get, serialize
from nbkeras.optimizers.loss_scale import LossScaleOptimizer
from nbkeras.optimizers.multi_optimizer import MultiOptimizer, OptimizerMap
from nbkeras.optimizers.muon import Muon
from nbkeras.optimizers.nadam import Nadam
from nbkeras.optimizers.optimizer import Optimizer
from nbkeras.optimizers.rmsprop import RMSprop
from nbkeras.optimizers.schedule_free_adamw import ScheduleFreeAdamW
from nbkeras.optimizers.sgd import SGD
