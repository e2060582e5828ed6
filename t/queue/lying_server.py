#!/usr/bin/env python3
"""scripts/audit-draw against a server that tells the truth, then against servers that lie in one point each."""
import hashlib
import http.server
import json
import os
import subprocess
import sys
import threading

AUDIT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "scripts", "audit-draw")
SECRET, TRANSCRIPT, COUNT = bytes(range(32)), "ab" * 20, 5


def seed_of(secret=SECRET, count=COUNT, beacon=""):
    return hashlib.sha256(b"cq/seed/1" + secret + TRANSCRIPT.encode() + count.to_bytes(8, "little") + beacon.encode()).hexdigest()


def truth(beacon=None, source=None):
    seed, commitment = seed_of(beacon=beacon or ""), hashlib.sha256(b"cq/commit/1" + SECRET).hexdigest()
    times = ["2026-11-27T10:0%d:00+09:00" % minute for minute in range(4)]
    audit = {"epoch": 1, "commitment": commitment, "secret": SECRET.hex(), "transcript": TRANSCRIPT, "participants": COUNT,
             "beaconSource": source, "beacon": beacon, "committedAt": times[0], "beaconNamedAt": times[1] if source else None,
             "beaconAt": times[2] if source else None, "drawnAt": times[3], "seed": seed, "callsDigest": None}
    return audit, {"epoch": 1, "phase": "open", "seed": seed, "lobby": COUNT, "commit": commitment}


def other_draw():
    """Everything fits together, but the secret is not the one committed to."""
    audit, now = truth()
    audit["secret"] = bytes(32).hex()
    audit["seed"] = now["seed"] = seed_of(secret=bytes(32))
    return audit, now


def changed(part, name, value, beacon="f00d", source="drand 1"):
    documents = truth(beacon, source)
    documents[part][name] = value
    return documents


LIES = {
    "another secret": other_draw(),
    "another seed": changed(0, "seed", "00" * 32),
    "another size of the lobby": changed(0, "participants", COUNT + 1),
    "another beacon": changed(0, "beacon", "cafe"),
    "a beacon from nowhere": truth("f00d", None),
    "a beacon given before its source was named": changed(0, "beaconNamedAt", "2026-11-27T10:09:00+09:00"),
    "numbers by another seed": changed(1, "seed", "00" * 32),
    "numbers in a larger lobby": changed(1, "lobby", COUNT + 1),
}


class Handler(http.server.BaseHTTPRequestHandler):
    documents = None

    def do_GET(self):
        body = json.dumps(self.documents[1 if self.path.endswith("/now") else 0]).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def main():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    good = True
    for name, documents in (("the truth", truth()), ("the truth with a beacon", truth("f00d", "drand 1")), *LIES.items()):
        Handler.documents = documents
        said = subprocess.run([sys.executable, AUDIT, "1", "--url", "http://127.0.0.1:%d" % server.server_port],
                              capture_output=True, text=True, check=False)
        wanted = 1 if name in LIES else 0
        if said.returncode != wanted or said.stderr:
            print("failed: %s: %d %s%s" % (name, said.returncode, said.stdout, said.stderr))
            good = False
    server.shutdown()
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
