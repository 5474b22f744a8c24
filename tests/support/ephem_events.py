#!/usr/bin/python3
"""The sun by PyEphem, as a peer of gateway/schedule/solar.

Reads lines "lat lon noon_ms elevation", with noon_ms near a solar noon. For each prints
"noon midnight_before midnight_after rise set noon_alt before_alt after_alt" (ms, degrees), where rise is the
last rising in the half day before that noon and set the first setting after it, or "-" with no crossing.
"""
import datetime
import sys

import ephem

EPOCH = datetime.datetime(1970, 1, 1)
HALF = 0.5


def to_ephem(ms):
    return ephem.Date(EPOCH + datetime.timedelta(milliseconds=ms))


def to_ms(date):
    # ephem days count from 1899-12-31T12:00Z.
    return round((float(date) - 25567.5) * 86400000.0)


def nearest(step_next, step_previous, date):
    after, before = step_next(ephem.Sun(), start=date), step_previous(ephem.Sun(), start=date)
    return after if after - date < date - before else before


def altitude(observer, date):
    observer.date = date
    sun = ephem.Sun(observer)
    return float(sun.alt) * 180.0 / ephem.pi


def crossing(method, start, low, high):
    try:
        found = method(ephem.Sun(), start=start, use_center=True)
    except ephem.CircumpolarError:
        return None
    return found if low <= found <= high else None


def main():
    for line in sys.stdin:
        lat, lon, noon_ms, elevation = line.split()
        observer = ephem.Observer()
        observer.lat, observer.lon, observer.pressure = lat, lon, 0
        observer.horizon = elevation
        observer.date = to_ephem(int(noon_ms))
        noon = nearest(observer.next_transit, observer.previous_transit, observer.date)
        before = nearest(observer.next_antitransit, observer.previous_antitransit, ephem.Date(noon - HALF))
        after = nearest(observer.next_antitransit, observer.previous_antitransit, ephem.Date(noon + HALF))
        rise = crossing(observer.previous_rising, noon, before, noon)
        sunset = crossing(observer.next_setting, noon, noon, after)
        print(to_ms(noon), to_ms(before), to_ms(after),
              "-" if rise is None else to_ms(rise), "-" if sunset is None else to_ms(sunset),
              altitude(observer, noon), altitude(observer, before), altitude(observer, after))


main()
