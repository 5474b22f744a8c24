#!/usr/bin/python3
"""One cabinet goes through an evening and a night: simulated field, real gateway, real broker.

Started by `./quickstart demo`. Ends with exit status 0 only when, per stream, distinct messages received plus
pending plus lost equal those produced, and no process died.
"""

import argparse
import pathlib
import shutil
import signal
import sys
import tempfile
import time

import counting
import parts
import picture

NIGHT_S = 16 * 3600  # from 16:00 to 08:00
START = "2026-11-23T16:00:00+08:00"
LAMPS, FEEDERS, WATTS = 60, 2, 120


def arguments():
    parser = argparse.ArgumentParser(prog="./quickstart demo", description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--bin", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--speed", type=float, help="times as fast as reality (default 350)")
    parser.add_argument("--real-time", action="store_true", help="as slow as reality")
    parser.add_argument("--minutes", type=float, help="how long the demo lasts (default: until the morning)")
    parser.add_argument("--messages", action="store_true", help="print every MQTT message instead of the picture")
    parser.add_argument("--keep", action="store_true", help="keep the folder with configuration, logs and store")
    given = parser.parse_args()
    if given.real_time:
        given.speed = 1.0
    elif given.speed is None:
        given.speed = NIGHT_S / (given.minutes * 60) if given.minutes else 350.0
    if not 0.1 <= given.speed <= 5000 or (given.minutes is not None and given.minutes <= 0):
        parser.error("--speed is 0.1 to 5000, --minutes above 0")
    given.seconds = given.minutes * 60 if given.minutes else NIGHT_S / given.speed
    return given


class Demo:
    def __init__(self, given):
        self.given = given
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="streetlight-demo-"))
        self.port = parts.free_port()
        self.broker = self.field = self.gateway = self.counter = None
        self.story, self.picture = [], None
        self.api = parts.LocalApi(self.folder / "api.sock")
        self.control = parts.FieldControl(self.folder / "control")
        self.alarm_names, self.replies = set(), []

    def start(self):
        folder, given = self.folder, self.given
        print(f"demo: {LAMPS} lamps on {FEEDERS} feeders, from {START[:16].replace('T', ' ')}, {given.speed:g} times as fast; "
              f"logs in {folder}", flush=True)
        self.broker = parts.start_broker(folder, self.port)
        self.counter = counting.Counter(self.port, self.print_message if given.messages else None, self.hear)
        self.field = parts.Part(
            "the simulated field",
            [given.bin / "streetlight-sim", "--lamps", LAMPS, "--watts", WATTS, "--feeders", FEEDERS, "--dir", folder, "--write-config",
             "--mqtt", f"mqtt://127.0.0.1:{self.port}", "--start", START, "--speed", given.speed, "--die-with-parent"],
            folder / "field.log", ready="ready")
        config = folder / "gateway.toml"
        # A fast night must not wait for flash-saving batches and slow-lane history, which count real seconds.
        parts.set_in_section(config, "store", ['commit_every = "1s"'])
        parts.set_in_section(config, "mqtt", ["hist_per_s = 1000", "hist_bytes_per_s = 0"])
        now = self.control.say("time")["local"]
        self.gateway = parts.Part(
            "the gateway", [given.bin / "streetlightd", "--config", config, "--speed", given.speed, "--start", now],
            folder / "gateway.log")
        self.api.wait(self.gateway)
        if not given.messages:
            ask = f"{given.bin.resolve()}/streetlightctl --socket {folder}/api.sock status"
            self.picture = picture.Picture(given.speed, ask)

    def print_message(self, topic, payload):
        print(f"{topic}  {payload.decode('utf-8', 'replace')}", flush=True)

    def tell(self, status, text):
        self.story.append(f"{picture.clock(status['time'])}  {text}")
        if not self.picture or not self.picture.live:
            print(f"> {self.story[-1]}", flush=True)

    # What happens to the cabinet, as a share of the whole time.
    def acts(self):
        yield 0.30, self.cut_lamp
        yield 0.45, self.break_broker
        yield 0.60, self.heal_broker
        yield 0.66, self.command
        yield 0.75, self.mend_lamp

    def cut_lamp(self, status):
        self.lamp = self.api.get("lamps")["lamps"][11]["id"]
        self.control.say(f"fault lamp {self.lamp} open")
        self.tell(status, f"the demo breaks the LED of lamp {self.lamp}: its controller answers, but it draws no power")

    def mend_lamp(self, status):
        self.control.say(f"fault lamp {self.lamp} none")
        self.tell(status, f"the demo mends lamp {self.lamp}")

    def break_broker(self, status):
        self.broker.stop()
        self.broker = None
        self.tell(status, "the demo stops the broker: the street goes on, the outbox grows")

    def heal_broker(self, status):
        self.broker = parts.start_broker(self.folder, self.port)
        self.tell(status, "the broker is back: the outbox empties, nothing is missing")

    def command(self, status):
        self.counter.send("city", {"op": "lamp.set", "target": {"groups": ["crossings"]}, "args": {"level_pct": 100},
                                   "hold": {"for_s": 3600}, "why": "accident at the crossing"})
        self.tell(status, "the city's platform asks for 100 % at the crossings, for an hour")

    def hear(self, reply):
        """Replies to the platform's command; called by the MQTT thread."""
        if reply.get("phase") == "done":
            self.replies.append(f"the gateway answers the platform: {reply['result']}, {reply.get('ok', 0)} of "
                                f"{reply.get('n', 0)} lamps, after {reply.get('took_ms', 0)} ms")

    def check_alive(self):
        for part in (self.broker, self.field, self.gateway):
            if part and not part.alive():
                raise parts.DemoError(f"{part.name} ended by itself (status {part.process.returncode}):\n{part.tail()}")

    def run(self):
        acts = list(self.acts())
        begun = time.monotonic()
        next_line = 0.0
        while (elapsed := time.monotonic() - begun) < self.given.seconds:
            self.check_alive()
            status = self.api.get("status")
            if status:
                while acts and elapsed >= acts[0][0] * self.given.seconds:
                    acts.pop(0)[1](status)
                while self.replies:
                    self.tell(status, self.replies.pop(0))
                if self.show(status, elapsed >= next_line):
                    next_line = elapsed + 5.0
            time.sleep(min(1.0, max(0.0, self.given.seconds - elapsed)))
        if not self.broker:
            self.heal_broker(self.api.get("status") or {"time": ""})

    def show(self, status, line_due):
        """True when a plain line was printed."""
        alarms = (self.api.get("alarms") or {"alarms": []})["alarms"]
        self.alarm_names.update(alarm["name"] for alarm in alarms)
        rows = counting.balance(self.counter, status["outbox"]) if status.get("outbox") else []
        if self.picture and self.picture.live:
            lamps = (self.api.get("lamps") or {"lamps": []})["lamps"]
            self.picture.draw(status, lamps, alarms, rows, self.story)
        elif self.picture and line_due:
            self.picture.line(status, rows)
            return True
        return False

    def settle(self, patience=30.0):
        """Waits until the outbox is empty and the counts agree; the last rows either way."""
        rows, end = [], time.monotonic() + patience
        while time.monotonic() < end:
            self.check_alive()
            outbox = self.api.get("outbox")
            if outbox:
                time.sleep(0.2)  # what was acknowledged a moment ago may still be on its way to the counter
                rows = counting.balance(self.counter, outbox)
                if counting.balanced(rows) and all(row[3] == 0 for row in rows):
                    break
        return rows

    def summary(self, rows):
        status = self.api.get("status") or {}
        energy = status.get("energy") or {}
        print(f"\nThe night of {START[:10]}, {LAMPS} lamps, {self.given.speed:g} times as fast:")
        for text in self.story:
            print(f"  {text}")
        print(f"  - alarms seen: {', '.join(sorted(self.alarm_names)) or 'none'}")
        if energy:
            print(f"  - energy by the meter {picture.number(energy['metered_wh'], 'kWh', 2, 1000)}, saving "
                  f"{picture.number(energy['saving_pct'], '%', 0)} against the former lamps")
        counter = self.counter
        print(f"\n{counter.messages} messages ({counter.bytes // 1024} KB) at the subscriber, {counter.duplicates} of them twice, "
              f"{counter.history} by the history lanes")
        print(f"  {'stream':<10}{'received':>10} + {'pending':>8} + {'lost':>5} = {'produced':>9}")
        for name, produced, received, pending, lost in rows:
            good = received + pending + lost == produced
            print(f"  {name:<10}{received:>10} + {pending:>8} + {lost:>5} {'=' if good else '#'} {produced:>9}"
                  f"{'' if good else '   does not add up'}")
        return self.verdict(rows)

    def verdict(self, rows):
        faults = [f"cannot be read: {text}" for text in self.counter.broken[:3]]
        if not rows or sum(row[1] for row in rows) == 0:
            faults.append("the gateway produced nothing")
        elif not counting.balanced(rows):
            faults.append("received + pending + lost is not what was produced")
        for text in faults:
            print(f"demo: {text}")
        print("\nLook next: build/release/bin/streetlightctl --help (the same API), config/gateway.example.toml, README.md")
        return 1 if faults else 0

    def stop(self):
        if self.picture:
            self.picture.close()
        # The gateway first, so that it says goodbye while there is somebody to hear it.
        for part in (self.gateway, self.field):
            if part:
                part.stop()
        if self.counter:
            self.counter.stop()
        if self.broker:
            self.broker.stop()


def interrupted(*_):
    raise KeyboardInterrupt


def main():
    given = arguments()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, interrupted)
    demo, status = Demo(given), 1
    try:
        demo.start()
        demo.run()
        rows = demo.settle()
        if demo.picture:
            demo.picture.close()
        status = demo.summary(rows)
    except parts.DemoError as error:
        print(f"\ndemo: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        print("\ndemo: stopped; nothing of it is left running", file=sys.stderr)
        status = 130
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        demo.stop()
        if given.keep or status == 1:
            print(f"demo: configuration, logs and store are kept in {demo.folder}", file=sys.stderr)
        else:
            shutil.rmtree(demo.folder, ignore_errors=True)
    return status


if __name__ == "__main__":
    sys.exit(main())
