#!/usr/bin/python3
"""Writes first inputs for the frame fuzzers, one of each kind of published frame: seeds.py DIRECTORY"""
import hashlib
import json
import pathlib
import sys

VECTORS = pathlib.Path(__file__).resolve().parent.parent / "vectors"


def vectors(name):
    return json.loads((VECTORS / name).read_text(encoding="utf-8"))


def modbus():
    kinds = {}
    for v in vectors("modbus_frames.json"):
        frame = bytes.fromhex(v["hex"])
        tcp = v["protocol"] == "modbus-tcp"
        unit, function = (frame[6], frame[7]) if tcp else (frame[0], frame[1])
        # Framing, unit, function, count, address; then the bytes on the line.
        head = bytes([tcp, unit, ((function & 0x7F) - 1) % 24, 2, 0])
        kinds.setdefault((tcp, v["direction"], function), head + frame)
    return kinds.values()


def dlt645():
    kinds = {}
    for name in ("dlt645_2007.json", "dlt645_1997.json"):
        for v in vectors(name):
            m = v["meaning"]
            kind = (name, m.get("control"), m.get("di", "")[:4], v.get("intentionally_invalid"))
            kinds.setdefault(kind, bytes.fromhex(v["hex"]))
    return kinds.values()


def dali():
    kinds = {}
    for v in vectors("dali_frames.json"):
        # Frame, device type, an answer, 50.0 as a double.
        tail = bytes([v["meaning"].get("device_type", 0), 4]) + bytes.fromhex("0000000000004940")
        kinds.setdefault(v["meaning"]["command"], bytes.fromhex(v["hex"]) + tail)
    return kinds.values()


def points():
    return [bytes((i * 7 + j * 13) & 255 for j in range(60)) for i in range(8)]


def main():
    out = pathlib.Path(sys.argv[1])
    makers = {"fuzz_modbus_frame": modbus, "fuzz_dlt645_frame": dlt645, "fuzz_dali_frame": dali, "fuzz_decode": points}
    for name, make in makers.items():
        folder = out / name
        folder.mkdir(parents=True, exist_ok=True)
        for seed in make():
            (folder / hashlib.sha1(seed).hexdigest()[:12]).write_bytes(seed)


main()
