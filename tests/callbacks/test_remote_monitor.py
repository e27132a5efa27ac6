"""`RemoteMonitor` posts each epoch's logs, and a silent server costs a warning only."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs

import numpy as np
import pytest

import nbkeras as keras

pytest.importorskip("requests")


@pytest.fixture
def server():
    """A server that keeps (path, content type, header X-Key, body) of what it is sent."""
    received = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            received.append((self.path, self.headers["Content-Type"], self.headers["X-Key"], body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *arguments):
            pass

    running = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=running.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{running.server_port}", received
    running.shutdown()
    running.server_close()


def train(monitor):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    return model.fit(np.ones((4, 2)), np.ones((4, 1)), epochs=2, verbose=0, callbacks=[monitor]).history["loss"]


def test_as_json(server):
    root, received = server
    losses = train(keras.callbacks.RemoteMonitor(root, path="/here", headers={"X-Key": "k"}, send_as_json=True))
    assert [entry[:3] for entry in received] == [("/here", "application/json", "k")] * 2
    assert [json.loads(entry[3]) for entry in received] == [{"epoch": i, "loss": losses[i]} for i in range(2)]


def test_as_a_form(server):
    root, received = server
    losses = train(keras.callbacks.RemoteMonitor(root, field="what"))
    path, kind, _, body = received[1]
    assert (path, kind) == ("/publish/epoch/end/", "application/x-www-form-urlencoded")
    assert json.loads(parse_qs(body)["what"][0]) == {"epoch": 1, "loss": losses[1]}


def test_arrays_and_numpy_numbers(server):
    root, received = server
    monitor = keras.callbacks.RemoteMonitor(root, send_as_json=True)
    monitor.on_epoch_end(0, {"a": np.arange(1), "b": np.float32(0.5), "c": np.arange(2)})
    assert json.loads(received[0][3]) == {"epoch": 0, "a": 0, "b": 0.5, "c": [0, 1]}


def test_no_server_is_a_warning():
    monitor = keras.callbacks.RemoteMonitor("http://127.0.0.1:9")
    with pytest.warns(UserWarning, match="could not reach the server at http://127.0.0.1:9, so epoch 1 "):
        monitor.on_epoch_end(0, {"loss": 0.0})
