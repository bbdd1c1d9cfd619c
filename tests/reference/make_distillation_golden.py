"""tests/golden/distillation.json: losses and gradients of distillation; the teacher is what is a reference elsewhere.

The loss is TRL's own GKDTrainer.generalized_jsd_loss, compared with Agarwal et al. 2024, arXiv:2306.13649, eq. 1,
written out in f64; a part of the cross entropy of the next token is added.
Run: python tests/reference/make_distillation_golden.py, with trl==1.16.0 beside requirements.txt.
"""
import torch
import trl
from trl.experimental.gkd.gkd_trainer import GKDTrainer
from trl_golden import begin, gradients, load, load_reference, random_tokens, versions, write

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
    return {"distill": case, "loss": loss.item(), "gradients": gradients(student)}


def main():
    begin()
    student, teacher = load(), load_reference()
    tokens = random_tokens(student.config.vocab_size)
    sequences = [{"prompt": tokens(p), "answer": tokens(a)} for p, a in SEQUENCES]
    solved = [solve(student, teacher, sequences, case) for case in cases()]
    write("distillation.json", {"versions": versions(trl), "sequences": sequences}, solved)


if __name__ == "__main__":
    main()
