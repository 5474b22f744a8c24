#!/usr/bin/python3
"""A lamp that is not of our making: a pymodbus server with the registers of config/models/README.md."""
import json
import unittest

from e2e_case import CabinetCase, main

SERVER = r'''
import asyncio, sys
from pymodbus.datastore import ModbusSequentialDataBlock, ModbusServerContext, ModbusSlaveContext
from pymodbus.server.async_io import ModbusTcpServer

class Lamp(ModbusSlaveContext):
    """Holding register 0 is the level asked for; input 0 repeats it, as a controller would."""
    def setValues(self, function, address, values):
        super().setValues(function, address, values)
        if function in (6, 16) and address == 0:
            super().setValues(4, 0, [values[0], int(values[0] > 0)])

async def main():
    inputs = [60, 1, 2304, 316, 712, 990, 1, 34464, 54, 61056, 315, 0, 0, 1234] + [0, 0]
    inputs += [0xFFFF] * 5 + [0x7FFF] + [0xFFFF] * 4 + [0x7FFF, 0, 0xFFFF, 0xFFFF] + [0, 0, 123]
    unit = Lamp(ir=ModbusSequentialDataBlock(0, inputs + [0] * 40), hr=ModbusSequentialDataBlock(0, [60, 0, 0, 0, 100, 100, 600] + [0] * 40),
                zero_mode=True)
    server = ModbusTcpServer(ModbusServerContext(slaves={17: unit}, single=False), address=("127.0.0.1", 0), ignore_missing_slaves=True)
    asyncio.ensure_future(server.serve_forever())
    await server.serving
    print(server.server.sockets[0].getsockname()[1], flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
'''

CONFIG = '''schema = 1
[site]
site = "SIM"
gateway = "0001"
timezone = "Asia/Shanghai"
latitude = 37.687
longitude = 112.7528
[[line]]
id = "lamps"
device = "tcp://127.0.0.1:{port}"
protocol = "modbus-tcp"
[[feeder]]
id = "F1"
kind = "always"
failsafe = 100
accept = ["lit-by-day-when-dead"]
[lamps]
file = "lamps.csv"
[[profile]]
id = "night"
steps = [ {{ at = "dusk", level = 60 }}, {{ at = "dawn", level = 0 }} ]
[[schedule]]
id = "everyday"
priority = 10
group = "all"
profile = "night"
[mqtt]
url = "mqtt://127.0.0.1:{broker}"
first_retry_max = "0s"
start_spread = "0s"
lamp_telemetry = "1s"
[[mqtt.principal]]
id = "city"
ops = ["*"]
[store]
commit_every = "1s"
[api]
socket = "{folder}/api.sock"
'''


class ForeignLamp(CabinetCase):
    def test_its_values_are_published_and_its_level_is_set(self):
        folder = self.cabinet.directory
        (folder / "server.py").write_text(SERVER)
        server = self.cabinet.run(["/usr/bin/python3", folder / "server.py"], "pymodbus.log")
        broker = self.cabinet.broker()
        judge = self.cabinet.subscriber(broker.port, keep=("state", "telemetry", "reply", "status"))
        (folder / "gateway.toml").write_text(CONFIG.format(port=int(server.line(20)), broker=broker.port, folder=folder))
        (folder / "lamps.csv").write_text("id,line,address,model,feeder,rated_w,road_class\n"
                                          "P1,lamps,17,lamp/generic-modbus-2ch,F1,120,main\n")
        self.cabinet.gateway("--speed", "1.01", "--start", "2026-11-23T23:30:00+08:00")
        rows = self.until(lambda: [r for r in judge.rows_of("telemetry", "lamp") if r["q"] == "ok"], "telemetry of the lamp")
        shown = {k: rows[-1][k] for k in ("id", "power_w", "voltage_v", "current_a", "power_factor", "energy_wh", "temperature_c")}
        self.assertEqual({"id": "P1", "power_w": 71.2, "voltage_v": 230.4, "current_a": 0.316, "power_factor": 0.99,
                          "energy_wh": 100000, "temperature_c": 31.5}, shown)
        done = self.done(judge, self.command(judge, "lamp.set", target={"lamps": ["P1"]}, args={"level_pct": 35}))
        self.assertEqual(("ok", 2), (done["result"], done["confirmed"]), done)
        self.until(lambda: self.cabinet.api("lamps/P1")[1].get("level_pct") == 35
                   or '"level_pct": {"value": 35' in json.dumps(self.cabinet.api("lamps/P1")[1]), "35 is read back")
        self.no_gaps(judge)


if __name__ == "__main__":
    main()
