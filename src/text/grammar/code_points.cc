#include "text/grammar/code_points.h"

#include <unicode/uset.h>

#include <algorithm>

namespace maru::text::grammar {

CodePoints one_code_point(uint32_t c) { return {{c, c}}; }

const CodePoints& all_code_points() {
  static const CodePoints kAll{{0, 0xD7FF}, {0xE000, 0x10FFFF}};
  return kAll;
}

CodePoints normalised(CodePoints ranges) {
  std::sort(ranges.begin(), ranges.end(), [](const auto& a, const auto& b) { return a.low < b.low; });
  CodePoints joined;
  for (const CodePointRange& range : ranges) {
    if (!joined.empty() && range.low <= joined.back().high + 1)
      joined.back().high = std::max(joined.back().high, range.high);
    else
      joined.push_back(range);
  }
  return joined;
}

CodePoints united(CodePoints a, const CodePoints& b) {
  a.insert(a.end(), b.begin(), b.end());
  return normalised(std::move(a));
}

CodePoints without(const CodePoints& a, const CodePoints& b) {
  CodePoints left;
  size_t next = 0;
  for (CodePointRange range : a) {
    while (next < b.size() && b[next].high < range.low) ++next;
    for (size_t i = next; i < b.size() && b[i].low <= range.high; ++i) {
      if (b[i].low > range.low) left.push_back({range.low, b[i].low - 1});
      range.low = b[i].high + 1;
    }
    if (range.low <= range.high) left.push_back(range);
  }
  return left;
}

std::optional<CodePoints> code_points_with(const std::string& property) {
  const auto word = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' || c == '=';
  };
  if (property.empty() || property.size() > 60 || !std::all_of(property.begin(), property.end(), word)) return {};
  const std::string pattern = "[\\p{" + property + "}]";
  const std::u16string wide(pattern.begin(), pattern.end());
  UErrorCode status = U_ZERO_ERROR;
  USet* set = uset_openPattern(wide.data(), static_cast<int32_t>(wide.size()), &status);
  if (U_FAILURE(status)) return std::nullopt;
  CodePoints found;
  for (int32_t i = 0; i < uset_getItemCount(set); ++i) {
    UChar32 low = 0, high = 0;
    UErrorCode ignored = U_ZERO_ERROR;
    if (uset_getItem(set, i, &low, &high, nullptr, 0, &ignored) == 0)
      found.push_back({static_cast<uint32_t>(low), static_cast<uint32_t>(high)});
  }
  uset_close(set);
  return without(normalised(std::move(found)), {{0xD800, 0xDFFF}});
}

}  // namespace maru::text::grammar
