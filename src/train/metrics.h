// metrics.jsonl of a run: one line per step and per validation, appended as they happen.
#pragma once
#include <cstdio>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/fields.h"
#include "base/file.h"

namespace maru::train {

/// Numbers that a method tells beside those of every run, by name: "accuracy", "margin".
using Figures = std::map<std::string, double>;

/// Of the keys of a validation.
inline constexpr std::string_view kValidationPrefix = "validation_";

/// In words, in front of each two spaces: "  accuracy 0.910  margin 0.134".
std::string words_of(const Figures& figures);

struct TrainingRow {
  int64_t step = 0, tokens = 0;
  double loss = 0, lr = 0, gradient_norm = 0, tokens_per_second = 0, mfu = 0, seconds = 0;
  Figures figures = {};  // beside the fields, with keys of their own
  static constexpr auto fields() {
    using R = TrainingRow;
    return std::tuple{field("step", &R::step, "the first is 1"),
                      field("tokens", &R::tokens, "read so far"),
                      field("loss", &R::loss, "of the step's tokens, nats each; or of its pairs of answers"),
                      field("lr", &R::lr, "learning rate"),
                      field("gradient_norm", &R::gradient_norm, "before clipping"),
                      field("tokens_per_second", &R::tokens_per_second, "of the step"),
                      field("mfu", &R::mfu, "share of the machine's peak that the model's arithmetic reaches"),
                      field("seconds", &R::seconds, "since the run began")};
  }
};

struct ValidationRow {
  int64_t step = 0, tokens = 0;
  Figures figures = {};  // "loss", "bits_per_byte", ...: their keys are "validation_loss", ...
  static constexpr auto fields() {
    using R = ValidationRow;
    return std::tuple{field("step", &R::step, "the step before it"), field("tokens", &R::tokens, "read so far")};
  }
};

/// A line of the file: an object with a whole number "step", and numbers wherever others are looked for. Nothing for a
/// line that a crash cut off or that was damaged since.
std::optional<Json> parse_metrics_row(std::string_view line);

/// Appends to the file; each row is on disk (in the system's cache) when write returns. Not thread-safe.
class MetricsWriter {
 public:
  /// Drops rows behind `last_step`: a resumed run goes on from its checkpoint as if the rest had not happened. Damaged
  /// lines are dropped too, and `warn` gets their number and which rows are missing.
  MetricsWriter(const fs::path& file, int64_t last_step, const std::function<void(const std::string&)>& warn);
  void write(const TrainingRow& row);
  void write(const ValidationRow& row);
  /// Time spent training up to the last row that was kept.
  double seconds_before() const { return seconds_before_; }
  /// Of the rows of `last_step` itself, as far as they were kept.
  std::optional<double> loss() const { return loss_; }
  const Figures& validation() const { return validation_; }

 private:
  std::string kept_rows(int64_t last_step, const std::function<void(const std::string&)>& warn);
  void append(const std::string& line);
  struct Close {
    void operator()(std::FILE* f) const { std::fclose(f); }
  };
  fs::path path_;
  double seconds_before_ = 0;
  std::optional<double> loss_;
  Figures validation_;
  std::unique_ptr<std::FILE, Close> file_;
};

}  // namespace maru::train
