"""Functions of images, with the names of `keras.ops.image`."""

from nbkeras.ops.colours import hsv_to_rgb, rgb_to_grayscale, rgb_to_hsv
from nbkeras.ops.framing import (
    crop_images,
    extract_patches,
    extract_patches_3d,
    gaussian_blur,
    pad_images,
    sobel_edges,
    ssim,
)
from nbkeras.ops.resizing import resize, scale_and_translate
from nbkeras.ops.warping import affine_transform, elastic_transform, map_coordinates, perspective_transform

__all__ = [
    "affine_transform",
    "crop_images",
    "elastic_transform",
    "extract_patches",
    "extract_patches_3d",
    "gaussian_blur",
    "hsv_to_rgb",
    "map_coordinates",
    "pad_images",
    "perspective_transform",
    "resize",
    "rgb_to_grayscale",
    "rgb_to_hsv",
    "scale_and_translate",
    "sobel_edges",
    "ssim",
]
