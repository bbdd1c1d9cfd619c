"""A raw HTTP client: any bytes, any way to read or not to read the answer."""
import json
import socket
import struct


class Access:
    """The key that requests bring unless they say otherwise; none: none."""
    key = None


class Closed(Exception):
    """The server ended the connection without a whole answer."""


class Client:
    def __init__(self, port, timeout=30, receive_buffer=0, source=None):
        """`source`: the address that it comes from, one of 127.0.0.0/8."""
        self.socket = socket.socket()
        if source:
            self.socket.bind((source, 0))
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(timeout)
        self.socket.connect(("127.0.0.1", port))
        self.left = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def reset(self):
        """Goes away without a good-bye."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def ask(self, method, path, body=None, headers=()):
        """Sends a request and returns (status, body)."""
        self.send(request(method, path, body, headers))
        return self.answer()

    def answer(self):
        status, headers = self.head()
        while status == 100:
            status, headers = self.head()
        if headers.get("transfer-encoding") == "chunked":
            return status, b"".join(self.chunks())
        return status, self.exactly(int(headers.get("content-length", 0)))

    def head(self):
        lines = self.until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines[1:] if ": " in line)
        return int(lines[0].split()[1]), headers

    def chunks(self):
        while True:
            size = int(self.until(b"\r\n"), 16)
            data = self.exactly(size + 2)[:-2]
            if not size:
                return
            yield data

    def until(self, mark):
        while mark not in self.left:
            self.more()
        found, _, self.left = self.left.partition(mark)
        return found

    def exactly(self, size):
        while len(self.left) < size:
            self.more()
        found, self.left = self.left[:size], self.left[size:]
        return found

    def more(self):
        data = self.socket.recv(65536)
        if not data:
            raise Closed
        self.left += data


def request(method, path, body=None, headers=()):
    """The bytes of a request; a body that is not bytes is sent as JSON."""
    if body is not None and not isinstance(body, bytes):
        body = json.dumps(body).encode()
    lines = [f"{method} {path} HTTP/1.1", *headers]
    if not any(header.lower().startswith("host:") for header in headers):
        lines.append("Host: localhost")
    if Access.key and not any(header.lower().startswith("authorization:") for header in headers):
        lines.append(f"Authorization: Bearer {Access.key}")
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + (body or b"")


def ask(port, method, path, body=None, headers=(), timeout=30):
    with Client(port, timeout) as client:
        return client.ask(method, path, body, headers)
