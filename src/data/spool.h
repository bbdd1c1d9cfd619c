// Cleaned documents between the streaming steps and the final ones: their JSON lines lie in a temporary file, what the
// final steps need to decide lies in memory. Not thread-safe.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "data/minhash.h"

namespace maru::data {

struct SpoolEntry {
  uint64_t offset = 0, line_bytes = 0, text_bytes = 0;
  double split_draw = 0;  // uniform in [0, 1), from the document's id
  std::string source;
  uint16_t language = 0;  // index into languages
};

class Spool {
 public:
  explicit Spool(const fs::path& path) : path_(path), file_(std::make_unique<AtomicFile>(path)) {}
  ~Spool();
  /// `line` ends in '\n'.
  void add(SpoolEntry entry, std::string_view line, const Signature& signature);
  /// No more documents; lines can be read now.
  void finish();
  std::string_view line(const SpoolEntry& entry) const { return map_.text().substr(entry.offset, entry.line_bytes); }
  const std::vector<SpoolEntry>& entries() const { return entries_; }
  const std::vector<Signature>& signatures() const { return signatures_; }

 private:
  fs::path path_;
  std::unique_ptr<AtomicFile> file_;
  MappedFile map_;
  std::vector<SpoolEntry> entries_;
  std::vector<Signature> signatures_;
};

}  // namespace maru::data
