#include "models/calibrate.h"

#include <list>
#include <map>
#include <memory>

#include "models/gptq.h"
#include "ops/quantized.h"

namespace maru {
namespace {

constexpr int64_t kBatchTokens = 4096;

/// Some of the texts with the residual stream where it has come to.
struct Piece {
  BatchBuilder builder;
  Tensor hidden;
};

Tensor kept(Device& device, const Tensor& x) {
  const Tensor own = device.tensor(x.shape(), x.dtype());
  device.copy(own, x);
  return own;
}

/// What the linear layers of one block are multiplied with. Layers that read the same tensor share their statistics.
class Inputs {
 public:
  InputObserver observer(Device& device) {
    return [this, &device](const Parameter& weight, const Tensor& x) { see(device, weight, x); };
  }
  /// Those of a weight, or null if it was never multiplied as a linear layer's.
  const InputStatistics* find(const Parameter& weight) const {
    const auto it = entries_.find(&weight);
    return it == entries_.end() ? nullptr : it->second;
  }
  void forget_last() { last_ = Tensor(); }

 private:
  void see(Device& device, const Parameter& weight, const Tensor& x) {
    const bool same = last_ && last_.data<std::byte>() == x.data<std::byte>();  // kept alive: no other is there
    const auto known = entries_.find(&weight);
    if (known == entries_.end()) {
      if (!same) statistics_.emplace_back(device, x.cols()), owners_[&statistics_.back()] = &weight;
      entries_[&weight] = &statistics_.back();
    }
    InputStatistics* to = entries_.at(&weight);
    if (owners_.at(to) == &weight) to->add(device, x);
    last_ = x;
  }

  std::list<InputStatistics> statistics_;
  std::map<const Parameter*, InputStatistics*> entries_;
  std::map<const InputStatistics*, const Parameter*> owners_;  // the first to see an input adds it
  Tensor last_;
};

class Calibration {
 public:
  Calibration(Device& device, Decoder& model, QuantizedKind kind, const QuantizeProgress& progress)
      : device_(device), model_(model), kind_(kind), progress_(progress) {
    place(device, model);
  }

  void round_tables(QuantizedKind kind) {
    for (Parameter* parameter : parameters_to_round(model_))
      if (is_table(parameter->role))
        round(parameter, [&](const Tensor& value) { return quantize(device_, value, kind); });
  }

  void begin(const std::vector<std::vector<int32_t>>& texts) {
    for (const std::vector<int32_t>& text : texts) {
      if (text.empty()) continue;
      const bool full =
          pieces_.empty() || pieces_.back().builder.num_tokens() + static_cast<int64_t>(text.size()) > kBatchTokens;
      if (full) pieces_.emplace_back();
      pieces_.back().builder.add(text);
    }
    if (pieces_.empty()) throw Failure(ErrorCode::kInvalidArgument, "calibration: the text has no tokens");
    pass([this](Context& ctx, const Batch& batch, const Tensor&) { return model_.embed(ctx, batch); });
  }

  // Once through the block as it was for its inputs, once through the rounded one for those of the next.
  void round_block(int64_t layer) {
    const Run run = [this, layer](Context& ctx, const Batch& batch, const Tensor& hidden) {
      return model_.block(ctx, layer, hidden, batch);
    };
    Inputs inputs;
    pass(run, &inputs);
    round_weights("model.layers." + std::to_string(layer) + ".", inputs);
    pass(run);
  }

 private:
  using Run = std::function<Tensor(Context&, const Batch&, const Tensor& hidden)>;

  // All pieces in the memory that a run which computes nothing asked for. What comes out is kept, or (if `inputs` is
  // given) only what went into the linear layers.
  void pass(const Run& run, Inputs* inputs = nullptr) {
    Arena arena(device_, needed_memory(run, inputs != nullptr));
    const InputObserver observer = inputs != nullptr ? inputs->observer(device_) : InputObserver();
    Context ctx{device_, arena, nullptr, inputs != nullptr ? &observer : nullptr};
    for (Piece& piece : pieces_) {
      const Tensor y = run(ctx, piece.builder.batch(ctx), piece.hidden);
      if (inputs == nullptr) piece.hidden = kept(device_, y);
    }
    if (inputs != nullptr) inputs->forget_last();
  }

  size_t needed_memory(const Run& run, bool observed) {
    Arena arena = Arena::dry_run();
    Tensor last;  // held as Inputs holds it
    const InputObserver observer = [&last](const Parameter&, const Tensor& x) { last = x; };
    Context ctx{device_, arena, nullptr, observed ? &observer : nullptr};
    for (Piece& piece : pieces_) run(ctx, piece.builder.batch(ctx), piece.hidden);
    return arena.peak();
  }

  void round(Parameter* parameter, const std::function<QuantizedWeight(const Tensor& value)>& make) {
    round_parameter(*parameter, make);
    done_ += parameter->shape.size();
    if (progress_) progress_(done_);
  }

  // Weights that share inputs follow each other, so that one set of factors is held at a time.
  void round_weights(const std::string& prefix, const Inputs& inputs) {
    const InputStatistics* last = nullptr;
    std::unique_ptr<ErrorFactors> factors;
    for (Parameter* parameter : parameters_to_round(model_)) {
      if (!parameter->name.starts_with(prefix)) continue;
      const InputStatistics* seen = inputs.find(*parameter);
      if (seen != nullptr && seen != last) factors = std::make_unique<ErrorFactors>(device_.host(), *(last = seen));
      round(parameter, [&](const Tensor& value) {
        return seen == nullptr ? quantize(device_, value, kind_) : quantize_for_inputs(device_, value, kind_, *factors);
      });
    }
  }

  Device& device_;
  Decoder& model_;
  QuantizedKind kind_;
  const QuantizeProgress& progress_;
  std::vector<Piece> pieces_;
  int64_t done_ = 0;
};

}  // namespace

void quantize_calibrated(Device& device, Decoder& model, QuantizedKind kind,
                         const std::vector<std::vector<int32_t>>& texts, QuantizedKind table_kind,
                         const QuantizeProgress& progress) {
  Calibration calibration(device, model, kind, progress);
  calibration.round_tables(table_kind);
  calibration.begin(texts);
  for (int64_t layer = 0; layer < model.config().num_hidden_layers; ++layer) calibration.round_block(layer);
}

}  // namespace maru
