"""When a client of the waiting queue looks again: the rule of web/queue-client.js, for simulations without gaps."""


def pause(number, serving, ceiling, speed, vmax, random):
    """Seconds until the next look. speed and vmax in tickets a second, speed 0 when unknown."""
    if number >= ceiling:
        seconds = min(60, max(2, (number - ceiling) / vmax / 2))
    else:
        seconds = min(5, max(1.5, (number - serving) / speed / 4)) if speed > 0 else 5
    return seconds * random.uniform(0.85, 1.15)
