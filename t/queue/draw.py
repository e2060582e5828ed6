"""The draw again, written from its description (Ethereum consensus specification, compute_shuffled_index)
and not from lib/queue/draw.c: the test holds one against the other. Also what scripts/audit-draw computes with.
"""
import hashlib

ROUNDS = 90


def sha256(data):
    return hashlib.sha256(data).digest()


def commitment(s0):
    return sha256(b"cq/commit/1" + s0)


def seed_of(s0, transcript, participants, beacon=""):
    return sha256(b"cq/seed/1" + s0 + transcript.encode() + participants.to_bytes(8, "little") + beacon.encode())


def compute_shuffled_index(index, index_count, seed, rounds=ROUNDS):
    assert index < index_count
    for current_round in range(rounds):
        pivot = int.from_bytes(sha256(seed + bytes([current_round]))[0:8], "little") % index_count
        flip = (pivot + index_count - index) % index_count
        position = max(index, flip)
        source = sha256(seed + bytes([current_round]) + (position // 256).to_bytes(4, "little"))
        byte = source[(position % 256) // 8]
        if (byte >> (position % 8)) % 2:
            index = flip
    return index


def shuffle(index_count, seed, rounds=ROUNDS):
    """All tickets at once, hashing each round's blocks once."""
    result = list(range(index_count))
    for current_round in range(rounds):
        head = seed + bytes([current_round])
        pivot = int.from_bytes(sha256(head)[0:8], "little") % index_count
        blocks = [sha256(head + block.to_bytes(4, "little")) for block in range((index_count + 255) // 256)]
        for place, index in enumerate(result):
            flip = (pivot + index_count - index) % index_count
            position = max(index, flip)
            if (blocks[position >> 8][(position & 255) >> 3] >> (position & 7)) & 1:
                result[place] = flip
    return result
