// Writing safetensors tensor by tensor, for conversions of models that are larger than memory. Atomic: the old file or
// the whole new one. Not thread-safe.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "formats/safetensors.h"

namespace maru::formats {

class SafetensorsWriter {
 public:
  explicit SafetensorsWriter(const fs::path& path) : file_(path) {}
  /// The next tensor; `dtype` as in the file. Throws kInvalidArgument for a dtype the format does not have.
  void declare(const std::string& name, const std::string& dtype, const std::vector<int64_t>& shape);
  void set_metadata(std::map<std::string, std::string> metadata) { metadata_ = std::move(metadata); }
  /// Bytes of the tensors in the order they were declared, in pieces of any size.
  void write(std::span<const std::byte> bytes);
  /// CHECKs that every declared byte was written; flushes and renames.
  void commit();

 private:
  struct Declared {
    std::string name, dtype;
    std::vector<int64_t> shape;
    uint64_t bytes;
  };
  void write_header();
  AtomicFile file_;
  std::vector<Declared> tensors_;
  std::map<std::string, std::string> metadata_;
  uint64_t declared_ = 0, written_ = 0;
  bool in_data_ = false;
};

}  // namespace maru::formats
