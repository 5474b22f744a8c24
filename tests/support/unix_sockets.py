"""One question to the simulator or to the gateway over its Unix socket."""
import json
import socket


def ask(path, command, seconds=5):
    """One line to the simulator's control socket, one line back."""
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(seconds)
        s.connect(str(path))
        s.sendall(command.encode() + b"\n")
        text = b""
        while not text.endswith(b"\n"):
            part = s.recv(65536)
            if not part:
                break
            text += part
        return text.decode().strip()


def api(path, route, method="GET", body=None, seconds=10):
    """One request to the gateway's local API; returns (status, parsed JSON)."""
    payload = b"" if body is None else json.dumps(body).encode()
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(seconds)
        s.connect(str(path))
        head = f"{method} {route} HTTP/1.1\r\nHost: local\r\nConnection: close\r\nContent-Length: {len(payload)}\r\n\r\n"
        s.sendall(head.encode() + payload)
        answer = b""
        while True:
            part = s.recv(65536)
            if not part:
                break
            answer += part
    head, _, content = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(content) if content else None
