"""Training and exported models against PyTorch and transformers.

The same initial weights, batches and AdamW settings: every step's loss and gradient norm must agree. The trained
checkpoint must load as transformers' own class and give the same logits and greedy continuation.
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
TOOL = pathlib.Path(os.environ.get("MARU_BUILD", ROOT / "build/release")) / "tests/reference/train_tool"
STEPS = 20
CLASSES = {"llama": "LlamaForCausalLM", "untied": "LlamaForCausalLM", "qwen3": "Qwen3ForCausalLM"}
ADAPTERS = ["lora", "rslora", "dora", "lora_phi3", "lora_saved", "lora_saved_tied"]


@pytest.fixture(scope="module", params=sorted(CLASSES))
def run(request, tmp_path_factory):
    out = tmp_path_factory.mktemp(request.param)
    subprocess.run([TOOL, out, str(STEPS), request.param], check=True)
    return request.param, out


def load(directory):
    return transformers.AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32, attn_implementation="eager")


def mean_loss(model, record):
    """Mean over counted targets; each document is a sequence of its own, as packed attention sees it."""
    total, counted = 0.0, 0
    for tokens, targets in zip(record["sequences"], record["targets"]):
        logits = model(torch.tensor([tokens])).logits[0]
        target = torch.tensor(targets)
        total = total + torch.nn.functional.cross_entropy(logits, target, ignore_index=-1, reduction="sum")
        counted += int((target >= 0).sum())
    return total / counted


def optimizer_of(model):
    vectors = [p for p in model.parameters() if p.ndim == 1]
    matrices = [p for p in model.parameters() if p.ndim > 1]
    groups = [{"params": matrices, "weight_decay": 0.1}, {"params": vectors, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=1.0, betas=(0.9, 0.95), eps=1e-8)


def test_losses_and_gradients_of_every_step(run):
    _, out = run
    model = load(out / "init")
    optimizer = optimizer_of(model)
    for number, record in enumerate(json.loads((out / "steps.json").read_text()), 1):
        loss = mean_loss(model, record)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for group in optimizer.param_groups:
            group["lr"] = record["lr"]
        optimizer.step()
        optimizer.zero_grad()
        assert record["loss"] == pytest.approx(loss.item(), rel=1e-4), f"loss of step {number}"
        assert record["gradient_norm"] == pytest.approx(norm.item(), rel=2e-3), f"gradient norm of step {number}"


def test_final_weights(run):
    _, out = run
    model, trained = load(out / "init"), load(out / "trained")
    moved = sum((a - b).norm().item() for a, b in zip(model.parameters(), trained.parameters()))
    assert moved > 1.0, "training must have changed the weights for this test to mean anything"


def test_exported_model_answers_alike(run):
    variant, out = run
    model = load(out / "trained")
    assert type(model).__name__ == CLASSES[variant]
    expected = json.loads((out / "greedy.json").read_text())
    prompt = torch.tensor([expected["prompt"]])
    with torch.no_grad():
        logits = model(prompt).logits[0, -1]
        assert torch.allclose(logits, torch.tensor(expected["logits"]), atol=1e-3, rtol=0)
        answer = model.generate(prompt, max_new_tokens=64, do_sample=False, eos_token_id=None, pad_token_id=0)
    assert answer[0, prompt.shape[1]:].tolist() == expected["continuation"]


@pytest.fixture(scope="module", params=ADAPTERS)
def adapter_run(request, tmp_path_factory):
    out = tmp_path_factory.mktemp(request.param)
    subprocess.run([TOOL, out, str(STEPS), request.param], check=True)
    return request.param, out


def with_adapter(out, name, trainable=False):
    return peft.PeftModel.from_pretrained(load(out / "init"), out / name, is_trainable=trainable)


def test_an_adapters_losses_and_gradients_of_every_step(adapter_run):
    variant, out = adapter_run
    if variant == "lora_phi3":
        pytest.skip("peft trains the zeros between the parts of a fused tensor too")
    model = with_adapter(out, "init_adapter", trainable=True)
    trained = [p for p in model.parameters() if p.requires_grad]
    groups = [{"params": [p for p in trained if p.ndim > 1], "weight_decay": 0.1},
              {"params": [p for p in trained if p.ndim == 1], "weight_decay": 0.0}]  # lengths of rows
    optimizer = torch.optim.AdamW(groups, lr=1.0, betas=(0.9, 0.95), eps=1e-8)
    for number, record in enumerate(json.loads((out / "steps.json").read_text()), 1):
        loss = mean_loss(model, record)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(trained, 1.0)
        for group in optimizer.param_groups:
            group["lr"] = record["lr"]
        optimizer.step()
        optimizer.zero_grad()
        assert record["loss"] == pytest.approx(loss.item(), rel=1e-4), f"loss of step {number}"
        assert record["gradient_norm"] == pytest.approx(norm.item(), rel=2e-3), f"gradient norm of step {number}"
    other = with_adapter(out, "trained")
    for (name, a), (_, b) in zip(model.named_parameters(), other.named_parameters()):
        if "lora_" in name or "modules_to_save" in name:
            assert torch.allclose(a, b, atol=2e-3, rtol=0), name


def test_an_adapter_starts_as_pefts(adapter_run):
    _, out = adapter_run
    model = with_adapter(out, "init_adapter")
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            assert not parameter.any(), name
        if "lora_A" in name:  # Kaiming uniform, a = sqrt(5): up to 1 / sqrt(columns)
            bound = parameter.shape[1] ** -0.5
            assert parameter.abs().max() <= bound and parameter.std() == pytest.approx(bound / 3 ** 0.5, rel=0.15), name


def test_a_trained_adapter_answers_alike(adapter_run):
    _, out = adapter_run
    model, expected = with_adapter(out, "trained").eval(), json.loads((out / "greedy.json").read_text())
    prompt = torch.tensor([expected["prompt"]])
    with torch.no_grad():
        logits = model(input_ids=prompt).logits[0, -1]
        without = load(out / "init")(prompt).logits[0, -1]
        assert torch.allclose(logits, torch.tensor(expected["logits"]), atol=1e-3, rtol=0)
        assert not torch.allclose(logits, without, atol=0.1, rtol=0), "the adapter must have learnt something"
        answer = model.generate(input_ids=prompt, max_new_tokens=64, do_sample=False, eos_token_id=None, pad_token_id=0)
    assert answer[0, prompt.shape[1]:].tolist() == expected["continuation"]
