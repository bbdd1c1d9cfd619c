// Text that knows where its bytes come from: which were written by the template, which by messages and other input, and
// which stand inside {% generation %}. The marks survive concatenation and slicing exactly; an operation that cannot
// follow them calls mark_mixed(), after which all of the text counts as input.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace maru::text::jinja {

/// Byte ranges [begin, end): ascending, disjoint, not empty, not touching.
class Ranges {
 public:
  bool empty() const { return list_.empty(); }
  /// Adds a range that begins at or behind the end of the last one.
  void add(size_t begin, size_t end);
  /// Adds what `other` has within [from, to), moved so that `from` lands on `at`.
  void add_slice(const Ranges& other, size_t from, size_t to, size_t at);
  bool covers(size_t begin, size_t end) const;
  /// How many ranges add_slice would go through.
  size_t count(size_t from, size_t to) const;
  bool touches(size_t begin, size_t end) const;
  const std::vector<std::pair<uint32_t, uint32_t>>& list() const { return list_; }

 private:
  std::vector<std::pair<uint32_t, uint32_t>> list_;
};

struct MarkedText {
  std::string bytes;
  Ranges input;       // bytes that come from messages, tools, documents and variables
  Ranges generated;   // bytes inside {% generation %}
  bool safe = false;  // HTML-safe: what Jinja calls Markup

  static MarkedText own(std::string bytes) { return {std::move(bytes), {}, {}, false}; }
  static MarkedText from_input(std::string bytes);

  size_t size() const { return bytes.size(); }
  size_t count_marks(size_t begin, size_t end) const { return input.count(begin, end) + generated.count(begin, end); }
  void append(std::string_view own) { bytes.append(own); }
  void append(const MarkedText& other) { append_slice(other, 0, other.size()); }
  void append_slice(const MarkedText& other, size_t begin, size_t end);
  /// Appends bytes made from `source`'s range [begin, end), which is small: input if any of it is.
  void append_made(std::string_view made, const MarkedText& source, size_t begin, size_t end);
  MarkedText slice(size_t begin, size_t end) const;
  /// The same marks as `source` if that is all input or all the template's own, else all input.
  void mark_mixed(const MarkedText& source);
};

}  // namespace maru::text::jinja
