#include "formats/name_pattern.h"

#include <algorithm>

namespace maru::formats {
namespace {

constexpr size_t kMaxInstructions = 4096;
constexpr int kMaxDepth = 50;
constexpr int kMaxRepeats = 1000;

using Bytes = std::bitset<256>;

Bytes range(char from, char to) {
  Bytes bytes;
  for (int c = from; c <= to; ++c) bytes.set(static_cast<size_t>(c));
  return bytes;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/// The class of "\d" and its kin; none for another letter.
Bytes class_of(char letter) {
  const Bytes digits = range('0', '9');
  const Bytes words = digits | range('a', 'z') | range('A', 'Z') | range('_', '_');
  const Bytes spaces = range('\t', '\r') | range(' ', ' ');
  switch (letter) {
    case 'd': return digits;
    case 'D': return ~digits;
    case 'w': return words;
    case 'W': return ~words;
    case 's': return spaces;
    case 'S': return ~spaces;
    default: return {};
  }
}

}  // namespace

/// Thompson's construction (1968) by recursive descent: every piece of program is complete in itself, its jumps are
/// relative, and it is left at its end.
class NamePatternCompiler {
 public:
  explicit NamePatternCompiler(std::string_view pattern) : pattern_(pattern) {}

  /// Empty when all went well, else what is wrong.
  std::string run(NamePattern& into) {
    alternatives(0);
    if (error_.empty() && at_ < pattern_.size()) fail("a ')' too many");
    emit({});
    into.program_ = std::move(program_);
    return error_;
  }

 private:
  using Instruction = NamePattern::Instruction;
  using Step = NamePattern::Step;
  using Program = std::vector<Instruction>;

  bool more() const { return error_.empty() && at_ < pattern_.size(); }
  char peek() const { return at_ < pattern_.size() ? pattern_[at_] : '\0'; }
  bool accept(char c) { return more() && peek() == c && ++at_ > 0; }
  void fail(const std::string& what) {
    if (error_.empty()) error_ = what;
  }
  void emit(const Instruction& i) { insert(program_.size(), i); }
  void insert(size_t at, const Instruction& i) {
    if (program_.size() >= kMaxInstructions) return fail("too long");
    program_.insert(program_.begin() + static_cast<std::ptrdiff_t>(at), i);
  }
  int length_from(size_t begin) const { return static_cast<int>(program_.size() - begin); }

  // one | another | …
  void alternatives(int depth) {
    const size_t begin = program_.size();
    sequence(depth);
    if (!accept('|')) return;
    insert(begin, {.step = Step::kFork, .other = length_from(begin) + 2});
    const size_t jump = program_.size();
    emit({.step = Step::kJump});
    alternatives(depth + 1);
    if (error_.empty()) program_[jump].forward = length_from(jump);
  }

  void sequence(int depth) {
    if (depth > kMaxDepth) return fail("nested too deeply");
    while (more() && peek() != '|' && peek() != ')') repeated(depth);
  }

  // An item and how often: its piece of program is copied for each time that it must or may come.
  void repeated(int depth) {
    const size_t begin = program_.size();
    item(depth);
    int least = 1, most = 1;
    if (!more() || !quantifier(least, most)) return;
    const Program piece(program_.begin() + static_cast<std::ptrdiff_t>(begin), program_.end());
    program_.resize(begin);
    for (int i = 0; i < least; ++i) append(piece);
    if (most < 0) repeat_any(piece, least > 0);
    for (int i = least; i < most; ++i) optional(piece);
  }
  void append(const Program& piece) {
    if (program_.size() + piece.size() > kMaxInstructions) return fail("too long");
    program_.insert(program_.end(), piece.begin(), piece.end());
  }
  void optional(const Program& piece) {
    emit({.step = Step::kFork, .other = static_cast<int>(piece.size()) + 1});
    append(piece);
  }
  // `there`: the piece stands there once already, and may come again.
  void repeat_any(const Program& piece, bool there) {
    const int size = static_cast<int>(piece.size());
    if (there) return emit({.step = Step::kFork, .other = -size});
    emit({.step = Step::kFork, .other = size + 2});
    append(piece);
    emit({.step = Step::kJump, .forward = -size - 1});
  }

  // most < 0: without end.
  bool quantifier(int& least, int& most) {
    if (accept('*')) {
      least = 0, most = -1;
    } else if (accept('+')) {
      most = -1;
    } else if (accept('?')) {
      least = 0;
    } else if (!counts(least, most)) {
      return false;
    }
    accept('?');  // lazy: which match is found differs, whether there is one does not
    if (more() && std::string_view("*+?{").find(peek()) != std::string_view::npos) fail("several repetitions in a row");
    return true;
  }
  // "{m}", "{m,}", "{,n}" or "{m,n}".
  bool counts(int& least, int& most) {
    const size_t begin = at_;
    if (!accept('{')) return false;
    const bool first = number(least);
    if (!first) least = 0;
    most = least;
    const bool comma = accept(',');
    if (comma && !number(most)) most = -1;
    if ((first || comma) && accept('}')) return most < 0 || most >= least || (fail("{m,n} with m > n"), true);
    at_ = begin, least = most = 1;
    return false;
  }
  bool number(int& value) {
    if (!is_digit(peek())) return false;
    for (value = 0; is_digit(peek()); ++at_) {
      value = value * 10 + (peek() - '0');
      if (value > kMaxRepeats) return fail("too many repetitions"), value = 0, true;
    }
    return true;
  }

  void item(int depth) {
    const char c = pattern_[at_++];
    switch (c) {
      case '(': return group(depth);
      case '[': return emit({.step = Step::kBytes, .bytes = bracket()});
      case '\\': return emit({.step = Step::kBytes, .bytes = escape()});
      case '.': return emit({.step = Step::kBytes, .bytes = ~range('\n', '\n')});
      case '^': return emit({.step = Step::kBegin});
      case '$': return emit({.step = Step::kEnd});
      case '*':
      case '+':
      case '?':
      case '{': return fail("nothing to repeat");
      default: return emit({.step = Step::kBytes, .bytes = range(c, c)});
    }
  }
  void group(int depth) {
    if (accept('?') && !accept(':')) return fail("groups that begin with \"(?\" are not supported, but for \"(?:\"");
    alternatives(depth + 1);
    if (!accept(')')) fail("a ')' is missing");
  }
  Bytes escape() {
    if (at_ >= pattern_.size()) return fail("ends with a '\\'"), Bytes();
    const char c = pattern_[at_++];
    const Bytes named = class_of(c);
    if (named.any()) return named;
    if (is_letter(c) || is_digit(c)) fail(std::string("\"\\") + c + "\" is not supported");
    return range(c, c);
  }
  Bytes bracket() {
    const bool inverted = accept('^');
    Bytes bytes;
    bool first = true;
    for (; more() && (first || peek() != ']'); first = false) bytes |= bracket_part();
    if (!accept(']')) fail("a ']' is missing");
    return inverted ? ~bytes : bytes;
  }
  // One byte, a range of them, or a class.
  Bytes bracket_part() {
    const char from = pattern_[at_++];
    const Bytes single = from == '\\' ? escape() : range(from, from);
    if (!more() || peek() != '-' || at_ + 1 >= pattern_.size() || pattern_[at_ + 1] == ']') return single;
    ++at_;
    const char to = pattern_[at_++];
    if (single.count() != 1 || to == '\\' || from == '\\') return fail("a range of classes or escapes"), single;
    if (to < from) fail("a range that runs backwards");
    return range(from, to);
  }

  std::string_view pattern_;
  size_t at_ = 0;
  Program program_;
  std::string error_;
};

Result<NamePattern> NamePattern::compile(std::string_view pattern, const std::string& where) {
  NamePattern compiled;
  const bool ascii = std::all_of(pattern.begin(), pattern.end(), [](char c) { return c > 0; });
  const std::string error = ascii ? NamePatternCompiler(pattern).run(compiled) : "not ASCII";
  if (!error.empty())
    return {ErrorCode::kUnimplemented,
            where + ": the regular expression \"" + std::string(pattern) + "\" cannot be used: " + error};
  return compiled;
}

bool NamePattern::names(std::string_view name) const {
  std::vector<size_t> now, next;  // instructions that read a byte
  std::vector<size_t> seen(program_.size(), ~size_t{0});
  bool done = false;
  const auto reach = [&](size_t from, size_t position, std::vector<size_t>& into) {
    std::vector<size_t> open{from};
    while (!open.empty()) {
      const size_t i = open.back();
      open.pop_back();
      if (seen[i] == position) continue;
      seen[i] = position;
      const Instruction& step = program_[i];
      const auto go = [&](int distance) { open.push_back(static_cast<size_t>(static_cast<int>(i) + distance)); };
      if (step.step == Step::kBytes) into.push_back(i);
      if (step.step == Step::kFork || step.step == Step::kJump) go(step.forward);
      if (step.step == Step::kFork) go(step.other);
      if ((step.step == Step::kBegin && position == 0) || (step.step == Step::kEnd && position == name.size())) go(1);
      if (step.step == Step::kDone && position == name.size()) done = true;
    }
  };
  for (size_t p = 0; p <= name.size(); ++p) {
    if (p == 0 || name[p - 1] == '.') reach(0, p, now);
    if (p == name.size()) break;
    for (const size_t i : now)
      if (program_[i].bytes.test(static_cast<unsigned char>(name[p]))) reach(i + 1, p + 1, next);
    now.swap(next);
    next.clear();
  }
  return done;
}

}  // namespace maru::formats
