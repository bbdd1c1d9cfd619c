#include "text/chat/answer/answer_marks.h"

#include <algorithm>

namespace maru::text {

size_t open_end(std::string_view text, std::string_view mark) {
  for (size_t size = std::min(text.size(), mark.size() - 1); size > 0; --size)
    if (text.substr(text.size() - size) == mark.substr(0, size)) return size;
  return 0;
}

size_t end_without_blanks(std::string_view text, size_t end) {
  const size_t last = text.substr(0, end).find_last_not_of(" \n\r\t");
  return last == std::string_view::npos ? 0 : last + 1;
}

std::vector<AnswerMarks::Named> AnswerMarks::all(Prose in) const {
  std::vector<Named> marks;
  if (in == Prose::kReasoning) marks.emplace_back(AnswerMark::Kind::kReasoningEnd, forms_.reasoning->end);
  if (in == Prose::kLeftOpen) marks.emplace_back(AnswerMark::Kind::kDropped, forms_.reasoning->end);
  if (forms_.calls != nullptr)
    for (const std::string_view mark : forms_.calls->begins)  // one that ends the reasoning too is found behind its end
      if (in == Prose::kText || !mark.starts_with(forms_.reasoning->end))
        marks.emplace_back(AnswerMark::Kind::kCall, mark);
  if (forms_.reasoning != nullptr && !forms_.reasoning->turn_part.empty())
    marks.emplace_back(AnswerMark::Kind::kDropped, forms_.reasoning->turn_part);
  return marks;
}

AnswerMark AnswerMarks::find(std::string_view text, Prose in) const {
  AnswerMark found;
  for (const auto& [kind, mark] : all(in)) {
    const size_t at = text.find(mark);
    if (at == std::string_view::npos) continue;
    if (found.kind == AnswerMark::Kind::kNone || at < found.at || (at == found.at && mark.size() > found.size))
      found = {kind, at, mark.size()};
  }
  return found;
}

size_t AnswerMarks::undecided(std::string_view text, Prose in) const {
  const std::vector<Named> marks = all(in);
  if (marks.empty()) return 0;
  size_t most = 0;
  for (const auto& [kind, mark] : marks) most = std::max(most, open_end(text, mark));
  return text.size() - end_without_blanks(text, text.size() - most);
}

}  // namespace maru::text
