"""Published DL/T 645-2007 exchanges, replayed: the request goes in, the published answer must come out."""
import json
import os
import re
import select
import sys
import termios
import time
import unittest

from sim_process import Sim

BINARY = ""
VECTORS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "vectors", "dlt645_2007.json")


def load():
    with open(VECTORS, encoding="utf-8") as file:
        return [vector for vector in json.load(file) if vector.get("checksum_ok", True)]


class RawLine:
    """A pty as a plain serial port: no protocol of anybody's."""

    def __init__(self, path):
        self.fd = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        termios.tcflush(self.fd, termios.TCIOFLUSH)

    def exchange(self, request):
        """The whole answer, as soon as it is there."""
        os.write(self.fd, request)
        return self.receive(10)

    def unanswered(self, request):
        """What comes although nothing should."""
        os.write(self.fd, request)
        return self.receive(0.1)

    def receive(self, patience):
        received = b""
        while select.select([self.fd], [], [], patience)[0]:
            received += os.read(self.fd, 4096)
            if re.search(rb"\x68.{6}\x68", received, re.S):
                start = re.search(rb"\x68.{6}\x68", received, re.S).start()
                if len(received) >= start + 10 and len(received) >= start + 12 + received[start + 9]:
                    return received
        return received

    def close(self):
        os.close(self.fd)


def frame(address, control, data=b""):
    body = b"\x68" + bytes.fromhex(address)[::-1] + b"\x68" + bytes([control, len(data)])
    body += bytes((byte + 0x33) & 0xFF for byte in data)
    return body + bytes([sum(body) & 0xFF, 0x16])


def parse(received):
    at = received.index(b"\x68")
    data = bytes((byte - 0x33) & 0xFF for byte in received[at + 10:at + 10 + received[at + 9]])
    return received[at + 1:at + 7][::-1].hex(), received[at + 8], data


def meter_config(address, preamble=0, extra="", fixed=""):
    return f"""
[[line]]
id = "meter"
pty = "@DIR@/meter"
[[feeder]]
id = "F1"
[[meter]]
line = "meter"
address = "{address}"
preamble = {preamble}
feeders = ["F1"]
{extra}
[meter.fixed]
{fixed}
"""


class PublishedAnswers(unittest.TestCase):
    def test_every_published_read_answer_comes_out_byte_for_byte(self):
        replayed = 0
        for vector in load():
            meaning = vector["meaning"]
            plain = meaning.get("data_minus_33")
            whole = vector["direction"] == "meter->master" and meaning.get("control") in ("91", "93", "D1")
            if not whole or plain is None or "A" in meaning.get("address", "A"):
                continue
            published = bytes.fromhex(vector["hex"])
            fixed = f'"{meaning["di"]}" = "{plain}"' if meaning["control"] == "91" else ""
            sim = Sim(BINARY, config=meter_config(meaning["address"], meaning["preamble_fe"], fixed=fixed))
            line = RawLine(sim.path("meter"))
            if meaning["control"] == "93":
                request = frame("aaaaaaaaaaaa", 0x13)
            else:
                di = meaning.get("di", "00FF0000")
                request = frame(meaning["address"], 0x11, bytes.fromhex(di)[::-1])
            with self.subTest(vector["id"]):
                self.assertEqual(line.exchange(request).hex(), published.hex())
            replayed += 1
            line.close()
            sim.close()
        self.assertGreater(replayed, 25)

    def test_every_published_request_is_understood(self):
        understood = 0
        for vector in load():
            meaning = vector["meaning"]
            if vector["direction"] != "master->meter" or "A" in meaning.get("address", "A"):
                continue
            if meaning.get("control") not in ("11", "13"):
                continue
            sim = Sim(BINARY, config=meter_config(meaning["address"], 0))
            line = RawLine(sim.path("meter"))
            with self.subTest(vector["id"]):
                address, control, data = parse(line.exchange(bytes.fromhex(vector["hex"])))
                self.assertEqual(address, meaning["address"].lower())
                self.assertIn(control, (0x91, 0xD1, 0x93))
                if control == 0x91:
                    self.assertEqual(data[:4][::-1].hex(), meaning["di"].lower())
            understood += 1
            line.close()
            sim.close()
        self.assertGreater(understood, 15)

    def test_the_published_time_broadcast_sets_the_clock_and_is_not_answered(self):
        broadcast = next(v for v in load() if v["meaning"].get("control") == "08" and v["meaning"].get("value"))
        sim = Sim(BINARY, config=meter_config("000000000161"))
        line = RawLine(sim.path("meter"))
        self.assertEqual(line.unanswered(bytes.fromhex(broadcast["hex"])), b"")
        meter = sim.ask("meters")["meters"][0]
        self.assertEqual(meter["local_time"][:16], broadcast["meaning"]["value"].replace(" ", "T")[:16])
        self.assertEqual(meter["time_broadcasts"], 1)
        date = parse(line.exchange(frame("000000000161", 0x11, bytes.fromhex("01010004"))))[2][4:]
        self.assertEqual(date.hex(), "01050617")  # a Monday
        line.close()
        sim.close()


class Conversation(unittest.TestCase):
    ADDRESS = "202410170042"

    def setUp(self):
        self.sim = Sim(BINARY, config=meter_config(self.ADDRESS, 4, "reply_limit = 8\ninitial_kwh = 1234.56"))
        self.line = RawLine(self.sim.path("meter"))

    def tearDown(self):
        self.line.close()
        self.assertEqual(self.sim.close(), (0, []))

    def read(self, di, address=None):
        return parse(self.line.exchange(frame(address or self.ADDRESS, 0x11, bytes.fromhex(di)[::-1])))

    def test_a_long_answer_is_continued_by_follow_on(self):
        _, control, data = self.read("0001ff00")
        self.assertEqual(control, 0xB1)
        whole = data[4:]
        for sequence in range(1, 10):
            request = frame(self.ADDRESS, 0x12, bytes.fromhex("00ff0100") + bytes([sequence]))
            _, control, data = parse(self.line.exchange(request))
            self.assertEqual(data[-1], sequence)
            whole += data[4:-1]
            if control == 0x92:
                break
            self.assertEqual(control, 0xB2)
        self.assertEqual(len(whole), 20)
        self.assertEqual(whole[:4].hex(), "56341200")

    def test_wildcards_match_and_strangers_are_not_answered(self):
        self.assertEqual(self.read("00010000", "aaaaaaaaaaaa")[0], self.ADDRESS)
        self.assertEqual(self.read("00010000", "aaaaaaaa0042")[0], self.ADDRESS)
        other = frame("202410170043", 0x11, bytes.fromhex("00000100"))
        self.assertEqual(self.line.unanswered(other), b"")
        # An answer (bit 7) is not a request: an echo stays without consequence.
        self.assertEqual(self.line.unanswered(frame(self.ADDRESS, 0x91, bytes(4))), b"")

    def test_what_the_meter_lacks_or_forbids_is_refused_with_the_right_error(self):
        self.assertEqual(self.read("03300d00")[1:], (0xD1, b"\x02"))
        write = frame(self.ADDRESS, 0x14, bytes.fromhex("01010004") + bytes(12))
        self.assertEqual(parse(self.line.exchange(write))[1:], (0xD4, b"\x04"))
        trip = frame(self.ADDRESS, 0x1C, bytes(16))
        self.assertEqual(parse(self.line.exchange(trip))[1:], (0xDC, b"\x04"))

    def test_a_frame_is_found_behind_noise_and_a_broken_frame(self):
        request = frame(self.ADDRESS, 0x11, bytes.fromhex("02800002")[::-1])
        broken = request[:-2] + bytes([request[-2] ^ 1, 0x16])
        for garbage in (b"\x68", b"\x16\x68\xfe\xfe", broken, b"\x68\x01\x04"):
            answer = self.line.exchange(garbage + request)
            self.assertEqual(parse(answer)[2][:4], bytes.fromhex("02800002")[::-1], garbage.hex())

    def test_blocks_hold_what_the_single_items_hold(self):
        for block, items, size in (("0201ff00", ("02010100", "02010200", "02010300"), 2),
                                   ("0203ff00", ("02030000", "02030100", "02030200", "02030300"), 3)):
            # Longer than the limit: the first part is enough here.
            data = self.read(block)[2][4:]
            for i, item in enumerate(items[:len(data) // size]):
                single = self.read(item)[2][4:]
                close = abs(int(single[::-1].hex()) - int(data[size * i:size * (i + 1)][::-1].hex()))
                self.assertLessEqual(close, 2, item)

    def test_faults_are_visible(self):
        good = self.line.exchange(frame(self.ADDRESS, 0x13))
        self.sim.tell("fault answer meter M1 bad-crc times 1")
        bad = self.line.exchange(frame(self.ADDRESS, 0x13))
        self.assertEqual((bad[:-2], bad[-1]), (good[:-2], 0x16))
        self.assertNotEqual(bad[-2], good[-2])
        self.sim.tell("fault answer meter M1 wrong-unit times 1")
        self.assertNotEqual(parse(self.line.exchange(frame(self.ADDRESS, 0x13)))[0], self.ADDRESS)
        self.sim.tell("fault answer meter M1 late 200")
        started = time.monotonic()
        self.assertEqual(self.line.exchange(frame(self.ADDRESS, 0x13)), good)
        self.assertGreater(time.monotonic() - started, 0.19)


if __name__ == "__main__":
    BINARY = sys.argv.pop(1)
    unittest.main()
