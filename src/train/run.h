// A whole training run: resume if there is something to resume, train, validate, save, export.
#pragma once
#include <optional>

#include "tensor/stream.h"
#include "train/config.h"
#include "train/metrics.h"

namespace maru::train {

/// Where a run lives and what it may use.
struct RunOptions {
  fs::path run;    // runs/NAME
  fs::path model;  // models/NAME: the result
  fs::path home;   // for relative paths in manifests
  bool quiet = false;
  Json generation_config = Json::object();  // written beside the model as generation_config.json
  double ceiling_flops = 0;                 // of this machine in the run's dtype, all threads; 0: MFU is reported as 0
};

struct RunSummary {
  int64_t steps = 0, tokens = 0, parameters = 0;
  double loss = 0, validation_bits_per_byte = 0, tokens_per_second = 0, mfu = 0, seconds = 0;
  bool resumed = false, skipped = false;
};

/// The summary of a model that needs no training any more.
std::optional<RunSummary> finished(const TrainConfig& config, const RunOptions& options);

/// Trains to the end and writes the model. Interrupted, it saves a checkpoint and throws kCancelled; called again with
/// the same recipe it goes on, and ends with the same bits as an uninterrupted run.
///
/// A model that is there already, made by this recipe from these inputs, is left alone.
///
/// Throws   kInvalidArgument when the run directory holds a run of another recipe or other inputs, naming the
/// difference.
RunSummary train(const TrainConfig& config, const RunOptions& options, Stream& stream);

}  // namespace maru::train
