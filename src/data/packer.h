// From files of lines to the shards of a token directory: lines are encoded on all threads, and written in their order.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_source.h"
#include "base/progress.h"
#include "base/thread_pool.h"
#include "base/watch.h"
#include "formats/token_dataset.h"
#include "text/tokenizer/token_encoder.h"

namespace maru::data {

struct Line {
  std::string text, where;
  int64_t copies = 1;
};

struct Packed {
  std::vector<int32_t> ids;
  std::vector<uint8_t> mask = {};
  uint64_t source_bytes = 0;
  double value = 0;
  std::string beside = {};  // its line in the file beside the shards, if there is one
};

/// Encodes one line, into a document or more; called on any thread with that thread's encoder. Throws Failure.
using EncodeLine = std::function<std::vector<Packed>(text::TokenEncoder&, const Line&)>;
/// How often a line is in a split; 0: not at all.
using CopiesOfLine = std::function<int64_t(std::string_view line)>;

bool is_blank(std::string_view line);

/// Turns files of lines into the shards of one split after the other.
class Packer {
 public:
  Packer(const text::Tokenizer& tokenizer, formats::TokenDatasetWriter& writer, EncodeLine encode, ThreadPool& pool,
         const Watch& watch);
  /// Documents that follow have lines in this file; empty: none have. The one before is finished.
  void begin_lines(const fs::path& path);
  void finish_lines();
  void add_file(const fs::path& path, const CopiesOfLine& copies_of, Progress& progress);

 private:
  void add_batch(const std::vector<Line>& batch);
  formats::TokenDatasetWriter& writer_;
  const EncodeLine encode_;
  ThreadPool& pool_;
  const Watch watch_;
  std::vector<text::TokenEncoder> encoders_;
  std::unique_ptr<AtomicFile> lines_;
};

}  // namespace maru::data
