#!/usr/bin/env python3
"""The budgets of the README, measured on whole processes. Ratios are taken within one run on one machine.

usage: run.py --bin DIR [--yardstick FILE] [--only NAME,...] [--seconds N]
Prints one line per figure and a table at the end; never fails because of a figure: a person judges them.
"""
import argparse
import json
import os
import re
import statistics
import sys
import threading
import time
import uuid
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))
import cabinet  # noqa: E402
from cabinet import Cabinet, Subscriber, api, wait_for  # noqa: E402

import paho.mqtt.client as mqtt  # noqa: E402

FIGURES = []


def figure(name, value, budget, unit=""):
    FIGURES.append((name, value, budget, unit))
    print(f"  {name}: {value} {unit} (budget {budget})", flush=True)


def cpu_seconds(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_mb(pid):
    text = Path(f"/proc/{pid}/status").read_text()
    read = {key: int(value) / 1024 for key, value in re.findall(r"(VmRSS|RssAnon):\s+(\d+) kB", text)}
    return read["RssAnon"], read["VmRSS"]


def pause(seconds):
    threading.Event().wait(seconds)


def configure(directory, url, **mqtt_keys):
    """Points the written configuration at our broker and sets bench values in [mqtt] and [store]."""
    path = directory / "gateway.toml"
    text = path.read_text()
    store = mqtt_keys.pop("store", {})
    polling = mqtt_keys.pop("polling", {})
    keys = {"url": f'"{url}"', "first_retry_max": '"0s"', "retry_cap": '"1s"', "start_spread": '"0s"'}
    keys.update(mqtt_keys)

    def section(text, name, values):
        for key, value in values.items():
            line = re.compile(rf"(\[{name}\]\n(?:(?!\[).*\n)*?){key}\s*=.*\n")
            if line.search(text):
                text = line.sub(rf"\g<1>{key} = {value}\n", text, count=1)
            else:
                text = text.replace(f"[{name}]\n", f"[{name}]\n{key} = {value}\n", 1)
        return text
    text = section(text, "mqtt", keys)
    text = section(text, "store", store)
    text = section(text, "lamps", polling)
    path.write_text(text)


def lines(c):
    return api(c.directory / "api.sock", "/api/v1/lines")[1]["lines"]


def total(c, key="answered"):
    return sum(row[key] for row in lines(c))


def started(c):
    wait_for(lambda: (c.directory / "api.sock").exists(), 20, "the local API")


def rate(c, gateway, seconds):
    """(answers a second, CPU milliseconds per 1,000 answers) over a window."""
    before, cpu, begin = total(c), cpu_seconds(gateway.pid), time.monotonic()
    pause(seconds)
    after, used, end = total(c), cpu_seconds(gateway.pid), time.monotonic()
    return (after - before) / (end - begin), (used - cpu) * 1e6 / max(1, after - before)


def tcp_throughput(args):
    print("Modbus TCP, 1,000 lamps behind 5 connections, as fast as possible, every reading published")
    with Cabinet(args.bin, "bench-tcp") as c:
        broker = c.broker()
        _, ready = c.simulator("--tcp-lines", "5", "--lamps", "1000", "--feeders", "0", "--boot-s", "0",
                               "--write-config", "--mqtt", f"mqtt://127.0.0.1:{broker.port}")
        ports = [str(line["port"]) for line in ready["lines"].values() if line["port"]][:5]
        configure(c.directory, f"mqtt://127.0.0.1:{broker.port}", lamp_telemetry='"0s"', meter_telemetry='"1h"',
                  max_in_flight="100", store={"commit_every": '"1s"', "commit_size": '"1MB"'},
                  polling={"poll": '"0s"'})
        ratios, costs = [], []
        for _ in range(3):
            yard = c.run([args.yardstick, str(args.seconds), str(broker.port), "200", *ports], "yardstick.log")
            y = json.loads(yard.line(args.seconds + 30))
            yard.child.wait()
            gateway = c.gateway("--speed", "1", "--start", "2026-11-23T22:00:00+08:00")
            started(c)
            pause(2)
            reads, cpu = rate(c, gateway, args.seconds)
            anonymous, resident = memory_mb(gateway.pid)
            streams = api(c.directory / "api.sock", "/api/v1/outbox")[1]["streams"]
            telemetry = next(s for s in streams if s["stream"] == "telemetry")
            gateway.stop()
            print(f"    {telemetry['next_seq'] - 1} records of telemetry, {telemetry['pending']} not acknowledged yet")
            print(f"    yardstick {y['reads_per_s']}/s at {y['cpu_ms_per_1000']:.1f} ms per 1,000; gateway {reads:.0f}/s "
                  f"at {cpu:.1f} ms; memory {anonymous:.1f}/{resident:.1f} MB")
            ratios.append(reads / y["reads_per_s"])
            costs.append(cpu / y["cpu_ms_per_1000"])
        figure("tcp reads/s against the yardstick", f"{statistics.median(ratios):.2f}", ">= 0.7")
        figure("tcp CPU per read against the yardstick", f"{statistics.median(costs):.2f}", "<= 1.3")


def tcp_published(args):
    print("the same, counting what a subscriber gets")
    with Cabinet(args.bin, "bench-pub") as c:
        broker = c.broker()
        c.simulator("--tcp-lines", "5", "--lamps", "1000", "--feeders", "0", "--boot-s", "0", "--write-config",
                    "--mqtt", f"mqtt://127.0.0.1:{broker.port}")
        configure(c.directory, f"mqtt://127.0.0.1:{broker.port}", lamp_telemetry='"0s"', meter_telemetry='"1h"',
                  max_in_flight="100", store={"commit_every": '"1s"', "commit_size": '"1MB"'},
                  polling={"poll": '"200ms"'})
        judge = Subscriber(broker.port, keep=())
        c.gateway("--speed", "1", "--start", "2026-11-23T22:00:00+08:00")
        started(c)
        pause(args.seconds)
        answered = total(c)
        # One exchange in 61 reads the slow registers of a lamp and brings no row of its own.
        turns = answered * 60 / 61
        wait_for(lambda: judge.rows >= 0.97 * turns, 20, "the readings to arrive")
        figure("tcp readings that arrived, of those made until then", f"{judge.rows / turns:.2f}", ">= 1.0")
        figure("tcp missing sequence numbers", str(sum(len(m) for m in judge.missing().values())), "0")
        judge.close()


def rtu_cabinet(c, args, *sim, **keys):
    broker = c.broker()
    c.simulator("--lamps", "100", "--feeders", "0", "--boot-s", "0", "--pace", "--baud", "9600", "--format", "8E1",
                "--write-config", "--mqtt", f"mqtt://127.0.0.1:{broker.port}", *sim)
    configure(c.directory, f"mqtt://127.0.0.1:{broker.port}", lamp_telemetry='"0s"', meter_telemetry='"1h"',
              polling={"poll": '"0s"'}, **keys)
    gateway = c.gateway("--speed", "1", "--start", "2026-11-23T22:00:00+08:00")
    started(c)
    return broker, gateway


def lamp_line(c):
    return next(r for r in lines(c) if r["id"].startswith("lamps"))


def rtu_full_line(args):
    print("a full RTU line of 100 lamps, 9600 8E1, paced")
    # Physics: request 8 + answer 5 + 2 * 14 registers of 11 bits, and two gaps of 3.5 characters.
    exchange = (8 + 5 + 28 + 7) * 11 / 9600
    slow = (8 + 5 + 6 + 7) * 11 / 9600 / 60   # the slow registers, every 60th turn
    exchange = (exchange + slow) / (1 + 1 / 60)
    with Cabinet(args.bin, "bench-rtu") as c:
        rtu_cabinet(c, args)
        pause(30)   # the first cycle also reads the slow registers, and every lamp is read back once
        before, begin = lamp_line(c)["answered"], time.monotonic()
        pause(20)
        healthy = (lamp_line(c)["answered"] - before) / (time.monotonic() - begin)
        figure("rtu rate against physics", f"{healthy * exchange:.3f}", ">= 0.95")
        figure("rtu reads a second", f"{healthy:.2f}", f"{1 / exchange:.2f} by physics")
        cabinet.ask(c.directory / "control", "fault lamp L050 dead")
        before, begin = lamp_line(c)["answered"], time.monotonic()
        pause(60)
        silent = (lamp_line(c)["answered"] - before) / (time.monotonic() - begin)
        figure("rtu rate with a silent lamp against healthy", f"{silent / healthy:.3f}", ">= 0.95")


class Commander:
    """Sends lamp.set commands and remembers when."""

    def __init__(self, port):
        self.client = mqtt.Client(protocol=mqtt.MQTTv5)
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()

    def send(self, lamp, level):
        command = {"v": 1, "id": uuid.uuid4().hex[:26].upper(), "op": "lamp.set", "ts": int(time.time() * 1000),
                   "target": {"lamps": [lamp]}, "args": {"level_pct": level}, "hold": {"for_s": 600}}
        sent = time.monotonic()
        self.client.publish("streetlight/v1/SIM/0001/cmd/city", json.dumps(command), qos=1)
        return command["id"], sent

    def close(self):
        self.client.loop_stop()


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def command_latency(args, name, budget_ms, cabinet_of, count, between_s):
    print(f"a command from MQTT to the wire: {name}")
    with Cabinet(args.bin, "bench-cmd") as c:
        broker, _ = cabinet_of(c)
        wait_for(lambda: api(c.directory / "api.sock", "/api/v1/status")[1], 10, "status")
        pause(8)
        commander = Commander(broker.port)
        offset = simulated_offset(c)
        latencies = []
        for i in range(count):
            lamp, level = f"L{i % 90 + 1:03d}", 20 + i % 60
            _, sent = commander.send(lamp, level)
            # The simulator dates the write itself; both clocks are CLOCK_MONOTONIC of one machine.
            answer = wait_for(lambda: written(c, lamp, level, offset), 5, f"{lamp} at {level} %")
            latencies.append(answer * 1e3 - sent * 1e3)
            pause(between_s)   # a command runs until its lamp is read back; more than 32 at once are refused as busy
        commander.close()
        figure(f"command to wire p50, {name}", f"{percentile(latencies, 0.5):.1f}", "-", "ms")
        figure(f"command to wire p99, {name}", f"{percentile(latencies, 0.99):.1f}", f"<= {budget_ms}", "ms")


def simulated_offset(c):
    """Simulated seconds minus CLOCK_MONOTONIC seconds; constant at speed 1."""
    best = None
    for _ in range(20):
        before = time.monotonic()
        now = json.loads(cabinet.ask(c.directory / "control", "time"))["sim_s"]
        after = time.monotonic()
        if best is None or after - before < best[0]:
            best = (after - before, now - (before + after) / 2)
    return best[1]


def written(c, lamp, level, offset):
    """When the lamp was told this level, on CLOCK_MONOTONIC; None as long as it was not."""
    for change in reversed(json.loads(cabinet.ask(c.directory / "control", f"history {lamp}"))["changes"]):
        if change["cause"] == "write" and round(change["level"]) == level:
            return change["t"] - offset
    return None


def command_rtu(args):
    command_latency(args, "full RTU line", 52, lambda c: rtu_cabinet(c, args), 100, 0.4)


def command_tcp(args):
    def build(c):
        broker = c.broker()
        c.simulator("--tcp-lines", "1", "--lamps", "100", "--feeders", "0", "--boot-s", "0", "--write-config",
                    "--mqtt", f"mqtt://127.0.0.1:{broker.port}")
        configure(c.directory, f"mqtt://127.0.0.1:{broker.port}", polling={"poll": '"60s"'})
        gateway = c.gateway("--speed", "1", "--start", "2026-11-23T22:00:00+08:00")
        started(c)
        return broker, gateway
    command_latency(args, "idle TCP", 6, build, 300, 0.13)


def silent_tcp(args):
    print("one silent lamp among 100 on TCP at a period of 1 s")
    with Cabinet(args.bin, "bench-silent") as c:
        broker = c.broker()
        c.simulator("--tcp-lines", "1", "--lamps", "100", "--feeders", "0", "--boot-s", "0", "--write-config",
                    "--mqtt", f"mqtt://127.0.0.1:{broker.port}")
        configure(c.directory, f"mqtt://127.0.0.1:{broker.port}", lamp_telemetry='"0s"', polling={"poll": '"1s"'})
        gateway = c.gateway("--speed", "1", "--start", "2026-11-23T22:00:00+08:00")
        started(c)
        pause(4)
        healthy, _ = rate(c, gateway, 15)
        cabinet.ask(c.directory / "control", "fault lamp L050 dead")
        silent, _ = rate(c, gateway, 20)
        figure("tcp 1 s period, silent lamp: rate against healthy", f"{silent / healthy * 100 / 99:.3f}", ">= 0.99")


def memory(args):
    for lamps, tcp, anonymous_budget, resident_budget in ((100, 1, 5, 16), (1000, 5, 10, 20)):
        print(f"memory with mutual TLS, {lamps} lamps")
        with Cabinet(args.bin, "bench-mem") as c:
            tls = certificates(c.directory)
            broker = c.broker(listener=tls + "\nallow_anonymous true")
            c.simulator("--tcp-lines", str(tcp), "--lamps", str(lamps), "--feeders", "0", "--boot-s", "0",
                        "--write-config", "--mqtt", "mqtt://127.0.0.1:1")
            configure(c.directory, f"mqtts://localhost:{broker.port}", ca_file=f'"{c.directory}/ca.pem"',
                      cert_file=f'"{c.directory}/gw.pem"', key_file=f'"{c.directory}/gw.key"')
            begin = time.monotonic()
            gateway = c.gateway("--speed", "1", "--start", "2026-11-23T22:00:00+08:00")
            started(c)
            connected = wait_for(lambda: "connected" in (c.directory / "gateway.log").read_text(), 20, "TLS session")
            print(f"    {connected} after {time.monotonic() - begin:.2f} s")
            pause(15)
            anonymous, resident = memory_mb(gateway.pid)
            figure(f"anonymous memory, {lamps} lamps", f"{anonymous:.1f}", f"<= {anonymous_budget}", "MB")
            figure(f"resident memory, {lamps} lamps", f"{resident:.1f}", f"<= {resident_budget}", "MB")


def certificates(directory):
    def openssl(*arguments):
        import subprocess
        subprocess.run(["openssl", *arguments], check=True, capture_output=True, cwd=directory)
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-days", "30",
            "-subj", "/CN=bench ca")
    (directory / "san").write_text("subjectAltName=DNS:localhost\n")
    for name in ("broker", "gw"):
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj",
                "/CN=localhost" if name == "broker" else "/CN=SIM-0001")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days",
                "30", "-out", f"{name}.pem", "-extfile", "san")
    return (f"cafile {directory}/ca.pem\ncertfile {directory}/broker.pem\nkeyfile {directory}/broker.key\n"
            "require_certificate true")


def first_publish(args):
    print("from exec to the first publish of 1,000 lamps")
    with Cabinet(args.bin, "bench-first") as c:
        broker = c.broker()
        c.simulator("--tcp-lines", "5", "--lamps", "1000", "--feeders", "0", "--boot-s", "0", "--write-config",
                    "--mqtt", f"mqtt://127.0.0.1:{broker.port}")
        configure(c.directory, f"mqtt://127.0.0.1:{broker.port}", lamp_telemetry='"0s"', max_in_flight="100",
                  store={"commit_every": "\"100ms\""})
        times = []
        for _ in range(5):
            judge = Subscriber(broker.port, keep=("telemetry",))
            begin = time.monotonic()
            gateway = c.gateway("--speed", "1", "--start", "2026-11-23T22:00:00+08:00")

            def all_there():
                ids = set()
                with judge.lock:
                    for arrival, _, data, _ in judge.messages:
                        if data.get("kind") == "lamp" and data.get("stream") == "telemetry":
                            ids.update(row[0] for row in data["rows"])
                            if len(ids) >= 1000:
                                return arrival
                return None
            times.append(wait_for(all_there, 20, "1,000 lamps") - begin)
            gateway.stop()
            judge.close()
        figure("first publish of 1,000 lamps after exec", f"{statistics.median(times):.2f}", "<= 0.5", "s")


def broker_away(args):
    print("broker away for 30 s, 100 lamps changing every second")
    with Cabinet(args.bin, "bench-away") as c:
        broker = c.broker()
        c.simulator("--tcp-lines", "1", "--lamps", "100", "--feeders", "0", "--boot-s", "0", "--write-config",
                    "--mqtt", f"mqtt://127.0.0.1:{broker.port}")
        configure(c.directory, f"mqtt://127.0.0.1:{broker.port}", lamp_telemetry='"0s"', hist_per_s="10000",
                  hist_bytes_per_s="0", store={"commit_every": '"1s"'}, polling={"poll": '"1s"'})
        judge = Subscriber(broker.port, keep=("telemetry",))
        gateway = c.gateway("--speed", "1", "--start", "2026-11-23T22:00:00+08:00")
        started(c)
        pause(8)
        broker.stop()
        pause(30)
        broker.start()
        c.processes.append(broker.process)
        back = time.monotonic()

        def live():
            with judge.lock:
                return next((t for t, topic, _, _ in judge.messages if t > back and topic.endswith("/telemetry")), None)
        figure("live again after the broker came back", f"{wait_for(live, 30, 'live telemetry') - back:.2f}", "<= 3", "s")
        pause(10)
        outbox = api(c.directory / "api.sock", "/api/v1/outbox")[1]
        missing = judge.missing()
        produced = {s["stream"]: s["next_seq"] - 1 for s in outbox["streams"]}
        got = {key[1]: len(value) for key, value in judge.seen.items()}
        print(f"    produced {produced}, received {got}")
        figure("records missing after 30 s without a broker", str(sum(len(m) for m in missing.values())), "0")
        gateway.stop()
        judge.close()


ALL = {"tcp": tcp_throughput, "published": tcp_published, "rtu": rtu_full_line, "command_rtu": command_rtu,
       "command_tcp": command_tcp, "silent_tcp": silent_tcp, "memory": memory, "first": first_publish,
       "away": broker_away}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", required=True)
    parser.add_argument("--yardstick", default="")
    parser.add_argument("--only", default=",".join(ALL))
    parser.add_argument("--seconds", type=int, default=6)
    args = parser.parse_args()
    args.yardstick = args.yardstick or str(Path(args.bin) / "yardstick")
    for name in args.only.split(","):
        ALL[name](args)
    print("\n| figure | measured | budget |\n|---|---|---|")
    for name, value, budget, unit in FIGURES:
        print(f"| {name} | {value} {unit} | {budget} |")


if __name__ == "__main__":
    main()
