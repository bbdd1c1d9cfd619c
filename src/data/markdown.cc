#include "data/markdown.h"

#include <algorithm>
#include <vector>

#include "data/markdown_inline.h"

namespace maru::data {
namespace {

std::string_view trimmed(std::string_view s) {
  while (!s.empty() && (s.front() == ' ' || s.front() == '\t')) s.remove_prefix(1);
  while (!s.empty() && (s.back() == ' ' || s.back() == '\t' || s.back() == '\r')) s.remove_suffix(1);
  return s;
}

size_t indent_of(std::string_view line) { return std::min(line.find_first_not_of(' '), line.size()); }

bool only(std::string_view line, std::string_view characters) {
  return !line.empty() && line.find_first_not_of(characters) == std::string_view::npos;
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

void append_heading(std::string& to, size_t level, std::string_view text) {
  to += '\n';
  to.append(level, '#');
  ((to += ' ') += text) += "\n\n";
}

class MarkdownReader {
 public:
  explicit MarkdownReader(std::string_view text) : lines_(lines_of(text)) {}

  std::string run() {
    front_matter();
    while (at_ < lines_.size()) block();
    flush_paragraph();
    return !title_.empty() && !has_heading_ ? "# " + title_ + "\n\n" + out_ : std::move(out_);
  }

 private:
  void front_matter() {
    if (lines_.empty() || (trimmed(lines_[0]) != "---" && trimmed(lines_[0]) != "+++")) return;
    const std::string_view fence = trimmed(lines_[0]);
    size_t end = 1;
    while (end < lines_.size() && trimmed(lines_[end]) != fence) ++end;
    if (end == lines_.size()) return;  // a rule, not front matter
    for (size_t i = 1; i < end; ++i)
      if (lines_[i].starts_with("title:") || lines_[i].starts_with("title ="))
        title_ = unquoted(trimmed(lines_[i].substr(lines_[i][5] == ':' ? 6 : 7)));
    at_ = end + 1;
  }

  static std::string unquoted(std::string_view s) {
    const bool quoted = s.size() >= 2 && (s.front() == '"' || s.front() == '\'') && s.back() == s.front();
    return std::string(quoted ? s.substr(1, s.size() - 2) : s);
  }

  void block() {
    const std::string_view line = trimmed(lines_[at_]);
    if (is_paragraph(line)) return paragraph_line();
    flush_paragraph();
    if (line.starts_with("```") || line.starts_with("~~~")) return fence(line);
    if (line.starts_with("<!--")) return comment();
    if (heading(line) || setext()) return;
    if (line.starts_with('|')) return row(line);
    if (line.empty()) out_ += '\n';
    ++at_;
  }

  bool is_paragraph(std::string_view line) const {
    for (const std::string_view other : {"```", "~~~", "<!--", "|"})
      if (line.starts_with(other)) return false;
    return !is_dropped(line) && heading_level(line) == 0 && setext_level() == 0;
  }

  void fence(std::string_view opening) {
    const std::string_view fence = opening.substr(0, 3);
    out_ += "```\n";
    for (++at_; at_ < lines_.size() && !trimmed(lines_[at_]).starts_with(fence); ++at_) (out_ += lines_[at_]) += '\n';
    out_ += "```\n";
    ++at_;
  }

  void comment() {
    while (at_ < lines_.size() && lines_[at_].find("-->") == std::string_view::npos) ++at_;
    if (at_ < lines_.size()) ++at_;
  }

  static size_t heading_level(std::string_view line) {
    const size_t level = std::min(line.find_first_not_of('#'), line.size());
    return level <= 6 && level < line.size() && line[level] == ' ' ? level : 0;
  }

  bool heading(std::string_view line) {
    const size_t level = heading_level(line);
    if (level == 0) return false;
    add_heading(level, trimmed(line.substr(level)));
    ++at_;
    return true;
  }

  void add_heading(size_t level, std::string_view text) {
    while (text.ends_with('#')) text.remove_suffix(1);
    has_heading_ |= level == 1;
    append_heading(out_, level, trimmed(strip_markdown_inline(text)));
  }

  // A line above a row of '=' or '-' is a heading.
  size_t setext_level() const {
    if (at_ + 1 >= lines_.size()) return 0;
    const std::string_view line = trimmed(lines_[at_]), under = trimmed(lines_[at_ + 1]);
    if (line.empty() || under.size() < 3 || line.starts_with('-') || line.starts_with('|')) return 0;
    return only(under, "=") ? 1 : only(under, "-") ? 2 : 0;
  }

  bool setext() {
    const size_t level = setext_level();
    if (level == 0) return false;
    add_heading(level, trimmed(lines_[at_]));
    at_ += 2;
    return true;
  }

  void row(std::string_view line) {
    ++at_;
    if (only(line, "|-: \t")) return;
    line.remove_prefix(1);
    if (line.ends_with('|')) line.remove_suffix(1);
    (out_ += trimmed(strip_markdown_inline(line))) += '\n';
  }

  // Blank lines, rules, link definitions, and lines that only import or close something.
  static bool is_dropped(std::string_view line) {
    if (line.empty() || (line.size() >= 3 && (only(line, "-") || only(line, "*") || only(line, "_")))) return true;
    if (line.starts_with(":::")) return true;
    const size_t close = line.find("]:");
    return line.starts_with('[') && close != std::string_view::npos && line.find(' ') == close + 2 &&
           line.find("](") == std::string_view::npos;
  }

  void paragraph_line() {
    std::string_view line = lines_[at_++];
    const size_t indent = indent_of(line);
    line = trimmed(line);
    while (line.starts_with('>')) line = trimmed(line.substr(1));
    const bool bullet = line.size() > 1 && (line[0] == '*' || line[0] == '+' || line[0] == '-') && line[1] == ' ';
    if (bullet) line = trimmed(line.substr(2));
    paragraph_.append(std::min<size_t>(indent, 12), ' ');
    if (bullet) paragraph_ += "- ";
    (paragraph_ += line) += '\n';
  }

  // Links, tags and short codes may run over line ends, so a paragraph's lines are stripped together.
  void flush_paragraph() {
    out_ += strip_markdown_inline(paragraph_);
    paragraph_.clear();
  }

  const std::vector<std::string_view> lines_;
  size_t at_ = 0;
  std::string out_, title_, paragraph_;
  bool has_heading_ = false;
};

class RstReader {
 public:
  explicit RstReader(std::string_view text) : lines_(lines_of(text)) {}

  std::string run() {
    while (at_ < lines_.size()) block();
    return std::move(out_);
  }

 private:
  static bool is_adornment(std::string_view line) {
    constexpr std::string_view kMarks = "=-~^\"'`#*+:.<>_";
    return line.size() >= 3 && kMarks.find(line[0]) != std::string_view::npos && only(line, line.substr(0, 1));
  }

  void block() {
    const std::string_view line = lines_[at_], text = trimmed(line);
    if (text == ".." || text.starts_with(".. ")) return directive(text);
    if (is_adornment(text)) {  // an overline, a rule, or the border of a simple table
      ++at_;
      return;
    }
    const std::string_view next = at_ + 1 < lines_.size() ? trimmed(lines_[at_ + 1]) : std::string_view();
    if (!text.empty() && indent_of(line) == 0 && is_adornment(next)) return heading(text, next[0]);
    paragraph_line(line);
    if (text.ends_with("::")) literal(indent_of(line));
  }

  void heading(std::string_view text, char mark) {
    size_t level = marks_.find(mark);
    if (level == std::string::npos) level = marks_.size(), marks_ += mark;
    append_heading(out_, std::min<size_t>(level + 1, 6), strip_rst_inline(text));
    at_ += 2;
  }

  void paragraph_line(std::string_view line) {
    ++at_;
    std::string_view text = trimmed(line);
    const size_t indent = indent_of(line);
    if (text.starts_with("* "))
      text = text.substr(2), out_ += std::string(indent, ' ') + "- ";
    else if (text.starts_with("- "))
      out_ += std::string(indent, ' ');
    if (text.ends_with("::")) text.remove_suffix(1);
    if (text == ":") text = {};
    (out_ += strip_rst_inline(text)) += '\n';
  }

  // The indented block behind a line that ends in "::" is code.
  void literal(size_t outer) {
    const size_t end = end_of_body(outer);
    if (end == at_) return;
    out_ += "\n```\n";
    copy_code(end);
    out_ += "```\n";
  }

  void directive(std::string_view text) {
    const size_t outer = indent_of(lines_[at_]);
    const size_t colons = text.find("::");
    const std::string_view name =
        colons == std::string_view::npos ? std::string_view() : trimmed(text.substr(2, colons - 2));
    const bool substitution = name.starts_with('|');
    ++at_;
    if (name.empty() || substitution || name.find(' ') != std::string_view::npos || is_unseen(name)) {
      at_ = end_of_body(outer);
      return;
    }
    while (at_ < lines_.size() && indent_of(lines_[at_]) > outer && trimmed(lines_[at_]).starts_with(':'))
      ++at_;  // options
    if (name != "code-block" && name != "code" && name != "sourcecode" && name != "parsed-literal") return;
    out_ += "```\n";
    copy_code(end_of_body(outer));
    out_ += "```\n";
  }

  static bool is_unseen(std::string_view name) {
    for (const std::string_view unseen : {"raw", "toctree", "image", "figure", "include", "literalinclude", "contents",
                                          "index", "only", "meta", "highlight", "module", "currentmodule", "math"})
      if (name == unseen) return true;
    return false;
  }

  size_t end_of_body(size_t outer) const {
    size_t end = at_, last = at_;
    for (; end < lines_.size(); ++end) {
      if (trimmed(lines_[end]).empty()) continue;
      if (indent_of(lines_[end]) <= outer) break;
      last = end + 1;
    }
    return last;
  }

  void copy_code(size_t end) {
    size_t common = std::string_view::npos;
    while (at_ < end && trimmed(lines_[at_]).empty()) ++at_;
    for (size_t i = at_; i < end; ++i)
      if (!trimmed(lines_[i]).empty()) common = std::min(common, indent_of(lines_[i]));
    for (; at_ < end; ++at_) (out_ += lines_[at_].substr(std::min(common, lines_[at_].size()))) += '\n';
  }

  const std::vector<std::string_view> lines_;
  size_t at_ = 0;
  std::string out_, marks_;
};

}  // namespace

std::string markdown_to_text(std::string_view markdown) { return MarkdownReader(markdown).run(); }
std::string rst_to_text(std::string_view rst) { return RstReader(rst).run(); }

}  // namespace maru::data
