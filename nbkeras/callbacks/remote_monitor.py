"""`RemoteMonitor`: the logs of each epoch, sent to a web server."""

from __future__ import annotations

import json
import warnings

import numpy as np

from nbkeras import extras
from nbkeras.arguments import DICTIONARY, FLAG, TEXT, accepts, optional
from nbkeras.callbacks.callback import Callback, Logs


class RemoteMonitor(Callback):
    """Post the logs of each epoch to a server, as JSON. A server that cannot be reached is a warning, no error.

    Needs the extra `remote`.

    Args:
        root: the server's address.
        path: where on the server.
        field: the form field that holds the JSON, unless `send_as_json`.
        headers: a dict of HTTP headers, or None.
        send_as_json: whether the body is the JSON itself (`application/json`), not a form.

    Example:
        >>> monitor = RemoteMonitor("http://localhost:9000", send_as_json=True)
        >>> monitor.root + monitor.path
        'http://localhost:9000/publish/epoch/end/'

    Source: arguments and requests are those of `keras.callbacks.RemoteMonitor`.
    """

    @accepts(root=TEXT, path=TEXT, field=TEXT, headers=optional(DICTIONARY), send_as_json=FLAG)
    def __init__(
        self,
        root: str = "http://localhost:9000",
        path: str = "/publish/epoch/end/",
        field: str = "data",
        headers: dict | None = None,
        send_as_json: bool = False,
    ):
        super().__init__()
        self._requests = extras.need("requests", "RemoteMonitor")
        self.root = root
        self.path = path
        self.field = field
        self.headers = headers
        self.send_as_json = send_as_json

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        send = {"epoch": epoch, **{name: _plain(value) for name, value in (logs or {}).items()}}
        body = {"json": send} if self.send_as_json else {"data": {self.field: json.dumps(send)}}
        try:
            self._requests.post(self.root + self.path, headers=self.headers, **body)
        except self._requests.exceptions.RequestException as error:
            warnings.warn(
                f"RemoteMonitor: could not reach the server at {self.root}, so epoch {epoch + 1} is not published: "
                f"{error}.",
                stacklevel=2,
            )


def _plain(value):
    """A number or array as JSON can hold it."""
    return np.asarray(value).squeeze().tolist() if isinstance(value, (np.ndarray, np.generic)) else value
