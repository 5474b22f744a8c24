#!/usr/bin/python3
"""kill -9 at random instants under load: no number missing, no command done twice, every command answered.

"""
import collections
import os
import random
import sys
import time
import unittest

from e2e_case import CabinetCase, main

LAMPS = 12
KILLS = int(os.environ.get("SL_KILLS", "15"))
SECONDS = float(os.environ.get("SL_KILL_SECONDS", "0"))
# Never the program's 100; steps wider than what a restarted gateway takes for "burns as wanted already" (1.5 %).
LEVELS = range(20, 96, 3)


class Kill(CabinetCase):
    def setUp(self):
        super().setUp()
        self.random = random.Random(int(os.environ.get("SL_SEED", "0")) or None)
        self.broker = self.cabinet.broker()
        self.judge = self.cabinet.subscriber(self.broker.port)
        self.cabinet.simulator("--lamps", LAMPS, "--boot-s", 0, "--speed", 1.01, "--start", "2026-11-23T19:00:00+08:00",
                               "--write-config", "--mqtt", f"mqtt://127.0.0.1:{self.broker.port}")
        self.cabinet.configure("mqtt", first_retry_max="0s", retry_cap="1s", hist_per_s=10000, hist_bytes_per_s=0,
                               lamp_telemetry="1s", meter_telemetry="1s")
        self.cabinet.configure("store", commit_every="1s")
        self.open_commands, self.repeats = {}, 0
        self.lamps = [f"L{i:03}" for i in range(1, LAMPS + 1)]
        self.sent = {}                                   # command id -> (lamp, level)
        self.order = collections.defaultdict(list)       # lamp -> levels in the order they were asked for

    def send_one(self):
        """The next level of a lamp whose former command is done: so its history has one right order."""
        busy = self.busy()
        free = [lamp for lamp in self.lamps if lamp not in busy]
        if not free:
            return
        lamp = self.random.choice(free)
        level = LEVELS[len(self.order[lamp]) % len(LEVELS)]
        command = self.command(self.judge, "lamp.set", target={"lamps": [lamp]}, args={"level_pct": level},
                               hold={"for_s": 7200}, ttl_s=600)
        self.sent[command] = (lamp, level)
        self.order[lamp].append(level)
        self.open_commands[command] = [lamp, time.monotonic()]

    def busy(self):
        """Lamps with a command that is not done. What stayed without an answer is sent again, as a platform does:
        the broker was told of its receipt before it was on disk, and accepted is due within 2 s."""
        for command, entry in list(self.open_commands.items()):
            phases = self.judge.replies(command)
            if phases.get("done"):
                del self.open_commands[command]
            elif not phases and time.monotonic() - entry[1] > 3:
                entry[1] = time.monotonic()
                self.repeats += 1
                self.judge.publish(f"{self.cabinet.root}/cmd/city", self.bodies[command])
        return {lamp for lamp, _ in self.open_commands.values()}

    def test_killed_at_random_instants_under_load(self):
        gateway = self.cabinet.gateway_in_step()
        self.lamps_read(100)
        kills, started = 0, time.monotonic()
        while kills < KILLS or time.monotonic() - started < SECONDS:
            until = time.monotonic() + self.random.uniform(0.05, 2.0)
            while time.monotonic() < until:
                self.send_one()
            gateway.kill()
            kills += 1
            gateway = self.cabinet.gateway_in_step()
        self.gateway_answers()
        try:
            self.until(lambda: not self.busy(), "every command is done", 30)
        except AssertionError as error:
            raise AssertionError(f"{error}: {[(c, self.sent[c], self.judge.replies(c)) for c in self.open_commands]}") from None
        self.no_gaps(self.judge, 60)
        self.check_replies()
        self.check_histories()
        print(f"{kills} kills, {len(self.sent)} commands, {self.judge.count()} records, "
              f"{self.repeats} commands sent again, "
              f"{self.judge.duplicates} of them twice, 0 missing")

    def check_replies(self):
        """One accepted and one done a command by (id, phase); copies may come twice, but never say something else."""
        results = collections.Counter()
        for command, (lamp, level) in self.sent.items():
            phases = self.judge.replies(command)
            self.assertEqual({"accepted", "done"}, set(phases), f"{lamp} to {level}: {phases}")
            for phase, copies in phases.items():
                said = {(d.get("result"), d.get("code")) for d in copies}
                self.assertEqual(1, len(said), f"{lamp} to {level}: {phase} {said}")
            results[phases["done"][0]["result"], phases["done"][0]["code"], str(phases["done"][0]["fails"])] += 1
        self.assertEqual({"ok"}, {result for result, _, _ in results}, results)

    def check_histories(self):
        for lamp, asked in self.order.items():
            told = [c["level"] for c in self.cabinet.history(lamp) if c["cause"] != "power-on"]
            never = [self.judge.replies(c) for c, (of, level) in self.sent.items() if of == lamp and level not in told]
            self.assertEqual(asked, told, f"{lamp}: asked for and told; never told, but answered: {never}")
            self.assertEqual(asked[-1], self.cabinet.lamp(lamp)["wanted"])


if __name__ == "__main__":
    main()
