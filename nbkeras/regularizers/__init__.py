"""Penalties on weights, with Keras's names."""

from nbkeras.regularizers.lookup import deserialize, get, serialize
from nbkeras.regularizers.regularizers import L1, L1L2, L2, OrthogonalRegularizer, Regularizer

l1 = L1
l2 = L2
l1_l2 = L1L2
orthogonal_regularizer = OrthogonalRegularizer
