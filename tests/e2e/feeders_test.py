#!/usr/bin/python3
"""Power: the selector in the cabinet, and feeders held off for people who work on them."""
import unittest

from e2e_case import CabinetCase, main


class Feeders(CabinetCase):
    def start(self, speed=20):
        self.broker = self.cabinet.broker()
        self.judge = self.cabinet.subscriber(self.broker.port)
        self.cabinet.simulator("--lamps", 6, "--boot-s", 0, "--speed", speed, "--start", "2026-11-23T23:30:00+08:00",
                               "--write-config", "--mqtt", f"mqtt://127.0.0.1:{self.broker.port}")
        self.cabinet.replace('"lamp.set", "release",', '"lamp.set", "feeder.set", "release",')
        self.gateway = self.cabinet.gateway_in_step()
        self.lamps_read(60)

    def writes(self):
        return self.cabinet.field("frames io 211")["writes"]

    def closed(self):
        return [f["closed"] for f in self.cabinet.field("feeders")["feeders"]]

    def test_at_manual_no_relay_is_written_and_the_crew_sees_light(self):
        self.start()
        writes = self.writes()
        self.cabinet.field("input IN1 2 on")
        self.levels_are(100)
        self.until(lambda: self.judge.alarms("cabinet.local_manual", transition="raise"), "MANUAL is reported")
        self.until(lambda: self.cabinet.api("status")[1]["mode"] == "manual", "mode manual")
        # What the platform asks for now is locked out, and nothing moves.
        done = self.done(self.judge, self.command(self.judge, "feeder.set", target={"feeders": ["F1"]}, args={"on": False}))
        self.assertEqual(24, done["code"], done)
        done = self.done(self.judge, self.command(self.judge, "lamp.set", target={"all": True}, args={"level_pct": 10}))
        self.assertEqual(24, done["code"], done)
        self.assertEqual({100.0}, set(self.cabinet.levels().values()))
        self.assertEqual([True, True], self.closed())
        self.assertEqual(writes, self.writes(), "no relay is written at MANUAL")
        self.cabinet.field("input IN1 2 off")
        self.levels_are(60)
        self.until(lambda: self.judge.alarms("cabinet.local_manual", transition="clear"), "its end is reported", 60)
        self.assertEqual([True, True], self.closed())

    def test_a_feeder_held_off_stays_off_until_somebody_releases_it_by_name(self):
        self.start()
        done = self.done(self.judge, self.command(self.judge, "feeder.set", target={"feeders": ["F1"]}, args={"on": False},
                                                  hold={"for_s": 300}))
        self.assertEqual("ok", done["result"], done)
        self.until(lambda: self.closed() == [False, True], "F1 is open")
        # Killed in the second after: the hold must not be forgotten.
        self.gateway.kill()
        self.gateway = self.cabinet.gateway_in_step()
        self.until(lambda: self.judge.alarms("feeder.hold_overdue", "F1"),
                   "the hold is overdue", 60)
        self.assertEqual([False, True], self.closed())
        self.assertEqual(0, self.gateway.stop())
        self.gateway = self.cabinet.gateway_in_step()
        self.gateway_answers()
        started = self.cabinet.field("time")["sim_s"]
        # Going through MANUAL releases nothing either.
        self.cabinet.field("input IN1 2 on")
        self.until(lambda: self.cabinet.api("status")[1]["mode"] == "manual", "mode manual")
        self.cabinet.field("input IN1 2 off")
        self.until(lambda: self.cabinet.api("status")[1]["mode"] == "auto", "mode auto")
        done = self.done(self.judge, self.command(self.judge, "lamp.set", target={"lamps": ["L001"]}, args={"level_pct": 80, "energise": True}))
        self.assertEqual(25, done["code"], done)
        self.until(lambda: self.cabinet.field("time")["sim_s"] > started + 200, "some minutes pass")
        self.assertEqual([False, True], self.closed())
        done = self.done(self.judge, self.command(self.judge, "release", target={"feeders": ["F1"]}))
        self.assertEqual("ok", done["result"], done)
        self.until(lambda: self.closed() == [True, True], "F1 is closed again", 60)
        self.levels_are(60)


if __name__ == "__main__":
    main()
