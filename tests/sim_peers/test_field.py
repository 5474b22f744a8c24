"""The field itself: light, energy, mains, cable, fail-safe, DALI, and what can be broken."""
import csv
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import time
import tomllib
import unittest

from sim_process import Sim

from pymodbus.client import ModbusSerialClient, ModbusTcpClient

BINARY = ""


def tcp(sim, line="lamps"):
    client = ModbusTcpClient("127.0.0.1", port=sim.port(line), timeout=1)
    assert client.connect()
    return client


FIELD = """
[[line]]
id = "lamps"
tcp = 0
[[line]]
id = "dali"
tcp = 0
[[feeder]]
id = "F1"
[[dali_gateway]]
id = "D1"
line = "dali"
unit = 7
[[lamps]]
line = "lamps"
feeder = "F1"
count = 9
boot_s = 0
failsafe_after_s = 0
fade_s = 0
[[lamps]]
prefix = "D"
dali_gateway = "D1"
feeder = "F1"
phases = ["L1"]
count = 2
[[meter]]
line = "lamps"
protocol = "sdm630"
address = "100"
feeders = ["F1"]
standby_w = 0.0
"""


class Field(unittest.TestCase):
    def setUp(self):
        self.sim = Sim(BINARY, config=FIELD)
        self.lamps = tcp(self.sim)

    def tearDown(self):
        self.lamps.close()
        self.assertEqual(self.sim.close(), (0, []))

    def lit(self):
        return [lamp["id"] for lamp in self.sim.ask("lamps")["lamps"] if lamp["lit"]]

    def test_a_cut_cable_takes_the_lamps_beyond_on_that_phase_only(self):
        self.sim.tell("fault cut F1 L1 3")
        lit = self.lit()
        self.assertEqual([i for i in range(1, 10) if f"L00{i}" not in lit], [4, 7])
        self.assertTrue(self.lamps.read_input_registers(0, 1, slave=4).isError())
        self.sim.tell("fault cut F1 none")
        self.assertEqual(len(self.lit()), 11)
        self.sim.tell("fault cut F1 3")
        self.assertEqual([i for i in range(1, 10) if f"L00{i}" not in self.lit()], [4, 5, 6, 7, 8, 9])

    def test_a_lost_phase_darkens_its_lamps_and_the_meter_shows_it(self):
        self.sim.tell("fault phase L2 lost")
        self.assertEqual([i for i in range(1, 10) if f"L00{i}" not in self.lit()], [2, 5, 8])
        raw = self.lamps.read_input_registers(0, 6, slave=100).registers
        volts = struct.unpack(">3f", struct.pack(">6H", *raw))
        self.assertGreater(volts[0], 220)
        self.assertEqual(volts[1], 0)
        self.sim.tell("fault phase L2 back")
        self.sim.tell("fault phase L3 F1 lost")
        self.assertEqual([i for i in range(1, 10) if f"L00{i}" not in self.lit()], [3, 6, 9])
        self.sim.tell("fault phase L3 F1 back")
        self.assertEqual(len(self.lit()), 11)

    def test_an_open_led_draws_nearly_nothing_and_says_so(self):
        self.sim.tell("fault lamp L003 open")
        registers = self.lamps.read_input_registers(0, 12, slave=3).registers
        self.assertEqual(registers[1], 0)
        self.assertLess(registers[4], 10)
        self.assertEqual(registers[11], 1)
        self.sim.tell("fault lamp L004 stuck-on")
        self.lamps.write_register(0, 0, slave=4)
        registers = self.lamps.read_input_registers(0, 12, slave=4).registers
        self.assertEqual((registers[0], registers[1], registers[4]), (0, 1, 1000))

    def test_a_dead_controller_keeps_its_light_and_its_silence(self):
        self.sim.tell("fault lamp L002 dead")
        self.assertTrue(self.lamps.read_input_registers(0, 1, slave=2).isError())
        self.assertIn("L002", self.lit())
        self.sim.tell("fault lamp L002 none")
        self.assertEqual(self.lamps.read_input_registers(0, 1, slave=2).registers, [100])

    def test_fast_time_integrates_energy_that_the_meter_confirms(self):
        self.lamps.write_register(0, 50, slave=1)
        self.sim.tell("speed 36000")
        before = self.sim.lamp("L002")
        self.sim.until(lambda: self.sim.lamp("L002")["burning_s"] > before["burning_s"] + 36000, "ten hours")
        self.sim.tell("speed 0")
        lamp = self.sim.lamp("L002")
        hours = (lamp["burning_s"] - before["burning_s"]) / 3600
        self.assertAlmostEqual(lamp["wh"] - before["wh"], 100 * hours, delta=0.5)
        energy = self.sim.ask("energy")
        expected = (energy["lamps_wh"] + energy["controllers_wh"]) * 1.015
        self.assertAlmostEqual(energy["meters_wh"]["M1"], expected, delta=0.01)
        raw = self.lamps.read_input_registers(72, 2, slave=100).registers
        kwh = struct.unpack(">f", struct.pack(">HH", *raw))[0]
        self.assertAlmostEqual(kwh * 1000, expected, delta=0.5)
        warm = self.lamps.read_input_registers(10, 1, slave=2).registers[0] / 10
        dimmed = self.lamps.read_input_registers(10, 1, slave=1).registers[0] / 10
        self.assertAlmostEqual(warm, 10 + 3 + 28, delta=0.5)
        self.assertLess(dimmed, warm - 8)

    def test_voltage_falls_along_the_cable(self):
        near, far = (self.sim.lamp(lamp)["volts"] for lamp in ("L001", "L007"))
        self.assertGreater(near, far)

    def test_the_history_tells_every_level_and_its_cause(self):
        for level in (80, 80, 60):
            self.lamps.write_register(0, level, slave=5)
        changes = self.sim.ask("history L005")["changes"]
        self.assertEqual([(c["level"], c["cause"]) for c in changes],
                         [(100, "power-on"), (80, "write"), (60, "write")])
        self.assertEqual(self.sim.ask("frames lamps 5")["writes"], 3)

    def test_silence_brings_the_fail_safe_level_and_polling_prevents_it(self):
        self.lamps.write_registers(4, [35, 35, 1], slave=6)
        self.lamps.write_register(0, 90, slave=6)
        self.lamps.write_registers(4, [35, 35, 1], slave=7)
        self.lamps.write_register(0, 90, slave=7)

        def acted():
            self.lamps.read_input_registers(0, 1, slave=7)
            return self.sim.lamp("L006")["failsafe_acted"]

        self.sim.until(acted, "fail-safe")
        self.assertEqual(self.sim.lamp("L006")["level"], 35)
        self.assertEqual(self.sim.lamp("L007")["level"], 90)
        self.lamps.write_register(0, 70, slave=6)
        self.assertEqual(self.sim.lamp("L006")["level"], 70)

    def test_unplugged_tcp_refuses_and_comes_back_on_its_port(self):
        self.sim.tell("unplug lamps")
        self.assertFalse(ModbusTcpClient("127.0.0.1", port=self.sim.port("lamps"), timeout=1).connect())
        self.sim.tell("plug lamps")
        again = tcp(self.sim)
        self.assertEqual(again.read_input_registers(0, 1, slave=1).registers, [100])
        again.close()

    def test_unknown_commands_are_refused_in_words(self):
        for command in ("", "nonsense", "lamp L999", "fault lamp L001 tired", "fault cut F9 3", "lamp"):
            answer = self.sim.ask(command)
            self.assertFalse(answer["ok"], command)
            self.assertTrue(answer["error"])


class Dali(unittest.TestCase):
    def setUp(self):
        self.sim = Sim(BINARY, config=FIELD)
        self.client = tcp(self.sim, "dali")
        self.sim.tell("speed 1000")
        self.sim.until(lambda: self.sim.lamp("D002")["answers"], "boot of the gear")

    def tearDown(self):
        self.client.close()
        self.sim.close()

    def send(self, frame):
        self.assertFalse(self.client.write_register(25, frame, slave=7).isError())
        return self.client.read_holding_registers(24, 3, slave=7).registers

    def twice(self, frame):
        """Both frames in one segment: the pair must stand within 100 ms however busy the machine is."""
        write = struct.pack(">HHHBBHH", 900, 0, 6, 7, 6, 25, frame)
        with socket.create_connection(("127.0.0.1", self.sim.port("dali"))) as raw:
            raw.sendall(write + write)
            received = b""
            while len(received) < 24:
                received += raw.recv(64)

    def test_arc_power_is_logarithmic_and_queries_answer(self):
        self.send(0x00 << 8 | 229)
        self.assertAlmostEqual(self.sim.lamp("D001")["level"], 50.53, delta=0.1)
        self.assertEqual(self.send(0x01A0)[2], 229)
        self.assertEqual(self.send(0x0190)[2], 0x04)
        self.assertEqual(self.send(0x7F91)[0], 0)  # nobody has short address 63
        self.send(0xFE00)
        self.assertEqual([self.sim.lamp(lamp)["level"] for lamp in ("D001", "D002")], [0, 0])

    def test_configuration_needs_to_be_said_twice(self):
        self.send(0xA3A0)          # DTR0 = 160
        self.send(0x012C)          # system failure level, once
        self.assertEqual(self.send(0x01A4)[2], 254)
        self.twice(0x012C)
        self.assertEqual(self.send(0x01A4)[2], 160)
        self.twice(0x0360)         # short address 1 joins group 0
        self.send(0x80 << 8 | 200)
        self.assertEqual([self.send(0x01A0)[2], self.send(0x03A0)[2]], [254, 200])

    def test_energy_and_power_come_from_memory_bank_202(self):
        def memory(address, count):
            self.send(0xC3 << 8 | 202)
            self.send(0xA3 << 8 | address)
            return int.from_bytes(bytes(self.send(0x01C5)[2] for _ in range(count)), "big")

        self.send(0x00FE)
        self.assertEqual(memory(12, 4), 1000)  # 0.1 W
        self.sim.until(lambda: self.sim.lamp("D001")["wh"] > 5, "some energy")
        self.sim.tell("speed 0")
        self.assertEqual(memory(5, 6), int(self.sim.lamp("D001")["wh"]))
        self.assertGreater(memory(5, 6), 0)
        self.send(0xA3 << 8 | 200)
        self.assertEqual(self.send(0x01C5)[0], 0)

    def test_lamp_failure_shows_in_the_status(self):
        self.sim.tell("fault lamp D001 open")
        self.assertEqual(self.send(0x0190)[2] & 0x02, 0x02)
        self.assertEqual(self.send(0x0192)[2], 0xFF)


class RawPty(unittest.TestCase):
    def setUp(self):
        self.sim = Sim(BINARY, "--lamps", "3", "--feeders", "0", "--boot-s", "0", "--shared-line")
        self.fd = os.open(self.sim.path("lamps"), os.O_RDWR | os.O_NOCTTY)
        termios.tcflush(self.fd, termios.TCIOFLUSH)

    def tearDown(self):
        os.close(self.fd)
        self.assertEqual(self.sim.close(), (0, []))

    def receive(self, seconds=0.3):
        received = b""
        while select.select([self.fd], [], [], seconds)[0]:
            received += os.read(self.fd, 4096)
        return received

    def test_foreign_broadcasts_are_heard_by_lamps_and_gateway(self):
        frame = bytes.fromhex("00 06 00 02 00 1e a9 d3")
        self.sim.tell("fault foreign lamps " + frame.hex())
        self.assertEqual(self.receive(), frame)
        self.assertEqual(self.sim.lamp("L002")["level"], 30)
        self.sim.tell(f"fault foreign lamps {frame.hex()} 20")
        self.assertEqual(len(os.read(self.fd, 8)), 8)
        self.sim.tell("fault foreign off")

    def test_echo_comes_before_the_answer(self):
        self.sim.tell("fault echo lamps on")
        request = bytes.fromhex("01 04 00 00 00 01 31 ca")
        os.write(self.fd, request)
        self.assertEqual(self.receive(), request + bytes.fromhex("01 04 02 00 64 b8 db"))

    def test_noise_arrives_at_about_the_rate_asked_for(self):
        self.sim.tell("fault noise lamps 2000")
        started = time.monotonic()
        received = 0
        while received < 400 and time.monotonic() - started < 10:
            received += len(os.read(self.fd, 4096))
        self.assertGreater(received / (time.monotonic() - started), 500)
        self.sim.tell("fault noise lamps 0")

    def test_modbus_and_dlt645_share_the_line(self):
        os.write(self.fd, bytes.fromhex("fefefefe68aaaaaaaaaaaa681300df16"))
        self.assertEqual(self.receive()[5:11][::-1].hex(), "202410170042")
        os.write(self.fd, bytes.fromhex("01 04 00 00 00 01 31 ca"))
        self.assertEqual(self.receive().hex(), "0104020064b8db")

    def test_late_and_missing_answers(self):
        request = bytes.fromhex("01 04 00 00 00 01 31 ca")
        self.sim.tell("fault delay lamps 150")
        started = time.monotonic()
        os.write(self.fd, request)
        self.assertEqual(len(os.read(self.fd, 64)), 7)
        self.assertGreater(time.monotonic() - started, 0.149)
        self.sim.tell("fault delay lamps 0")
        self.sim.tell("fault answer lamps 1 silent every 2")
        answered = 0
        for _ in range(4):
            os.write(self.fd, request)
            answered += len(self.receive(0.05)) == 7
        self.assertEqual(answered, 2)

    def test_a_truncated_answer_is_truncated(self):
        self.sim.tell("fault answer lamps 1 truncated times 1")
        os.write(self.fd, bytes.fromhex("01 04 00 00 00 01 31 ca"))
        self.assertEqual(self.receive().hex(), "01040200")


class Process(unittest.TestCase):
    def test_the_written_configuration_names_what_is_simulated(self):
        sim = Sim(BINARY, "--lamps", "10", "--heads", "2", "--dali", "2", "--feeders", "3", "--write-config",
                  "--mqtt", "mqtt://127.0.0.1:1884")
        with open(sim.path("gateway.toml"), "rb") as file:
            config = tomllib.load(file)
        with open(sim.path("lamps.csv"), newline="", encoding="utf-8") as file:
            lamps = list(csv.DictReader(file))
        lines = {line["id"]: line["device"] for line in config["line"]}
        self.assertEqual(lines, {name: line["device"] for name, line in sim.ready["lines"].items()})
        self.assertEqual([c["id"] for c in config["contactor"]], ["K1", "K2", "K3"])
        self.assertEqual([(m["id"], m["address"]) for m in config["module"]],
                         [("IO1", "211"), ("IO2", "212"), ("IN1", "210")])
        self.assertEqual(config["mqtt"]["url"], "mqtt://127.0.0.1:1884")
        self.assertEqual([(row["address"], row["head"]) for row in lamps],
                         [(str(i // 2 + 1), str(i % 2 + 1)) for i in range(8)] + [("201/0", "1"), ("201/1", "1")])
        for row in lamps:
            truth = sim.lamp(row["id"])
            self.assertEqual((row["feeder"], row["phase"], row["order"]),
                             (truth["feeder"], f"L{truth['phase']}", str(truth["order"])))
        sim.close()

    def test_it_ends_with_its_parent_when_told_so(self):
        with tempfile.TemporaryDirectory() as folder:
            script = f"'{BINARY}' --die-with-parent --dir '{folder}' --lamps 2 & wait"
            parent = subprocess.Popen(["/bin/sh", "-c", script], stdout=subprocess.PIPE, text=True)
            self.assertTrue(parent.stdout.readline().startswith("ready "))
            self.assertTrue(os.path.islink(os.path.join(folder, "lamps")))
            parent.send_signal(signal.SIGKILL)
            parent.wait()
            deadline = time.monotonic() + 10
            while os.path.lexists(os.path.join(folder, "lamps")) and time.monotonic() < deadline:
                time.sleep(0.01)
            self.assertEqual(os.listdir(folder), [])
            parent.stdout.close()

    def test_a_wrong_configuration_is_refused_with_its_line(self):
        with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
            file.write('[[line]]\nid = "a"\nspeeed = 3\n')
            file.flush()
            result = subprocess.run([BINARY, "--config", file.name], capture_output=True, text=True)
        self.assertEqual(result.returncode, 2)
        self.assertIn(":3: unknown key", result.stderr)


if __name__ == "__main__":
    BINARY = sys.argv.pop(1)
    unittest.main()
