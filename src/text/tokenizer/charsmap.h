// SentencePiece's "precompiled charsmap": a double array over UTF-8 keys that says what each is replaced by. The bytes
// come from files, so every index is checked. Immutable; share between threads.
//
// Source   SentencePiece, Normalizer::DecodePrecompiledCharsMap; darts-clone, the layout of a unit.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace maru::text {

class Charsmap {
 public:
  /// Empty: replaces nothing.
  Charsmap() = default;
  /// `where` stands in the errors.
  static Result<Charsmap> parse(std::string_view blob, const std::string& where);
  bool empty() const { return units_.empty(); }

  struct Found {
    size_t length = 0;  // bytes of the key; 0: none
    std::string_view replacement;
  };
  /// The longest key that `text` begins with.
  Found longest(std::string_view text) const { return find(text, false); }
  /// The shortest one.
  Found shortest(std::string_view text) const { return find(text, true); }

 private:
  Found find(std::string_view text, bool first) const;
  std::string_view replacement_at(uint32_t offset) const;
  std::vector<uint32_t> units_;
  std::string replacements_;  // each ends in a zero
};

}  // namespace maru::text
