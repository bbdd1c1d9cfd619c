#include "text/chat/answer/answer_form.h"

namespace maru::text {
namespace {

constexpr std::string_view kBlanks = " \n\r\t";

}  // namespace

std::vector<std::string_view> AnswerForms::marks() const {
  std::vector<std::string_view> all;
  if (calls != nullptr) {
    all.insert(all.end(), calls->begins.begin(), calls->begins.end());
    all.insert(all.end(), calls->ends.begin(), calls->ends.end());
    if (calls->syntax == CallSyntax::kNamed) all.insert(all.end(), {kArgumentsMark, kCallIdMark});
  }
  if (reasoning != nullptr) all.insert(all.end(), {reasoning->begin, reasoning->end});
  return all;
}

bool opens_reasoning(const ReasoningForm& form, std::string_view text, bool continued) {
  if (const size_t last = text.find_last_not_of(kBlanks); !continued && last != std::string_view::npos) {
    // The template's own white space behind the mark; a mark may itself end in some.
    const std::string_view mark = form.begin.substr(0, form.begin.find_last_not_of(kBlanks) + 1);
    return text.substr(0, last + 1).ends_with(mark);
  }
  const size_t begin = text.rfind(form.begin), end = text.rfind(form.end);
  return continued && begin != std::string_view::npos && (end == std::string_view::npos || end < begin);
}

}  // namespace maru::text
