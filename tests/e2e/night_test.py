#!/usr/bin/python3
"""A whole night at speed, and what breaks in it: every step reaches the lamps, the energy adds up, every fault is told."""
import datetime
import math
import unittest

import ephem

from e2e_case import CabinetCase, main

ZONE = datetime.timezone(datetime.timedelta(hours=8))


def civil(rising):
    """Civil dusk or dawn of the night of 23 November 2026 at the simulated cabinet, by PyEphem: seconds UTC."""
    place = ephem.Observer()
    place.lat, place.lon, place.pressure, place.horizon = "37.6870", "112.7528", 0, "-6"
    place.date = "2026/11/23 04:00" if not rising else "2026/11/23 16:00"
    find = place.next_rising if rising else place.next_setting
    return find(ephem.Sun(), use_center=True).datetime().replace(tzinfo=datetime.timezone.utc).timestamp()


def clock(day, hour):
    return datetime.datetime(2026, 11, day, hour, tzinfo=ZONE).timestamp()


class Night(CabinetCase):
    def start(self, at, speed, lamps=6):
        self.broker = self.cabinet.broker()
        self.judge = self.cabinet.subscriber(self.broker.port, keep=("event", "reply", "state", "energy", "telemetry", "status"))
        self.cabinet.simulator("--lamps", lamps, "--boot-s", 1, "--speed", speed, "--start", at, "--write-config",
                               "--mqtt", f"mqtt://127.0.0.1:{self.broker.port}")
        self.cabinet.configure("store", commit_every="1s")
        self.gateway = self.cabinet.gateway_in_step()

    def test_every_step_of_the_night_and_its_energy(self):
        speed = 1500
        self.start("2026-11-23T17:00:00+08:00", speed)
        self.until(lambda: "08:00:00" <= self.cabinet.hour() < "12", "it is morning", 120)
        feeders = self.cabinet.field("feeders")["feeders"]
        self.assertEqual([(False, 2), (False, 2)], [(f["closed"], f["operations"]) for f in feeders])
        # The lamps light with their feeder (lead of a minute or so before dusk) and go dark before it opens.
        late = 2.5 * speed
        wanted = [(100.0, civil(False)), (60.0, clock(23, 23)), (100.0, clock(24, 5)), (0.0, civil(True))]
        for lamp in self.cabinet.levels():
            told = [(c["level"], c["t"]) for c in self.cabinet.history(lamp) if c["cause"] != "power-off"]
            self.assertEqual([level for level, _ in wanted], [level for level, _ in told], lamp)
            for (level, due), (_, at) in zip(wanted, told):
                self.assertTrue(due - 300 <= at <= due + late, f"{lamp} at {level}: {at - due:.0f} s after it was due")
        self.no_gaps(self.judge)
        self.energy_adds_up()

    def energy_adds_up(self):
        rows = [r for r in self.judge.rows_of("energy", "interval") if r["object"] == "M1"]
        rows.sort(key=lambda r: r["from"])
        self.assertGreater(len(rows), 50)
        for row in rows:
            self.assertEqual(0, row["from"] % 900_000, row)
            self.assertEqual(row["from"] + 900_000, row["to"], row)
        for a, b in zip(rows, rows[1:]):
            self.assertEqual((a["to"], a["register_to"]), (b["from"], b["register_from"]), "no quarter is missing")
        total = sum(r["wh"] for r in rows)
        registers = float(rows[-1]["register_to"]) - float(rows[0]["register_from"])
        self.assertAlmostEqual(registers * 1000, total, delta=1.0)
        # Six lamps of 100 W, six hours of them at 60: the physics know what the meter counted.
        self.assertAlmostEqual(self.cabinet.field("energy")["meters_wh"]["M1"], total, delta=60)
        feeders = {f: sum(r["wh"] for r in self.judge.rows_of("energy", "interval") if r["object"] == f) for f in ("F1", "F2")}
        # Feeders are summed from their lamps: without line loss, the controllers and the cabinet's own load.
        self.assertTrue(all(0.85 * total < 2 * wh < total for wh in feeders.values()), f"{feeders} of {total}")

    def test_contactors_close_one_by_one(self):
        dusk = datetime.datetime.fromtimestamp(civil(False) - 130, ZONE)
        self.start(dusk.isoformat(timespec="seconds"), 5)
        closed = {}

        def all_closed():
            for feeder in self.cabinet.field("feeders")["feeders"]:
                if feeder["closed"]:
                    closed.setdefault(feeder["id"], self.cabinet.field("time")["sim_s"])
            return len(closed) == 2
        self.until(all_closed, "both feeders are closed", 60)
        self.assertGreaterEqual(math.fabs(closed["F1"] - closed["F2"]), 1.0, closed)

    def raised_and_cleared(self, name, thing, fault, cure):
        self.cabinet.field(fault)
        raised = self.until(lambda: self.judge.alarms(name, thing, "raise"), f"{name} of {thing}", 60)
        self.cabinet.field(cure)
        cleared = self.until(lambda: self.judge.alarms(name, thing, "clear"), f"{name} of {thing} is over", 90)
        self.assertEqual(raised[0]["alarm_id"], cleared[0]["alarm_id"])

    def test_faults_are_told_and_cleared(self):
        self.start("2026-11-23T20:00:00+08:00", 60, lamps=8)
        self.lamps_read(100)
        self.raised_and_cleared("lamp.offline", "L003", "fault lamp L003 dead", "fault lamp L003 none")
        self.raised_and_cleared("lamp.failure", "L002", "fault lamp L002 open", "fault lamp L002 none")
        self.raised_and_cleared("meter.offline", "M1", "fault answer meter M1 silent", "fault answer meter M1 none")
        others = {a["object"] for a in self.judge.records("event", lambda d: d.get("kind") == "alarm")}
        self.assertEqual({"L002", "L003", "M1"}, others & {f"L{i:03}" for i in range(1, 9)} | {"M1"})

    def test_a_welded_contactor_is_told(self):
        self.start("2026-11-24T06:40:00+08:00", 60)
        self.lamps_read(100)
        self.cabinet.field("fault contactor K1 welded")
        self.until(lambda: self.judge.alarms("contactor.mismatch", "K1", "raise"), "contactor.mismatch of K1", 90)
        self.cabinet.field("fault contactor K1 none")
        self.until(lambda: self.judge.alarms("contactor.mismatch", "K1", "clear"), "it is over", 90)
        self.assertFalse(self.judge.alarms("contactor.mismatch", "K2"))


if __name__ == "__main__":
    main()
