// Pages from hostile hands: HTML, Mallard and DocBook to text, which is valid UTF-8 and not longer than a page can be.
#include "base/utf8.h"
#include "data/markup.h"

namespace maru::data {
namespace {

// A list item or a table cell adds marks of its own around at least as many bytes of markup.
constexpr size_t kMostPerByte = 8;

void check(const Result<ExtractedText>& extracted, size_t size) {
  if (!extracted.ok()) return;
  if (!is_valid_utf8(extracted.value().text) || extracted.value().text.size() > kMostPerByte * size + 1024)
    __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  const std::string_view page(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (!is_valid_utf8(page)) return 0;  // what these readers are given
  check(data[0] % 2 == 0 ? extract_html(page) : extract_xml(page), page.size());
  return 0;
}

}  // namespace maru::data
