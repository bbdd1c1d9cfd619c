// The marks that may come in the prose of an answer, looked for as it comes.
#pragma once
#include <string_view>
#include <utility>
#include <vector>

#include "text/chat/answer/answer_form.h"

namespace maru::text {

struct AnswerMark {
  enum class Kind : uint8_t { kNone, kReasoningEnd, kCall, kDropped } kind = Kind::kNone;
  size_t at = 0, size = 0;
};

/// How much of the end of `text` may be the beginning of `mark`.
size_t open_end(std::string_view text, std::string_view mark);

/// What is looked for in.
enum class Prose : uint8_t {
  kText,
  kReasoning,
  kLeftOpen,  // text behind a call that came in the middle of reasoning, whose end may still come, and is dropped
};

class AnswerMarks {
 public:
  explicit AnswerMarks(const AnswerForms& forms) : forms_(forms) {}
  /// The first in `text`, the longest where several begin.
  AnswerMark find(std::string_view text, Prose in) const;
  /// How much of the end of `text` may be the beginning of one, or white space before one.
  size_t undecided(std::string_view text, Prose in) const;

 private:
  using Named = std::pair<AnswerMark::Kind, std::string_view>;
  std::vector<Named> all(Prose in) const;
  const AnswerForms forms_;
};

/// Where the text before `end` ends, white space left out.
size_t end_without_blanks(std::string_view text, size_t end);

}  // namespace maru::text
