"""pymodbus and mbpoll, over TCP and over a pty, against the simulator's lamps, meter and module."""
import shutil
import socket
import struct
import subprocess
import sys
import time
import unittest

from sim_process import Sim  # before pymodbus

from pymodbus.client import ModbusSerialClient, ModbusTcpClient

BINARY = ""


def rtu(sim, line):
    client = ModbusSerialClient(method="rtu", port=sim.path(line), baudrate=9600, timeout=1, retries=0)
    assert client.connect()
    return client


class LampsOverTcp(unittest.TestCase):
    def setUp(self):
        self.sim = Sim(BINARY, "--lamps", "20", "--tcp-lines", "2", "--feeders", "0", "--heads", "2", "--boot-s", "0")
        self.client = ModbusTcpClient("127.0.0.1", port=self.sim.port("lamps1"), timeout=1)
        assert self.client.connect()

    def tearDown(self):
        self.client.close()
        code, leftovers = self.sim.close()
        self.assertEqual(code, 0)
        self.assertEqual(leftovers, [])

    def image(self, unit=1, count=34):
        answer = self.client.read_input_registers(0, count, slave=unit)
        self.assertFalse(answer.isError(), answer)
        return answer.registers

    def test_a_level_written_is_in_force_and_draws_power(self):
        self.client.write_register(0, 50, slave=1)
        registers = self.image()
        self.assertEqual(registers[0], 50)
        self.assertEqual(registers[1], 1)
        self.assertAlmostEqual(registers[4] / 10, 0.4 + 99.6 * (0.04 + 0.86 * 0.5 + 0.1 * 0.25), delta=0.1)
        apparent = registers[2] / 10 * registers[3] / 1000
        self.assertAlmostEqual(registers[4] / 10 / apparent, registers[5] / 1000, delta=0.01)
        self.assertLess(registers[5], 950)
        self.assertEqual(registers[32], 104)
        self.assertEqual(registers[33], 2)

    def test_heads_are_told_apart_and_group_writes_reach_members_only(self):
        self.client.write_registers(0, [30, 70], slave=1)
        self.assertEqual([self.image()[0], self.image()[16]], [30, 70])
        self.client.write_register(9, 1 << 5, slave=1)
        self.client.write_register(16 + 5, 10, slave=1)
        self.assertEqual([self.image()[0], self.image()[16]], [30, 10])
        self.client.write_register(2, 80, slave=1)
        self.assertEqual([self.image()[0], self.image()[16]], [80, 80])

    def test_a_broadcast_reaches_every_lamp_of_the_line_and_no_other_line(self):
        self.client.socket.send(bytes.fromhex("0001 0000 0006 00 06 0002 0014"))
        for unit in range(1, 6):
            self.assertEqual(self.image(unit)[0], 20)
        other = ModbusTcpClient("127.0.0.1", port=self.sim.port("lamps2"), timeout=1)
        other.connect()
        self.assertEqual(other.read_input_registers(0, 1, slave=1).registers, [100])
        other.close()
        causes = [change["cause"] for change in self.sim.ask("history L001")["changes"]]
        self.assertEqual(causes[-1], "broadcast")

    def test_refusals_are_the_documented_ones_and_change_nothing(self):
        self.client.write_registers(0, [40, 40], slave=1)
        self.assertEqual(self.client.write_registers(0, [55, 101], slave=1).exception_code, 3)
        self.assertEqual([self.image()[0], self.image()[16]], [40, 40])
        self.assertEqual(self.client.read_input_registers(33, 2, slave=1).exception_code, 2)
        self.assertEqual(self.client.read_holding_registers(32, 1, slave=1).exception_code, 2)
        self.assertEqual(self.client.read_coils(0, 1, slave=1).exception_code, 1)

    def test_pipelined_requests_are_answered_in_order(self):
        raw = socket.create_connection(("127.0.0.1", self.sim.port("lamps1")))
        raw.sendall(b"".join(struct.pack(">HHHBBHH", tid, 0, 6, tid % 5 + 1, 4, 0, 1) for tid in range(200)))
        received = b""
        while len(received) < 200 * 11:
            received += raw.recv(65536)
        raw.close()
        self.assertEqual([struct.unpack_from(">H", received, 11 * i)[0] for i in range(200)], list(range(200)))

    def test_wrong_answers_are_visible(self):
        self.sim.tell("fault answer lamps1 1 exception 6 times 1")
        self.assertEqual(self.client.read_input_registers(0, 1, slave=1).exception_code, 6)
        self.assertEqual(self.image(count=1), [100])
        raw = socket.create_connection(("127.0.0.1", self.sim.port("lamps1")))
        request = bytes.fromhex("0007 0000 0006 02 04 0000 0001")
        for fault, expected in (("wrong-unit", "0007 0000 0005 03 04 02 0064"),
                                ("wrong-count", "0007 0000 0005 02 04 00 0064"),
                                ("bad-crc", "0052 0000 0005 02 04 02 0064")):
            self.sim.tell(f"fault answer lamps1 2 {fault} times 1")
            raw.sendall(request)
            self.assertEqual(raw.recv(64), bytes.fromhex(expected), fault)
        raw.close()
        self.assertEqual(self.sim.ask("frames lamps1 2")["spoiled"], 3)

    def test_mbpoll_reads_the_same(self):
        if shutil.which("mbpoll") is None:
            self.skipTest("mbpoll is not installed")
        self.client.write_register(0, 60, slave=3)
        out = subprocess.run(["mbpoll", "-m", "tcp", "-p", str(self.sim.port("lamps1")), "-a", "3", "-t", "3",
                              "-0", "-r", "0", "-c", "2", "-1", "127.0.0.1"], capture_output=True, text=True)
        self.assertIn("[0]: \t60", out.stdout)
        self.assertIn("[1]: \t1", out.stdout)


class CabinetOverPty(unittest.TestCase):
    def setUp(self):
        self.sim = Sim(BINARY, "--lamps", "8", "--sdm630", "--boot-s", "0.3")
        self.lamps, self.io, self.meter = (rtu(self.sim, line) for line in ("lamps", "io", "meter"))

    def tearDown(self):
        for client in (self.lamps, self.io, self.meter):
            client.close()
        self.assertEqual(self.sim.close(), (0, []))

    def close_contactor(self, relay, on=True):
        self.assertFalse(self.io.write_coil(relay, on, slave=211).isError())
        self.sim.until(lambda: self.io.read_discrete_inputs(relay, 1, slave=211).bits[0] == on, "auxiliary contact")

    def test_controllers_behind_an_open_contactor_are_silent_and_boot_when_it_closes(self):
        self.assertTrue(self.lamps.read_input_registers(0, 1, slave=1).isError())
        self.close_contactor(0)
        self.sim.until(lambda: self.sim.lamp("L001")["answers"], "boot")
        self.assertEqual(self.lamps.read_input_registers(0, 1, slave=1).registers, [100])
        self.assertTrue(self.lamps.read_input_registers(0, 1, slave=5).isError())  # second feeder
        self.close_contactor(0, False)
        self.assertTrue(self.lamps.read_input_registers(0, 1, slave=1).isError())
        self.assertEqual(self.sim.ask("feeders")["feeders"][0]["watts"], 0)

    def test_the_meter_sees_the_lamps_and_the_loss(self):
        def total():
            raw = self.meter.read_input_registers(52, 2, slave=203).registers
            return struct.unpack(">f", struct.pack(">HH", *raw))[0]

        self.assertAlmostEqual(total(), 6.0, delta=0.01)
        self.close_contactor(0)
        self.assertAlmostEqual(total(), 6.0 + 4 * (100.0 + 0.8) * 1.015, delta=0.05)

    def test_a_welded_and_a_stuck_contactor_contradict_their_coil(self):
        self.sim.tell("fault contactor K2 no-close")
        self.io.write_coils(0, [True, True], slave=211)
        self.sim.until(lambda: self.io.read_discrete_inputs(0, 2, slave=211).bits[0], "K1 closed")
        self.assertEqual(self.io.read_discrete_inputs(0, 2, slave=211).bits[:2], [True, False])
        self.sim.tell("fault contactor K1 welded")
        self.io.write_coils(0, [False, False], slave=211)
        self.assertEqual(self.io.read_coils(0, 2, slave=211).bits[:2], [False, False])
        self.sim.tell("fault contactor K2 none")
        self.io.write_coil(1, True, slave=211)
        self.sim.until(lambda: self.io.read_discrete_inputs(1, 1, slave=211).bits[0], "K2 closed")
        self.assertTrue(self.io.read_discrete_inputs(0, 1, slave=211).bits[0])

    def test_the_safety_timer_opens_the_relays_when_nobody_polls(self):
        self.close_contactor(0)
        self.io.write_register(8, 1, slave=211)
        self.sim.until(lambda: not self.sim.ask("feeders")["feeders"][0]["closed"], "safe state")
        self.assertEqual(self.sim.ask("modules")["modules"][1]["safety_trips"], 1)

    def test_noise_before_a_request_does_not_hide_it(self):
        self.close_contactor(0)
        self.sim.until(lambda: self.sim.lamp("L001")["answers"], "boot")
        self.lamps.socket.write(bytes.fromhex("ff 00 01 10 fe") + bytes.fromhex("01 04 00 00 00 01 31 ca"))
        self.assertEqual(self.lamps.socket.read(7).hex(), "0104020064b8db")

    def test_a_function_that_nobody_knows_gets_exception_1(self):
        self.io.socket.write(bytes.fromhex("d3 41 01 90 2d")[:3] + crc(bytes.fromhex("d3 41 01")))
        self.assertEqual(self.io.socket.read(5)[:3].hex(), "d3c101")

    def test_an_unplugged_line_comes_back_under_the_same_name(self):
        self.sim.tell("unplug io")
        with self.assertRaises(OSError):
            open(self.sim.path("io"), "rb").close()
        self.sim.tell("plug io")
        self.io.close()
        self.io = rtu(self.sim, "io")
        self.assertEqual(self.io.read_coils(0, 1, slave=211).bits[0], False)


def crc(data):
    value = 0xFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0xA001 if value & 1 else 0)
    return struct.pack("<H", value)


class PacedLine(unittest.TestCase):
    def test_an_exchange_takes_the_time_of_its_wire(self):
        sim = Sim(BINARY, "--lamps", "4", "--feeders", "0", "--pace", "--baud", "9600", "--boot-s", "0")
        fast = Sim(BINARY, "--lamps", "4", "--feeders", "0", "--boot-s", "0")
        try:
            times = {}
            for name, one in (("paced", sim), ("unpaced", fast)):
                client = rtu(one, "lamps")
                port = client.socket
                best = 1.0
                for _ in range(10):
                    started = time.monotonic()
                    port.write(bytes.fromhex("01 04 00 00 00 0a 70 0d"))
                    self.assertEqual(len(port.read(25)), 25)
                    best = min(best, time.monotonic() - started)
                    time.sleep(0.005)  # the silence that the master owes the line
                times[name] = best
                client.close()
            wire = (8 + 3.5 + 25) * 10 / 9600
            self.assertGreater(times["paced"], wire * 0.99)
            self.assertLess(times["paced"], wire * 2 + times["unpaced"])
            self.assertLess(times["unpaced"], times["paced"] / 3)
            self.assertEqual(sim.ask("stats")["lines"]["lamps"]["early_requests"], 0)
        finally:
            sim.close()
            fast.close()


if __name__ == "__main__":
    BINARY = sys.argv.pop(1)
    unittest.main()
