"""Callbacks, with Keras's names: what looks at a training while it runs, and acts on it."""

from nbkeras.callbacks.backup import BackupAndRestore
from nbkeras.callbacks.callback import Callback
from nbkeras.callbacks.callback_list import CallbackList
from nbkeras.callbacks.csv_logger import CSVLogger
from nbkeras.callbacks.early_stopping import EarlyStopping
from nbkeras.callbacks.history import History
from nbkeras.callbacks.lambda_callback import LambdaCallback
from nbkeras.callbacks.learning_rate_scheduler import LearningRateScheduler
from nbkeras.callbacks.model_checkpoint import ModelCheckpoint
from nbkeras.callbacks.monitor import MonitorCallback
from nbkeras.callbacks.preemption import PreemptionCheckpoint, TimeLimit
from nbkeras.callbacks.progbar_logger import ProgbarLogger
from nbkeras.callbacks.reduce_lr import ReduceLROnPlateau
from nbkeras.callbacks.remote_monitor import RemoteMonitor
from nbkeras.callbacks.rollback_on_nan import RollbackOnNaN
from nbkeras.callbacks.swap_ema_weights import SwapEMAWeights
from nbkeras.callbacks.tensorboard import TensorBoard
from nbkeras.callbacks.terminate_on_nan import TerminateOnNaN
