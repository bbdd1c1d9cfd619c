// What a run learns from, and by what it is judged: the next token, pairs of answers, ... One file each in methods/.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/json.h"
#include "formats/token_dataset.h"
#include "models/adapter.h"
#include "models/decoder.h"
#include "ops/step_memory.h"
#include "train/config.h"
#include "train/loader.h"
#include "train/metrics.h"
#include "train/objective.h"

namespace maru::train {

/// The figure of held-out data by which a model is called better.
struct Measure {
  std::string_view name;   // among what Method::validate gives
  std::string_view words;  // after the number: "bits per byte"
  bool more_is_better = false;
};

/// What a method is made for; all of it outlives the method.
struct MethodInputs {
  const TrainConfig& config;
  const formats::TokenDataset &train, &held_out;
  Device& device;
  Decoder* model;              // null: what is trained is an encoder, which the method reads itself
  Adapter* adapter = nullptr;  // beside the model, which stays as it is; null: the model itself is trained
};

/// What stands beside weights.
struct ResultFiles {
  Json generation_config;  // of a model
  std::string base;        // of an adapter: where its model is
};

class Method {
 public:
  virtual ~Method() = default;
  virtual Objective& objective() = 0;
  /// The training data from `state` on. Throws   kInvalidArgument when there is nothing to learn from in it.
  virtual std::unique_ptr<BatchSource> source(const LoaderState& state) = 0;
  /// What the steps since the last call have to say beside their loss.
  virtual Figures take_figures() { return {}; }
  /// On what is held out: "loss", the measure, and others; empty: nothing is held out.
  virtual Figures validate(StepMemory memory) = 0;
  /// What was said in the newest validation, for people to read: objects, each a row of samples.jsonl.
  virtual std::vector<Json> take_samples() { return {}; }
  /// Forward passes beside the one that is trained (of a reference, say), for the arithmetic that is stated.
  virtual double more_forwards() const { return 0; }
  /// Weights that every token of the decoder meets elsewhere, and not here: its head, where there is another.
  virtual int64_t unused_weights() const { return 0; }
  /// What it makes reads conversations. Elsewhere a chat template would be put around texts that it does not know.
  virtual bool reads_chats() const { return true; }
  /// Writes the model or the adapter that was learnt, with what belongs to it but the tokenizer.
  virtual void save(const fs::path& directory, const ResultFiles& files);

 protected:
  explicit Method(const MethodInputs& inputs) : in_(inputs) {}
  const MethodInputs in_;
};

/// Of config.method.
Measure measure_of(const TrainConfig& config);

/// Throws   what the method's own needs throw; kUnimplemented for one that generates, which train knows nothing of
/// (src/tune/), and for one that cannot train an encoder.
std::unique_ptr<Method> make_method(const MethodInputs& inputs);

/// Throws   kInvalidArgument naming what the tokens hold and how others are made.
void check_kind_of_tokens(const TrainConfig& config);

}  // namespace maru::train
