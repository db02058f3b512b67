"""Compiled code that reads the clock of a line."""

from typing import Any

import numpy as np

from geo_flywheel.store.access_logs.words import DASH, ZERO, compiled, sign_at

NEVER = np.iinfo(np.int64).min
CLOCK = np.frombuffer(b"00/---/0000:00:00:00 +0000] ", np.uint8)
_ZONE = 21  # where in it the sign of the zone stands
_MONTHS = np.frombuffer(b"JanFebMarAprMayJunJulAugSepOctNovDec", np.uint8)
_DAYS = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])


@compiled
def _two(words: Any, at: Any) -> Any:
    """The number that two digits make."""
    return 10 * (sign_at(words, at) - ZERO) + sign_at(words, at + 1) - ZERO


@compiled
def _is_clock(words: Any, at: Any) -> Any:
    """Whether a clock, and its bracket, stands there."""
    for place in range(CLOCK.size):
        sign, wanted = sign_at(words, at + place), CLOCK[place]
        is_right = sign == wanted or (place == _ZONE and sign == DASH) or wanted == DASH
        if not is_right and not (wanted == ZERO and ZERO <= sign < ZERO + 10):
            return False
    return True


@compiled
def _month(words: Any, at: Any) -> Any:
    """The month of this name, 0 for none."""
    for month in range(12):
        is_right = True
        for place in range(3):
            is_right &= sign_at(words, at + place) == _MONTHS[3 * month + place]
        if is_right:
            return month + 1
    return 0


@compiled
def _days(year: Any, month: Any, day: Any) -> Any:
    """Days from 1970 to a date, by years that begin in March."""
    if month < 3:
        year, month = year - 1, month + 12
    return 365 * year + year // 4 - year // 100 + year // 400 + (153 * month - 457) // 5 + day - 719469


@compiled
def moment_of(words: Any, at: Any) -> Any:
    """Microseconds from 1970 to the time a clock says, `NEVER` if that is none."""
    if not _is_clock(words, at):
        return NEVER
    year, month, day = 100 * _two(words, at + 7) + _two(words, at + 9), _month(words, at + 3), _two(words, at)
    hour, minute, second = _two(words, at + 12), _two(words, at + 15), _two(words, at + 18)
    if year == 0 or month == 0 or hour > 23 or minute > 59 or second > 59:
        return NEVER
    is_leap = month == 2 and year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    if not 1 <= day <= _DAYS[month - 1] + is_leap:
        return NEVER
    ahead = 60 * _two(words, at + 22) + _two(words, at + 24)
    minutes = 60 * hour + minute + (ahead if sign_at(words, at + _ZONE) == DASH else -ahead)
    return 1_000_000 * (86_400 * _days(year, month, day) + 60 * minutes + second)
