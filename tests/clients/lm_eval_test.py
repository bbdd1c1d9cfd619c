"""lm-eval against the server: `local-completions` finds the log-likelihoods, perplexities and texts that `--model hf`
finds with the same files, `local-chat-completions` runs generation tasks. Tasks and data are here, nothing is fetched.
Run by .venv-eval, which has lm-eval above the reference tests' torch and transformers.
"""
import json
import os
import subprocess

import pytest

lm_eval = pytest.importorskip("lm_eval")
torch = pytest.importorskip("torch")

from lm_eval.tasks import TaskManager  # noqa: E402
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers  # noqa: E402
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast  # noqa: E402

from conftest import BUILD, ROOT  # noqa: E402

TEXTS = ["the quick brown fox jumps over the lazy dog", "안녕하세요 세상, 오늘도 맑음"]
TEMPLATE = "{% for m in messages %}{{ m['role'] + ': ' + m['content'] + '\n' }}{% endfor %}assistant:"
QUESTIONS = [
    ("the quick brown", [" fox", " dog", " 세상"]),
    ("안녕하세요", [" 세상, 오늘도 맑음", " the lazy dog jumps"]),
    ("jumps over the", [" lazy", " quick brown fox", " dog"]),
    ("오늘도 맑음. the fox", [" jumps", " 안녕"]),
    ("dog dog dog dog", [" dog", " fox over the lazy dog"]),
]
CONTEXT = 256


def make_model(path):
    """A small Llama with weights so large that it prefers some tokens much, and a byte-level BPE of 400 tokens."""
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer, bpe.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    bpe.train_from_iterator(TEXTS * 9, trainers.BpeTrainer(
        vocab_size=400, special_tokens=["<s>", "</s>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=bpe, bos_token="<s>", eos_token="</s>")
    tokenizer.chat_template = TEMPLATE
    tokenizer.save_pretrained(path)
    torch.manual_seed(3)
    model = LlamaForCausalLM(LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=64, intermediate_size=128, num_hidden_layers=3, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=CONTEXT, initializer_range=0.15, bos_token_id=0, eos_token_id=1,
    ))
    with torch.no_grad():  # the end is often the likeliest token: a text's score must not depend on that
        model.lm_head.weight[1] *= 3
    model.save_pretrained(path)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lm-eval")
    make_model(folder / "model")
    rows = [{"question": q, "choices": choices, "answer": i % 2} for i, (q, choices) in enumerate(QUESTIONS)]
    (folder / "choice.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    texts = [{"text": text} for text in (*TEXTS, (TEXTS[0] + ". ") * 40)]
    (folder / "rolling.jsonl").write_text("".join(json.dumps(row) + "\n" for row in texts))
    for task in (ROOT / "tests/clients/tasks").glob("*.yaml"):
        (folder / task.name).write_text(task.read_text().replace("@TASKS@", str(folder)))
    return folder


@pytest.fixture(scope="module")
def served(folder):
    command = [BUILD / "src/cli/maru", "--home", folder / "home", "--quiet", "--json", "serve", folder / "model",
               "--port", "0"]
    process = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, text=True)
    yield json.loads(process.stdout.readline())
    process.terminate()
    assert process.wait(60) == 0


def run(folder, model, tasks, arguments, **more):
    os.environ["OPENAI_API_KEY"] = "none"
    manager = TaskManager(include_path=str(folder), include_defaults=False)
    return lm_eval.simple_evaluate(
        model=model, model_args=arguments, tasks=tasks, task_manager=manager, log_samples=True, bootstrap_iters=0,
        device="cpu", **more)


def of_server(served, folder, route="completions", **more):
    return {"model": served["model"], "base_url": f"{served['url']}/v1/{route}", "max_length": CONTEXT,
            "max_retries": 1, "tokenizer": str(folder / "model"), **more}


SCORED = ["maru_choice", "maru_last", "maru_rolling"]


@pytest.fixture(scope="module")
def reference(folder):
    """A server computes one token behind a text, and local-completions counts the one before its windows too, so that
    it cuts long texts into those that `hf` makes of two tokens less."""
    arguments = {"pretrained": str(folder / "model"), "dtype": "float32", "max_length": CONTEXT - 2}
    return run(folder, "hf", [*SCORED, "maru_generate"], arguments)


# With a server's tokenizer, lm-eval takes a beginning of texts that is token 0 for none, unless it is told.
WAYS = {
    "tokens, the model's own tokenizer": {"tokenizer_backend": "huggingface"},
    "tokens, the server's tokenizer": {"tokenizer_backend": "remote", "custom_prefix_token_id": 0},
    "what it finds by itself": {"custom_prefix_token_id": 0},
    "several at once": {"tokenizer_backend": "huggingface", "num_concurrent": 4, "batch_size": 3},
    "texts": {"tokenizer_backend": "huggingface", "tokenized_requests": False},
}


@pytest.mark.parametrize("way", WAYS)
def test_log_likelihoods_are_those_of_transformers(folder, served, reference, way):
    got = run(folder, "local-completions", SCORED, of_server(served, folder, **WAYS[way]))
    for task in SCORED:
        pairs = list(zip(got["samples"][task], reference["samples"][task], strict=True))
        assert len(pairs) >= 3
        for ours, theirs in pairs:
            assert ours["doc"] == theirs["doc"]
            for mine, right in zip(ours["filtered_resps"], theirs["filtered_resps"], strict=True):
                mine, right = (mine, right) if isinstance(mine, (list, tuple)) else ((mine,), (right,))
                # f32 in another order: some 1e-6 of each of up to 500 tokens' log-probabilities
                assert float(mine[0]) == pytest.approx(float(right[0]), rel=2e-5, abs=2e-4), (task, ours["doc"])
                assert mine[1:] == right[1:], "whether it is the likeliest"
        for name, value in reference["results"][task].items():
            if isinstance(value, float):
                assert got["results"][task][name] == pytest.approx(value, rel=1e-4), (task, name)


def test_texts_are_those_of_transformers(folder, served, reference):
    got = run(folder, "local-completions", ["maru_generate"], of_server(served, folder))
    ours = [sample["filtered_resps"] for sample in got["samples"]["maru_generate"]]
    assert ours == [sample["filtered_resps"] for sample in reference["samples"]["maru_generate"]]
    assert any(text for (text,) in ours)


def test_chats_generate(folder, served):
    """With its own template, which the server uses too, `hf` makes the same prompts and says the same."""
    arguments = of_server(served, folder, "chat/completions")
    got = run(folder, "local-chat-completions", ["maru_generate"], arguments, apply_chat_template=True)
    right = run(folder, "hf", ["maru_generate"], {"pretrained": str(folder / "model"), "dtype": "float32"},
                apply_chat_template=True)
    ours = [sample["filtered_resps"] for sample in got["samples"]["maru_generate"]]
    assert ours == [sample["filtered_resps"] for sample in right["samples"]["maru_generate"]]


def test_chats_have_no_log_likelihoods(folder, served):
    """lm-eval says so itself: a chat has no log-probabilities of its prompt."""
    arguments = of_server(served, folder, "chat/completions")
    with pytest.raises(NotImplementedError):
        run(folder, "local-chat-completions", ["maru_choice"], arguments, apply_chat_template=True)
