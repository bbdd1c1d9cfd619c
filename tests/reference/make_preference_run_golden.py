"""tests/golden/preference_run.json: losses of steps of TRL's own DPOTrainer, whose reference stays, is precomputed,
or follows the model.

Every step sees all pairs; the reference begins as the model. AdamW with TRL's betas, a
constant rate, no decay, no clipping.

Run: python tests/reference/make_preference_run_golden.py, with trl==1.16.0 beside requirements.txt.
"""
import tempfile

import datasets
import tokenizers
import transformers
import trl

import trl_golden

STEPS, RATE = 6, 1e-3
LENGTHS = [(9, 10, 14), (12, 17, 9), (8, 8, 9), (14, 4, 16), (7, 11, 12), (10, 9, 9)]  # prompt, chosen, rejected

CASES = [
    {},
    {"precompute_ref_log_probs": True},
    {"precompute_ref_log_probs": True, "loss_type": ["ipo"], "ld_alpha": 0.3},
    {"sync_ref_model": True, "ref_model_sync_steps": 2},
    {"sync_ref_model": True, "ref_model_sync_steps": 1, "ref_model_mixup_alpha": 1.0},
    {"sync_ref_model": True, "ref_model_sync_steps": 3, "ref_model_mixup_alpha": 0.25, "loss_type": ["sigmoid", "sft"]},
]


class Recorder(trl.DPOTrainer):
    def _prepare_dataset(self, dataset, *rest):
        return dataset  # has ids already

    def compute_loss(self, *arguments, **named):
        loss = super().compute_loss(*arguments, **named)
        self.losses.append(loss.item())
        return loss


def no_text(vocabulary):
    words = {f"<{i}>": i for i in range(vocabulary)}
    model = tokenizers.Tokenizer(tokenizers.models.WordLevel(words, unk_token="<0>"))
    return transformers.PreTrainedTokenizerFast(tokenizer_object=model, pad_token="<0>", eos_token="<2>")


def dataset_of(pairs):
    return datasets.Dataset.from_list([{f"{name}_ids": pair[name] for name in pair} for pair in pairs])


def solve(case, pairs, directory):
    model = trl_golden.load()
    config = trl.DPOConfig(
        output_dir=directory,
        per_device_train_batch_size=len(pairs),
        max_steps=STEPS,
        learning_rate=RATE,
        lr_scheduler_type="constant",
        weight_decay=0.0,
        max_grad_norm=0.0,
        optim="adamw_torch",
        max_length=None,
        bf16=False,
        use_cpu=True,
        gradient_checkpointing=False,
        report_to=[],
        save_strategy="no",
        seed=trl_golden.SEED,
        **case,
    )
    reference = None if case.get("precompute_ref_log_probs") else trl_golden.load()
    words = no_text(model.config.vocab_size)
    trainer = Recorder(model, reference, args=config, train_dataset=dataset_of(pairs), processing_class=words)
    trainer.losses = []
    trainer.train()
    return {"preference": case, "losses": trainer.losses}


def main():
    trl_golden.begin()
    tokens = trl_golden.random_tokens(trl_golden.load().config.vocab_size)
    pairs = [{"prompt": tokens(p), "chosen": tokens(c), "rejected": tokens(r)} for p, c, r in LENGTHS]
    head = {"versions": trl_golden.versions(trl), "rate": RATE, "pairs": pairs}
    with tempfile.TemporaryDirectory() as directory:
        trl_golden.write("preference_run.json", head, [solve(case, pairs, directory) for case in CASES])


if __name__ == "__main__":
    main()
