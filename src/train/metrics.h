// metrics.jsonl of a run: one line per step and per validation, appended as they happen.
#pragma once
#include <cstdio>
#include <memory>
#include <optional>

#include "base/file.h"

namespace maru::train {

struct TrainingRow {
  int64_t step = 0, tokens = 0;
  double loss = 0, lr = 0, gradient_norm = 0, tokens_per_second = 0, mfu = 0, seconds = 0;
};

struct ValidationRow {
  int64_t step = 0, tokens = 0;
  double loss = 0, bits_per_byte = 0;
};

/// Appends to the file; each row is on disk (in the system's cache) when write returns. Not thread-safe.
class MetricsWriter {
 public:
  /// Drops rows behind `last_step`: a resumed run goes on from its checkpoint as if the rest had not happened.
  MetricsWriter(const fs::path& file, int64_t last_step);
  void write(const TrainingRow& row);
  void write(const ValidationRow& row);
  /// Time spent training up to the last row that was kept.
  double seconds_before() const { return seconds_before_; }

 private:
  void append(const std::string& line);
  struct Close {
    void operator()(std::FILE* f) const { std::fclose(f); }
  };
  fs::path path_;
  double seconds_before_ = 0;
  std::unique_ptr<std::FILE, Close> file_;
};

}  // namespace maru::train
