#include "text/unicode/mark_runs.h"

#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>

#include <array>
#include <vector>

#include "base/error.h"
#include "base/utf8.h"

namespace maru::text {
namespace {

constexpr size_t kShortRun = 64;

struct Mark {
  char32_t code_point = 0;
  uint8_t combining_class = 0;
};

// By the first bytes, so that most text is passed over: no mark is below U+0300, among Greek and Cyrillic letters
// (U+0380 to U+047F), Han (U+4000 to U+9FFF) and Hangul (U+AC00 to U+DFFF). Nor is a byte in the middle of a character.
bool may_be_mark(const char* p, const char* end) {
  const auto lead = static_cast<unsigned char>(*p);
  if (lead < 0xCC || (lead >= 0xCE && lead <= 0xD1) || (lead >= 0xE4 && lead <= 0xE9) || (lead >= 0xEB && lead <= 0xED))
    return false;
  return lead != 0xEA || p + 1 == end || static_cast<unsigned char>(p[1]) < 0xB0;
}

bool is_mark(char32_t c, uint8_t max_age) {
  const auto u = static_cast<UChar32>(c);
  if (c < 0x300 || u_getIntPropertyValue(u, UCHAR_LEAD_CANONICAL_COMBINING_CLASS) == 0) return false;
  UVersionInfo age{};
  u_charAge(u, age);
  return age[0] <= max_age;
}

void append_decomposed(std::vector<Mark>& run, char32_t c) {
  UErrorCode status = U_ZERO_ERROR;
  const icu::Normalizer2* nfd = icu::Normalizer2::getNFDInstance(status);
  CHECK(U_SUCCESS(status));
  icu::UnicodeString parts;
  if (!nfd->getDecomposition(static_cast<UChar32>(c), parts)) parts = static_cast<UChar32>(c);
  for (int32_t i = 0; i < parts.length(); i = parts.moveIndex32(i, 1)) {
    const UChar32 part = parts.char32At(i);
    run.push_back({static_cast<char32_t>(part), u_getCombiningClass(part)});
  }
}

/// Copies a text, and sorts its long runs on the way.
class MarkSorter {
 public:
  MarkSorter(std::string_view text, std::string& storage, uint8_t max_age)
      : text_(text), to_(storage), max_age_(max_age) {}

  // True if anything was sorted.
  bool run() {
    const char *p = text_.data(), *const end = p + text_.size();
    const char* copied = p;
    while (p < end) {
      if (!may_be_mark(p, end)) {
        ++p;
        continue;
      }
      const char* const begin = p;
      size_t marks = 0;
      for (Decoded d = decode_utf8(p, end); is_mark(d.code_point, max_age_); d = decode_utf8(p, end)) {
        p += d.length;
        ++marks;
        if (p == end) break;
      }
      steps += static_cast<int64_t>(marks) + 1;
      if (marks > kShortRun) {
        to_.append(copied, begin);
        append_sorted(begin, p);
        copied = p;
      }
      if (marks == 0) p += decode_utf8(p, end).length;
    }
    if (copied == text_.data()) return false;
    to_.append(copied, end);
    return true;
  }

  int64_t steps = 0;

 private:
  void append_sorted(const char* p, const char* end) {
    std::vector<Mark> run;
    while (p < end) {
      const Decoded d = decode_utf8(p, end);
      append_decomposed(run, d.code_point);
      p += d.length;
    }
    std::array<size_t, 257> begin{};  // of each class among the sorted
    for (const Mark& mark : run) ++begin[mark.combining_class + size_t{1}];
    for (size_t i = 1; i < begin.size(); ++i) begin[i] += begin[i - 1];
    std::u32string sorted(run.size(), 0);
    for (const Mark& mark : run) sorted[begin[mark.combining_class]++] = mark.code_point;
    steps += static_cast<int64_t>(run.size());
    for (const char32_t c : sorted) append_utf8(to_, c);
  }

  const std::string_view text_;
  std::string& to_;
  const uint8_t max_age_;
};

}  // namespace

std::string_view with_sorted_marks(std::string_view text, std::string& storage, uint8_t max_age, int64_t* steps) {
  storage.clear();
  MarkSorter sorter(text, storage, max_age);
  const bool sorted = sorter.run();
  if (steps != nullptr) *steps = sorter.steps;
  return sorted ? std::string_view(storage) : text;
}

}  // namespace maru::text
