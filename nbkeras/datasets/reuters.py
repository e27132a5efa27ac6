"""News of the agency Reuters, by topic."""

from __future__ import annotations

import json

import numpy as np

from nbkeras.datasets import _words
from nbkeras.datasets._files import GOOGLE, Published, fetch
from nbkeras.datasets._pickled import load_npz

FILE = Published(
    "reuters.npz", GOOGLE + "reuters.npz", "d6586e694ee56d7a4e65172e12b3e987c03096cb01eab99753921ef915959916"
)
WORDS = Published("reuters_word_index.json", GOOGLE + "reuters_word_index.json", "4d44cc38712099c9e383dc6e5f11a921")
TOPICS = (
    "cocoa grain veg-oil earn acq wheat copper housing money-supply coffee sugar trade reserves ship cotton carcass "
    "crude nat-gas cpi money-fx interest gnp meal-feed alum oilseed gold tin strategic-metal livestock retail ipi "
    "iron-steel rubber heat jobs lei bop zinc orange pet-chem dlr gas silver wpi hog lead"
)


def load_data(
    path="reuters.npz",
    num_words=None,
    skip_top=0,
    maxlen=None,
    test_split=0.2,
    seed=113,
    start_char=1,
    oov_char=2,
    index_from=3,
):
    """Load 11,228 news from `~/.keras/datasets`, into which they are downloaded if they are not there.

    Args:
        path: the file's name in that folder, or an absolute path.
        test_split: the share of news for testing.
        num_words, skip_top, maxlen, seed, start_char, oov_char, index_from: as in `imdb.load_data`.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: arrays of lists of word numbers, and of topics from 0 to 45.

    Raises:
        DataError: the file is not there and cannot be downloaded.

    Source: Reuters-21578; D. Lewis, 1997.
    """
    data = load_npz(fetch(FILE, path))
    x, y = _words.shuffled(data["x"], data["y"], np.random.RandomState(seed))
    x, y = _words.shorter(_words.marked(x, start_char, index_from), y, maxlen)
    x = _words.as_objects(_words.limited(x, num_words, skip_top, oov_char))
    cut = int(len(x) * (1 - test_split))
    return (x[:cut], y[:cut]), (x[cut:], y[cut:])


def get_word_index(path="reuters_word_index.json"):
    """The number of each word, before `index_from` is added: a dict.

    Args:
        path: the file's name in `~/.keras/datasets`, or an absolute path.
    """
    with open(fetch(WORDS, path)) as file:
        return json.load(file)


def get_label_names():
    """The names of the topics, in the order of their numbers.

    Example:
        >>> len(get_label_names()), get_label_names()[3]
        (46, 'earn')
    """
    return tuple(TOPICS.split())
