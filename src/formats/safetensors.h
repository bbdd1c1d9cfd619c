// Reading and writing safetensors files (Hugging Face's format; docs/formats/safetensors.md).
#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "base/json_fwd.h"

namespace maru::formats {

struct SafetensorsEntry {
  std::string dtype;  // as in the file: "BF16", "F32", …
  std::vector<int64_t> shape;
  std::span<const std::byte> bytes;  // inside the memory map
};

/// Bytes of an element, nothing for a dtype the format does not have.
std::optional<uint64_t> safetensors_element_bytes(const std::string& dtype);

/// A mapped file. Every length is checked before it is used; a header that lies is refused with the tensor's name.
class SafetensorsFile {
 public:
  static Result<SafetensorsFile> open(const fs::path& path);
  /// The same on bytes in memory; they must outlive the result.
  static Result<SafetensorsFile> parse(std::span<const std::byte> bytes, const std::string& name);

  const std::map<std::string, SafetensorsEntry>& entries() const { return entries_; }
  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  /// Keeps the map alive for tensors that point into it.
  std::shared_ptr<const MappedFile> owner() const { return file_; }

 private:
  void read_header(const JsonNode& header, std::span<const std::byte> data);
  std::shared_ptr<MappedFile> file_;
  std::map<std::string, SafetensorsEntry> entries_;
  std::map<std::string, std::string> metadata_;
};

struct SafetensorsItem {
  std::string name, dtype;
  std::vector<int64_t> shape;
  std::span<const std::byte> bytes;
};

/// Writes atomically, tensors in the given order, data aligned to 64 bytes. See safetensors_writer.h for large ones.
void write_safetensors(const fs::path& path, const std::vector<SafetensorsItem>& items,
                       const std::map<std::string, std::string>& metadata = {});

}  // namespace maru::formats
