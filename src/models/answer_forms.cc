#include "models/answer_forms.h"

#include <algorithm>

#include "base/excerpt.h"
#include "models/registry.h"

namespace maru {
namespace {

/// Those of all families, each once.
template <class Form>
std::vector<const Form*> all_forms(const Form* Family::*of) {
  std::vector<const Form*> forms;
  for (const Family* family : all_families())
    if (const Form* form = family->*of; form != nullptr && std::find(forms.begin(), forms.end(), form) == forms.end())
      forms.push_back(form);
  return forms;
}

template <class Form>
const Form* detect(const Form* Family::*of, const std::function<bool(std::string_view)>& mentions) {
  const Form* best = nullptr;
  for (const Form* form : all_forms(of))
    if (std::all_of(form->signs.begin(), form->signs.end(), mentions) &&
        (best == nullptr || form->signs.size() > best->signs.size()))
      best = form;
  return best;
}

template <class Form>
const Form* find(const Form* Family::*of, std::string_view name, const std::string& option) {
  if (name == "none") return nullptr;
  std::string known = "auto, none";
  for (const Form* form : all_forms(of)) {
    if (form->name == name) return form;
    known += ", " + std::string(form->name);
  }
  throw Failure(ErrorCode::kInvalidArgument, option + ": expected one of " + known + ", got \"" + excerpt(name) + "\"");
}

}  // namespace

text::AnswerForms detect_answer_forms(const std::function<bool(std::string_view)>& mentions) {
  return {.calls = detect(&Family::calls, mentions), .reasoning = detect(&Family::reasoning, mentions)};
}

const text::CallForm* find_call_form(std::string_view name, const std::string& option) {
  return find(&Family::calls, name, option);
}

const text::ReasoningForm* find_reasoning_form(std::string_view name, const std::string& option) {
  return find(&Family::reasoning, name, option);
}

}  // namespace maru
