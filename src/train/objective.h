// What a step makes smaller.
#pragma once
#include <map>
#include <span>
#include <string>

#include "models/model.h"
#include "ops/context.h"
#include "train/micro_batch.h"

namespace maru::train {

/// A loss of a model and a micro-batch. The trainer knows nothing else of either.
class Objective {
 public:
  virtual ~Objective() = default;
  /// Whose parameters are trained: a whole model's, or an adapter's beside one that stays as it is.
  virtual Model& model() = 0;
  /// The micro-batches of a step before the first of them: for a loss with parts that are means over several things.
  virtual void begin_step(std::span<const MicroBatch>) {}
  /// scale · Σ loss of what counts in the micro-batch, [1, 1], as a result of the context's tape.
  virtual Tensor loss(Context&, const MicroBatch&, double scale) = 0;
};

/// One that has more to say of a micro-batch than its loss, also where nothing is learnt.
class ScoredObjective : public Objective {
 public:
  /// Adds a micro-batch to the figures, and learns nothing from it.
  virtual void score(Context&, const MicroBatch&) = 0;
  /// Means over what was seen since they were taken last; "loss" is one of them.
  virtual std::map<std::string, double> take_figures() = 0;
};

}  // namespace maru::train
