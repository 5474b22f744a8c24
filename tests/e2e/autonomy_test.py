#!/usr/bin/python3
"""Lamps follow the schedule whatever is missing: broker, network, store."""
import contextlib
import socket
import sqlite3
import subprocess
import unittest

from cabinet import free_port
from e2e_case import CabinetCase, main

DARK = "2026-11-23T22:50:00+08:00"
LAMPS = ("--lamps", 6, "--boot-s", 2, "--speed", 60, "--start", DARK, "--write-config")


class Autonomy(CabinetCase):
    def lamps_follow(self):
        """Lit at 100 after the gateway's start, 60 from 23:00 on."""
        self.levels_are(100)
        self.levels_are(60)
        self.assertGreaterEqual(self.cabinet.hour(), "23:00:00")
        for lamp in self.cabinet.levels():
            told = [c["level"] for c in self.cabinet.history(lamp)]
            self.assertEqual([100.0, 60.0], told, lamp)

    def test_without_any_platform_configured(self):
        self.cabinet.simulator(*LAMPS)
        self.cabinet.gateway_in_step()
        self.lamps_follow()

    def test_with_nobody_at_the_brokers_port(self):
        self.cabinet.simulator(*LAMPS, "--mqtt", f"mqtt://127.0.0.1:{free_port()}")
        self.cabinet.gateway_in_step()
        self.lamps_follow()

    def test_with_a_broker_that_takes_the_connection_and_says_nothing(self):
        with socket.socket() as mute:
            mute.bind(("127.0.0.1", 0))
            mute.listen(50)
            self.cabinet.simulator(*LAMPS, "--mqtt", f"mqtt://127.0.0.1:{mute.getsockname()[1]}")
            self.cabinet.gateway_in_step()
            self.lamps_follow()

    def test_with_a_broker_that_refuses_the_gateway(self):
        broker = self.cabinet.broker(listener="allow_anonymous false")
        self.cabinet.simulator(*LAMPS, "--mqtt", f"mqtt://127.0.0.1:{broker.port}")
        gateway = self.cabinet.gateway_in_step()
        self.lamps_follow()
        self.assertRegex(gateway.text().lower(), "not auth|refused|user|password")

    def test_with_a_store_directory_that_cannot_be_made(self):
        broker = self.cabinet.broker()
        judge = self.cabinet.subscriber(broker.port)
        self.cabinet.simulator(*LAMPS, "--mqtt", f"mqtt://127.0.0.1:{broker.port}")
        gateway = self.cabinet.gateway_in_step("--store", "/proc/streetlight-store")
        self.lamps_follow()
        self.assertIn("/proc/streetlight-store", gateway.text())
        self.until(lambda: judge.unnumbered > 0, "records go out with seq null")
        self.assertEqual(0, judge.count())

    def test_on_a_full_disk(self):
        mount = self.cabinet.directory / "small"
        mount.mkdir()
        made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(mount)], capture_output=True)
        if made.returncode != 0:
            self.skipTest("only root can mount a small disk")
        self.addCleanup(lambda: subprocess.run(["umount", "-l", str(mount)], check=True))
        with open(mount / "rubbish", "wb", buffering=0) as rubbish:
            with contextlib.suppress(OSError):
                while True:
                    rubbish.write(bytes(4096))
        broker = self.cabinet.broker()
        judge = self.cabinet.subscriber(broker.port)
        self.cabinet.simulator(*LAMPS, "--mqtt", f"mqtt://127.0.0.1:{broker.port}")
        self.cabinet.gateway_in_step("--store", mount / "store")
        self.lamps_follow()
        self.until(lambda: judge.unnumbered > 0, "records go out with seq null")
        alarm = self.until(lambda: judge.find(lambda _, d: d.get("name") == "store.degraded"), "an alarm about the store")
        self.assertIsNone(alarm[0][2]["seq"])

    def test_with_a_corrupt_queue(self):
        broker = self.cabinet.broker()
        judge = self.cabinet.subscriber(broker.port)
        self.cabinet.simulator(*LAMPS, "--mqtt", f"mqtt://127.0.0.1:{broker.port}")
        gateway = self.cabinet.gateway_in_step()
        self.until(lambda: judge.records("state"), "records arrive")
        self.assertEqual(0, gateway.stop())
        before = judge.status["epoch"]
        queue = self.cabinet.directory / "store/queue.db"
        data = bytearray(queue.read_bytes())
        self.assertEqual(b"SQLite format 3\0", bytes(data[:16]))
        for at in range(1024, len(data), 97):
            data[at] ^= 0xFF
        queue.write_bytes(data)
        self.cabinet.gateway_in_step()
        self.until(lambda: judge.status["epoch"] != before, "a new epoch is announced")
        first = judge.find(lambda topic, d: topic.endswith("/status") and d["epoch"] != before)[0][2]
        self.assertEqual((before, "new_store"), (first.get("replaces"), first["reason"]))
        self.assertTrue(list((self.cabinet.directory / "store").glob("*.corrupt-*")))
        with sqlite3.connect(queue) as fresh:
            self.assertEqual(("ok",), fresh.execute("pragma quick_check").fetchone())
        self.levels_are(60)
        self.assertEqual({}, judge.missing())


if __name__ == "__main__":
    main()
