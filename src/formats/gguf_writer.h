// Writing GGUF version 3: metadata and tensor declarations first, then the tensors' bytes, streamed in that order.
// Atomic: the old file or the whole new one. Not thread-safe.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "formats/ggml_type.h"
#include "formats/gguf.h"

namespace maru::formats {

class GgufWriter {
 public:
  explicit GgufWriter(const fs::path& path) : file_(path) {}

  // Metadata, in the order of the calls. Each key once.
  void set(std::string_view key, bool value);
  void set(std::string_view key, uint32_t value);
  void set(std::string_view key, int32_t value);
  void set(std::string_view key, uint64_t value);
  void set(std::string_view key, float value);
  void set(std::string_view key, std::string_view value);
  void set(std::string_view key, const char* value) { set(key, std::string_view(value)); }
  void set(std::string_view key, const std::vector<std::string>& values);
  void set(std::string_view key, const std::vector<int32_t>& values);
  void set(std::string_view key, const std::vector<float>& values);
  /// An array of bytes.
  void set_bytes(std::string_view key, std::string_view bytes);

  /// The next tensor; shape outermost first. Throws kInvalidArgument when rows are no whole blocks of the type.
  void declare(std::string_view name, GgmlType type, const std::vector<int64_t>& shape);
  /// Bytes of the tensors in the order they were declared, in pieces of any size that do not cross a tensor's end.
  void write(std::span<const std::byte> bytes);
  /// CHECKs that every declared byte was written; flushes and renames.
  void commit();

 private:
  struct Declared {
    std::string name;
    GgmlType type;
    std::vector<int64_t> shape;
    uint64_t bytes;
  };
  void put_key(std::string_view key, GgufType type);
  void put_array(std::string_view key, GgufType element, size_t count);
  void write_header();
  void pad(uint64_t alignment);

  AtomicFile file_;
  std::string entries_;  // encoded metadata
  uint64_t num_entries_ = 0;
  std::vector<Declared> tensors_;
  size_t current_ = 0;    // tensor being written
  uint64_t written_ = 0;  // of it
  bool in_data_ = false;
};

}  // namespace maru::formats
