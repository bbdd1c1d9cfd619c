// A whole training run: resume if there is something to resume, train, validate, save, export.
#pragma once
#include <functional>
#include <memory>
#include <optional>

#include "base/watch.h"
#include "tensor/device.h"
#include "train/checkpoint.h"
#include "train/config.h"
#include "train/method.h"
#include "train/metrics.h"

namespace maru::train {

/// Where a run lives and what it may use.
struct RunOptions {
  fs::path run;                             // runs/NAME
  fs::path model;                           // models/NAME, or adapters/NAME: the result
  fs::path home;                            // for relative paths in manifests
  std::string base;                         // what an adapter calls the model that it is for
  Watch watch;                              // cancelled, a checkpoint is saved first
  Json generation_config = Json::object();  // written beside the model as generation_config.json
  double ceiling_flops = 0;                 // of this machine in the run's dtype, all threads; 0: MFU is reported as 0
  Warn warn = [](const std::string&) {};    // gets what is damaged and what of the run is lost with it
  std::function<std::unique_ptr<Method>(const MethodInputs&)> make_method = train::make_method;
};

struct RunSummary {
  int64_t steps = 0, tokens = 0, parameters = 0;  // parameters: that are trained
  std::optional<double> loss;                     // of the last step; nothing: its row is lost
  Figures validation;                             // of the last one; empty: nothing was held out
  Measure measure;                                // the one of them that counts
  double tokens_per_second = 0, mfu = 0, seconds = 0;
  bool resumed = false, skipped = false;
};

/// As keys of an object: all of the validation, and null where its measure is not known.
void add_validation(const RunSummary& summary, Json& object);

/// The summary of a model that needs no training any more.
std::optional<RunSummary> finished(const TrainConfig& config, const RunOptions& options);

/// Trains to the end and writes the model, or with `lora` the adapter. Cancelled, it saves a checkpoint and throws
/// kCancelled; called again with the same recipe it goes on, and ends with the same bits as an uninterrupted run.
///
/// A model that is there already, made by this recipe from these inputs, is left alone. Where the newest checkpoint is
/// damaged, the run goes on from the newest one that is whole.
///
/// Throws   kInvalidArgument when the run directory holds a run of another recipe or other inputs, naming the
///          difference, or when the tokens are not what the method learns from; kExists when another process trains
///          this run, or something else lies at its place or the model's; kDataLoss when no checkpoint is whole.
RunSummary train(const TrainConfig& config, const RunOptions& options, Device& device);

}  // namespace maru::train
