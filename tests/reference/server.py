"""A server for the tests with official clients: a tiny random model (serve_tool), or what MARU_SERVE_COMMAND starts, a
command that prints one line of JSON with "url" and "model" once it listens, and stops on SIGTERM.
"""
import json
import os
import pathlib
import shlex
import subprocess
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOOL = pathlib.Path(os.environ.get("MARU_BUILD", ROOT / "build/release")) / "tests/reference/serve_tool"


class Server:
    def __init__(self, *arguments):
        command = shlex.split(os.environ.get("MARU_SERVE_COMMAND", str(TOOL))) + list(arguments)
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        ready = json.loads(self.process.stdout.readline())
        self.url, self.model = ready["url"], ready["model"]

    def status(self):
        with urllib.request.urlopen(self.url + "/v1/maru/status") as response:
            return json.load(response)

    def stop(self):
        self.process.terminate()
        return self.process.wait(60)
