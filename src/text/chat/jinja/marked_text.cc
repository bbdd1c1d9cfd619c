#include "text/chat/jinja/marked_text.h"

#include <algorithm>

namespace maru::text::jinja {

void Ranges::add(size_t begin, size_t end) {
  if (begin >= end) return;
  const auto first = static_cast<uint32_t>(begin), last = static_cast<uint32_t>(end);
  if (!list_.empty() && list_.back().second >= first)
    list_.back().second = std::max(list_.back().second, last);
  else
    list_.emplace_back(first, last);
}

void Ranges::add_slice(const Ranges& other, size_t from, size_t to, size_t at) {
  auto it =
      std::partition_point(other.list_.begin(), other.list_.end(), [&](const auto& r) { return r.second <= from; });
  for (; it != other.list_.end() && it->first < to; ++it)
    add(std::max<size_t>(it->first, from) - from + at, std::min<size_t>(it->second, to) - from + at);
}

size_t Ranges::count(size_t from, size_t to) const {
  if (list_.size() <= 1) return list_.size();
  const auto first = std::partition_point(list_.begin(), list_.end(), [&](const auto& r) { return r.second <= from; });
  const auto last = std::partition_point(first, list_.end(), [&](const auto& r) { return r.first < to; });
  return static_cast<size_t>(last - first);
}

bool Ranges::covers(size_t begin, size_t end) const {
  const auto it = std::partition_point(list_.begin(), list_.end(), [&](const auto& r) { return r.second <= begin; });
  return begin >= end || (it != list_.end() && it->first <= begin && it->second >= end);
}

bool Ranges::touches(size_t begin, size_t end) const {
  const auto it = std::partition_point(list_.begin(), list_.end(), [&](const auto& r) { return r.second <= begin; });
  return begin < end && it != list_.end() && it->first < end;
}

MarkedText MarkedText::from_input(std::string bytes) {
  MarkedText text = own(std::move(bytes));
  text.input.add(0, text.size());
  return text;
}

void MarkedText::append_slice(const MarkedText& other, size_t begin, size_t end) {
  input.add_slice(other.input, begin, end, size());
  generated.add_slice(other.generated, begin, end, size());
  bytes.append(other.bytes, begin, end - begin);
}

void MarkedText::append_made(std::string_view made, const MarkedText& source, size_t begin, size_t end) {
  const size_t at = size();
  bytes.append(made);
  if (source.input.touches(begin, end)) input.add(at, size());
  if (source.generated.touches(begin, end)) generated.add(at, size());
}

MarkedText MarkedText::slice(size_t begin, size_t end) const {
  MarkedText part;
  part.append_slice(*this, begin, end);
  part.safe = safe;
  return part;
}

void MarkedText::mark_mixed(const MarkedText& source) {
  if (!source.input.empty()) input.add(0, size());
  if (source.generated.covers(0, source.size())) generated.add(0, size());
}

}  // namespace maru::text::jinja
