"""llama.cpp, by the package xllamacpp, which ships it compiled: what it answers to a prompt."""
import string

import pytest

xllamacpp = pytest.importorskip("xllamacpp", reason="xllamacpp (llama.cpp, compiled) is not installed")

PRINTABLE = set((string.ascii_letters + string.digits + string.punctuation).encode())


class LlamaCpp:
    """One GGUF file, computed in f32 by the plain kernels, greedily. `yarn_betas`: fast and slow, which llama.cpp does not
    read from the files of most architectures."""

    def __init__(self, path, context=256, yarn_betas=(-1, -1)):
        params = xllamacpp.CommonParams()
        params.model.path = str(path)
        params.n_ctx, params.n_parallel, params.cpuparams.n_threads = context, 1, 1
        params.warmup = params.fit_params = False
        params.yarn_beta_fast, params.yarn_beta_slow = yarn_betas
        params.no_extra_bufts = True
        params.cache_type_k = params.cache_type_v = xllamacpp.ggml_type.GGML_TYPE_F32
        params.flash_attn_type = xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED
        self.server = xllamacpp.Server(params)

    def greedy(self, prompt, count, suppressed=()):
        """The next `count` tokens of a text or of ids. Those whose bytes are no whole characters are not listed by
        llama.cpp, so they must be among the suppressed ones."""
        answer = self.server.handle_completions({
            "prompt": prompt, "n_predict": count, "temperature": 0, "n_probs": 1,
            "logit_bias": [[i, False] for i in suppressed]})
        return [token["id"] for token in answer["choices"][0]["logprobs"]["content"]]

    def log_probabilities(self, prompt, count, suppressed=()):
        """Of the `count` likeliest tokens behind ids, by id: those of them that are listed, as above."""
        answer = self.server.handle_completions({
            "prompt": prompt, "n_predict": 1, "temperature": 0, "n_probs": count,
            "logit_bias": [[i, False] for i in suppressed]})
        return {t["id"]: t["logprob"] for t in answer["choices"][0]["logprobs"]["content"][0]["top_logprobs"]}
