"""What the demo shows: a calm picture on a terminal, plain lines elsewhere."""

import shutil
import sys
import unicodedata

BLOCKS = "▁▂▃▄▅▆▇█"
CLEAR, HOME, TO_END_OF_LINE, BELOW = "\033[2J", "\033[H", "\033[K", "\033[J"
HIDE, SHOW = "\033[?25l", "\033[?25h"


def width(text):
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)


def padded(text, columns):
    return text + " " * (columns - width(text))


def currents(feeder):
    amperes = [feeder.get(f"current_a_l{phase}") for phase in (1, 2, 3)]
    return "" if all(a is None for a in amperes) else "/".join("-" if a is None else f"{a:.1f}" for a in amperes) + " A"


def cut(text, columns):
    """The text as far as it fits; nothing here carries colour codes, so widths are simple."""
    while width(text) > columns:
        text = text[:-1]
    return text


def clock(time_text):
    return time_text[11:16] if time_text else "-"


def lamp_sign(lamp):
    if lamp["state"] == "fault":
        return "x"
    if lamp["state"] in ("offline", "starting"):
        return "?"
    level = lamp["level_pct"]
    if not level:
        return "·"
    return BLOCKS[min(7, int(level * 8 / 101))]


def number(value, unit, decimals=1, scale=1.0):
    return "-" if value is None else f"{value / scale:.{decimals}f} {unit}"


def saving_of(energy):
    """Per cent saved; nothing during the first minutes of light, when a fast night's counts lag behind the meter."""
    early = (energy.get("baseline_wh") or 0) < 10 * 1000
    return None if early else energy.get("saving_pct")


def night_words(night):
    if not night:
        return ""
    if night["phase"] == "day":
        return f"day; lamps on at {clock(night['on_at'])}"
    return f"night; on since {clock(night['on_at'])}, off at {clock(night['off_at'])}"


class Picture:
    def __init__(self, speed, ask, stream=sys.stdout):
        self.speed, self.ask, self.stream = speed, ask, stream
        self.live = stream.isatty()
        if self.live:
            self.stream.write(HIDE + CLEAR)

    def draw(self, status, lamps, alarms, rows, story):
        lines = self._lines(status, lamps, alarms, rows, story)
        columns = shutil.get_terminal_size((100, 30)).columns
        self.stream.write(HOME + "".join(cut(line, columns) + TO_END_OF_LINE + "\n" for line in lines) + BELOW)
        self.stream.flush()

    def line(self, status, rows):
        """The same in one line, for a log."""
        energy = status.get("energy") or {}
        outbox = status.get("outbox") or {}
        feeders = "  ".join(
            f"{f['id']} {'on ' if f['energised'] else 'off'} {f['lamps']['lit']:>2}/{f['lamps']['total']} lit"
            for f in status["feeders"])
        received = sum(row[2] for row in rows)
        saving = saving_of(energy)
        print(f"{status['time'][5:16].replace('T', ' ')}  {feeders}  {number(status['power_w'], 'kW', 2, 1000)}  "
              f"{number(energy.get('metered_wh'), 'kWh', 2, 1000)}{'' if saving is None else f' ({saving:.0f} % less)'}  outbox {outbox.get('pending', '-')}  "
              f"received {received}", file=self.stream, flush=True)

    def close(self):
        if self.live:
            self.stream.write(SHOW)
            self.stream.flush()

    def _lines(self, status, lamps, alarms, rows, story):
        yield f"  {status['site']} {status['gateway']}  {status['name']}"
        yield f"  {status['time'][:16].replace('T', '  ')}   {self.speed:g} times as fast   {night_words(status.get('night'))}"
        yield ""
        column = max(width(feeder["name"]) for feeder in status["feeders"])
        for feeder in status["feeders"]:
            yield from self._feeder(feeder, column, [lamp for lamp in lamps if lamp["feeder"] == feeder["id"]])
        yield from self._energy(status)
        yield ""
        yield from self._reporting(status, rows)
        yield ""
        yield f"  alarms: {len(alarms)} standing" if alarms else "  alarms: none"
        names = {lamp["id"]: lamp["name"] for lamp in lamps}
        for alarm in alarms[:3]:
            where = f"{alarm['object']} {names.get(alarm['object'], '')}".strip()
            yield f"    {clock(alarm['since'])}  {alarm['severity']:<8} {where}: {alarm['text']}"
        yield ""
        for line in story[-5:]:
            yield f"  > {line}"
        yield ""
        yield "  ask the gateway yourself, in another terminal:"
        yield f"    {self.ask}"

    @staticmethod
    def _feeder(feeder, column, lamps):
        state = "on " if feeder["energised"] else "off"
        low, high = feeder["level_min_pct"], feeder["level_max_pct"]
        level = "" if low is None else f"{low} %" if low == high else f"{low}-{high} %"
        yield (f"  {feeder['id']:<4} {padded(feeder['name'], column)}   {state}  {level:<8} "
               f"{feeder['lamps']['lit']:>3} of {feeder['lamps']['total']} lit  "
               f"{number(feeder['power_w'], 'kW', 2, 1000):>8}  {currents(feeder)}")
        signs = "".join(lamp_sign(lamp) for lamp in sorted(lamps, key=lambda each: each["order"]))
        for start in range(0, len(signs), 60):
            yield f"       {signs[start:start + 60]}"
        yield ""

    @staticmethod
    def _energy(status):
        energy = status.get("energy") or {}
        saving = saving_of(energy)
        against = "" if saving is None else f"   {saving:.0f} % less than the former lamps' {number(energy['baseline_wh'], 'kWh', 2, 1000)}"
        yield (f"  power {number(status['power_w'], 'kW', 2, 1000)}   energy by the meter "
               f"{number(energy.get('metered_wh'), 'kWh', 2, 1000)}{against}")

    @staticmethod
    def _reporting(status, rows):
        uplink = status.get("uplink") or {}
        pending = sum(row[3] for row in rows)
        outbox = f"outbox: {pending} waiting" if pending else "outbox: empty"
        yield f"  broker: {'connected' if uplink.get('connected') else 'NOT CONNECTED'}   {outbox}"
        yield f"    {'stream':<10}{'produced':>10}{'received':>10}{'pending':>10}{'lost':>8}"
        for name, produced, received, waiting, lost in rows:
            yield f"    {name:<10}{produced:>10}{received:>10}{waiting:>10}{lost:>8}"
