#include "data/spool.h"

namespace maru::data {
namespace {

std::string_view text_of(std::span<const Signature> signatures) {
  return {reinterpret_cast<const char*>(signatures.data()), signatures.size_bytes()};
}

}  // namespace

Spool::Spool(const fs::path& directory)
    : line_file_(directory / "documents.spool"), signature_file_(directory / "signatures.spool") {}

void Spool::add(const SpoolEntry& entry, std::string_view line, const Signature* signature) {
  places_.push_back({line_file_.size(), entry.text_bytes, entry.split_draw});
  languages_.push_back(entry.language);
  line_file_.add(line);
  if (signature != nullptr) signature_file_.add(text_of({signature, 1}));
}

void Spool::finish() {
  lines_ = line_file_.finish();
  const std::string_view bytes = signature_file_.finish();  // a map begins at a page: aligned for any type
  signatures_ = {reinterpret_cast<const Signature*>(bytes.data()), bytes.size() / sizeof(Signature)};
}

std::string_view Spool::line(size_t i) const {
  const uint64_t end = i + 1 < places_.size() ? places_[i + 1].offset : lines_.size();
  return lines_.substr(places_[i].offset, end - places_[i].offset);
}

void Spool::release(std::span<const Signature> part) const { signature_file_.release(text_of(part)); }

}  // namespace maru::data
