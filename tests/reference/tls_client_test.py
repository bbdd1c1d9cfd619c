"""Python's clients against the server over TLS: requests, httpx (which openai's client asks with), and a client's own
certificate.
"""
import json
import shutil
import ssl
import subprocess

import pytest

from server import Server

openai = pytest.importorskip("openai")
requests = pytest.importorskip("requests")
if shutil.which("openssl") is None:
    pytest.skip("no openssl command to make certificates with", allow_module_level=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """An authority, and what it signed for a server and for a client."""
    folder = tmp_path_factory.mktemp("tls")

    def openssl(*words):
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)

    new = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    authority = ["-subj", "/CN=authority", "-addext", "keyUsage=critical,keyCertSign,cRLSign"]
    openssl("req", "-x509", *new, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", *authority)
    (folder / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    for who in ["server", "client"]:
        openssl("req", *new, "-keyout", who + ".key", "-out", who + ".csr", "-subj", "/CN=" + who)
        signed = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "names"]
        openssl("x509", "-req", "-in", who + ".csr", "-out", who + ".pem", *signed)
    return folder


def tls(folder, *more):
    return Server(f"http.tls_certificate={folder}/server.pem", f"http.tls_key={folder}/server.key", *more)


@pytest.fixture(scope="module")
def server(folder):
    server = tls(folder)
    yield server
    assert server.stop() == 0


def test_requests(folder, server):
    assert server.url.startswith("https://")
    session = requests.Session()
    ca = str(folder / "ca.pem")  # with each request: REQUESTS_CA_BUNDLE would come before the session's
    for _ in range(3):  # on one connection
        assert session.get(server.url + "/v1/models", verify=ca, timeout=20).json()["data"][0]["id"] == server.model
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(server.url + "/v1/models", timeout=20)
    assert requests.get(server.url.replace("https", "http") + "/v1/models", timeout=20).status_code == 400


def test_openai(folder, server):
    context = ssl.create_default_context(cafile=str(folder / "ca.pem"))
    http = openai.DefaultHttpxClient(verify=context)
    client = openai.OpenAI(base_url=server.url + "/v1", api_key="none", max_retries=0, timeout=60, http_client=http)
    messages = [{"role": "user", "content": "안녕"}]
    ask = dict(model=server.model, messages=messages, max_tokens=24, seed=7, extra_body={"ignore_eos": True})
    whole = client.chat.completions.create(**ask).choices[0].message.content
    pieces = client.chat.completions.create(stream=True, **ask)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in pieces if chunk.choices) == whole


def test_websocket(folder, server):
    connect = pytest.importorskip("websockets.sync.client").connect
    context = ssl.create_default_context(cafile=str(folder / "ca.pem"))
    with connect(server.url.replace("https", "wss") + "/v1/responses", ssl=context) as socket:
        ask = {"type": "response.create", "model": server.model, "input": "안녕" * 20, "max_output_tokens": 8}
        ended = ("response.incomplete", "response.completed")  # by its length, or by chance before
        for _ in range(2):
            assert socket.ping().wait(20)
            socket.send(json.dumps(ask))
            while (event := json.loads(socket.recv(timeout=60)))["type"] not in ended:
                assert event["type"] != "error", event
            tokens = event["response"]["usage"]["output_tokens"]
            assert tokens == 8 if event["type"] == "response.incomplete" else 0 < tokens <= 8


def test_clients_bring_a_certificate(folder):
    server = tls(folder, f"http.tls_client_ca={folder}/ca.pem")
    try:
        own = (str(folder / "client.pem"), str(folder / "client.key"))
        ca = str(folder / "ca.pem")
        assert requests.get(server.url + "/v1/models", verify=ca, cert=own, timeout=20).status_code == 200
        with pytest.raises((requests.exceptions.SSLError, requests.exceptions.ConnectionError)):
            requests.get(server.url + "/v1/models", verify=ca, timeout=20)
    finally:
        assert server.stop() == 0
