// Metadata of GGUF files under an architecture's prefix: what the families read and write.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "formats/gguf.h"
#include "formats/gguf_writer.h"

namespace maru {

/// Metadata under the architecture's prefix.
class GgufKeys {
 public:
  GgufKeys(const formats::GgufFile& file, std::string prefix) : file_(file), prefix_(std::move(prefix)) {}
  /// Throws kDataLoss when the key is missing.
  int64_t integer(const std::string& key) const;
  int64_t integer(const std::string& key, int64_t otherwise) const;
  double number(const std::string& key, double otherwise) const;
  std::string text(const std::string& key) const { return file_.text(prefix_ + key).value_or(""); }
  bool has(const std::string& key) const { return file_.find(prefix_ + key) != nullptr; }
  bool flag(const std::string& key, bool otherwise) const { return file_.boolean(prefix_ + key).value_or(otherwise); }
  const formats::GgufFile& file() const { return file_; }
  const std::string& prefix() const { return prefix_; }

 private:
  const formats::GgufFile& file_;
  std::string prefix_;
};

/// The other way: keys under the architecture's prefix in a file that is being written.
class GgufKeyWriter {
 public:
  GgufKeyWriter(formats::GgufWriter& writer, std::string prefix) : writer_(writer), prefix_(std::move(prefix)) {}
  void integer(const char* key, int64_t value) { writer_.set(prefix_ + key, static_cast<uint32_t>(value)); }
  void number(const char* key, double value) { writer_.set(prefix_ + key, static_cast<float>(value)); }
  void flag(const char* key, bool value) { writer_.set(prefix_ + key, value); }
  void text(const char* key, std::string_view value) { writer_.set(prefix_ + key, value); }

 private:
  formats::GgufWriter& writer_;
  std::string prefix_;
};

/// What rotary frequencies are divided by, pair by pair. Throws kDataLoss when it is no vector of F32.
std::vector<double> rope_factors_in(const formats::GgufTensor& tensor, const std::string& where);

}  // namespace maru
