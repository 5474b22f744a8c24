#!/usr/bin/python3
"""Commands over MQTT, as the contract says: judged by the replies, the lamps' histories and the state."""
import json
import time
import unittest
import uuid

from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from e2e_case import CabinetCase, main

PRINCIPALS = '''[[mqtt.principal]]
id  = "city"
ops = ["*"]
max_hold = "24h"

[[mqtt.principal]]
id      = "police"
ops     = ["lamp.set", "release"]
targets = ["L001"]
max_hold = "10m"
'''
REPLIES = "streetlight/v1/SIM/_reply/desk"


class Commands(CabinetCase):
    def start(self, at="2026-11-23T19:00:00+08:00", speed=1.01):
        self.broker = self.cabinet.broker()
        self.judge = self.cabinet.subscriber(self.broker.port, keep=("event", "reply", "state", "energy", "telemetry", "status"))
        self.cabinet.simulator("--lamps", 6, "--boot-s", 0, "--start", at, "--speed", speed, "--write-config",
                               "--mqtt", f"mqtt://127.0.0.1:{self.broker.port}")
        self.cabinet.replace('[[mqtt.principal]]\nid  = "city"\nops = ["lamp.set", "release", "sync", "read", "replay"]\n', PRINCIPALS)
        self.cabinet.configure("mqtt", first_retry_max="0s", retry_cap="1s", hist_per_s=10000, hist_bytes_per_s=0)
        self.gateway = self.cabinet.gateway_in_step()
        self.until(lambda: self.judge.status, "the gateway is online, so commands reach it")

    def rejected(self, code, op, path=None, **members):
        command = self.command(self.judge, op, **members)
        done = self.done(self.judge, command)
        self.assertEqual(code, done["code"], done)
        self.assertNotIn("accepted", self.judge.replies(command))
        if path:
            self.assertIn(path, json.dumps(done))
        return done

    def test_levels_holds_rights_and_repeats(self):
        self.start()
        self.lamps_read(100)
        with self.subTest("accepted, then done, verified by measurement"):
            first = self.command(self.judge, "lamp.set", target={"lamps": ["L001", "L002"]}, args={"level_pct": 42}, ack="each")
            done = self.done(self.judge, first)
            self.assertEqual(("ok", 0, 2, 2, 2), tuple(done[k] for k in ("result", "code", "n", "ok", "confirmed")), done)
            accepted = self.judge.replies(first)["accepted"][0]
            self.assertLess(accepted["seq"], done["seq"])
            self.levels_are(42, lamps=("L001", "L002"))
            self.levels_are(100, lamps=("L003", "L006"))
        with self.subTest("a repeated id is answered from memory and not carried out"):
            before = self.cabinet.field("frames lamps 1")["writes"], self.cabinet.history("L001")
            self.judge.publish(f"{self.cabinet.root}/cmd/city", dict(self.bodies[first], args={"level_pct": 77}))
            dup = self.until(lambda: [d for d in self.judge.replies(first)["done"] if d["dup"]], "an answer with dup")
            self.assertEqual("ok", dup[0]["result"])
            self.assertEqual(before, (self.cabinet.field("frames lamps 1")["writes"], self.cabinet.history("L001")))
        with self.subTest("release returns to the program"):
            self.assertEqual("ok", self.done(self.judge, self.command(self.judge, "release", target={"all": True}))["result"])
            self.levels_are(100)
        with self.subTest("what may not be is refused with its reason"):
            lamp = {"target": {"lamps": ["L001"]}, "args": {"level_pct": 10}}
            self.rejected(12, "lamp.set", "target.lamps[1]", target={"lamps": ["L001", "L999"]}, args={"level_pct": 10})
            self.rejected(12, "lamp.set", "target.poles", target={"poles": ["1"]}, args={"level_pct": 10})
            self.rejected(13, "lamp.set", "args.level_pct", target={"all": True}, args={"level_pct": 101})
            self.rejected(10, "lamp.set", "hold", hold={"for_s": 60, "released": True}, **lamp)
            self.rejected(11, "lamp.dance", "op", **lamp)
            self.rejected(16, "lamp.set", ts=int(time.time() * 1000) - 120_000, ttl_s=60, **lamp)
            self.rejected(13, "lamp.set", ts=int(time.time() * 1000) + 600_000, **lamp)
            self.rejected(14, "lamp.set", "L002", principal="police", target={"lamps": ["L002"]},
                          args={"level_pct": 10}, hold={"for_s": 60})
            self.rejected(14, "lamp.set", "hold", principal="police", hold={"for_s": 3600}, **lamp)
            self.rejected(14, "sync", "op", principal="police")
            self.rejected(14, "lamp.set", "principal", principal="stranger", **lamp)
            retained = {"v": 1, "id": uuid.uuid4().hex, "op": "lamp.set", "ts": int(time.time() * 1000), **lamp}
            self.judge.publish(f"{self.cabinet.root}/cmd/city", retained, retain=True)
            self.assertEqual(15, self.done(self.judge, retained["id"])["code"])
            self.judge.publish(f"{self.cabinet.root}/cmd/city", b"", retain=True)
            self.judge.publish(f"{self.cabinet.root}/cmd/city", b"\xff{ this is no JSON")
            self.until(lambda: self.judge.records("reply", lambda d: d.get("code") == 10 and not d.get("id")), "an answer to rubbish")
            self.assertEqual({100.0}, set(self.cabinet.levels().values()))
            self.until(lambda: self.judge.records("event", lambda d: d.get("kind") == "audit"), "rejections are audited")
        with self.subTest("the police may do what they may"):
            done = self.done(self.judge, self.command(self.judge, "lamp.set", principal="police", target={"lamps": ["L001"]},
                                                      args={"level_pct": 30, "priority": "emergency"}, hold={"for_s": 600}))
            self.assertEqual("ok", done["result"])
            self.levels_are(30, lamps=("L001",))
            # The city's override ranks below the emergency.
            self.done(self.judge, self.command(self.judge, "lamp.set", target={"lamps": ["L001", "L002"]}, args={"level_pct": 55}))
            self.levels_are(55, lamps=("L002",))
            self.assertEqual(30.0, self.cabinet.lamp("L001")["wanted"])
        self.no_gaps(self.judge)

    def test_the_response_topic(self):
        self.start()
        self.lamps_read(100)
        answers = self.cabinet.subscriber(self.broker.port, keep=("reply",), topic=REPLIES)

        def ask(topic, **members):
            properties = Properties(PacketTypes.PUBLISH)
            properties.ResponseTopic, properties.CorrelationData = topic, b"ticket 7"
            body = {"v": 1, "id": uuid.uuid4().hex, "op": "read", "ts": int(time.time() * 1000), "target": {"all": True}, **members}
            self.judge.publish(f"{self.cabinet.root}/cmd/city", body, properties=properties)
            return body["id"]
        asked = ask(REPLIES)
        self.assertEqual("ok", self.done(self.judge, asked)["result"])
        self.until(lambda: {m[2]["phase"] for m in answers.find(lambda t, d: d["id"] == asked)} == {"accepted", "done"}, "a copy of both")
        self.assertEqual([False, False], [m[3] for m in answers.find(lambda t, d: True)], "never retained")
        self.assertEqual(14, self.done(self.judge, ask("somewhere/else"))["code"])

    def test_sync_read_and_replay(self):
        self.start()
        self.lamps_read(100)
        sync = self.command(self.judge, "sync")
        self.assertEqual("ok", self.done(self.judge, sync)["result"])
        ends = self.until(lambda: self.judge.records("state", lambda d: d.get("snap_end") and sync in json.dumps(d)),
                          "a snapshot that ends with the requester's id")
        rows = [r for r in self.judge.rows_of("state", "lamp") if r["id"] == "L006" and r["ts"] <= ends[0]["ts"]]
        self.assertEqual(100, rows[-1]["level_pct"])
        self.assertTrue(self.judge.records("event", lambda d: d.get("kind") == "active" and d.get("snap_end")))
        reads = self.cabinet.field("frames lamps 3")["reads"]
        self.assertEqual("ok", self.done(self.judge, self.command(self.judge, "read", target={"lamps": ["L003"]}))["result"])
        self.assertGreater(self.cabinet.field("frames lamps 3")["reads"], reads)
        # A subscriber that lost records asks for them: made into a gap here by forgetting.
        self.no_gaps(self.judge)
        with self.judge.lock:
            epoch = self.judge.status["epoch"]
            self.judge.seen[(epoch, "state")] -= {2, 3}
        self.assertEqual({(epoch, "state"): [2, 3]}, self.judge.missing())
        self.assertEqual("ok", self.done(self.judge, self.command(self.judge, "replay", args={"stream": "state", "from": 2, "to": 3}))["result"])
        self.until(lambda: not self.judge.missing(), "the gap is closed")
        again = self.judge.find(lambda t, d: d.get("stream") == "state" and d.get("seq") in (2, 3))
        self.assertEqual([True, True], ["/hist/state" in t for _, t, _, _ in again[-2:]])

    def test_a_hold_ends_at_its_end_also_while_the_gateway_is_down(self):
        self.start(speed=60)
        self.lamps_read(100)
        self.assertEqual("ok", self.done(self.judge, self.command(
            self.judge, "lamp.set", target={"lamps": ["L001"]}, args={"level_pct": 40}, hold={"for_s": 600}))["result"])
        self.levels_are(40, lamps=("L001",))
        told = self.cabinet.history("L001")[-1]["t"]
        self.levels_are(100, lamps=("L001",))
        self.assertAlmostEqual(600, self.cabinet.history("L001")[-1]["t"] - told, delta=90)
        self.assertEqual("ok", self.done(self.judge, self.command(
            self.judge, "lamp.set", target={"lamps": ["L002"]}, args={"level_pct": 40}, hold={"for_s": 900}))["result"])
        self.levels_are(40, lamps=("L002",))
        self.gateway.kill()
        end = self.cabinet.history("L002")[-1]["t"] + 1000
        self.until(lambda: self.cabinet.field("time")["sim_s"] > end, "the hold's end passes unseen")
        self.assertEqual(40.0, self.cabinet.lamp("L002")["level"])
        self.cabinet.gateway_in_step()
        self.levels_are(100, 15)
        self.assertEqual([100.0, 40.0, 100.0], [c["level"] for c in self.cabinet.history("L002")])

    def test_a_lamp_on_a_dead_feeder_answers_no_power(self):
        self.start(at="2026-11-23T12:00:00+08:00")
        self.gateway_answers()
        done = self.done(self.judge, self.command(self.judge, "lamp.set", target={"lamps": ["L001"]}, args={"level_pct": 40}))
        self.assertEqual(("failed", 25), (done["result"], done["code"]), done)
        self.assertEqual([["L001", 25]], [f[:2] for f in done["fails"]])
        self.assertEqual([], self.cabinet.history("L001"))
        with self.subTest("unless it asks for power"):
            done = self.done(self.judge, self.command(self.judge, "lamp.set", target={"lamps": ["L001"]},
                                                      args={"level_pct": 40, "energise": True}))
            self.assertEqual("ok", done["result"], done)
            self.levels_are(40, lamps=("L001",))
            self.assertEqual([True, False], [f["closed"] for f in self.cabinet.field("feeders")["feeders"]])


if __name__ == "__main__":
    main()
