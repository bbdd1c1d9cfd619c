#include "data/markdown_inline.h"

#include <algorithm>

namespace maru::data {
namespace {

constexpr size_t kReach = 1000;  // a mark that is not closed within so many bytes is text

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n'; }

class MarkdownInline {
 public:
  explicit MarkdownInline(std::string_view line) : line_(line) {}

  std::string run() {
    while (at_ < line_.size())
      if (!(escape() || code() || short_code() || tag() || link() || emphasis())) out_ += line_[at_++];
    return std::move(out_);
  }

 private:
  char peek(size_t ahead = 0) const { return at_ + ahead < line_.size() ? line_[at_ + ahead] : '\0'; }

  // Position of `what` within reach, or npos.
  size_t find(std::string_view what, size_t from) const {
    const size_t found = line_.substr(0, std::min(line_.size(), from + kReach)).find(what, from);
    return found;
  }

  bool escape() {
    constexpr std::string_view kEscapable = "\\`*_{}[]()#+-.!|<>~\"";
    if (peek() != '\\' || peek(1) == '\0' || kEscapable.find(peek(1)) == std::string_view::npos) return false;
    out_ += peek(1);
    at_ += 2;
    return true;
  }

  bool code() {
    if (peek() != '`') return false;
    const size_t ticks = std::min(line_.find_first_not_of('`', at_), line_.size()) - at_;
    const size_t close = find(std::string(ticks, '`'), at_ + ticks);
    const size_t end = close == std::string_view::npos ? at_ + ticks : close + ticks;
    out_ += line_.substr(at_, end - at_);
    at_ = end;
    return true;
  }

  // {{< name text="shown" >}}, {{% … %}}, {% … %}: only what a text attribute shows remains. {#anchor} goes.
  bool short_code() {
    if (peek() != '{') return false;
    const bool anchor = peek(1) == '#';
    const bool twice = peek(1) == '{' && (peek(2) == '<' || peek(2) == '%');
    if (!anchor && !twice && peek(1) != '%') return false;
    const std::string_view closing = anchor ? "}" : twice ? (peek(2) == '<' ? ">}}" : "%}}") : "%}";
    const size_t close = find(closing, at_ + 2);
    if (close == std::string_view::npos) return false;
    const std::string_view inside = line_.substr(at_, close - at_);
    if (const size_t text = inside.find("text=\""); twice && text != std::string_view::npos)
      out_ += inside.substr(text + 6, inside.find('"', text + 6) - text - 6);
    at_ = close + closing.size();
    return true;
  }

  bool tag() {
    if (peek() != '<') return false;
    const bool name = is_letter(peek(1)) || ((peek(1) == '/' || peek(1) == '!') && peek(2) != ' ');
    const size_t close = name || peek(1) == '>' ? find(">", at_ + 1) : std::string_view::npos;
    if (close == std::string_view::npos || line_.substr(at_ + 1, close - at_ - 1).find('<') != std::string_view::npos)
      return false;
    const std::string_view inside = line_.substr(at_ + 1, close - at_ - 1);
    if (inside.find("://") != std::string_view::npos && inside.find(' ') == std::string_view::npos) out_ += inside;
    at_ = close + 1;
    return true;
  }

  // [text](target), [text][label], ![alt](target). The text may hold marks of its own, and brackets in pairs.
  bool link() {
    const bool image = peek() == '!' && peek(1) == '[';
    if (!image && peek() != '[') return false;
    const size_t open = at_ + image;
    const size_t close = matching(open, '[', ']');
    if (close == std::string_view::npos) return false;
    size_t end = close + 1;
    const char next = end < line_.size() ? line_[end] : '\0';
    if (next == '(') end = matching(end, '(', ')');
    if (next == '[') end = matching(end, '[', ']');
    if ((next != '(' && next != '[') || end == std::string_view::npos || depth_ >= kMaxDepth) return false;
    if (!image) out_ += nested(line_.substr(open + 1, close - open - 1));
    at_ = end + 1;
    return true;
  }

  std::string nested(std::string_view text) const {
    MarkdownInline inner(text);
    inner.depth_ = depth_ + 1;
    return inner.run();
  }

  size_t matching(size_t open, char left, char right) const {
    int depth = 0;
    for (size_t i = open; i < std::min(line_.size(), open + kReach); ++i) {
      if (line_[i] == '\\') {
        ++i;
      } else if (line_[i] == left) {
        ++depth;
      } else if (line_[i] == right && --depth == 0) {
        return i;
      }
    }
    return std::string_view::npos;
  }

  // `*` and `_` runs that touch a word on exactly one side open or close emphasis; others are text (2 * 3, snake_case).
  bool emphasis() {
    const char mark = peek();
    if (mark != '*' && mark != '_' && !(mark == '~' && peek(1) == '~')) return false;
    const size_t run = std::min(line_.find_first_not_of(mark, at_), line_.size()) - at_;
    const bool word_before = at_ > 0 && !is_blank(line_[at_ - 1]);
    const bool word_after = at_ + run < line_.size() && !is_blank(line_[at_ + run]);
    const bool is_text = run > 3 || (!word_before && !word_after) || (mark == '_' && word_before && word_after);
    if (is_text) out_.append(run, mark);
    at_ += run;
    return true;
  }

  static constexpr int kMaxDepth = 4;
  const std::string_view line_;
  size_t at_ = 0;
  int depth_ = 0;
  std::string out_;
};

// `text <target>`_  and  :role:`text <target>`  show their text.
std::string_view shown_of(std::string_view inside) {
  const size_t target = inside.ends_with('>') ? inside.rfind('<') : std::string_view::npos;
  if (target != std::string_view::npos && target > 0) inside = inside.substr(0, target);
  while (!inside.empty() && is_blank(inside.back())) inside.remove_suffix(1);
  return inside.starts_with('~') || inside.starts_with('!') ? inside.substr(1) : inside;
}

// Removes ":role:" from the end of what was written, in front of a back-quote.
void drop_role(std::string& out) {
  if (!out.ends_with(':')) return;
  size_t at = out.size() - 1;
  while (at > 0 && (is_letter(out[at - 1]) || out[at - 1] == '-' || out[at - 1] == ':')) --at;
  if (at < out.size() - 1 && out[at] == ':') out.resize(at);
}

}  // namespace

std::string strip_markdown_inline(std::string_view line) { return MarkdownInline(line).run(); }

std::string strip_rst_inline(std::string_view line) {
  std::string out;
  for (size_t at = 0; at < line.size();) {
    const bool literal = line.substr(at).starts_with("``");
    const std::string_view quote = literal ? "``" : "`";
    const size_t close = line[at] == '`' ? line.find(quote, at + quote.size()) : std::string_view::npos;
    if (close != std::string_view::npos) {
      const std::string_view inside = line.substr(at + quote.size(), close - at - quote.size());
      if (!literal) drop_role(out);
      if (literal)
        ((out += '`') += inside) += '`';
      else
        out += shown_of(inside);
      at = std::min(line.find_first_not_of('_', close + quote.size()), line.size());
    } else if (line.substr(at).starts_with("**")) {
      at += 2;
    } else {
      out += line[at++];
    }
  }
  return out;
}

}  // namespace maru::data
