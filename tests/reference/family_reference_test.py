"""Every family saved by us and loaded by transformers: the same class, the same logits.

The models are those of tests/golden/models, which the unit tests compare with transformers' results in the other
direction (make_family_goldens.py made them).
"""
import os
import pathlib
import subprocess

import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
from safetensors.torch import load_file  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOOL = pathlib.Path(os.environ.get("MARU_BUILD", ROOT / "build/release")) / "tests/reference/model_tool"
GOLDENS = sorted(p for p in (ROOT / "tests/golden/models").iterdir() if p.is_dir())


@pytest.mark.parametrize("golden", [p for p in GOLDENS if p.name != "exaone"], ids=lambda p: p.name)
def test_transformers_loads_what_we_save(golden, tmp_path):
    subprocess.run([TOOL, golden, tmp_path], check=True)
    model, info = transformers.AutoModelForCausalLM.from_pretrained(
        tmp_path, dtype=torch.float32, attn_implementation="eager", output_loading_info=True)
    assert not info["missing_keys"] and not info["unexpected_keys"] and not info["mismatched_keys"]
    expected = load_file(golden / "expected.safetensors")
    with torch.no_grad():
        logits = model(expected["prompt"].long()[None], use_cache=False).logits[0]
    torch.testing.assert_close(logits, expected["logits"], rtol=1e-4, atol=1e-4)


def test_exaone_keeps_its_names(tmp_path):
    """EXAONE 3.5 has no class in transformers: its files must come back tensor for tensor."""
    golden = ROOT / "tests/golden/models/exaone"
    subprocess.run([TOOL, golden, tmp_path], check=True)
    before, after = load_file(golden / "model.safetensors"), load_file(tmp_path / "model.safetensors")
    before.pop("lm_head.weight", None)
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
