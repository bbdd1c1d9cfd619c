#include "data/markup_bounds.h"

#include <algorithm>
#include <utility>

#include "data/ascii.h"

namespace maru::data {
namespace {

/// Copies the page from tag to tag. `done_` is how far it is copied, `at_` how far it is read.
class Bounder {
 public:
  Bounder(std::string_view text, bool xml) : text_(text), xml_(xml) { result_.text.reserve(text.size()); }

  BoundedMarkup run() {
    while ((at_ = std::min(text_.find('<', at_), text_.size())) < text_.size()) {
      if (starts("<!--"))
        skip_past("-->");
      else if (xml_ && starts("<![CDATA["))
        skip_past("]]>");
      else if (xml_ && starts("<!DOCTYPE"))
        drop_document_type();
      else if (starts("<?") && xml_)
        skip_past("?>");
      else if (at_ + 1 < text_.size() && (is_letter(text_[at_ + 1]) || (xml_ && !is_plain(text_[at_ + 1]))))
        tag();
      else
        ++at_;
    }
    copy();
    result_.steps += static_cast<int64_t>(text_.size());
    return std::move(result_);
  }

 private:
  bool starts(std::string_view what) const { return text_.substr(at_).starts_with(what); }
  // What no name begins with.
  static bool is_plain(char c) { return static_cast<unsigned char>(c) < 0x80 && c != '_' && c != ':'; }

  void skip_past(std::string_view what) {
    const size_t found = text_.find(what, at_);
    at_ = found == std::string_view::npos ? text_.size() : found + what.size();
  }

  void copy() {
    result_.text += text_.substr(done_, at_ - done_);
    done_ = at_;
  }

  // Up to the '>' outside its brackets and quotes.
  void drop_document_type() {
    copy();
    int depth = 0;
    char quote = 0;
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (quote != 0) {
        if (c == quote) quote = 0;
      } else if (c == '"' || c == '\'') {
        quote = c;
      } else {
        depth += c == '[';
        depth -= c == ']';
        if (c == '>' && depth <= 0) break;
      }
    }
    at_ = std::min(at_ + 1, text_.size());
    done_ = at_;
  }

  void tag() {
    const size_t begin = at_ + 1;
    while (at_ < text_.size() && !is_blank(text_[at_]) && text_[at_] != '>' && text_[at_] != '/') ++at_;
    const std::string name = lowered(text_.substr(begin, std::min<size_t>(at_ - begin, 16)));
    int own = 0;
    int& count = !xml_ && (name == "html" || name == "body") ? of_page_ : own;
    for (size_t begin_of_blanks = at_; skip_to_attribute(); begin_of_blanks = at_) {
      skip_attribute();
      if (++count <= kMaxAttributes) continue;
      ++result_.attributes;
      const size_t end = std::exchange(at_, begin_of_blanks);
      copy();
      at_ = done_ = end;
    }
    if (!xml_ && (name == "script" || name == "style")) skip_raw_text(name);
  }

  // False at the tag's end.
  bool skip_to_attribute() {
    while (at_ < text_.size() && (is_blank(text_[at_]) || text_[at_] == '/')) ++at_;
    return at_ < text_.size() && text_[at_] != '>' && text_[at_] != '<';
  }

  void skip_attribute() {
    ++at_;  // even a '='
    while (at_ < text_.size() && !is_blank(text_[at_]) && text_[at_] != '=' && text_[at_] != '>' && text_[at_] != '/')
      ++at_;
    size_t value = at_;
    while (value < text_.size() && is_blank(text_[value])) ++value;
    if (value >= text_.size() || text_[value] != '=') return;
    ++value;
    while (value < text_.size() && is_blank(text_[value])) ++value;
    at_ = std::min(value, text_.size());
    if (at_ == text_.size()) return;
    if (text_[at_] == '"' || text_[at_] == '\'')
      at_ = std::min(text_.find(text_[at_], at_ + 1), text_.size() - 1) + 1;
    else
      while (at_ < text_.size() && !is_blank(text_[at_]) && text_[at_] != '>') ++at_;
  }

  void skip_raw_text(const std::string& name) {
    for (at_ = text_.find("</", at_); at_ != std::string_view::npos; at_ = text_.find("</", at_ + 2))
      if (lowered(text_.substr(at_ + 2, name.size())) == name) return;
    at_ = text_.size();
  }

  const std::string_view text_;
  const bool xml_;
  size_t at_ = 0, done_ = 0;
  int of_page_ = 0;
  BoundedMarkup result_;
};

}  // namespace

BoundedMarkup bound_markup(std::string_view text, bool xml) {
  std::string without_zeros;
  const auto zeros = std::count(text.begin(), text.end(), '\0');
  if (zeros > 0) {
    std::copy_if(text.begin(), text.end(), std::back_inserter(without_zeros), [](char c) { return c != '\0'; });
    text = without_zeros;
  }
  BoundedMarkup bounded = Bounder(text, xml).run();
  bounded.zeros = zeros;
  return bounded;
}

}  // namespace maru::data
