#include "train/objectives/kto.h"

#include <fmt/format.h>

#include <algorithm>

namespace maru::train {
namespace {

/// The row whose target is the first token of the answer; the last row when there is none.
int64_t last_of_prompt(const MicroBatch& micro, const Batch::Sequence& sequence) {
  const int64_t last = sequence.first_row + sequence.rows - 1;
  int64_t row = sequence.first_row;
  while (row < last && micro.targets[static_cast<size_t>(row)] < 0) ++row;
  return row;
}

// What the data say of each sequence.
std::vector<bool> labels_of(const MicroBatch& micro) {
  if (micro.values.size() != micro.builder.sequences().size())
    throw Failure(ErrorCode::kDataLoss, "kto: the tokens say of no answer whether it is good or bad");
  std::vector<bool> labels;
  for (const double value : micro.values) {
    if (value != 0 && value != 1)
      throw Failure(ErrorCode::kDataLoss, fmt::format("kto: the label of an answer is {}, expected 0 or 1", value));
    labels.push_back(value == 1);
  }
  return labels;
}

double log_ratio(std::span<const int32_t> targets, const Batch::Sequence& sequence, const TokenLosses& losses) {
  return log_probability(targets, sequence, losses.policy).sum -
         log_probability(targets, sequence, losses.reference).sum;
}

}  // namespace

MicroBatch mismatched(const MicroBatch& micro, int64_t sequence_length) {
  const std::vector<Batch::Sequence>& sequences = micro.builder.sequences();
  const std::vector<int32_t>& tokens = micro.builder.tokens();
  MicroBatch other;
  for (size_t i = 0; i < sequences.size(); ++i) {
    const Batch::Sequence &own = sequences[i], &before = sequences[(i + sequences.size() - 1) % sequences.size()];
    const int64_t prompt_end = last_of_prompt(micro, own), answer = last_of_prompt(micro, before);
    std::vector<int32_t> piece(tokens.begin() + own.first_row, tokens.begin() + prompt_end + 1);
    std::vector<int32_t> targets(piece.size() - 1, -1);
    piece.insert(piece.end(), tokens.begin() + answer + 1, tokens.begin() + before.first_row + before.rows);
    targets.insert(targets.end(), micro.targets.begin() + answer,
                   micro.targets.begin() + before.first_row + before.rows);
    piece.resize(static_cast<size_t>(std::min(static_cast<int64_t>(piece.size()), sequence_length)));
    other.builder.add(piece);
    other.targets.insert(other.targets.end(), targets.begin(),
                         targets.begin() + static_cast<std::ptrdiff_t>(piece.size()));
  }
  return other;
}

Kto::Kto(const AnswerModels& models, const KtoConfig& config, int64_t sequence_length)
    : AnswerObjective(models), config_(config), sequence_length_(sequence_length) {
  CHECK(models.reference != nullptr);
}

std::optional<MicroBatch> Kto::beside(const MicroBatch& micro) const {
  if (config_.loss_type != "kto") return std::nullopt;
  return mismatched(micro, sequence_length_);
}

AnswerObjective::Weighed Kto::weigh(const MicroBatch& micro, const TokenLosses& own, const TokenLosses& other) {
  const std::vector<Batch::Sequence>& sequences = micro.builder.sequences();
  const std::vector<bool> labels = labels_of(micro);
  double z = 0;
  if (const std::optional<MicroBatch> pairs = beside(micro)) {
    if (sequences.size() < 2)
      throw Failure(ErrorCode::kInvalidArgument,
                    "kto: a micro-batch of one answer says nothing of the others: expected 2");
    for (const Batch::Sequence& sequence : pairs->builder.sequences()) z += log_ratio(pairs->targets, sequence, other);
    z = std::max(0.0, z / static_cast<double>(sequences.size()));
    figures_.add("kl", z);
  }
  Weighed result{.weights = std::vector<double>(micro.targets.size())};
  for (size_t i = 0; i < sequences.size(); ++i) {
    const bool good = labels[i];
    const Dual a(log_ratio(micro.targets, sequences[i], own), 1, 0), loss = kto_loss(config_, good, a, z);
    result.loss += loss.value;
    for_targets(micro.targets, sequences[i], [&](size_t row) { result.weights[row] = -loss.first; });
    figures_.add("accuracy", (good ? a.value > z : a.value < z) ? 1 : 0);
    figures_.add(good ? "reward_desirable" : "reward_undesirable", config_.beta * a.value);
  }
  figures_.add("loss", result.loss, static_cast<int64_t>(sequences.size()));
  return result;
}

}  // namespace maru::train
