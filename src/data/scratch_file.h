// What a build keeps on disk until its end. Not thread-safe.
#pragma once
#include <memory>
#include <string_view>

#include "base/file.h"

namespace maru::data {

/// Written once, then read; gone with this object.
class ScratchFile {
 public:
  explicit ScratchFile(const fs::path& path) : path_(path), file_(std::make_unique<AtomicFile>(path)) {}
  ~ScratchFile();
  uint64_t size() const { return file_->size(); }  // before finish()
  void add(std::string_view bytes) { file_->write(bytes); }
  /// No more is added; what was added, valid as long as this.
  std::string_view finish();
  /// Gives back the memory of a part that was read: it is read from disk when it is looked at again.
  void release(std::string_view part) const;

 private:
  fs::path path_;
  std::unique_ptr<AtomicFile> file_;
  MappedFile map_;
};

}  // namespace maru::data
