"""GRPO whose judge is a model that `maru serve` serves: what it said, and what came of it."""
import json
import os
import re
import subprocess
import urllib.request

import pytest

from home import Home

KEY, ASKED = "sesame", "Rate: {answer}"


class Judge:
    def __init__(self, home):
        words = home.command("serve", "judge", "--port", "0")
        self.process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True,
                                        env={**os.environ, "MARU_API_KEY": KEY})
        self.url = json.loads(self.process.stdout.readline())["url"] + "/v1"

    def says(self, answer):
        body = {"model": "judge", "temperature": 0, "max_tokens": 8,
                "messages": [{"role": "user", "content": ASKED.replace("{answer}", answer)}]}
        request = urllib.request.Request(self.url + "/chat/completions", json.dumps(body).encode(),
                                         {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"})
        with urllib.request.urlopen(request) as response:
            return json.load(response)["choices"][0]["message"]["content"]

    def stop(self):
        self.process.terminate()
        return self.process.wait(60)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    home = Home(tmp_path_factory.mktemp("judge"))
    rated = [{"prompt": ASKED.replace("{answer}", "x" * i), "completion": f"It is {i % 10}."} for i in range(200)]
    home.run("tune", "name=judge", "model=base", f"data={home.write_lines('rated.jsonl', rated)}", "steps=30",
             "optimizer.lr=1e-2", "sequence_length=64", "dtype=f32", "samples=0")
    return home


@pytest.fixture
def judge(home):
    judge = Judge(home)
    yield judge
    judge.process.kill()


def number_in(text):
    found = re.findall(r"[-+]?\d*\.?\d+(?:[eE][-+]?\d+)?", text)
    return float(found[-1]) if found else 0.0


def test_a_served_model_judges_what_is_learnt(home, judge):
    prompts = home.write_lines("prompts.jsonl", [{"prompt": f"question {i}"} for i in range(40)])
    key = home.root / "key"
    key.write_text(KEY + "\n")
    key.chmod(0o600)
    reward = {"kind": "judge", "url": judge.url, "model": "judge", "prompt": ASKED, "max_tokens": 8, "otherwise": 0,
              "key_file": str(key)}
    words = ["model=base", f"data={prompts}", "method=grpo", "held_out=0.3", "steps=3", "dtype=f32", "samples=0",
             "group_policy.num_generations=4", "group_policy.prompts_per_step=4", "sequence_length=64",
             "group_policy.max_completion_length=12", "group_policy.rewards=" + json.dumps([reward])]
    done = home.run("tune", "name=policy", *words)
    rows = [json.loads(line) for line in (home.root / "home/runs/policy/metrics.jsonl").read_text().splitlines()]
    steps = [row for row in rows if "loss" in row]
    assert len(steps) == 3 and all("reward_judge" in row for row in steps)
    samples = [json.loads(line) for line in (home.root / "home/runs/policy/samples.jsonl").read_text().splitlines()]
    assert samples and done
    for sample in samples:
        said = judge.says(sample["answer"])
        assert sample["words"]["judge"] == said
        assert sample["rewards"]["judge"] == pytest.approx(number_in(said))
    assert len({sample["reward"] for sample in samples}) > 1, "it tells answers apart"
    assert judge.stop() == 0
    refused = subprocess.run(home.command("tune", "name=alone", *words), capture_output=True, text=True)
    assert refused.returncode != 0 and "Connection refused" in refused.stderr
