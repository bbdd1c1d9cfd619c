// Regular expressions over names of modules, as PEFT's rank_pattern and alpha_pattern have them: what Python's `re`
// says, in time proportional to pattern times name whatever the pattern (no backtracking). Immutable, thread-safe.
#pragma once
#include <bitset>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace maru::formats {

class NamePattern {
 public:
  /// Literals, ".", classes "[a-z]" and "\d \w \s", groups, "|", "* + ? {m,n}" (lazy or not: the answer is the same),
  /// "^" and "$". Everything else (look-around, back-references, flags) is refused, as are patterns that are not ASCII
  /// or need more than a few thousand states. `where` begins the message.
  static Result<NamePattern> compile(std::string_view pattern, const std::string& where);

  /// Whether it matches all of the name, or what lies behind one of its dots: Python's
  /// re.match(rf"(.*\.)?({pattern})$", name).
  bool names(std::string_view name) const;

 private:
  friend class NamePatternCompiler;
  enum class Step : uint8_t { kBytes, kFork, kJump, kBegin, kEnd, kDone };
  struct Instruction {
    Step step = Step::kDone;
    int forward = 1, other = 1;  // kFork, kJump: distances to the next instruction
    std::bitset<256> bytes;      // kBytes: what it reads
  };
  std::vector<Instruction> program_;
};

}  // namespace maru::formats
