"""Helpers for scripts, with Keras's names."""

from nbkeras.random.global_seed import set_random_seed
from nbkeras.utils.data import PyDataset, Sequence, pack_x_y_sample_weight, unpack_x_y_sample_weight
from nbkeras.utils.numerical import normalize, to_categorical
from nbkeras.utils.progbar import Progbar
