#include "data/spool.h"

#include <system_error>

namespace maru::data {

Spool::~Spool() {
  std::error_code ignored;  // the directory it lies in is removed or replaced in any case
  map_ = MappedFile();
  fs::remove(path_, ignored);
}

void Spool::add(SpoolEntry entry, std::string_view line, const Signature& signature) {
  entry.offset = file_->size();
  entry.line_bytes = line.size();
  file_->write(line);
  entries_.push_back(std::move(entry));
  signatures_.push_back(signature);
}

void Spool::finish() {
  file_->commit();
  file_.reset();
  map_ = MappedFile(path_);
}

}  // namespace maru::data
