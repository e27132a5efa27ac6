"""Reviews of films, for or against."""

from __future__ import annotations

import json

import numpy as np

from nbkeras.datasets import _words
from nbkeras.datasets._files import GOOGLE, Published, fetch
from nbkeras.datasets._pickled import load_npz
from nbkeras.errors import DataError

FILE = Published("imdb.npz", GOOGLE + "imdb.npz", "69664113be75683a8fe16e3ed0ab59fda8886cb3cd7ada244f7d9544e4676b9f")
WORDS = Published("imdb_word_index.json", GOOGLE + "imdb_word_index.json", "bfafd718b763782e994055a2d397834f")


def load_data(
    path="imdb.npz", num_words=None, skip_top=0, maxlen=None, seed=113, start_char=1, oov_char=2, index_from=3, **kwargs
):
    """Load 50,000 film reviews from `~/.keras/datasets`, into which they are downloaded if they are not there.

    Words are numbered by how often they occur, so that `num_words=10000` keeps the 10,000 most frequent ones.

    Args:
        path: the file's name in that folder, or an absolute path.
        num_words: word numbers from here on become `oov_char`; None keeps all.
        skip_top: word numbers below become `oov_char`.
        maxlen: only reviews with fewer words are kept; None keeps all.
        seed: fixes the order.
        start_char: stands before each review, unless None.
        oov_char: stands for words that are not kept; None leaves them out.
        index_from: what the number of each word is raised by.
        kwargs: `nb_words`, the older name of `num_words`.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: arrays of lists of word numbers, and of 0 (against) and 1 (for).

    Raises:
        DataError: the file is not there and cannot be downloaded; `maxlen` leaves no review.

    Source: A. Maas et al., Learning word vectors for sentiment analysis, 2011.
    """
    num_words = kwargs.pop("nb_words", num_words)
    if kwargs:
        raise TypeError(f"imdb.load_data: unknown argument {next(iter(kwargs))!r}.")
    data = load_npz(fetch(FILE, path))
    random = np.random.RandomState(seed)
    parts = []
    for part in ("train", "test"):
        x, y = _words.shuffled(data[f"x_{part}"], data[f"y_{part}"], random)
        x, y = _words.shorter(_words.marked(x, start_char, index_from), y, maxlen)
        if not x:
            raise DataError(f"imdb.load_data: no review is shorter than maxlen={maxlen}.", next="raise maxlen.")
        parts.append((x, y))
    (x_train, y_train), (x_test, y_test) = parts
    x = _words.as_objects(_words.limited(x_train + x_test, num_words, skip_top, oov_char))
    return (x[: len(x_train)], y_train), (x[len(x_train) :], y_test)


def get_word_index(path="imdb_word_index.json"):
    """The number of each word, before `index_from` is added: a dict.

    Args:
        path: the file's name in `~/.keras/datasets`, or an absolute path.
    """
    with open(fetch(WORDS, path)) as file:
        return json.load(file)
