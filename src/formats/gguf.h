// Reading GGUF files, versions 2 and 3 (llama.cpp's format; docs/formats/gguf.md).
//
// The file stays mapped; values and tensors are views into it. Every length is checked before memory is taken, and a
// header that lies is refused with the offset where it does. Immutable after parsing, thread-safe.
#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "formats/ggml_type.h"

namespace maru::formats {

/// Values are those in the file.
enum class GgufType : uint32_t { kU8, kI8, kU16, kI16, kU32, kI32, kF32, kBool, kString, kArray, kU64, kI64, kF64 };

/// "u32", "string", "array", …
std::string_view name_of(GgufType type);

/// One metadata value, where it lies in the file. The `as_` functions give nothing when the type is another one.
struct GgufValue {
  GgufType type = GgufType::kU8;
  GgufType element = GgufType::kU8;  // of an array
  uint64_t count = 0;                // of an array
  std::span<const std::byte> bytes;  // a number, a string's characters, or an array's elements

  std::optional<int64_t> as_integer() const;  // any integer type, if it fits
  std::optional<double> as_number() const;    // any integer or floating type
  std::optional<bool> as_boolean() const;
  std::optional<std::string_view> as_text() const;
  std::optional<std::vector<int64_t>> as_integers() const;
  std::optional<std::vector<double>> as_numbers() const;
  std::optional<std::vector<std::string_view>> as_texts() const;
};

struct GgufTensor {
  GgmlType type = GgmlType::kF32;  // may be one that is only sized: see layout()
  std::vector<int64_t> shape;      // outermost first, as everywhere in Maru; the file has them innermost first
  std::span<const std::byte> bytes;

  int64_t elements() const;
  const GgmlLayout& layout() const { return layout_of(type); }
};

class GgufFile {
 public:
  static Result<GgufFile> open(const fs::path& path);
  /// The same on bytes in memory; they must outlive the result.
  static Result<GgufFile> parse(std::span<const std::byte> bytes, const std::string& name);

  uint32_t version() const { return version_; }
  const std::map<std::string, GgufValue, std::less<>>& metadata() const { return metadata_; }
  const std::map<std::string, GgufTensor, std::less<>>& tensors() const { return tensors_; }
  /// Null when the file has no such key or tensor.
  const GgufValue* find(std::string_view key) const;
  const GgufTensor* tensor(std::string_view name) const;

  /// A value by key, nothing when the key is absent. Throws kDataLoss, naming the key, when it has another type.
  std::optional<int64_t> integer(std::string_view key) const;
  std::optional<double> number(std::string_view key) const;
  std::optional<bool> boolean(std::string_view key) const;
  std::optional<std::string> text(std::string_view key) const;

  const std::string& name() const { return name_; }
  /// Keeps the map alive for tensors that point into it.
  std::shared_ptr<const MappedFile> owner() const { return file_; }

 private:
  friend class GgufParser;
  std::string name_;
  uint32_t version_ = 0;
  std::shared_ptr<MappedFile> file_;
  std::map<std::string, GgufValue, std::less<>> metadata_;
  std::map<std::string, GgufTensor, std::less<>> tensors_;
};

}  // namespace maru::formats
