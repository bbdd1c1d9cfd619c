#include "data/scratch_file.h"

#include <system_error>

namespace maru::data {

ScratchFile::~ScratchFile() {
  std::error_code ignored;  // the directory it lies in is removed or replaced in any case
  map_ = MappedFile();
  if (!file_) fs::remove(path_, ignored);
}

std::string_view ScratchFile::finish() {
  file_->commit();
  file_.reset();
  map_ = MappedFile(path_);
  return map_.text();
}

void ScratchFile::release(std::string_view part) const {
  map_.release({reinterpret_cast<const std::byte*>(part.data()), part.size()});
}

}  // namespace maru::data
