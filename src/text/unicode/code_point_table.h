// A table of one byte per code point. Immutable after construction; share between threads.
#pragma once
#include <cstdint>
#include <vector>

#include "base/utf8.h"

namespace maru::text {

/// One byte per code point in two stages: equal blocks of 256 are stored once.
class CodePointTable {
 public:
  /// `values` has kCodePoints elements.
  explicit CodePointTable(const std::vector<uint8_t>& values);
  uint8_t operator[](char32_t code_point) const {
    return blocks_[(size_t{stage_[code_point >> 8]} << 8) | (code_point & 255)];
  }
  size_t bytes() const { return blocks_.size() + 2 * stage_.size(); }

 private:
  std::vector<uint16_t> stage_;
  std::vector<uint8_t> blocks_;
};

}  // namespace maru::text
