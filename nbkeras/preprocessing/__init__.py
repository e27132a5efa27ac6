"""Data preparation, under the names of Keras's `preprocessing`."""

from nbkeras.preprocessing import image, sequence
from nbkeras.utils.image_directory import image_dataset_from_directory
from nbkeras.utils.text_directory import text_dataset_from_directory
from nbkeras.utils.timeseries import timeseries_dataset_from_array

__all__ = [
    "image",
    "image_dataset_from_directory",
    "sequence",
    "text_dataset_from_directory",
    "timeseries_dataset_from_array",
]
