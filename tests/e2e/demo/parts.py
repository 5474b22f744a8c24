"""The processes of the demo, the sockets they offer, and how they are ended: by pid, each and always."""

import ctypes
import http.client
import json
import os
import pathlib
import signal
import socket
import subprocess
import time

PR_SET_PDEATHSIG = 1


class DemoError(Exception):
    """Something the demo cannot go on without; its text is for the person who started it."""


def _die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class Part:
    """One process in a group of its own (a Ctrl-C on the terminal reaches the demo only), logging to a file."""

    def __init__(self, name, command, log, ready=None, patience=20.0):
        self.name, self.command, self.log_path = name, [str(word) for word in command], pathlib.Path(log)
        self._log = open(log, "ab")
        try:
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE if ready else self._log, stderr=self._log,
                start_new_session=True, preexec_fn=_die_with_parent)
        except OSError as error:
            raise DemoError(f"cannot start {name}: {error}") from error
        self.ready_line = self._wait_ready(ready, patience) if ready else None

    def _wait_ready(self, word, patience):
        os.set_blocking(self.process.stdout.fileno(), False)
        seen, end = b"", time.monotonic() + patience
        while time.monotonic() < end and self.process.poll() is None:
            seen += self.process.stdout.read() or b""
            for line in seen.split(b"\n")[:-1]:
                if line.startswith(word.encode()):
                    return line.decode()
            time.sleep(0.02)
        text = self.tail()
        self.stop()
        raise DemoError(f"{self.name} did not get ready:\n{text}")

    def alive(self):
        return self.process.poll() is None

    def tail(self, lines=15):
        text = self.log_path.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join("    " + line for line in text[-lines:]) or "    (it said nothing)"

    def stop(self, patience=10.0):
        """SIGTERM, then SIGKILL for who does not listen. Returns the exit status."""
        if self.alive():
            self.process.terminate()
            try:
                self.process.wait(patience)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if self.process.stdout:
            self.process.stdout.close()
        self._log.close()
        return self.process.returncode


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start_broker(folder, port):
    """A private mosquitto on loopback. It keeps its sessions on SIGTERM, as a broker in earnest would."""
    config = folder / "mosquitto.conf"
    user = "user root\n" if os.geteuid() == 0 else ""
    config.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence true\n{user}"
                      f"persistence_location {folder}/\nmax_inflight_messages 0\nmax_queued_messages 0\n",
                      encoding="utf-8")
    mosquitto = next((p for p in ("/usr/sbin/mosquitto", "/usr/bin/mosquitto") if os.path.exists(p)), "mosquitto")
    part = Part("the broker", [mosquitto, "-c", config], folder / "broker.log")
    end = time.monotonic() + 10.0
    while time.monotonic() < end and part.alive():
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return part
        time.sleep(0.05)
    text = part.tail()
    part.stop()
    raise DemoError(f"the broker did not start:\n{text}")


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=5)
        self._path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class LocalApi:
    """The gateway's own API on its Unix socket: the same that streetlightctl uses."""

    def __init__(self, path):
        self.path = str(path)

    def get(self, route):
        """The answer as an object; None when the gateway cannot be asked right now."""
        connection = _UnixConnection(self.path)
        try:
            connection.request("GET", "/api/v1/" + route)
            answer = connection.getresponse()
            body = answer.read()
            return json.loads(body) if answer.status == 200 else None
        except (OSError, http.client.HTTPException, ValueError):
            return None
        finally:
            connection.close()

    def wait(self, part, patience=30.0):
        end = time.monotonic() + patience
        while time.monotonic() < end and part.alive():
            if self.get("status"):
                return
            time.sleep(0.1)
        raise DemoError(f"{part.name} does not answer on {self.path}:\n{part.tail()}")


class FieldControl:
    """The simulator's control socket: one line in, one JSON object out."""

    def __init__(self, path):
        self.path = str(path)

    def say(self, line):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(5)
            connection.connect(self.path)
            connection.sendall(line.encode() + b"\n")
            answer = json.loads(connection.makefile().readline() or "{}")
        if not answer.get("ok"):
            raise DemoError(f"the simulator refused '{line}': {answer.get('error')}")
        return answer


def set_in_section(path, section, lines):
    """Puts lines at the head of a [section] of a TOML file (adds the section when it is not there)."""
    text = path.read_text(encoding="utf-8")
    head = f"[{section}]\n"
    added = "".join(line + "\n" for line in lines)
    text = text.replace(head, head + added, 1) if head in text else f"{text}\n{head}{added}"
    path.write_text(text, encoding="utf-8")
