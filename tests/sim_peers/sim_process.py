"""Starts streetlight-sim and talks to its control socket. Used by the tests in this folder."""
import json
import os
import shutil
import socket
import subprocess
import tempfile
import sys
import time
import types

# Debian's pymodbus imports serial_asyncio, which it only recommends and the blocking clients never use.
try:
    import serial_asyncio  # noqa: F401
except ImportError:
    sys.modules["serial_asyncio"] = types.ModuleType("serial_asyncio")
    sys.modules["serial_asyncio"].create_serial_connection = None


class Sim:
    """One running simulator in a directory of its own."""

    def __init__(self, binary, *arguments, config=None):
        self.dir = tempfile.mkdtemp(prefix="slsim-")
        command = [binary, "--die-with-parent", "--start", "2026-11-23T18:00:00+08:00"]
        if config is not None:
            path = os.path.join(self.dir, "sim.toml")
            with open(path, "w", encoding="utf-8") as file:
                file.write(config.replace("@DIR@", self.dir))
            command += ["--config", path, "--control", os.path.join(self.dir, "control")]
        else:
            command += ["--dir", self.dir]
        self.process = subprocess.Popen(command + list(arguments), stdout=subprocess.PIPE, text=True)
        ready = self.process.stdout.readline()
        if not ready.startswith("ready "):
            raise RuntimeError(f"the simulator did not start: {ready!r}")
        self.ready = json.loads(ready[len("ready "):])
        self.control = socket.socket(socket.AF_UNIX)
        self.control.connect(os.path.join(self.dir, "control"))
        self.stream = self.control.makefile("rw")

    def path(self, name):
        return os.path.join(self.dir, name)

    def port(self, line):
        return self.ready["lines"][line]["port"]

    def ask(self, command):
        self.stream.write(command + "\n")
        self.stream.flush()
        return json.loads(self.stream.readline())

    def tell(self, command):
        answer = self.ask(command)
        if not answer["ok"]:
            raise RuntimeError(f"{command}: {answer['error']}")

    def lamp(self, lamp):
        return self.ask(f"lamp {lamp}")

    def until(self, condition, what, seconds=10.0):
        """Waits for a state of the simulated field, not for a time."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if condition():
                return
            time.sleep(0.005)
        raise AssertionError("never happened: " + what)

    def close(self):
        self.stream.close()
        self.control.close()
        self.process.terminate()
        code = self.process.wait(timeout=10)
        self.process.stdout.close()
        leftovers = [name for name in os.listdir(self.dir) if name not in
                     ("sim.toml", "gateway.toml", "lamps.csv")]
        shutil.rmtree(self.dir)
        return code, leftovers
