"""Makes tests/golden/encoders: tiny random encoders of each family, and what transformers computes with them.

Run once when a case is added: .venv/bin/python tests/reference/make_encoder_golden.py
Weights, biases and norms are drawn wide, so that leaving out any of them changes the result. Each directory holds a model
as Hugging Face and sentence-transformers store it, and golden.json:
    {"inputs": [{"tokens", "types"}…], "hidden": [[…]…], "embeddings" or "logits": [[…]…]}
"""
import json
import pathlib
import shutil

import torch
import transformers

OUT = pathlib.Path(__file__).resolve().parents[1] / "golden" / "encoders"
VOCABULARY, HIDDEN, LABELS = 64, 32, 3
LENGTHS = (1, 7, 33)
FAMILIES = {
    "bert": (transformers.BertConfig, transformers.BertModel, transformers.BertForSequenceClassification),
    "roberta": (transformers.RobertaConfig, transformers.RobertaModel, transformers.RobertaForSequenceClassification),
    "xlm-roberta": (
        transformers.XLMRobertaConfig,
        transformers.XLMRobertaModel,
        transformers.XLMRobertaForSequenceClassification,
    ),
}


def config_of(family, **more):
    pad = 0 if family == "bert" else 1
    return FAMILIES[family][0](
        vocab_size=VOCABULARY, hidden_size=HIDDEN, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
        max_position_embeddings=40, type_vocab_size=1 if family == "xlm-roberta" else 2, pad_token_id=pad,
        hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, **more)


def draw(model, seed):
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, p in model.named_parameters():
            mean, deviation = (1.0, 0.2) if name.endswith("LayerNorm.weight") else (0.0, 0.25)
            p.copy_(mean + deviation * torch.randn(p.shape, generator=generator))
    return model.eval()


def inputs_of(config, seed):
    """Texts without the padding token, whose position RoBERTa would not count."""
    generator = torch.Generator().manual_seed(seed)
    texts = []
    for length in LENGTHS:
        tokens = torch.randint(2, VOCABULARY, (length,), generator=generator)
        types = torch.arange(length).ge(length // 2 + 1).long() * (config.type_vocab_size - 1)
        texts.append({"tokens": tokens.tolist(), "types": types.tolist()})
    return texts


def rounded(tensor):
    return [float(f"{x:.9g}") for x in tensor.flatten().tolist()]


def run(model, texts):
    with torch.no_grad():
        return [model(torch.tensor([t["tokens"]]), token_type_ids=torch.tensor([t["types"]]), output_hidden_states=True)
                for t in texts]


def write(directory, model, golden):
    shutil.rmtree(directory, ignore_errors=True)
    model.save_pretrained(directory)
    (directory / "golden.json").write_text(json.dumps(golden) + "\n")


def modules_json(directory, dense, normalize):
    kinds = ["Transformer", "Pooling"] + ["Dense"] * dense + ["Normalize"] * normalize
    rows = [{"idx": i, "name": str(i), "path": "" if i == 0 else f"{i}_{kind}",
             "type": f"sentence_transformers.models.{kind}"} for i, kind in enumerate(kinds)]
    (directory / "modules.json").write_text(json.dumps(rows, indent=2) + "\n")


def pooling_json(directory, mode):
    flags = {f"pooling_mode_{name}": name.startswith(mode) for name in
             ("cls_token", "mean_tokens", "max_tokens", "mean_sqrt_len_tokens", "weightedmean_tokens", "lasttoken")}
    flags["pooling_mode_mean_sqrt_len_tokens"] = False
    folder = directory / "1_Pooling"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"word_embedding_dimension": HIDDEN, **flags}, indent=2) + "\n")


def dense_module(directory, seed, width):
    """A Dense module with tanh; returns what it computes."""
    from safetensors.torch import save_file
    generator = torch.Generator().manual_seed(seed)
    weight = 0.25 * torch.randn((width, HIDDEN), generator=generator)
    bias = 0.25 * torch.randn((width,), generator=generator)
    folder = directory / "2_Dense"
    folder.mkdir()
    save_file({"linear.weight": weight, "linear.bias": bias}, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps({
        "in_features": HIDDEN, "out_features": width, "bias": True,
        "activation_function": "torch.nn.modules.activation.Tanh"}) + "\n")
    return lambda x: torch.tanh(x @ weight.T + bias)


POOL = {"mean": lambda h: h.mean(0), "cls": lambda h: h[0], "lasttoken": lambda h: h[-1]}


def embedder(name, family, seed, mode, dense=False, normalize=False, **more):
    config = config_of(family, **more)
    model = draw(FAMILIES[family][1](config, add_pooling_layer=False), seed)
    texts = inputs_of(config, seed)
    hidden = [out.last_hidden_state[0] for out in run(model, texts)]
    directory = OUT / name
    golden = {"inputs": texts, "hidden": [rounded(h) for h in hidden]}
    write(directory, model, golden)
    modules_json(directory, dense, normalize)
    pooling_json(directory, mode)
    vectors = [POOL[mode](h) for h in hidden]
    if dense:
        vectors = list(map(dense_module(directory, seed, 20), vectors))
    if normalize:
        vectors = [torch.nn.functional.normalize(v, dim=0) for v in vectors]
    golden["embeddings"] = [rounded(v) for v in vectors]
    (directory / "golden.json").write_text(json.dumps(golden) + "\n")


def classifier(name, family, seed, labels, **more):
    config = config_of(family, num_labels=labels, **more)
    model = draw(FAMILIES[family][2](config), seed)
    texts = inputs_of(config, seed)
    outs = run(model, texts)
    write(OUT / name, model, {"inputs": texts, "hidden": [rounded(o.hidden_states[-1][0]) for o in outs],
                              "logits": [rounded(o.logits[0]) for o in outs]})


def main():
    embedder("bert_mean", "bert", 1, "mean")
    embedder("bert_cls_relu", "bert", 2, "cls", normalize=True, hidden_act="relu", layer_norm_eps=1e-3)
    embedder("roberta_cls", "roberta", 3, "cls", normalize=True)
    embedder("xlmr_mean", "xlm-roberta", 4, "mean", normalize=True, hidden_act="gelu_new")
    embedder("xlmr_last_dense", "xlm-roberta", 5, "lasttoken", dense=True, normalize=True)
    classifier("bert_classifier", "bert", 6, LABELS)
    classifier("roberta_classifier", "roberta", 7, LABELS)
    classifier("xlmr_reranker", "xlm-roberta", 8, 1)


if __name__ == "__main__":
    main()
