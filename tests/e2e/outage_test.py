#!/usr/bin/python3
"""The broker goes away and comes back: nothing is missing, nothing is late, nothing is re-dated."""
import time
import unittest

from e2e_case import CabinetCase, main

LAMPS = 20


class Outage(CabinetCase):
    def setUp(self):
        super().setUp()
        self.broker = self.cabinet.broker()
        self.judge = self.cabinet.subscriber(self.broker.port, keep=("event", "reply", "state", "energy", "telemetry", "status"))
        self.cabinet.simulator("--lamps", LAMPS, "--boot-s", 1, "--start", "2026-11-23T21:00:00+08:00",
                               "--write-config", "--mqtt", f"mqtt://127.0.0.1:{self.broker.port}")
        self.cabinet.configure("mqtt", first_retry_max="0s", retry_cap="1s", hist_per_s=10000, hist_bytes_per_s=0,
                               lamp_telemetry="1s", meter_telemetry="1s")
        self.cabinet.configure("store", commit_every="1s")
        # Site time is the wall's, shifted: the original times of records can be told from the times of sending.
        self.gateway = self.cabinet.gateway_in_step()
        self.levels_are(100)
        self.until(lambda: any(d["seq"] > 3 for d in self.judge.records("telemetry")), "telemetry flows")

    def change_lamps(self, level):
        """A change that no broker is needed for: over the local API."""
        status, answer = self.cabinet.api("commands", "POST", {
            "op": "lamp.set", "target": {"all": True}, "args": {"level_pct": level}, "hold": {"for_s": 600}}, seconds=30)
        self.assertEqual(200, status, answer)
        self.assertEqual("ok", answer["result"], answer)

    def away_and_back(self, end):
        """The broker is away while lamps change; returns (site ms when it went, when it came, real s when it came)."""
        end()
        self.until(lambda: not self.cabinet.api("status")[1]["uplink"]["connected"], "the gateway sees that it is gone")
        gone = self.cabinet.field("time")["sim_s"] * 1000
        for level in (40, 50, 70):
            self.change_lamps(level)
        self.until(lambda: self.cabinet.api("outbox")[1]["pending"] > 8, "records wait")
        self.broker.start()
        return gone, self.cabinet.field("time")["sim_s"] * 1000, time.monotonic()

    def check(self, gone, back, since):
        live = self.until(lambda: self.judge.find(lambda t, d: d.get("stream") == "telemetry" and not d["hist"]
                                                  and d["ts"] >= back), "telemetry is live again")
        self.assertLess(live[0][0] - since, 3.0, "seconds until live again")
        self.no_gaps(self.judge)
        during = [d for d in self.judge.records("telemetry") if gone + 500 < d["ts"] < back - 500]
        self.assertTrue(during, "records of the time without a broker keep that time")
        levels = {d["set"][0]["level_pct"] for d in self.judge.records("state", lambda d: "set" in d) if gone <= d["ts"] <= back}
        told = levels | {r["level_pct"] for r in self.judge.rows_of("state", "lamp") if gone <= r["ts"] <= back}
        self.assertTrue({40, 50, 70} <= told, f"levels reported for the outage: {told}")

    def test_a_broker_that_stops_and_starts_again_costs_no_record(self):
        self.check(*self.away_and_back(self.broker.stop))

    def test_history_does_not_go_over_the_live_topics(self):
        # What waited longer than a minute is history: the lane is told by the topic and by the flag alike.
        gone, back, since = self.away_and_back(self.broker.stop)
        self.check(gone, back, since)
        for _, topic, data, _ in self.judge.find(lambda t, d: "seq" in d):
            self.assertEqual("/hist/" in topic, data["hist"], topic)


if __name__ == "__main__":
    main()
