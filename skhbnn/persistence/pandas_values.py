"""Values of pandas as simpler values and back; pandas itself is imported only where a file holds one."""

import datetime


def _pandas():
    try:
        import pandas
    except ImportError as error:
        raise ValueError("it holds a label of pandas, which is not installed") from error
    return pandas


def _from_interval(interval):
    return [interval.left, interval.right, interval.closed]


def _to_interval(parts):
    return _pandas().Interval(*parts)


def _from_period(period):
    return f"{period.ordinal} {period.freqstr}"


def _to_period(text):
    ordinal, freq = text.split(" ")
    return _pandas().Period(ordinal=int(ordinal), freq=freq)


def _from_timedelta(timedelta):
    return f"{timedelta.asm8.astype('i8')} {timedelta.unit}"


def _to_timedelta(text):
    count, unit = text.split(" ")
    return _pandas().Timedelta(int(count), unit).as_unit(unit)


def _from_timestamp(timestamp):
    """Count of its units since 1970, the unit, and the time zone, if any."""
    count = f"{timestamp.asm8.astype('i8')} {timestamp.unit}"
    return count if timestamp.tz is None else f"{count} {_zone_name(timestamp)}"


def _to_timestamp(text):
    count, unit, *zone = text.split(" ")
    timestamp = _pandas().Timestamp(int(count), unit=unit).as_unit(unit)
    return timestamp.tz_localize("UTC").tz_convert(*zone) if zone else timestamp


def _zone_name(timestamp):
    """Name of a time zone that pandas knows; where it has none, its offset from UTC at the time."""
    name = str(timestamp.tz)
    try:
        if timestamp.tz_convert(name).isoformat() == timestamp.isoformat():
            return name
    except (KeyError, ValueError, TypeError):  # of a zone without a name
        pass
    return str(datetime.timezone(timestamp.utcoffset()))


# Name of the kind: (the module and name of its type, a simpler value made of it, it made of the simpler value).
KINDS: dict = {
    "Interval": ("pandas.Interval", _from_interval, _to_interval),
    "Period": ("pandas.Period", _from_period, _to_period),
    "Timedelta": ("pandas.Timedelta", _from_timedelta, _to_timedelta),
    "Timestamp": ("pandas.Timestamp", _from_timestamp, _to_timestamp),
}
