#!/usr/bin/python3
"""Whatever goes wrong on a line: it goes on working, and no wrong value is ever told."""
import unittest

from e2e_case import CabinetCase, main

LAMPS = 8
# What the simulated field can be: mains within 5 V of 230, at most 100 W a lamp, colder than 60 degrees.
TRUE = {"voltage_v": (180, 260), "power_w": (0, 110), "current_a": (0, 0.6), "power_factor": (0, 1),
        "temperature_c": (0, 60), "level_pct": (60, 60), "energy_wh": (0, 10_000)}


class Bus(CabinetCase):
    def start(self, *faults):
        self.cabinet.simulator("--lamps", LAMPS, "--boot-s", 0, "--start", "2026-11-23T23:30:00+08:00", "--speed", 1.01,
                               "--write-config", *faults)
        self.cabinet.configure("lamps", backoff_max="2s")
        self.gateway = self.cabinet.gateway_in_step()
        self.lamps_read(60)

    def lines(self):
        return {line["id"]: line for line in self.cabinet.api("lines")[1]["lines"]}

    def values(self):
        """What the gateway says about every lamp and the meter; each checked against what can be true."""
        for number in range(1, LAMPS + 1):
            shown = self.cabinet.api(f"lamps/L{number:03}")[1]
            for name, (low, high) in TRUE.items():
                value = shown.get("values", {}).get(name)
                if value and value["quality"] == "ok" and value["value"] is not None:
                    self.assertTrue(low <= value["value"] <= high, f"L{number:03} {name} {value}")
            self.assertIn("values", shown)

    def goes_on(self, line, unit, rounds=3):
        """So many more answers of a unit, with true values all the while."""
        goal = self.cabinet.field(f"frames {line} {unit}")["answers"] + rounds * 2

        def answered():
            self.values()
            return self.cabinet.field(f"frames {line} {unit}")["answers"] >= goal
        self.until(answered, f"unit {unit} goes on answering")

    def rises(self, *names):
        before = self.lines()["lamps"]

        def more():
            now = self.lines()["lamps"]
            return any(now[name] > before[name] for name in names)
        return more

    def test_noise_wrong_late_and_missing_answers(self):
        self.start()
        for fault in ("bad-crc", "wrong-unit", "wrong-count", "truncated", "noise", "silent", "exception 4", "late 450"):
            with self.subTest(fault):
                more = self.rises("bad_frames", "timeouts", "foreign")
                self.cabinet.field(f"fault answer lamps 2 {fault} every 2" if fault not in ("exception 4", "late 450")
                                   else f"fault answer lamps 2 {fault}")
                self.goes_on("lamps", 3)
                # An exception is an answer, and what stands before a good frame is skipped: neither is held against the line.
                if fault in ("noise", "exception 4"):
                    self.cabinet.field("fault answer lamps 2 none")
                    continue
                self.until(more, f"the statistics show {fault}: {self.lines()['lamps']}")
                self.cabinet.field("fault answer lamps 2 none")
        self.goes_on("lamps", 2)

    def test_noise_on_the_line_and_another_masters_broadcasts(self):
        self.start()
        before = {lamp: self.cabinet.history(lamp) for lamp in self.cabinet.levels()}
        self.cabinet.field("fault noise lamps 200")
        self.goes_on("lamps", 3, 2)
        self.cabinet.field("fault noise lamps 0")
        # A foreign master writes a register that no lamp acts on: every unit hears it, none answers.
        self.cabinet.field("fault foreign lamps 000600630001b805 150")
        self.goes_on("lamps", 3)
        self.cabinet.field("fault foreign off")
        self.goes_on("lamps", 2)
        self.values()
        for lamp, changes in before.items():
            self.assertEqual(changes, self.cabinet.history(lamp))

    def test_a_port_that_is_pulled_out_and_put_back(self):
        self.start()
        for _ in range(2):
            self.cabinet.field("unplug lamps")
            self.until(lambda: not self.lines()["lamps"]["open"], f"the line is down: {self.lines()['lamps']}")
            self.cabinet.field("plug lamps")
            self.until(lambda: self.lines()["lamps"]["open"], "the line is open again")
            self.goes_on("lamps", 3)
        self.lamps_read(60)
        self.assertTrue(self.gateway.alive())


if __name__ == "__main__":
    main()
