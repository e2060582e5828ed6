"""A private redis-server and a pipelining RESP client over its Unix socket. Standard library only."""
import os
import shutil
import socket
import subprocess
import tempfile
import time

TOP = os.environ.get("top_srcdir") or os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
PARTS = ("lib/redis/header.lua", "lib/queue/queue.lua", "lib/reservation/hold.lua")


def library(change=None):
    """The function library; change is (old, new) texts of a mutation that must match once."""
    text = "".join(open(os.path.join(TOP, part), encoding="utf-8").read() for part in PARTS)
    if change:
        if text.count(change[0]) != 1:
            raise SystemExit("the mutation doesn't match once: " + change[0])
        text = text.replace(*change)
    return text


class RedisError(Exception):
    pass


class Client:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.file = self.socket.makefile("rb", 1 << 16)

    @staticmethod
    def encode(command):
        parts = [b"*%d\r\n" % len(command)]
        for item in command:
            if not isinstance(item, bytes):
                item = str(item).encode()
            parts.append(b"$%d\r\n%s\r\n" % (len(item), item))
        return b"".join(parts)

    def send(self, commands):
        self.socket.sendall(b"".join(map(self.encode, commands)))

    def read(self):
        line = self.file.readline()
        if not line:
            raise ConnectionError("Redis went away")
        kind, rest = line[:1], line[1:-2]
        if kind == b":":
            return int(rest)
        if kind == b"$":
            if rest == b"-1":
                return None
            data = self.file.read(int(rest) + 2)[:-2]
            return data.decode("utf-8", "replace")
        if kind == b"*":
            return [self.read() for _ in range(int(rest))]
        if kind == b"+":
            return rest.decode()
        return RedisError(rest.decode())

    def pipeline(self, commands):
        self.send(commands)
        replies = [self.read() for _ in commands]
        for reply in replies:
            if isinstance(reply, RedisError):
                raise reply
        return replies

    def raw(self, *command):
        """A bulk reply as bytes."""
        self.send([command])
        return self.file.read(int(self.file.readline()[1:-2]) + 2)[:-2]

    def __call__(self, *command):
        return self.pipeline([command])[0]

    def close(self):
        self.file.close()
        self.socket.close()


class Server:
    """options: further arguments of redis-server. Use as a context."""

    def __init__(self, *options, change=None):
        self.folder = tempfile.mkdtemp(prefix="cm-queue-")
        self.path = os.path.join(self.folder, "redis.sock")
        self.options, self.change = options, change
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            ["redis-server", "--port", "0", "--unixsocket", self.path, "--dir", self.folder, "--save", "",
             "--hash-max-listpack-entries", "512", *self.options], stdout=subprocess.DEVNULL)
        while True:
            try:
                client = Client(self.path)
                if client.pipeline([("PING",)])[0] == "PONG":
                    break
            except (OSError, RedisError):
                if self.process.poll() is not None:
                    raise SystemExit("redis-server did not start")
                time.sleep(0.01)
        client("FUNCTION", "LOAD", "REPLACE", library(self.change))
        client.close()

    def client(self):
        return Client(self.path)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)
