#!/usr/bin/python3
"""A restart in the night is not seen by anybody in the street."""
import unittest

from e2e_case import CabinetCase, main


class Midnight(CabinetCase):
    def lit_at_sixty(self):
        # Real pace: what a gateway does wrong in its first seconds has time to show.
        self.cabinet.simulator("--lamps", 8, "--heads", 2, "--dali", 2, "--boot-s", 1, "--speed", 10,
                               "--start", "2026-11-23T23:59:00+08:00", "--write-config")
        gateway = self.cabinet.gateway_in_step()
        self.levels_are(60)
        self.gateway_answers()
        self.until(self.all_read, "every lamp has been read at 60")
        return gateway

    def all_read(self):
        lamps = self.cabinet.api("lamps")[1]["lamps"]
        return all(abs((lamp.get("level_pct") or 0) - 60) <= 1 for lamp in lamps)

    def nothing_changed(self, before):
        self.until(lambda: self.cabinet.hour() >= "00:00:20" and self.cabinet.hour() < "12", "it is past midnight", 90)
        self.gateway_answers()
        self.until(self.all_read, "every lamp has been read at 60 again")
        for lamp, changes in before.items():
            self.assertEqual(changes, self.cabinet.history(lamp), f"{lamp} was told something by the restart")
        for feeder in self.cabinet.field("feeders")["feeders"]:
            self.assertEqual((True, 1), (feeder["closed"], feeder["operations"]), feeder)

    def before(self):
        return {lamp: self.cabinet.history(lamp) for lamp in self.cabinet.levels()}

    def test_a_polite_restart_changes_nothing(self):
        gateway = self.lit_at_sixty()
        before = self.before()
        self.assertEqual(0, gateway.stop())
        self.cabinet.gateway_in_step()
        self.nothing_changed(before)

    def test_a_kill_changes_nothing(self):
        gateway = self.lit_at_sixty()
        before = self.before()
        gateway.kill()
        self.cabinet.gateway_in_step()
        self.nothing_changed(before)

    def test_three_kills_in_a_row_change_nothing(self):
        gateway = self.lit_at_sixty()
        before = self.before()
        for _ in range(3):
            gateway.kill()
            gateway = self.cabinet.gateway_in_step()
            self.gateway_answers()
        self.nothing_changed(before)

    def test_a_step_that_passed_while_the_gateway_was_down_is_caught_up_at_once(self):
        self.cabinet.simulator("--lamps", 6, "--boot-s", 1, "--speed", 60, "--start", "2026-11-23T22:40:00+08:00", "--write-config")
        gateway = self.cabinet.gateway_in_step()
        self.levels_are(100)
        self.gateway_answers()
        gateway.kill()
        self.until(lambda: self.cabinet.hour() >= "23:01:00", "23:01")
        self.assertEqual({100.0}, set(self.cabinet.levels().values()))
        self.cabinet.gateway_in_step()
        self.levels_are(60, 15)
        for lamp in self.cabinet.levels():
            self.assertEqual([100.0, 60.0], [c["level"] for c in self.cabinet.history(lamp)], lamp)


if __name__ == "__main__":
    main()
