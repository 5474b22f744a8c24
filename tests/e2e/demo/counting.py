"""A subscriber that counts what arrives, the way the contract tells consumers to: by (epoch, stream, seq)."""

import collections
import json
import threading
import time
import uuid

import paho.mqtt.client as mqtt

STREAMS = ("event", "reply", "state", "energy", "telemetry")


class Counter:
    """Follows every topic with a session of its own, so that a broker that comes back has kept its messages."""

    def __init__(self, port, on_message=None, on_reply=None):
        self._lock = threading.Lock()
        self._seen = collections.defaultdict(set)  # (epoch, stream) -> seqs
        self.messages = self.duplicates = self.history = self.bytes = 0
        self.online = None
        self.broken = []  # what did not read as a message of the contract
        self._on_message, self._on_reply = on_message, on_reply
        self.prefix = None  # of the gateway's topics, as seen in its own
        self._client = mqtt.Client(client_id="demo-counter", clean_session=False, protocol=mqtt.MQTTv311)
        self._client.on_connect = lambda client, *_: client.subscribe("#", qos=1)
        self._client.on_message = self._take
        self._client.reconnect_delay_set(1, 1)
        self._client.connect("127.0.0.1", port, keepalive=20)
        self._client.loop_start()

    def _take(self, _client, _userdata, message):
        if self._on_message:
            self._on_message(message.topic, message.payload)
        try:
            body = json.loads(message.payload) if message.payload else None
        except ValueError as error:
            self._note_broken(message.topic, error)
            return
        if self._on_reply and message.topic.endswith("/reply") and isinstance(body, dict):
            self._on_reply(body)
        if "/cmd/" in message.topic:
            return  # what we sent ourselves
        with self._lock:
            self.messages += 1
            self.bytes += len(message.payload)
            if message.topic.endswith("/status") and isinstance(body, dict):
                self.online = bool(body.get("online"))
                self.prefix = message.topic[:-len("/status")]
            elif isinstance(body, dict) and body.get("stream") in STREAMS and body.get("seq") is not None:
                self._count(body)

    def _count(self, body):
        seen = self._seen[(body.get("epoch"), body["stream"])]
        if body["seq"] in seen:
            self.duplicates += 1
            return
        seen.add(body["seq"])
        self.history += 1 if body.get("hist") else 0

    def _note_broken(self, topic, error):
        with self._lock:
            self.broken.append(f"{topic}: {error}")

    def send(self, principal, command):
        """A command as a platform sends it: version, id and time are the sender's to fill in."""
        whole = {"v": 1, "id": f"demo-{uuid.uuid4()}", "ts": int(time.time() * 1000), "ttl_s": 60, **command}
        self._client.publish(f"{self.prefix}/cmd/{principal}", json.dumps(whole), qos=1)

    def received(self, epoch, stream, up_to=None):
        """Distinct messages of a stream, up to a sequence number."""
        with self._lock:
            seen = self._seen.get((epoch, stream), ())
            return len(seen) if up_to is None else sum(1 for seq in seen if seq <= up_to)

    def stop(self):
        self._client.disconnect()
        self._client.loop_stop()


def balance(counter, outbox):
    """Per stream (stream, produced, received, pending, lost) of one moment, as the gateway and the counter see it."""
    rows = []
    for stream in outbox["streams"]:
        produced = stream["next_seq"] - 1
        received = counter.received(outbox["epoch"], stream["stream"], produced)
        rows.append((stream["stream"], produced, received, stream["pending"], stream["lost"]))
    return rows


def balanced(rows):
    return all(received + pending + lost == produced for _, produced, received, pending, lost in rows)
