// Bytes of any encoding with any label: what is decoded is valid UTF-8 without a byte-order mark, and is decoded to
// itself.
#include "base/utf8.h"
#include "data/encoding.h"

namespace maru::data {
namespace {

void require(bool holds) {
  if (!holds) __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view all(reinterpret_cast<const char*>(data), size);
  const size_t end = all.find('\n');
  if (end == std::string_view::npos || end > 40) return 0;
  const std::string_view label = all.substr(0, end), bytes = all.substr(end + 1);
  (void)looks_binary(bytes);
  const Result<DecodedText> decoded = decode_text(std::string(bytes), label);
  if (!decoded.ok()) return 0;
  require(is_valid_utf8(decoded.value().text));
  require(decoded.value().text.size() <= 4 * bytes.size() + 16);
  return 0;
}

}  // namespace maru::data
