#include "data/tuning_form.h"

#include <fmt/format.h>

#include <optional>

#include "base/byte_source.h"
#include "data/listing.h"

namespace maru::data {
namespace {

/// A line of this form has all of the keys.
struct Form {
  std::vector<const char*> keys;
  TuningForm form;
};

// In the order in which they are tried: the first whose keys are all there.
const std::vector<Form>& forms() {
  static const std::vector<Form> all{
      {{"chosen", "rejected"}, TuningForm::kPreferences},
      {{"context", "completions"}, TuningForm::kPreferences},
      {{"messages"}, TuningForm::kChats},
      {{"conversations"}, TuningForm::kChats},
      {{"prompt", "completion", "label"}, TuningForm::kLabelled},
      {{"prompt", "completion"}, TuningForm::kChats},
      {{"instruction", "output"}, TuningForm::kChats},
      {{"query", "pos_doc"}, TuningForm::kTexts},
      {{"question", "pos_doc"}, TuningForm::kTexts},
      {{"anchor", "positive"}, TuningForm::kTexts},
      {{"query", "positive"}, TuningForm::kTexts},
      {{"query", "positives"}, TuningForm::kTexts},
      {{"query", "pos"}, TuningForm::kTexts},
      {{"query", "answer"}, TuningForm::kTexts},
      {{"sentence1", "sentence2"}, TuningForm::kTexts},
      {{"prompt"}, TuningForm::kPrompts},
  };
  return all;
}

std::string list_of_forms() {
  std::string list;
  for (const Form& form : forms()) {
    std::string keys;
    for (const char* key : form.keys) keys += fmt::format("{}\"{}\"", keys.empty() ? "" : " and ", key);
    list += fmt::format("{}{} ({})", list.empty() ? "" : ", ", keys, words_of(form.form));
  }
  return list;
}

[[noreturn]] void refuse_keys(const JsonNode& line) {
  std::string keys;
  size_t shown = 0;
  for (const auto& [key, value] : line.members())
    if (shown++ < 8) keys += fmt::format("{}\"{}\"", keys.empty() ? "" : ", ", key);
  if (!line["text"].is_missing())
    line.refuse("is a document (\"text\"): build a dataset of documents (maru data build), and give its name");
  line.refuse(fmt::format("has the keys {}, expected {}", keys.empty() ? "of nothing" : keys, list_of_forms()));
}

struct FoundForm {
  TuningForm form;
  std::string where;
};

FoundForm form_of_file(const fs::path& file) {
  LineReader lines(file);
  while (const auto text = lines.next()) {
    if (text->find_first_not_of(" \t\r") == std::string_view::npos) continue;
    const std::string where = fmt::format("{}:{}", file.string(), lines.line_number());
    const Json json = parse_json(*text, where, {.unique_keys = true}).value();
    return {form_of(JsonNode(json, where)), where};
  }
  throw Failure(ErrorCode::kInvalidArgument, file.string() + ": holds no line");
}

}  // namespace

std::string_view words_of(TuningForm form) {
  switch (form) {
    case TuningForm::kChats: return "conversations";
    case TuningForm::kPreferences: return "pairs of answers";
    case TuningForm::kLabelled: return "answers with labels";
    case TuningForm::kPrompts: return "prompts";
    case TuningForm::kTexts: return "pairs of texts";
  }
  CHECK(false);
}

TuningForm form_of(const JsonNode& line) {
  line.object();
  for (const Form& form : forms()) {
    bool all = true;
    for (const char* key : form.keys) all = all && !line[key].is_missing();
    if (all) return form.form;
  }
  refuse_keys(line);
}

TuningForm form_of_files(const std::vector<std::string>& inputs) {
  std::optional<FoundForm> first;
  for (const std::string& input : inputs)
    for (const fs::path& file : files_to_read(input)) {
      const FoundForm found = form_of_file(file);
      if (!first) first = found;
      if (found.form != first->form)
        throw Failure(ErrorCode::kInvalidArgument,
                      fmt::format("{}: is one of {}, {} of {}: expected lines of one form", found.where,
                                  words_of(found.form), first->where, words_of(first->form)));
    }
  if (!first) throw Failure(ErrorCode::kInvalidArgument, "data: expected at least one JSONL file");
  return first->form;
}

}  // namespace maru::data
