// What a small trained model's server answers, in the recorded shapes: for tests of the page without a model.

export const models = [
  {
    id: "docs-ko",
    object: "model",
    created: 0,
    owned_by: "maru",
    maru: { parameters: 12_582_912, context_length: 1024, dtype: "bf16" },
  },
  {
    id: "docs-ko-base",
    object: "model",
    created: 0,
    owned_by: "maru",
    maru: { parameters: 29_900_000, context_length: 2048, dtype: "bf16", chat: false },
  },
];

/** What lies in the home; the first is served too. */
export const homeModels = [
  { id: "docs-ko", facts: { parameters: 12_582_912, context_length: 1024, dtype: "bfloat16", chat: true } },
  { id: "five-minutes", facts: { parameters: 6_800_000, context_length: 1024, dtype: "bfloat16", chat: false } },
];

const digest = (seed) =>
  Array.from({ length: 64 }, (_, i) => ((seed * 31 + i * i * 7 + i * seed) % 16).toString(16)).join("");

export const evaluation = {
  bits_per_byte: {
    held_out: {
      value: 1.412,
      bytes: 301_122,
      tokens: 80_233,
      perplexity: 39.4,
      baselines: { "xz -9e": 1.873, "zstd -19 --long=31": 1.951 },
    },
  },
  tasks: [{ name: "nsmc", metric: "accuracy", value: 0.642, low: 0.6213, high: 0.6622, samples: 2000 }],
  samples: [
    {
      prompt: "문서를 저장하려면",
      completion: " 파일 메뉴에서 저장을 선택하십시오. 파일 이름을 입력한 다음 확인을 클릭합니다.",
    },
    {
      prompt: "설치를 시작하기 전에",
      completion: " <b>백업</b>을 만들어 두는 것이 좋습니다.\n디스크의 여유 공간도 확인하십시오.",
    },
  ],
};

/** Of a model that saw too little: a compressor does better. */
export const poorEvaluation = {
  bits_per_byte: {
    held_out: { value: 2.4, bytes: 301_122, tokens: 80_233, perplexity: 410, baselines: { "xz -9e": 1.873 } },
  },
  tasks: [{ name: "nsmc", metric: "accuracy", value: 0.51, low: 0.49, high: 0.53, samples: 2000, chance: 0.5 }],
  samples: [],
};

export const recipe = {
  model: { hidden_size: 256, num_hidden_layers: 8, num_attention_heads: 4, vocab_size: 16384 },
  optimizer: { name: "adamw", learning_rate: 0.0006, weight_decay: 0.1 },
  schedule: { kind: "cosine", warmup_steps: 100 },
  seed: 42,
};

export const manifest = {
  format: 1,
  kind: "model",
  name: "docs-ko",
  code_version: "0.1.0+fd6d494",
  seed: 42,
  recipe,
  inputs: [
    { role: "tokens", path: "../../datasets/docs-ko/tokens-docs-ko/manifest.json", sha256: digest(3), bytes: 2211 },
    { role: "tokenizer", path: "../../tokenizers/docs-ko/manifest.json", sha256: digest(5), bytes: 1190 },
  ],
  files: [
    { path: "model.safetensors", sha256: digest(7), bytes: 25_166_904 },
    { path: "config.json", sha256: digest(9), bytes: 611 },
    { path: "tokenizer.json", sha256: digest(11), bytes: 1_204_992 },
  ],
  notes: { final_loss: 3.67 },
};

export const runs = [
  {
    id: "docs-ko",
    state: "running",
    step: 400,
    steps: 1000,
    loss: 3.9,
    validation_bits_per_byte: 1.6,
    model: "docs-ko",
  },
  {
    id: "first-try",
    state: "stopped",
    step: 120,
    steps: 500,
    loss: 6.02,
    validation_bits_per_byte: null,
    model: "first-try",
  },
  { id: "done", state: "finished", step: 500, steps: 500, loss: 4.1, validation_bits_per_byte: 1.7, model: "done" },
];

/** Rows of a run from step 1: a falling loss with reproducible noise, a validation row each 100 steps. */
export function metricsRows(steps) {
  const rows = [];
  for (let step = 1; step <= steps; step++) {
    const noise = 0.5 * ((Math.sin(step * 12.9898) * 43758.5453) % 1);
    const loss = 3.4 + 6 * Math.exp(-step / 90) + noise;
    const lr = 6e-4 * Math.min(step / 50, 0.5 + 0.5 * Math.cos((Math.PI * step) / 1000));
    rows.push({
      step,
      tokens: step * 8192,
      loss,
      lr,
      gradient_norm: 1.2 + 4 * Math.exp(-step / 40) + Math.abs(noise),
      tokens_per_second: 8123 + 600 * noise,
      mfu: 0.71 + 0.05 * noise,
      seconds: step * 1.008,
    });
    if (step % 100 === 0) {
      const validation_loss = 3.45 + 6 * Math.exp(-step / 88);
      rows.push({ step, tokens: step * 8192, validation_loss, validation_bits_per_byte: validation_loss * 0.412 });
    }
  }
  return rows;
}

export const datasets = [{ id: "docs-ko", documents_out: 2480, bytes_out: 5_012_345 }];

const step = (name, documents_in, documents_out, bytes_in, bytes_out, more = {}) => ({
  name,
  documents_in,
  documents_out,
  bytes_in,
  bytes_out,
  reasons: [],
  changes: {},
  ...more,
});

export const dataReport = {
  documents_in: 4310,
  bytes_in: 31_200_000,
  documents_out: 2480,
  bytes_out: 5_012_345,
  steps: [
    step("read", 4310, 4302, 31_200_000, 31_150_000, {
      reasons: [{ reason: "binary", documents: 8, samples: [{ source: "usr/share/doc/x.html.gz", text: "" }] }],
    }),
    step("extract", 4302, 4120, 31_150_000, 7_900_000, {
      reasons: [{ reason: "empty", documents: 182, samples: [{ source: "help/index.html", text: "목차" }] }],
    }),
    step("normalise", 4120, 4120, 7_900_000, 7_880_000),
    step("language", 4120, 3377, 7_880_000, 6_500_000, {
      reasons: [
        {
          reason: "wrong_language",
          documents: 743,
          samples: [
            { source: "manual/de/ch01.html", text: "Willkommen bei der Installation von Debian GNU/Linux." },
            { source: "manual/ja/ch01.html", text: "このマニュアルについて" },
          ],
        },
      ],
    }),
    step("quality", 3377, 2911, 6_500_000, 5_900_000, {
      reasons: [
        {
          reason: "too_short",
          documents: 402,
          samples: [{ source: "help/ko/text/shared/00/x.html", text: "<img src=x onerror=alert(1)> 아이콘" }],
        },
        {
          reason: "too_new_to_translate",
          documents: 64,
          samples: [{ source: "help/ko/toc.html", text: "다음\n다음\n다음\n다음" }],
        },
      ],
    }),
    step("pii", 2911, 2911, 5_900_000, 5_899_000, { changes: { email: 31, phone: 4, resident_number: 0, card: 1 } }),
    step("exact_duplicates", 2911, 2713, 5_899_000, 5_500_000, {
      reasons: [{ reason: "duplicate", documents: 198, samples: [] }],
    }),
    step("near_duplicates", 2713, 2480, 5_500_000, 5_012_345, {
      reasons: [
        {
          reason: "near_duplicate",
          documents: 233,
          samples: [
            { source: "help/ko/a.html", text: "표의 열 너비를 바꾸는 방법입니다.", duplicate_of: "help/ko/b.html" },
          ],
        },
      ],
    }),
    step("split", 2480, 2480, 5_012_345, 5_012_345),
  ],
  languages: [
    { language: "ko", documents: 2401, bytes: 4_900_000 },
    { language: "en", documents: 79, bytes: 112_345 },
  ],
  splits: [
    { name: "train", documents: 2356, bytes: 4_761_000 },
    { name: "held_out", documents: 124, bytes: 251_345 },
  ],
};

export function reportData() {
  return {
    run: { ...runs[0], state: "finished", step: 1000 },
    recipe,
    metrics: metricsRows(1000),
    dataset_report: dataReport,
    evaluation,
    manifest,
  };
}

/** What a server is doing; see exposition. */
export const calm = {
  running: 1,
  waiting: 0,
  used: 12,
  prompt: 1000,
  generated: 500,
  reused: 250,
  preempted: 0,
  slow: 0,
};

const kFirst = [0.01, 0.1, 1, 10];
const kNext = [0.005, 0.05, 0.5];

/** `counts` of observations at most at each bound and beyond, summed up as Prometheus wants it. */
function histogram(name, model, bounds, counts) {
  let sum = 0;
  const lines = [...bounds, "+Inf"].map(
    (bound, i) => `${name}_bucket{model="${model}",le="${bound}"} ${(sum += counts[i])}`,
  );
  return [
    `# TYPE ${name} histogram`,
    ...lines,
    `${name}_count{model="${model}"} ${sum}`,
    `${name}_sum{model="${model}"} 1.5`,
  ];
}

/** The metrics of two models, the second idle. */
export function exposition(load) {
  const of = (model, one) => [
    `maru_choices_running{model="${model}"} ${one.running}`,
    `maru_choices_waiting{model="${model}"} ${one.waiting}`,
    `maru_kv_pages{model="${model}"} 100`,
    `maru_kv_pages_used{model="${model}"} ${one.used}`,
    `maru_tenants{model="${model}"} ${one.running > 0 ? 1 : 0}`,
    `maru_prompt_tokens_total{model="${model}"} ${one.prompt}`,
    `maru_generated_tokens_total{model="${model}"} ${one.generated}`,
    `maru_reused_tokens_total{model="${model}"} ${one.reused}`,
    `maru_preemptions_total{model="${model}"} ${one.preempted}`,
    ...histogram("maru_time_to_first_token_seconds", model, kFirst, [10, 80 + one.slow, 9, 1, 0]),
    ...histogram("maru_inter_token_seconds", model, kNext, [10, 80 + one.slow, 10, 0]),
  ];
  const idle = { running: 0, waiting: 0, used: 0, prompt: 0, generated: 0, reused: 0, preempted: 0, slow: 0 };
  const keys = [`maru_key_choices{key="team-a"} ${load.running + load.waiting}`, `maru_key_choices{key="team-b"} 0`];
  const lines = [`maru_http_connections 2`, ...keys, ...of("docs-ko", load), ...of("docs-ko-base", idle)];
  return `${lines.join("\n")}\n`;
}
