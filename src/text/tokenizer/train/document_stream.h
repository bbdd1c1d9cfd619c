// Documents of text files, one block at a time, in bounded memory: what tokenizer training reads.
//
//   .jsonl (also .jsonl.gz, .jsonl.zst, .jsonl.xz)   one document per line, in the field `text_field`
//   any other file                                   plain text, in pieces of about 1 MiB cut behind a newline
//
// Parsing of the lines is left to the caller's threads: a block holds raw lines. Not thread-safe.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_source.h"
#include "base/file.h"
#include "base/json_fwd.h"

namespace maru::text {

/// Raw bytes of some documents of one file.
struct RawDocument {
  std::string bytes;  // a JSONL line or plain text
  size_t file = 0;    // index into the list of files
  int64_t line = 0;   // JSONL: 1 …; plain text: 0
};

class DocumentStream {
 public:
  /// Throws kNotFound at once if a file is missing.
  explicit DocumentStream(std::vector<fs::path> files);
  /// Documents of about `bytes` in all, in the order of files; empty at the end.
  std::vector<RawDocument> next_block(size_t bytes);
  /// The text of a document. Throws kInvalidArgument naming file and line if it is not JSON with that field.
  std::string text_of(const RawDocument& document, const std::string& text_field) const;
  const std::vector<fs::path>& files() const { return files_; }

 private:
  bool next(RawDocument& document);
  bool next_line(RawDocument& document);
  bool next_plain(RawDocument& document);
  void open_next();
  std::vector<fs::path> files_;
  size_t opened_ = 0;  // files_[opened_ - 1] is being read
  std::unique_ptr<LineReader> lines_;
  std::unique_ptr<ByteSource> plain_;
  std::string rest_;  // of plain_: read, not yet given out
};

/// Whether a file is read as JSONL, by its name.
bool is_jsonl(const fs::path& path);

}  // namespace maru::text
