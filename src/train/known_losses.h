// What a reference that does not change says of the tokens of answers: computed once, kept in a file of the run.
//
// The file is a row of records, each what was appended at once: the number of examples, of losses, the losses of each
// example, the losses themselves (f32 of the machine's byte order), and a hash of all of it.
#pragma once
#include <cstdint>
#include <cstdio>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/file.h"
#include "train/micro_batch.h"

namespace maru::train {

class KnownLosses {
 public:
  /// Reads what the file holds, if it is there, and goes on behind it. `bound`: a hash of all that losses depend on.
  /// Records of another, or that a crash cut off or that were damaged since, go with all behind them, and `warn` gets
  /// their number.
  ///
  /// Throws   what reading throws; kExhausted when the file cannot be written.
  /// Cost     4 bytes of memory for each token of an answer, 8 for each example
  KnownLosses(fs::path file, uint64_t bound, const std::function<void(const std::string&)>& warn);
  /// Examples that are known, from the first on.
  int64_t size() const { return static_cast<int64_t>(begins_.size()) - 1; }
  std::span<const float> of(int64_t example) const;
  /// Examples that follow, in the file (of the system's cache) when this returns. Throws   kExhausted on a full disk.
  void append(std::span<const std::vector<float>> examples);
  /// Makes the rows from `first_row` on, which are those of the example, bring its losses.
  void append_to(MicroBatch& batch, int64_t example, size_t first_row) const;

 private:
  size_t read_record(std::string_view bytes);
  struct Close {
    void operator()(std::FILE* f) const { std::fclose(f); }
  };
  const fs::path path_;
  const uint64_t bound_;
  std::vector<int64_t> begins_{0};  // of each example among the losses
  std::vector<float> losses_;
  std::unique_ptr<std::FILE, Close> file_;
};

}  // namespace maru::train
