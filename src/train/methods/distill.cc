// Documents, or answers: what a larger model says of each next token.
#include <fmt/format.h>

#include "models/model_files.h"
#include "models/weights.h"
#include "train/methods/methods.h"
#include "train/objectives/distillation.h"

namespace maru::train {
namespace {

[[noreturn]] void misfit(const DistillConfig& config, const std::string& message) {
  throw Failure(ErrorCode::kInvalidArgument, fmt::format("recipe: distill.teacher: {}: {}", config.teacher, message));
}

std::unique_ptr<Decoder> load_teacher(const MethodInputs& in) {
  const DistillConfig& config = *in.config.distill;
  check_room(in.device, {.held = {.models = bytes_of_stored(config.teacher, parse_dtype(in.config.dtype))}});
  auto teacher = load_for_serving(in.device.host(), config.teacher, parse_dtype(in.config.dtype));
  const DecoderConfig& c = teacher->config();
  if (const int64_t tokens = std::max(in.train.vocab_size(), in.held_out.vocab_size()); c.vocab_size < tokens)
    misfit(config, fmt::format("knows {} tokens, {} holds tokens up to {}", c.vocab_size, in.config.tokens, tokens));
  if (c.max_position_embeddings < in.config.sequence_length)
    misfit(config, fmt::format("reads {} tokens at once, sequence_length is {}", c.max_position_embeddings,
                               in.config.sequence_length));
  place(in.device, *teacher);
  return teacher;
}

class DistillMethod final : public Method {
 public:
  explicit DistillMethod(const MethodInputs& inputs)
      : Method(inputs), teacher_(load_teacher(in_)), objective_(make_objective()) {}

  Objective& objective() override { return objective_; }

  std::unique_ptr<BatchSource> source(const LoaderState& state) override {
    return std::make_unique<Loader>(in_.train, in_.config.sequence_length, static_cast<uint64_t>(in_.config.seed),
                                    state);
  }

  Figures validate(StepMemory memory) override { return validate_text(in_, memory); }

  HeldMemory held() override { return {.models = bytes_of(*teacher_)}; }

  double more_forwards() const override {
    const auto context = static_cast<double>(in_.config.sequence_length);
    return training_flops_per_token(teacher_->config(), context) /
           training_flops_per_token(in_.model->config(), context);
  }

 private:
  Distillation make_objective() const {
    if (in_.adapter != nullptr) return {*in_.model, *in_.adapter, *teacher_, *in_.config.distill};
    return {*in_.model, *teacher_, *in_.config.distill};
  }

  std::unique_ptr<Decoder> teacher_;
  Distillation objective_;
};

}  // namespace

std::unique_ptr<Method> make_distill(const MethodInputs& inputs) {
  if (inputs.config.distill->on_policy > 0)
    throw Failure(ErrorCode::kUnimplemented, "method distill with distill.on_policy generates: nothing here does");
  return std::make_unique<DistillMethod>(inputs);
}

}  // namespace maru::train
