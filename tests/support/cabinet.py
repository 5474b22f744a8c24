"""A whole cabinet in one place: a private broker, the field simulator, the gateway and a subscriber that judges gaps.

Used by the end-to-end tests and the benchmarks. Everything listens on loopback, lives in one temporary directory and is
ended by pid. Nothing here waits for a fixed time: every wait is for something to become true, with a deadline.
"""
import ctypes
import datetime
import json
import os
import re
import select
import signal
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from unix_sockets import api, ask

PR_SET_PDEATHSIG = 1


def _die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


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


def listening(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


class Process:
    """A child that dies with us and is ended by its pid."""

    def __init__(self, argv, log, env=None):
        self.argv = [str(a) for a in argv]
        self.log = open(log, "ab")
        self.child = subprocess.Popen(self.argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.log,
                                      env=env, preexec_fn=_die_with_parent)

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
        self.close()

    def close(self):
        self.child.stdout.close()
        self.log.close()

    def text(self):
        """What it has written to its log so far."""
        return Path(self.log.name).read_text(errors="replace")

    def stop(self, seconds=10):
        if self.alive():
            self.child.send_signal(signal.SIGTERM)
            try:
                self.child.wait(seconds)
            except subprocess.TimeoutExpired:
                self.kill()
                raise AssertionError(f"{self.argv[0]} did not stop within {seconds} s")
        self.close()
        return self.child.returncode


class Broker:
    """A private mosquitto that keeps its sessions over a stop, as a broker in earnest would."""

    def __init__(self, directory, port=None, extra="", listener=None):
        self.directory = Path(directory)
        self.port = port or free_port()
        self.config = self.directory / "mosquitto.conf"
        user = "user root\n" if os.geteuid() == 0 else ""
        listener = listener or "allow_anonymous true"
        self.config.write_text(
            f"{user}persistence true\npersistence_location {self.directory}/\nmax_queued_messages 0\n"
            f"max_inflight_messages 0\nautosave_interval 0\nset_tcp_nodelay true\n{extra}\n"
            f"listener {self.port} 127.0.0.1\n{listener}\n")
        self.process = None

    def start(self):
        self.process = Process(["/usr/sbin/mosquitto", "-c", self.config], self.directory / "mosquitto.log")

        wait_for(lambda: not self.process.alive() or listening(self.port), 10, "mosquitto listens")
        assert self.process.alive(), f"mosquitto ended: {self.process.text()[-500:]}"
        return self

    def stop(self):
        if self.process:
            self.process.stop()
            self.process = None

    def kill(self):
        if self.process:
            self.process.kill()
            self.process = None


class Subscriber:
    """Applies the gap rule of the contract: the key is (epoch, stream, seq); holes below the highest are missing."""

    def __init__(self, port, keep=("event", "reply", "state", "energy", "status"), topic="streetlight/#", tls=None):
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
        properties = Properties(PacketTypes.CONNECT)
        properties.SessionExpiryInterval = 3600
        self.ready = threading.Event()
        if tls:
            self.client.tls_set(ca_certs=str(tls[0]), certfile=str(tls[1]), keyfile=str(tls[2]))
        self.client.connect_async("127.0.0.1", port, clean_start=False, properties=properties)
        self.client.on_subscribe = lambda *_: self.ready.set()
        self.client.loop_start()
        assert self.ready.wait(10), "the subscriber could not subscribe"

    def _connected(self, client, *_):
        client.subscribe(self.topic, qos=1)

    def _message(self, _client, _userdata, message):
        if not message.payload or "/cmd/" in message.topic:  # its own commands come back to it
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
                self.messages.append((time.monotonic(), message.topic, data, message.retain))

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
        """The kept messages, copies too, as (arrival, topic, data, retained) for which predicate(topic, data) holds."""
        with self.lock:
            return [m for m in self.messages if predicate(m[1], m[2])]

    def records(self, stream, predicate=lambda data: True):
        """The distinct records of a stream, in the order of their first arrival."""
        with self.lock:
            found = {}
            for _, _, data, _ in self.messages:
                if data.get("stream") == stream and predicate(data):
                    found.setdefault((data["epoch"], data["seq"]), data)
            return list(found.values())

    def rows_of(self, stream, kind):
        """Every row of a kind as a dictionary, with the ts of its record."""
        rows = []
        for data in self.records(stream, lambda d: d.get("kind") == kind and "rows" in d):
            for row in data["rows"]:
                rows.append(dict(zip(data["cols"], row), ts=data["ts"]))
        return rows

    def alarms(self, name, obj=None, transition=None):
        return self.records("event", lambda d: d.get("kind") == "alarm" and d.get("name") == name
                            and obj in (None, d.get("object")) and transition in (None, d.get("transition")))

    def replies(self, command_id):
        """phase -> the distinct bodies of that phase (without the envelope's seq)."""
        result = {}
        for data in self.records("reply", lambda d: d.get("id") == command_id):
            result.setdefault(data["phase"], []).append(data)
        return result

    def highest(self, epoch):
        """stream -> highest seq seen."""
        with self.lock:
            return {stream: max(seen) for (e, stream), seen in self.seen.items() if e == epoch}

    def publish(self, topic, payload, qos=1, retain=False, properties=None):
        body = payload if isinstance(payload, (bytes, str)) else json.dumps(payload)
        info = self.client.publish(topic, body, qos, retain, properties)
        info.wait_for_publish(10)
        assert info.is_published(), f"the broker did not take {topic}"

    def count(self):
        with self.lock:
            return sum(len(s) for s in self.seen.values())

    def close(self):
        self.client.disconnect()
        self.client.loop_stop()


class Cabinet:
    """Owns the temporary directory and everything in it."""

    root = "streetlight/v1/SIM/0001"

    def __init__(self, bin_dir, name="cabinet"):
        self.bin = Path(bin_dir)
        self.temp = tempfile.TemporaryDirectory(prefix=f"{name}-")
        self.directory = Path(self.temp.name)
        self.processes = []
        self.brokers = []
        self.subscribers = []
        self.speed = 1.0

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.end(kind is not None)

    def end(self, failed):
        """Ends every process by its pid. When something failed, says what they had to say."""
        for subscriber in self.subscribers:
            subscriber.close()
        for thing in [*reversed(self.processes), *self.brokers]:
            thing.kill()
        if failed:
            for log in sorted(self.directory.glob("*.log")):
                text = log.read_text(errors="replace")
                print(f"---- {log.name}\n{text[-6000:]}", flush=True)
        self.temp.cleanup()

    def run(self, argv, log, env=None):
        process = Process(argv, self.directory / log, env)
        self.processes.append(process)
        return process

    def broker(self, **options):
        broker = Broker(self.directory, **options)
        self.brokers.append(broker)
        return broker.start()

    def subscriber(self, port, **options):
        subscriber = Subscriber(port, **options)
        self.subscribers.append(subscriber)
        return subscriber

    def simulator(self, *arguments):
        """Starts streetlight-sim in this directory; returns (process, what it said on its ready line)."""
        words = [str(a) for a in arguments]
        self.speed = float(words[words.index("--speed") + 1]) if "--speed" in words else 1.0
        process = self.run([self.bin / "streetlight-sim", "--dir", self.directory, *words], "sim.log")
        text = process.line(20)
        assert text.startswith("ready "), text
        return process, json.loads(text[len("ready "):])

    def gateway(self, *arguments, config="gateway.toml", log="gateway.log"):
        return self.run([self.bin / "streetlightd", "--config", self.directory / config, "--store",
                         self.directory / "store", *arguments], log)

    def gateway_in_step(self, *arguments, **options):
        """The gateway with its site time where the simulator's is now, running as fast."""
        start = datetime.datetime.fromtimestamp(self.field("time")["sim_s"], datetime.timezone.utc)
        return self.gateway("--speed", f"{self.speed:g}", "--start", start.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z",
                            *arguments, **options)

    def field(self, command):
        """What the simulator answers on its control socket."""
        answer = json.loads(ask(self.directory / "control", command))
        assert answer.get("ok"), f"{command}: {answer}"
        return answer

    def lamp(self, name):
        return self.field(f"lamp {name}")

    def history(self, name):
        return self.field(f"history {name}")["changes"]

    def levels(self):
        return {lamp["id"]: lamp["level"] for lamp in self.field("lamps")["lamps"]}

    def hour(self):
        """Simulated local time as "HH:MM:SS"."""
        return self.field("time")["local"][11:19]

    def api(self, route, method="GET", body=None, seconds=10):
        return api(self.directory / "api.sock", "/api/v1/" + route, method, body, seconds)

    def configure(self, section, config="gateway.toml", **keys):
        """Sets keys of a [section]; a text is written in quotes, None takes the key out."""
        path = self.directory / config
        text = path.read_text()
        head = f"[{section}]\n"
        if head not in text:
            text += f"\n{head}"
        start = text.index(head) + len(head)
        following = re.compile(r"^\[", re.M).search(text, start)
        end = following.start() if following else len(text)
        body = text[start:end]
        for key, value in keys.items():
            body = re.sub(rf"^{key}\s*=.*\n", "", body, flags=re.M)
            if value is not None:
                body = f"{key} = {json.dumps(value)}\n" + body
        path.write_text(text[:start] + body + text[end:])

    def replace(self, old, new, name="gateway.toml"):
        path = self.directory / name
        text = path.read_text()
        assert old in text, f"{name} has no {old!r}"
        path.write_text(text.replace(old, new))
