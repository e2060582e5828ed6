"""When a client of the waiting queue looks again: the rule of web/queue-client.js, for simulations."""


def beyond(number, serving, ceiling, gaps=()):
    """How many tickets the ceiling has to move until number must check in; below 0 it must."""
    missing = sum(max(0, min(to, number) - max(start, serving)) for start, to in gaps)
    return number - missing - ceiling


def pause(number, serving, ceiling, speed, vmax, random):
    """Seconds until the next look. speed and vmax in tickets a second, speed 0 when unknown."""
    distance = beyond(number, serving, ceiling)
    if distance >= 0:
        seconds = min(60, max(2, distance / vmax / 2))
    else:
        seconds = min(5, max(1.5, (number - serving) / speed / 4)) if speed > 0 else 5
    return seconds * random.uniform(0.85, 1.15)
