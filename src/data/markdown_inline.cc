#include "data/markdown_inline.h"

#include <algorithm>
#include <vector>

namespace maru::data {
namespace {

constexpr size_t kReach = 1000;  // a mark that is not closed within so many bytes is text

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n'; }

/// The next place of one mark; every byte is searched once, however often and from where it is asked for.
class NextMark {
 public:
  explicit NextMark(std::string_view mark) : mark_(mark) {}
  // At or behind `from`, which never decreases, and within reach; or npos.
  size_t find(std::string_view line, size_t from) {
    if (next_ != std::string_view::npos && next_ < from) known_ = false;
    if (!known_) next_ = line.find(mark_, from);
    known_ = true;
    return next_ != std::string_view::npos && next_ + mark_.size() <= from + kReach ? next_ : std::string_view::npos;
  }

 private:
  const std::string_view mark_;
  size_t next_ = 0;
  bool known_ = false;
};

/// Where each bracket of one kind closes. Found for the whole line in one pass.
class Pairs {
 public:
  Pairs(char left, char right) : left_(left), right_(right) {}
  // The bracket that closes the one at `open`, within reach; or npos.
  size_t closing(std::string_view line, size_t open, uint64_t& work) {
    if (closing_.empty()) match(line, work);
    const size_t close = closing_[open];
    return close > open && close < open + kReach ? close : std::string_view::npos;
  }

 private:
  void match(std::string_view line, uint64_t& work) {
    closing_.resize(line.size());
    work += line.size();
    std::vector<size_t> open;
    for (size_t i = 0; i < line.size(); ++i) {
      if (line[i] == '\\') {
        ++i;
      } else if (line[i] == left_) {
        open.push_back(i);
      } else if (line[i] == right_ && !open.empty()) {
        closing_[open.back()] = i;
        open.pop_back();
      }
    }
  }

  const char left_, right_;
  std::vector<size_t> closing_;  // 0: nowhere
};

class MarkdownInline {
 public:
  explicit MarkdownInline(std::string_view line) : line_(line) {}

  std::string run() {
    for (; at_ < line_.size(); ++work)
      if (!(escape() || code() || short_code() || tag() || link() || emphasis())) out_ += line_[at_++];
    return std::move(out_);
  }

  uint64_t work = 0;  // steps of this reader and of those inside it

 private:
  char peek(size_t ahead = 0) const { return at_ + ahead < line_.size() ? line_[at_ + ahead] : '\0'; }

  // Position of `what` within reach, or npos.
  size_t find(std::string_view what, size_t from) const {
    return line_.substr(0, std::min(line_.size(), from + kReach)).find(what, from);
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
    NextMark& next = anchor ? anchor_end_ : twice ? (peek(2) == '<' ? tag_code_end_ : text_code_end_) : block_code_end_;
    const size_t close = next.find(line_, at_ + 2);
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
    const size_t close = name || peek(1) == '>' ? tag_end_.find(line_, at_ + 1) : std::string_view::npos;
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
    const size_t close = square_.closing(line_, open, work);
    if (close == std::string_view::npos) return false;
    size_t end = close + 1;
    const char next = end < line_.size() ? line_[end] : '\0';
    if (next == '(') end = round_.closing(line_, end, work);
    if (next == '[') end = square_.closing(line_, end, work);
    if ((next != '(' && next != '[') || end == std::string_view::npos || depth_ >= kMaxDepth) return false;
    if (!image) out_ += nested(line_.substr(open + 1, close - open - 1));
    at_ = end + 1;
    return true;
  }

  std::string nested(std::string_view text) {
    MarkdownInline inner(text);
    inner.depth_ = depth_ + 1;
    std::string shown = inner.run();
    work += inner.work;
    return shown;
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
  NextMark tag_end_{">"}, anchor_end_{"}"}, tag_code_end_{">}}"}, text_code_end_{"%}}"}, block_code_end_{"%}"};
  Pairs square_{'[', ']'}, round_{'(', ')'};
};

// `text <target>`_  and  :role:`text <target>`  show their text.
std::string_view shown_of(std::string_view inside) {
  const size_t target = inside.ends_with('>') ? inside.rfind('<') : std::string_view::npos;
  if (target != std::string_view::npos && target > 0) inside = inside.substr(0, target);
  while (!inside.empty() && is_blank(inside.back())) inside.remove_suffix(1);
  return inside.starts_with('~') || inside.starts_with('!') ? inside.substr(1) : inside;
}

constexpr size_t kLongestRole = 64;

// Removes ":role:" from the end of what was written, in front of a back-quote.
void drop_role(std::string& out) {
  if (!out.ends_with(':')) return;
  size_t at = out.size() - 1;
  while (at > 0 && out.size() - at < kLongestRole &&
         (is_letter(out[at - 1]) || out[at - 1] == '-' || out[at - 1] == ':'))
    --at;
  if (at < out.size() - 1 && out.size() - at < kLongestRole && out[at] == ':') out.resize(at);
}

}  // namespace

std::string strip_markdown_inline(std::string_view line, uint64_t* work) {
  MarkdownInline reader(line);
  std::string text = reader.run();
  if (work != nullptr) *work += reader.work;
  return text;
}

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
