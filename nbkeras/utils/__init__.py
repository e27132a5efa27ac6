"""Helpers for scripts, with Keras's names."""

from nbkeras.backend import clear_session, is_keras_tensor, standardize_dtype
from nbkeras.config import (
    disable_interactive_logging,
    enable_interactive_logging,
    is_interactive_logging_enabled,
)
from nbkeras.random.global_seed import set_random_seed
from nbkeras.saving import (
    CustomObjectScope,
    custom_object_scope,
    deserialize_keras_object,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
    serialize_keras_object,
)
from nbkeras.utils.audio_directory import audio_dataset_from_directory
from nbkeras.utils.data import PyDataset, Sequence, pack_x_y_sample_weight, unpack_x_y_sample_weight
from nbkeras.utils.dataset import Dataset
from nbkeras.utils.get_file import get_file
from nbkeras.utils.image import array_to_img, img_to_array, load_img, save_img
from nbkeras.utils.image_directory import image_dataset_from_directory
from nbkeras.utils.numerical import normalize, to_categorical
from nbkeras.utils.progbar import Progbar
from nbkeras.utils.sequences import pad_sequences
from nbkeras.utils.splitting import split_dataset
from nbkeras.utils.text_directory import text_dataset_from_directory
from nbkeras.utils.timeseries import timeseries_dataset_from_array
from nbkeras.utils.topology import get_source_inputs
from nbkeras.utils.visualization import model_to_dot, plot_model
