// Reading text files of any size, compressed or not, in bounded memory.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/file.h"

namespace maru {

/// A forward-only stream of bytes. Errors name the file.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  /// Fills up to `size` bytes; 0 at the end. Throws kDataLoss when compressed data is corrupt or truncated.
  virtual size_t read(char* to, size_t size) = 0;
};

/// Opens a file, decompressing .gz, .zst and .xz (chosen by the file's first bytes, not by its name).
std::unique_ptr<ByteSource> open_source(const fs::path& path);

/// Splits a source at '\n' (a trailing '\r' is dropped). Lines longer than `limit` throw kExhausted, naming the line.
class LineReader {
 public:
  explicit LineReader(const fs::path& path, size_t limit = size_t{1} << 30);
  /// Valid until the next call.
  std::optional<std::string_view> next();
  int64_t line_number() const { return line_number_; }

 private:
  bool fill();
  fs::path path_;
  std::unique_ptr<ByteSource> source_;
  std::string buffer_;
  size_t begin_ = 0, limit_;
  bool end_ = false;
  int64_t line_number_ = 0;
};

}  // namespace maru
