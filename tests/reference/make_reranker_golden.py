"""tests/golden/reranker.json: losses and gradients of encoders that rank documents, all weights or PEFT's adapters of
them, from transformers' *ForSequenceClassification and the formulas of make_ranking_golden.py, in f64.

The encoders are tests/golden/encoders. Element i of the classifier's tensors is (i * 7919 % 97 - 48) / 480, of an
adapter's a third of that with 31 for 7919 (lora_A) or 17 (lora_B).
Run: python tests/reference/make_reranker_golden.py, with peft beside requirements.txt.
"""
import peft
import torch
import transformers

import trl_golden
from make_ranking_golden import LENGTHS, listwise, pairwise

ENCODERS = trl_golden.GOLDEN / "encoders"
LAYER = "encoder.layer.1.attention.self.query"
HEADS = {"bert_mean": ("pooler.dense", "classifier"), "xlmr_reranker": ("classifier.dense", "classifier.out_proj")}
PREFIXES = {"bert_mean": "bert.", "xlmr_reranker": "roberta."}


def numbers(shape, factor, part):
    count = shape.numel()
    return ((torch.arange(count) * factor % 97 - 48).double() / part).reshape(shape)


def load(name):
    model = transformers.AutoModelForSequenceClassification.from_pretrained(
        ENCODERS / name, num_labels=1, dtype=torch.float64, attn_implementation="eager"
    ).eval()
    with torch.no_grad():
        for key, parameter in model.named_parameters():
            if key.removeprefix(PREFIXES[name]).startswith(HEADS[name]):
                parameter.copy_(numbers(parameter.shape, 7919, 480))
    return model


def with_adapter(name, **changes):
    config = peft.LoraConfig(task_type="SEQ_CLS", r=3, lora_alpha=6, lora_dropout=0.0,
                             target_modules=["query", "value", "intermediate.dense"],
                             modules_to_save=["classifier", "pooler"], **changes)
    model = peft.get_peft_model(load(name), config)
    with torch.no_grad():
        for key, parameter in model.named_parameters():
            if "lora_A" in key or "lora_B" in key:
                parameter.copy_(numbers(parameter.shape, 31 if "lora_A" in key else 17, 1440))
    return model.eval()


def scores_of(model, name, group):
    scores = []
    for tokens, split in group:
        types = torch.tensor([[0] * split + [1] * (len(tokens) - split)]) if name == "bert_mean" else None
        scores.append(model(torch.tensor([tokens]), token_type_ids=types).logits[0, 0])
    return torch.stack(scores)


def plain(key):
    """As the file of a whole model calls it."""
    key = key.removeprefix("base_model.model.").replace(".default", "").replace(".modules_to_save", "")
    for prefix in PREFIXES.values():
        key = key.removeprefix(prefix)
    if ".lora_" in key:
        module, part = key.split(".lora_")
        return f"{module}.weight.lora_{part.removesuffix('.weight')}"
    return key.replace(".base_layer", "")


def solve(name, model, groups, loss_of, lora):
    model.zero_grad()
    loss = torch.stack([loss_of(scores_of(model, name, group)) for group in groups]).mean()
    loss.backward()
    wanted = [f"{head}.weight" for head in HEADS[name]] + [f"{HEADS[name][0]}.bias"]
    wanted += [f"{LAYER}.weight" + part for part in (
        [".lora_A", ".lora_B"] + [".lora_magnitude_vector"] * lora["use_dora"] if lora else [""])]
    named = {plain(key): parameter for key, parameter in model.named_parameters()}
    return {"encoder": name, "config": {"loss_type": loss_of.__name__}, "lora": lora, "loss": loss.item(),
            "gradients": {key: trl_golden.summary(named[key].grad) for key in wanted}}


def main():
    trl_golden.begin()
    cases, texts = [], {}
    for name in HEADS:
        tokens = trl_golden.random_tokens(load(name).config.vocab_size)
        groups = texts[name] = [[(tokens(count + 2), 1 + count // 3) for count in lengths] for lengths in LENGTHS]
        for loss_of in (pairwise, listwise):
            cases.append(solve(name, load(name), groups, loss_of, None))
        for dora in (False, True):
            lora = {"rank": 3, "alpha": 6, "use_dora": dora}
            cases.append(solve(name, with_adapter(name, use_dora=dora), groups, listwise, lora))
    trl_golden.write("reranker.json", {"versions": trl_golden.versions(peft), "texts": texts}, cases)


if __name__ == "__main__":
    main()
