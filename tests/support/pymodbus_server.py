#!/usr/bin/python3
"""A Modbus server made of pymodbus, an implementation that is not ours.

usage: pymodbus_server.py tcp|rtu    framing on a TCP port of loopback; prints "listening on N" when it listens

Unit 17: holding register i = 3 i, input register i = 1000 + i, coil i = (i divisible by 3), discrete input
i = (i odd), i from 0 to 199. Other units do not answer. Ends when its standard input ends.
"""
import asyncio
import sys

from pymodbus.datastore import ModbusSequentialDataBlock, ModbusServerContext, ModbusSlaveContext
from pymodbus.server.async_io import ModbusTcpServer
from pymodbus.transaction import ModbusRtuFramer, ModbusSocketFramer

COUNT = 200


async def main(framing):
    unit = ModbusSlaveContext(
        hr=ModbusSequentialDataBlock(0, [3 * i for i in range(COUNT)]),
        ir=ModbusSequentialDataBlock(0, [1000 + i for i in range(COUNT)]),
        co=ModbusSequentialDataBlock(0, [i % 3 == 0 for i in range(COUNT)]),
        di=ModbusSequentialDataBlock(0, [i % 2 == 1 for i in range(COUNT)]),
        zero_mode=True,
    )
    server = ModbusTcpServer(
        ModbusServerContext(slaves={17: unit}, single=False),
        framer=ModbusRtuFramer if framing == "rtu" else ModbusSocketFramer,
        address=("127.0.0.1", 0),
        ignore_missing_slaves=True,
        broadcast_enable=True,
    )
    task = asyncio.ensure_future(server.serve_forever())
    await server.serving
    print("listening on", server.server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_event_loop().run_in_executor(None, sys.stdin.read)
    task.cancel()


asyncio.run(main(sys.argv[1]))
