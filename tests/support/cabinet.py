"""A whole cabinet in one place: a private broker, the field simulator, the gateway and a subscriber that judges gaps.

Used by the end-to-end tests and the benchmarks. Everything listens on loopback, lives in one temporary directory and is
ended by pid. Nothing here waits for a fixed time: every wait is for something to become true, with a deadline.
"""
import json
import os
import select
import signal
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import paho.mqtt.client as mqtt

STREAMS = ("event", "reply", "state", "energy", "telemetry")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(condition, seconds, what):
    """Polls until condition() is true; fails naming `what`."""
    end = time.monotonic() + seconds
    event = threading.Event()
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        event.wait(0.01)
    raise AssertionError(f"not within {seconds} s: {what}")


class Process:
    """A child that dies with us and is ended by its pid."""

    def __init__(self, argv, log, env=None):
        self.argv = [str(a) for a in argv]
        self.log = open(log, "ab")
        self.child = subprocess.Popen(self.argv, stdout=subprocess.PIPE, stderr=self.log, env=env)

    @property
    def pid(self):
        return self.child.pid

    def alive(self):
        return self.child.poll() is None

    def line(self, seconds):
        """The next line of stdout."""
        end = time.monotonic() + seconds
        text = b""
        fd = self.child.stdout.fileno()
        while not text.endswith(b"\n"):
            left = end - time.monotonic()
            if left <= 0 or not select.select([fd], [], [], left)[0]:
                raise AssertionError(f"{self.argv[0]} said nothing within {seconds} s")
            byte = os.read(fd, 1)
            if not byte:
                raise AssertionError(f"{self.argv[0]} ended: see {self.log.name}")
            text += byte
        return text.decode()

    def kill(self):
        if self.alive():
            self.child.send_signal(signal.SIGKILL)
        self.child.wait()

    def stop(self, seconds=10):
        if self.alive():
            self.child.send_signal(signal.SIGTERM)
            try:
                self.child.wait(seconds)
            except subprocess.TimeoutExpired:
                self.kill()
                raise AssertionError(f"{self.argv[0]} did not stop within {seconds} s")
        return self.child.returncode


class Broker:
    def __init__(self, directory, port=None, extra=""):
        self.directory = Path(directory)
        self.port = port or free_port()
        self.config = self.directory / "mosquitto.conf"
        self.config.write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous true\npersistence true\n"
            f"persistence_location {self.directory}/\nmax_queued_messages 0\nmax_inflight_messages 0\n"
            f"autosave_interval 0\nset_tcp_nodelay true\nuser root\n{extra}\n")
        self.process = None

    def start(self):
        self.process = Process(["/usr/sbin/mosquitto", "-c", self.config], self.directory / "mosquitto.log")

        def listening():
            with socket.socket() as s:
                return s.connect_ex(("127.0.0.1", self.port)) == 0
        wait_for(listening, 10, "mosquitto listens")
        return self

    def stop(self):
        if self.process:
            self.process.stop()
            self.process = None


class Subscriber:
    """Applies the gap rule of the contract: the key is (epoch, stream, seq); holes below the highest are missing."""

    def __init__(self, port, keep=("event", "reply", "state", "energy", "status"), topic="streetlight/#"):
        self.lock = threading.Lock()
        self.seen = {}          # (epoch, stream) -> set of seq
        self.duplicates = 0
        self.unnumbered = 0
        self.rows = 0
        self.bytes = 0
        self.messages = []      # (arrival, topic, payload) of the kept kinds
        self.status = None
        self.lost = {}          # (epoch, stream) -> list of (from, to)
        self.keep = keep
        self.topic = topic
        self.client = mqtt.Client(client_id=f"judge-{os.getpid()}-{id(self)}", protocol=mqtt.MQTTv5)
        self.client.on_connect = self._connected
        self.client.on_message = self._message
        self.client.reconnect_delay_set(1, 1)
        properties = mqtt.Properties(mqtt.PacketTypes.CONNECT)
        properties.SessionExpiryInterval = 3600
        self.ready = threading.Event()
        self.client.connect_async("127.0.0.1", port, clean_start=False, properties=properties)
        self.client.on_subscribe = lambda *_: self.ready.set()
        self.client.loop_start()
        assert self.ready.wait(10), "the subscriber could not subscribe"

    def _connected(self, client, *_):
        client.subscribe(self.topic, qos=1)

    def _message(self, _client, _userdata, message):
        if not message.payload:
            return
        kind = message.topic.split("/")[4] if message.topic.count("/") >= 4 else ""
        data = json.loads(message.payload)
        with self.lock:
            self.bytes += len(message.payload)
            if kind == "status":
                self.status = data
                for lost in data.get("lost", []):
                    ranges = self.lost.setdefault((data["epoch"], lost["stream"]), set())
                    ranges.add((lost["from"], lost["to"]))
            if "seq" in data:
                if data["seq"] is None:
                    self.unnumbered += 1
                else:
                    seen = self.seen.setdefault((data["epoch"], data["stream"]), set())
                    if data["seq"] in seen:
                        self.duplicates += 1
                    seen.add(data["seq"])
            self.rows += len(data.get("rows", ()))
            if kind in self.keep or data.get("stream") in self.keep:
                self.messages.append((time.monotonic(), message.topic, data))

    def missing(self):
        """(epoch, stream) -> sorted missing seq below the highest seen, less what was announced as lost."""
        with self.lock:
            result = {}
            for key, seen in self.seen.items():
                holes = set(range(1, max(seen) + 1)) - seen
                for first, last in self.lost.get(key, ()):
                    holes -= set(range(first, last + 1))
                if holes:
                    result[key] = sorted(holes)
            return result

    def find(self, predicate):
        with self.lock:
            return [m for m in self.messages if predicate(m[1], m[2])]

    def count(self):
        with self.lock:
            return sum(len(s) for s in self.seen.values())

    def close(self):
        self.client.loop_stop()
        self.client.disconnect()


class Cabinet:
    """Owns the temporary directory and everything in it."""

    def __init__(self, bin_dir, name="cabinet"):
        self.bin = Path(bin_dir)
        self.temp = tempfile.TemporaryDirectory(prefix=f"{name}-")
        self.directory = Path(self.temp.name)
        self.processes = []

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        for process in reversed(self.processes):
            process.kill()
        if kind is not None:
            for log in sorted(self.directory.glob("*.log")):
                text = log.read_text(errors="replace")
                print(f"---- {log.name}\n{text[-4000:]}")
        self.temp.cleanup()

    def run(self, argv, log):
        process = Process(argv, self.directory / log)
        self.processes.append(process)
        return process

    def broker(self, **options):
        broker = Broker(self.directory, **options).start()
        self.processes.append(broker.process)
        return broker

    def simulator(self, *arguments):
        """Starts streetlight-sim in this directory; returns (process, what it said on its ready line)."""
        process = self.run([self.bin / "streetlight-sim", "--dir", self.directory, *arguments], "sim.log")
        text = process.line(20)
        assert text.startswith("ready "), text
        return process, json.loads(text[len("ready "):])

    def gateway(self, *arguments, config="gateway.toml"):
        return self.run([self.bin / "streetlightd", "--config", self.directory / config, "--store",
                         self.directory / "store", *arguments], "gateway.log")


def ask(path, command, seconds=5):
    """One line to the simulator's control socket, one line back."""
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(seconds)
        s.connect(str(path))
        s.sendall(command.encode() + b"\n")
        text = b""
        while not text.endswith(b"\n"):
            part = s.recv(65536)
            if not part:
                break
            text += part
        return text.decode().strip()


def api(path, route, method="GET", body=None, seconds=10):
    """One request to the gateway's local API; returns (status, parsed JSON)."""
    payload = b"" if body is None else json.dumps(body).encode()
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(seconds)
        s.connect(str(path))
        head = f"{method} {route} HTTP/1.1\r\nHost: local\r\nConnection: close\r\nContent-Length: {len(payload)}\r\n\r\n"
        s.sendall(head.encode() + payload)
        answer = b""
        while True:
            part = s.recv(65536)
            if not part:
                break
            answer += part
    head, _, content = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(content) if content else None
