#include "text/chat/jinja/search.h"

namespace maru::text::jinja {
namespace {

/// The byte at `i`, counted from where the search begins.
template <bool from_end>
char byte_at(std::string_view text, size_t i) {
  return from_end ? text[text.size() - 1 - i] : text[i];
}

/// The next place of `byte` at or behind `i`, counted likewise.
template <bool from_end>
size_t next_byte(std::string_view text, char byte, size_t i) {
  if (!from_end) return text.find(byte, i);
  const size_t at = text.substr(0, text.size() - i).rfind(byte);
  return at == Search::kNone ? at : text.size() - 1 - at;
}

}  // namespace

Search::Search(Runtime& runtime, std::string_view text, std::string_view part, From from)
    : text_(text), part_(part), from_end_(from == From::kEnd), held_(runtime) {
  if (part.size() > text.size()) return;
  runtime.step_bytes(text.size() + part.size());
  if (part.size() < 2) return;
  held_.raise_to(part.size() * sizeof(uint32_t));
  from_end_ ? find_borders<true>() : find_borders<false>();
}

template <bool from_end>
void Search::find_borders() {
  borders_.resize(part_.size());
  for (size_t i = 1, length = 0; i < part_.size(); ++i) {
    const char byte = byte_at<from_end>(part_, i);
    while (length > 0 && byte_at<from_end>(part_, length) != byte) length = borders_[length - 1];
    length += byte_at<from_end>(part_, length) == byte ? 1 : 0;
    borders_[i] = static_cast<uint32_t>(length);
  }
}

size_t Search::next() { return from_end_ ? scan<true>() : scan<false>(); }

template <bool from_end>
size_t Search::scan() {
  const size_t size = part_.size();
  if (size > text_.size() - at_) return kNone;
  if (size == 0) return from_end ? text_.size() - at_ : at_;
  size_t length = 0;  // of the beginning of `part` that ends before at_
  for (; at_ < text_.size(); ++at_) {
    if (length == 0) {
      at_ = next_byte<from_end>(text_, byte_at<from_end>(part_, 0), at_);
      if (at_ == kNone) break;
    }
    const char byte = byte_at<from_end>(text_, at_);
    while (length > 0 && byte_at<from_end>(part_, length) != byte) length = borders_[length - 1];
    length += byte_at<from_end>(part_, length) == byte ? 1 : 0;
    if (length < size) continue;
    ++at_;
    return from_end ? text_.size() - at_ : at_ - size;
  }
  at_ = text_.size();
  return kNone;
}

}  // namespace maru::text::jinja
