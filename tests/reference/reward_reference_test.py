"""Reward models against transformers and peft: what was trained here loads as their sequence classifiers and gives the
same scores, one text at a time and padded.
"""
import json
import os
import pathlib
import subprocess

import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
peft = pytest.importorskip("peft")

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOOL = pathlib.Path(os.environ.get("MARU_BUILD", ROOT / "build/release")) / "tests/reference/reward_tool"
ARCHITECTURES = ["LlamaForCausalLM", "Qwen2ForCausalLM", "Qwen3ForCausalLM", "GPT2LMHeadModel", "Phi3ForCausalLM"]
PAD = 0


def load(directory, **more):
    return transformers.AutoModelForSequenceClassification.from_pretrained(
        directory, dtype=torch.float32, attn_implementation="eager", **more
    ).eval()


def scores_alone(model, sequences):
    return [model(input_ids=torch.tensor([tokens])).logits.item() for tokens in sequences]


def scores_padded(model, sequences):
    longest = max(map(len, sequences))
    fill = lambda tokens, what: tokens + [what] * (longest - len(tokens))
    ids = torch.tensor([fill(tokens, PAD) for tokens in sequences])
    mask = torch.tensor([fill([1] * len(tokens), 0) for tokens in sequences])
    return model(input_ids=ids, attention_mask=mask).logits[:, 0].tolist()


def run(tmp_path, *arguments):
    subprocess.run([TOOL, tmp_path, *arguments], check=True)
    told = json.loads((tmp_path / "scores.json").read_text())
    assert max(told["scores"]) - min(told["scores"]) > 0.2, "it must have learnt something"
    return told


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_reward_model_scores_alike(architecture, tmp_path):
    told = run(tmp_path, architecture)
    model = load(tmp_path / "trained")
    name = architecture.replace("ForCausalLM", "").replace("LMHeadModel", "") + "ForSequenceClassification"
    assert type(model).__name__ == name and model.config.num_labels == 1
    with torch.no_grad():
        assert scores_alone(model, told["sequences"]) == pytest.approx(told["scores"], abs=1e-4)
        assert scores_padded(model, told["sequences"]) == pytest.approx(told["scores"], abs=1e-4)


def test_nothing_of_it_is_missing_or_left_over(tmp_path):
    run(tmp_path, "LlamaForCausalLM")
    _, told = transformers.AutoModelForSequenceClassification.from_pretrained(
        tmp_path / "trained", output_loading_info=True
    )
    assert not told["missing_keys"] and not told["unexpected_keys"] and not told["mismatched_keys"]


def test_an_adapter_with_a_score_scores_alike(tmp_path):
    told = run(tmp_path, "LlamaForCausalLM", "lora")
    model = peft.PeftModel.from_pretrained(load(tmp_path / "base", num_labels=1), tmp_path / "trained").eval()
    with torch.no_grad():
        assert scores_alone(model, told["sequences"]) == pytest.approx(told["scores"], abs=1e-4)
