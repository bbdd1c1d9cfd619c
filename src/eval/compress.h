// What general compressors achieve on held-out text when they may read the training text first: the baseline beside a
// language model's bits per byte.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "base/fields.h"
#include "base/watch.h"

namespace maru::eval {

struct CompressionOptions {
  int64_t max_training_bytes = int64_t{256} << 20;
  static constexpr auto fields() {
    using C = CompressionOptions;
    return std::tuple{field("max_training_bytes", &C::max_training_bytes, "training text that compressors read first")
                          .range(0, 1e15)};
  }
};

/// Units: sizes in bytes.
struct CompressionBaseline {
  std::string name;          // the command line it stands for: "xz -9e", "zstd -19 --long=31"
  double bits_per_byte = 0;  // 8 · (together - alone) / held_out
  uint64_t training = 0;     // text read first, after the limit
  uint64_t held_out = 0;
  uint64_t alone = 0, together = 0;  // size(training), size(training + held_out)
  uint64_t memory = 0;               // what the compressor needs
  std::string note;                  // why less than the whole training text was read; empty if it was not
};

/// The baselines for both compressors. When the training text is longer than `max_training_bytes`, its last bytes are
/// used and `note` says so.
/// Throws: kInvalidArgument when `held_out` is empty; kExhausted when memory is short; kCancelled when the watch is.
/// Cost: about a second per megabyte and compressor, twice over the training text. Memory: xz 11 bytes per byte of
/// training and held-out text, at least 674 MiB; zstd about 2 bytes per byte and 120 MiB.
std::vector<CompressionBaseline> compression_baselines(std::string_view training, std::string_view held_out,
                                                       const CompressionOptions& options = {}, const Watch& watch = {});

}  // namespace maru::eval
