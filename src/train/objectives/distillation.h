// What a teacher says of each next token, not only which one came: knowledge distillation on given text.
//
//   loss = Σ over tokens that count of weight · (D(teacher, student) + next_token · −log p(target | tokens before it))
//
// D: the generalized Jensen-Shannon divergence of Agarwal et al. 2024 (GKD), arXiv:2306.13649, eq. 1; see
// kernels/divergence. The temperature divides the logits of both, and D is not multiplied with its square: as TRL has
// it, not as Hinton et al. 2015, §2.
#pragma once
#include <optional>

#include "base/fields.h"
#include "models/adapter.h"
#include "models/decoder.h"
#include "train/objective.h"

namespace maru::train {

struct DistillConfig {
  std::string teacher;
  double beta = 0.5, temperature = 0.9, next_token = 0, on_policy = 0;
  std::optional<int64_t> max_completion_length;  // of on_policy
  std::optional<double> sampling_temperature;
  static constexpr int64_t kMaxCompletionLength = 128;
  static constexpr double kSamplingTemperature = 0.9;
  static constexpr auto fields() {
    using C = DistillConfig;
    return std::tuple{
        field("teacher", &C::teacher, "model by name or directory, of the same tokenizer; quantized or not"),
        field("beta", &C::beta,
              "0: KL(teacher, student), 1: KL(student, teacher), between: each from the mixture of both")
            .range(0, 1),
        field("temperature", &C::temperature, "divides the logits of both").range(1e-3, 1e3),
        field("next_token", &C::next_token, "weight of the loss of the next token beside it").range(0, 1e6),
        field("on_policy", &C::on_policy, "share of micro-batches whose answers the student gives itself").range(0, 1),
        field("max_completion_length", &C::max_completion_length,
              "of on_policy: tokens of an answer, its end among them; empty: 128")
            .range(1, 1 << 24)
            .unless_empty(),
        field("sampling_temperature", &C::sampling_temperature, "of on_policy: of the student's answers; empty: 0.9")
            .range(1e-3, 1e3)
            .unless_empty()};
  }
};

class Distillation final : public Objective {
 public:
  /// Trains all of the student. The teacher stays as it is.
  Distillation(Decoder& student, Decoder& teacher, const DistillConfig& config)
      : student_(student), teacher_(teacher), model_(student), config_(config) {}
  /// Trains the adapter; the student, which it was made for, stays as it is.
  Distillation(Decoder& student, Adapter& adapter, Decoder& teacher, const DistillConfig& config)
      : student_(student), teacher_(teacher), model_(adapter), adapters_(&adapter.everywhere()), config_(config) {}

  Model& model() override { return model_; }
  Tensor loss(Context&, const MicroBatch&, double scale) override;

 private:
  Decoder &student_, &teacher_;
  Model& model_;
  const AdapterRuns* adapters_ = nullptr;
  DistillConfig config_;
};

}  // namespace maru::train
