"""What every end-to-end test starts from: a cabinet in a temporary directory, ended whatever happens."""
import os
import pathlib
import sys
import time
import unittest
import uuid

from cabinet import Cabinet, wait_for

BIN = pathlib.Path(os.environ.get("SL_BIN_DIR", pathlib.Path(__file__).resolve().parents[2] / "build/asan/bin"))
# Sanitizers slow the daemon about five times; deadlines are for a machine that compiles at the same time.
PATIENCE = float(os.environ.get("SL_PATIENCE", "30"))


class CabinetCase(unittest.TestCase):
    def setUp(self):
        self.cabinet = Cabinet(BIN, self.id().rsplit(".", 1)[-1][:40])
        self.bodies = {}  # command id -> what was sent
        self.addCleanup(self._end)

    def _end(self):
        result = self._outcome.result
        self.cabinet.end(any(case is self for case, _ in result.errors + result.failures))

    def until(self, condition, what, seconds=PATIENCE):
        return wait_for(condition, seconds, what)

    def gateway_answers(self):
        """The local API answers; the gateway is up."""
        def up():
            try:
                return self.cabinet.api("status")[0] == 200
            except OSError:
                return False
        self.until(up, "the gateway's API answers")

    def levels_are(self, level, seconds=PATIENCE, lamps=None):
        def there():
            now = self.cabinet.levels()
            # DALI's logarithmic steps are up to 1 % away from what was asked.
            return all(abs(value - level) <= 1.0 for name, value in now.items() if lamps is None or name in lamps)
        try:
            self.until(there, f"lamps at {level}", seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}: {self.cabinet.levels()} at {self.cabinet.hour()}") from None

    def lamps_read(self, level, seconds=PATIENCE):
        """The gateway itself has read every lamp at this level: they have power and answer."""
        self.gateway_answers()
        self.until(lambda: all(lamp["powered"] and abs((lamp.get("level_pct") or 0) - level) <= 1
                               for lamp in self.cabinet.api("lamps")[1]["lamps"]), f"every lamp read at {level}", seconds)

    def command(self, subscriber, op, principal="city", **members):
        """Sends a command as the platform would; returns its id."""
        body = {"v": 1, "id": uuid.uuid4().hex, "op": op, "ts": int(time.time() * 1000), "ttl_s": 60}
        body.update(members)
        subscriber.publish(f"{self.cabinet.root}/cmd/{principal}", body)
        self.bodies[body["id"]] = body
        return body["id"]

    def done(self, subscriber, command_id, seconds=PATIENCE):
        """The one done of a command."""
        phases = self.until(lambda: (r := subscriber.replies(command_id)).get("done") and r,
                            f"done of {command_id}", seconds)
        self.assertEqual(1, len(phases["done"]), phases)
        return phases["done"][0]

    def no_gaps(self, subscriber, seconds=PATIENCE):
        """Everything produced so far has arrived, and nothing is missing below it."""
        outbox = self.until(lambda: (o := self.cabinet.api("outbox")[1])["pending"] == 0 and o,
                            "the outbox is empty", seconds)
        want = {s["stream"]: s["next_seq"] - 1 for s in outbox["streams"] if s["next_seq"] > 1}
        self.until(lambda: all(subscriber.highest(outbox["epoch"]).get(s, 0) >= n for s, n in want.items()),
                   f"the subscriber has {want}", seconds)
        self.assertEqual({}, subscriber.missing())
        self.assertEqual({}, subscriber.lost)


def main():
    sys.stdout.reconfigure(line_buffering=True)
    unittest.main()
