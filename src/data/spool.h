// Cleaned documents between the streaming steps and the final ones: their JSON lines and signatures lie in scratch
// files; in memory lie 26 bytes of each. Not thread-safe, but for what is const.
#pragma once
#include <deque>
#include <span>
#include <string_view>

#include "data/minhash.h"
#include "data/scratch_file.h"

namespace maru::data {

struct SpoolEntry {
  uint64_t text_bytes = 0;
  double split_draw = 0;  // uniform in [0, 1), from the document's id
  uint16_t language = 0;  // index into languages
};

class Spool {
 public:
  /// Both files lie in `directory`.
  explicit Spool(const fs::path& directory);
  /// `line` ends in '\n'; `signature` may be null, for all or for none.
  void add(const SpoolEntry& entry, std::string_view line, const Signature* signature);
  /// No more documents; lines and signatures can be read now.
  void finish();
  size_t size() const { return languages_.size(); }
  SpoolEntry entry(size_t i) const { return {places_[i].text_bytes, places_[i].split_draw, languages_[i]}; }
  std::string_view line(size_t i) const;
  std::span<const Signature> signatures() const { return signatures_; }
  void release(std::span<const Signature> part) const;

 private:
  struct Place {
    uint64_t offset, text_bytes;
    double split_draw;
  };
  ScratchFile line_file_, signature_file_;
  std::string_view lines_;
  std::span<const Signature> signatures_;
  std::deque<Place> places_;  // deques: never held twice to grow
  std::deque<uint16_t> languages_;
};

}  // namespace maru::data
