// For tests: a home with a byte tokenizer, prompts, and a tiny model that knows nothing yet.
#pragma once
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "base/cancel.h"
#include "base/json.h"
#include "data/pack.h"
#include "data/test_byte_tokenizer.h"
#include "ledger/artefact_writer.h"
#include "models/model_files.h"
#include "models/quantize.h"
#include "models/quantized_files.h"
#include "models/weights.h"
#include "tensor/cpu_device.h"
#include "train/run.h"
#include "tune/method.h"

namespace maru::tune {

class PromptRunTest : public testing::Test {
 protected:
  static constexpr int64_t kVocabulary = 260;

  void SetUp() override {
    write_tokenizer();
    write_prompts(40);
    write_model("base");
  }
  void TearDown() override { fs::remove_all(root_); }

  void write_tokenizer() const {
    ledger::ArtefactWriter writer(root_ / "tokenizer");
    write_file(writer.directory() / "tokenizer.json", data::byte_tokenizer());
    write_json(writer.directory() / "tokenizer_config.json",
               {{"bos_token", "<|begin_of_text|>"}, {"eos_token", "<|end_of_text|>"}});
    write_json(writer.directory() / "special_tokens_map.json", Json::object());
    commit(writer, "tokenizer");
  }
  void write_prompts(int count, double held_out = 0.2) const {
    std::string text;
    for (int i = 0; i < count; ++i) text += Json{{"prompt", "p" + std::to_string(i)}, {"answer", i}}.dump() + "\n";
    write_file(root_ / "p.jsonl", text);
    ThreadPool pool(1);
    data::pack_prompts({.inputs = {(root_ / "p.jsonl").string()}, .held_out = held_out},
                       {root_ / "tokenizer", prompts(), root_}, pool);
  }
  void write_model(const std::string& name, uint64_t seed = 7) const {
    Decoder model(maru::resolve(DecoderConfig{.vocab_size = kVocabulary,
                                              .hidden_size = 32,
                                              .intermediate_size = 64,
                                              .num_hidden_layers = 2,
                                              .num_attention_heads = 4,
                                              .num_key_value_heads = 2,
                                              .max_position_embeddings = 128,
                                              .tie_word_embeddings = false}),
                  Dtype::kF32);
    allocate_values(model);
    initialise(model, seed);
    for (Parameter* p : model.parameters())  // logits that an adapter can move
      if (p->name == "lm_head.weight") sharpen(p->value);
    save(model, name);
  }
  static void sharpen(const Tensor& head) {
    CHECK(head.dtype() == Dtype::kF32);
    for (int64_t i = 0; i < head.size(); ++i) head.data<float>()[i] *= 8;
  }
  void save(Decoder& model, const std::string& name, std::optional<QuantizedKind> kind = std::nullopt) const {
    ledger::ArtefactWriter writer(root_ / "models" / name);
    model.save(writer.directory());
    if (kind) {
      Json stored = read_json(writer.directory() / "config.json");
      stored["quantization_config"] = quantization_json(*kind, QuantizedKind::kInt8, "none");
      write_json(writer.directory() / "config.json", stored);
    }
    commit(writer, "model");
  }
  static void commit(ledger::ArtefactWriter& writer, const char* kind) {
    ledger::Manifest manifest;
    manifest.kind = kind, manifest.name = kind;
    writer.commit(std::move(manifest));
  }

  /// Answers of up to 4 bytes, of which one is to be a small letter.
  train::TrainConfig config(int64_t rank = 0) const {
    train::TrainConfig c;
    c.name = "m";
    c.tokens = prompts().string(), c.tokenizer = (root_ / "tokenizer").string();
    c.init_from = (root_ / "models/base").string();
    c.model = load_model(c.init_from, Dtype::kF32)->config();
    c.method = "grpo", c.dtype = "f32";
    c.group_policy = train::GroupPolicyConfig{.num_generations = 4,
                                              .prompts_per_step = 4,
                                              .max_completion_length = 4,
                                              .rewards = {{.kind = "regex", .name = "letter", .pattern = "[a-z]"}}};
    if (rank > 0) c.lora = LoraConfig{.rank = rank, .alpha = 8};
    c.sequence_length = 48, c.micro_batch_tokens = 256, c.steps = 12;
    c.optimizer = {.lr = rank > 0 ? 2e-2 : 5e-3, .weight_decay = 0};
    c.schedule.name = "constant", c.schedule.warmup_steps = 1;
    c.checkpoint = {.every_steps = 3, .every_minutes = 0, .keep = 2};
    c.validation = {.every_steps = 6, .tokens = 1000};
    return train::resolve(c, kVocabulary);
  }
  train::RunOptions options(const std::string& name) const {
    return {.run = root_ / "runs" / name,
            .model = root_ / "results" / name,
            .home = root_,
            .watch = {.cancel = &cancel_},
            .warn = [this](const std::string& message) { warnings_ += message + "\n"; },
            .make_method = make_method};
  }
  train::RunSummary run(const std::string& name, const train::TrainConfig& c, int threads = 2) const {
    ThreadPool pool(threads);
    CpuDevice device{&pool};
    return train::train(c, options(name), device);
  }
  std::string error_of(const std::string& name, const train::TrainConfig& c) const {
    try {
      run(name, c);
      return "no error";
    } catch (const Failure& e) {
      return e.error().message;
    }
  }
  // Runs in a child that dies by SIGKILL after `ms`; true when it finished before.
  bool run_and_kill(const std::string& name, int ms, const train::TrainConfig& c) const {
    const pid_t child = ::fork();
    if (child == 0) {
      run(name, c, 1);
      ::_exit(0);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(ms));
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
  }
  std::string result(const std::string& name, bool adapter = false) const {
    return read_file(root_ / "results" / name / (adapter ? "adapter_model.safetensors" : "model.safetensors"));
  }
  std::vector<Json> rows(const std::string& name, const char* file = "metrics.jsonl") const {
    std::vector<Json> all;
    std::istringstream lines(read_file(root_ / "runs" / name / file));
    for (std::string line; std::getline(lines, line);) all.push_back(parse_json(line, file).value());
    return all;
  }
  /// Those of its steps, without validations.
  std::vector<Json> steps(const std::string& name) const {
    std::vector<Json> all = rows(name);
    std::erase_if(all, [](const Json& row) { return !row.contains("loss"); });
    return all;
  }
  /// All rows without what depends on the clock.
  std::string figures(const std::string& name) const {
    std::string all;
    for (Json row : rows(name)) {
      for (const char* clock : {"tokens_per_second", "mfu", "seconds", "seconds_generating", "seconds_judging"}) {
        row.erase(clock);
        row.erase(std::string("validation_") + clock);
      }
      all += row.dump() + "\n";
    }
    return all;
  }
  fs::path prompts() const { return root_ / "prompts"; }

  const fs::path root_ = fs::temp_directory_path() / ("maru_tune_" + std::to_string(::getpid()));
  CancelToken cancel_;
  mutable std::string warnings_;
};

}  // namespace maru::tune
