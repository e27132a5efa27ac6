"""Keras's own tests, from the installed package `keras`, run against nbkeras.

`python -m tests.oracle.keras_suite [folders or files of keras/src ...] [options of pytest]` runs them and says what
became of each; without arguments, all of them. `modules` answers what the tests import, `plugin` says what does not
count, and `differences.txt` lists the tests that nbkeras does not pass, each with the reason.
"""

#: The release whose tests `differences.txt` is about.
VERSION = "3.15.1"

#: Folders and files of `keras/src`. The rest tests what nbkeras does not have (RNN, attention, most preprocessing,
#: applications, quantizers, distribution, other exports) or how Keras is made inside.
QUICK = """
activations backend/common/variables_test.py callbacks constraints initializers layers/activations layers/convolutional
layers/core layers/layer_test.py layers/merging layers/normalization layers/pooling layers/regularization
layers/reshaping legacy/saving losses metrics models optimizers random regularizers saving trainers/trainer_test.py tree
utils/numerical_utils_test.py utils/sequence_utils_test.py utils/timeseries_dataset_utils_test.py wrappers
""".split()

#: Minutes, for their thousands of pairs of dtypes, or in need of TensorFlow to compare with.
LONG = """
layers/preprocessing/normalization_test.py layers/preprocessing/rescaling_test.py
layers/preprocessing/stft_spectrogram_test.py ops/core_test.py ops/einops_test.py ops/function_test.py
ops/image_test.py ops/linalg_test.py ops/math_test.py ops/nn_test.py ops/numpy_test.py ops/operation_test.py
utils/dataset_utils_test.py
""".split()
