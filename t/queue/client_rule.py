"""When a client of the waiting queue looks again: the rule of web/queue-client.js, for simulations without gaps."""


ALIVE = 20  # seconds after which who is near says again that it is here


def due(number, serving, ceiling, since, lost=False):
    """Whether the status is asked for, since seconds after the last time; lost: the queue is being rebuilt."""
    return number < serving or (number < ceiling and (lost or since >= ALIVE))


def pause(number, serving, ceiling, speed, vmax, random):
    """Seconds until the next look. speed and vmax in tickets a second, speed 0 when unknown."""
    if number >= max(serving, ceiling):
        seconds = min(60, max(3, (number - ceiling) / vmax / 2))
    else:
        seconds = min(2, max(1, (number - serving) / speed / 4)) if speed > 0 else 2
    return seconds * random.uniform(0.85, 1.15)
