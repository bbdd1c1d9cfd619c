// Runs of a tiny model on a noisy cyclic language, in a directory of their own.
#pragma once
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "base/cancel.h"
#include "base/json.h"
#include "tensor/cpu_device.h"
#include "train/run.h"
#include "train/test_tokens.h"

namespace maru::train {

class RunTest : public testing::Test {
 protected:
  TrainConfig config() const {
    TrainConfig c;
    c.name = "m";
    c.tokens = tokens_.directory().string();
    c.model = {.hidden_size = 32,
               .intermediate_size = 64,
               .num_hidden_layers = 2,
               .num_attention_heads = 4,
               .num_key_value_heads = 2,
               .max_position_embeddings = 64};
    c.sequence_length = 32, c.micro_batch_tokens = 256, c.batch_tokens = 512, c.steps = 24;
    c.checkpoint = {.every_steps = 5, .every_minutes = 0, .keep = 2};
    c.validation = {.every_steps = 8, .tokens = 1000};
    return resolve(c, TestTokens::kVocabulary);
  }
  RunOptions options(const std::string& name) const {
    return {.run = tokens_.root() / "runs" / name,
            .model = tokens_.root() / "models" / name,
            .home = tokens_.root(),
            .watch = {.cancel = &cancel_},
            .warn = [this](const std::string& message) { warnings_ += message + "\n"; }};
  }
  RunSummary run(const std::string& name, const TrainConfig& c, int threads = 2) const {
    ThreadPool pool(threads);
    CpuDevice device{&pool};
    return train(c, options(name), device);
  }
  std::string weights(const std::string& name) const {
    return read_file(tokens_.root() / "models" / name / "model.safetensors");
  }
  std::string error_of(const std::string& name, const TrainConfig& c) const {
    try {
      run(name, c);
      return "no error";
    } catch (const Failure& e) {
      return e.error().message;
    }
  }
  // Runs in a child that dies by SIGKILL after `ms`; true when it finished before.
  bool run_and_kill(const std::string& name, int ms) const { return run_and_kill(name, ms, config()); }
  bool run_and_kill(const std::string& name, int ms, const TrainConfig& c) const {
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
  fs::path run_of(const std::string& name) const { return tokens_.root() / "runs" / name; }
  fs::path model_of(const std::string& name) const { return tokens_.root() / "models" / name; }
  /// A finished run, kept beside its place so that it can be damaged again and again.
  void finish_and_keep(const std::string& name) const {
    run(name, config());
    fs::copy(run_of(name), run_of(name + "-kept"), fs::copy_options::recursive);
  }
  /// The run as it was kept, without the model that it made: the next start needs its checkpoints.
  void put_back(const std::string& name) const {
    fs::remove_all(model_of(name));
    fs::remove_all(run_of(name));
    fs::copy(run_of(name + "-kept"), run_of(name), fs::copy_options::recursive);
    warnings_.clear();
  }
  std::vector<std::string> checkpoint_names(const std::string& name) const {
    std::vector<std::string> names;
    for (const fs::directory_entry& entry : fs::directory_iterator(run_of(name) / "checkpoints"))
      names.push_back(entry.path().filename().string());
    std::sort(names.begin(), names.end());
    return names;
  }
  /// Steps and losses of all rows: what does not depend on the clock.
  std::string figures(const std::string& name) const {
    std::string all;
    std::istringstream rows(read_file(run_of(name) / "metrics.jsonl"));
    for (std::string line; std::getline(rows, line);) {
      Json row = parse_json(line, "metrics").value();
      for (const char* clock : {"tokens_per_second", "mfu", "seconds"}) row.erase(clock);
      all += row.dump() + "\n";
    }
    return all;
  }
  TestTokens tokens_{60, 21};
  CancelToken cancel_;
  mutable std::string warnings_;
};

}  // namespace maru::train
