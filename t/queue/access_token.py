"""Access tokens for tests, signed as cm-auth does with the instance's first key. Standard library only.

usage: access_token.py MEMBER [ROLE]    with CM_TOKEN_KEYS in the environment
"""
import base64
import hashlib
import hmac
import json
import os
import sys
import time


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def seal(header, payload, key):
    text = b64(json.dumps(header).encode()) + "." + b64(json.dumps(payload).encode())
    return text + "." + b64(hmac.new(key, text.encode(), hashlib.sha256).digest())


def first_key(ring):
    kid, _, key = ring.split()[0].partition(":")
    return kid, base64.b64decode(key)


def access_token(member, role="ROLE_USER", ring=None, life=3600):
    kid, key = first_key(ring or os.environ["CM_TOKEN_KEYS"])
    now = int(time.time())
    return seal({"alg": "HS256", "kid": kid, "typ": "JWT"},
                {"iss": "concert-mania", "aud": "concert-mania-api", "sub": str(member), "role": role,
                 "iat": now, "nbf": now, "exp": now + life}, key)


if __name__ == "__main__":
    print(access_token(int(sys.argv[1]), *sys.argv[2:]))
