"""tests/golden/distillation.json: losses and gradients of distillation, on tests/golden/models/llama in f32.

The teacher is the same model with o_proj and down_proj of every block times -0.5, which both programs do exactly. The
loss is TRL's own GKDTrainer.generalized_jsd_loss, compared with Agarwal et al. 2024, arXiv:2306.13649, eq. 1, written
out in f64; a part of the cross entropy of the next token is added. Of two parameters' gradients the norm, the largest
element, the sum with fixed weights and a few elements are kept.
Run: python tests/reference/make_distillation_golden.py, with trl==1.16.0 beside requirements.txt.
"""
import json
import random

import torch
import transformers
import trl
from make_preference_golden import GOLDEN, PARAMETERS, SEED, load, summary
from trl.experimental.gkd.gkd_trainer import GKDTrainer

IGNORED = -100
SEQUENCES = [(4, 9), (7, 5), (1, 14), (3, 1)]  # tokens of the prompt, which do not count, and of the answer


def cases():
    for beta in (0.0, 0.1, 0.5, 0.9, 1.0):
        for temperature in (0.9, 2.0):
            yield {"beta": beta, "temperature": temperature, "next_token": 0.0}
    yield {"beta": 0.5, "temperature": 0.9, "next_token": 0.5}
    yield {"beta": 0.0, "temperature": 2.0, "next_token": 1.0}
    yield {"beta": 1.0, "temperature": 1.0, "next_token": 0.1}


def eq_1(student, teacher, beta, temperature):
    """Each row's divergence of the paper, from logits [rows, vocabulary]: Σ P log(P / Q) for each KL(P ‖ Q)."""
    s, t = (torch.softmax(logits.double() / temperature, -1) for logits in (student, teacher))
    kl = lambda p, q: (p * (p / q).log()).sum(-1)
    if beta == 0:
        return kl(t, s)
    if beta == 1:
        return kl(s, t)
    mixture = beta * t + (1 - beta) * s
    return beta * kl(t, mixture) + (1 - beta) * kl(s, mixture)


def solve(student, teacher, sequences, case):
    student.zero_grad()
    rows, targets = {"student": [], "teacher": []}, []
    for sequence in sequences:
        ids = torch.tensor([sequence["prompt"] + sequence["answer"]])
        rows["student"].append(student(ids).logits[0, :-1])
        with torch.no_grad():
            rows["teacher"].append(teacher(ids).logits[0, :-1])
        targets.append(torch.tensor([IGNORED] * (len(sequence["prompt"]) - 1) + sequence["answer"]))
    s, t, labels = torch.cat(rows["student"]), torch.cat(rows["teacher"]), torch.cat(targets)
    beta, temperature = case["beta"], case["temperature"]
    loss = GKDTrainer.generalized_jsd_loss(s, t, labels=labels, beta=beta, temperature=temperature)
    written = eq_1(s, t, beta, temperature)[labels != IGNORED].mean()
    assert abs(loss.item() - written.item()) <= 1e-5 * abs(written.item()), (loss, written)
    if case["next_token"] > 0:
        loss = loss + case["next_token"] * torch.nn.functional.cross_entropy(s, labels, ignore_index=IGNORED)
    loss.backward()
    parameters = dict(student.named_parameters())
    gradients = {name: summary(parameters[name].grad) for name in PARAMETERS}
    return {"distill": case, "loss": loss.item(), "gradients": gradients}


def main():
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    student, teacher = load(), load()
    with torch.no_grad():
        for name, parameter in teacher.named_parameters():
            if "o_proj" in name or "down_proj" in name:
                parameter.mul_(-0.5)
    rng = random.Random(SEED)
    tokens = lambda count: [rng.randrange(3, student.config.vocab_size) for _ in range(count)]
    sequences = [{"prompt": tokens(p), "answer": tokens(a)} for p, a in SEQUENCES]
    solved = [json.dumps(solve(student, teacher, sequences, case)) for case in cases()]
    versions = {"trl": trl.__version__, "transformers": transformers.__version__, "torch": torch.__version__}
    head = {"versions": versions, "seed": SEED, "sequences": sequences}
    lines = json.dumps(head)[:-1] + ', "cases": [\n' + ",\n".join(solved) + "\n]}\n"
    (GOLDEN / "distillation.json").write_text(lines)


if __name__ == "__main__":
    main()
