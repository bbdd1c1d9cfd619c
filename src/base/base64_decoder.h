// Base64 that comes in pieces, cut anywhere: what is too long to stand in memory.
//
// Source   RFC 4648 §4
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace maru {

class Base64Decoder {
 public:
  /// Appends the bytes that are whole by now. False, and no more to be asked: a character that is none of base64, or
  /// one behind the padding.
  bool decode(std::string_view piece, std::string& to);
  /// Whether the text may end here: groups of four, the last one padded.
  bool may_end() const { return count_ == 0; }

 private:
  uint32_t group_ = 0;
  int count_ = 0;    // characters of the group that is not whole
  int padding_ = 0;  // '=' so far
};

}  // namespace maru
