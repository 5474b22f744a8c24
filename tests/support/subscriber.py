"""The subscriber that judges gaps: the key of a message is (epoch, stream, seq), holes below the highest are missing."""
import json
import os
import threading
import time

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties


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
                rows.append(dict(zip(data["cols"], row), ts=data["ts"]) if isinstance(row, list)
                            else dict(row, ts=data["ts"]))
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
        info = self.client.publish(topic, body, qos=qos, retain=retain, properties=properties)
        info.wait_for_publish(10)
        assert info.is_published(), f"the broker did not take {topic}"

    def count(self):
        with self.lock:
            return sum(len(s) for s in self.seen.values())

    def close(self):
        self.client.disconnect()
        self.client.loop_stop()
