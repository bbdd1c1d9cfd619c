#include "pipeline/comparison.h"

#include <algorithm>

#include "base/hash.h"
#include "base/json.h"
#include "base/progress.h"
#include "formats/token_dataset.h"
#include "ledger/manifest.h"
#include "models/weight_source.h"
#include "pipeline/local_model.h"
#include "text/tokenizer/files/load_tokenizer.h"

namespace maru::pipeline {
namespace {

constexpr int64_t kLongestAnswer = 96, kBeginning = 32;  // tokens; the beginning is a prompt of documents

/// An example, cut where an answer begins.
struct Question {
  std::vector<int32_t> prompt, answer;
};

std::vector<int32_t> ids_of(const formats::TokenDocument& document) {
  std::vector<int32_t> ids(static_cast<size_t>(document.tokens.size()));
  document.tokens.copy_to(ids);
  return ids;
}

Question question_of(const formats::TokenDataset& held_out, int64_t i, bool is_prompt) {
  const formats::TokenDocument document = held_out.document(i);
  const std::vector<int32_t> ids = ids_of(document);
  const auto size = static_cast<int64_t>(ids.size());
  if (is_prompt) return {ids, {}};
  int64_t begin = std::min(kBeginning, size / 2), end = std::min(size, begin + kLongestAnswer);
  if (held_out.has_mask()) {
    for (begin = 0; begin < size && !document.mask[begin]; ++begin) continue;
    for (end = begin; end < size && document.mask[end]; ++end) continue;
  }
  return {{ids.begin(), ids.begin() + begin}, {ids.begin() + begin, ids.begin() + end}};
}

// From all over the split, each prompt once: of pairs every second example is the same prompt again.
std::vector<Question> questions_of(const fs::path& tokens, int64_t count, int64_t longest) {
  const formats::TokenDataset held_out(tokens, "held_out");
  const Json notes = ledger::read_manifest(tokens).notes;
  const bool pairs = notes.is_object() && notes.contains("pairs");
  const bool prompts = notes.is_object() && notes.contains("prompts");
  const int64_t each = pairs ? 2 : 1, documents = held_out.num_documents() / each;
  std::vector<Question> questions;
  for (int64_t k = 0; k < std::min(count, documents); ++k) {
    Question one = question_of(held_out, each * (k * documents / std::min(count, documents)), prompts);
    if (!one.prompt.empty() && static_cast<int64_t>(one.prompt.size()) < longest) questions.push_back(std::move(one));
  }
  return questions;
}

/// Both models' answers, with one line of progress.
class Asking {
 public:
  Asking(const Workplace& at, const std::vector<Question>& questions)
      : at_(at), questions_(questions), progress_(at.watch, "compare", 2 * questions.size(), "answers") {}
  /// One for each question; `adapter` may be empty.
  std::vector<std::string> answers(const fs::path& model, const fs::path& adapter) {
    LocalModel asked(at_, model.string(), adapter);
    std::vector<std::string> all;
    for (const Question& question : questions_) {
      all.push_back(asked.generate(question.prompt, {.temperature = 0, .max_tokens = kLongestAnswer}).text);
      at_.watch.throw_if_cancelled();  // half an answer is none
      progress_.add(1);
    }
    return all;
  }

 private:
  const Workplace& at_;
  const std::vector<Question>& questions_;
  Progress progress_;
};

int64_t longest_context(const fs::path& model) {
  const StoredConfig stored = read_stored_config(model);
  return config_from_hugging_face(stored.json, stored.name).max_position_embeddings;
}

}  // namespace

Comparison compare_answers(const Workplace& at, const train::TrainConfig& recipe, int64_t count) {
  const fs::path base = at.home.find(Kind::kModel, recipe.init_from);
  const fs::path result = at.home.place(recipe.lora ? Kind::kAdapter : Kind::kModel, recipe.name);
  const fs::path file = at.home.place(Kind::kRun, recipe.name) / catalogue::kRunComparison;
  Comparison comparison{.result = sha256_file(result / ledger::kManifestName), .asked = count};
  if (fs::exists(file)) {
    auto stored = from_json<Comparison>(read_json(file), file.string());
    if (stored.result == comparison.result && stored.asked == count) return stored;
  }
  const fs::path tokens = at.home.find(Kind::kDataset, recipe.tokens);
  const std::vector<Question> questions = questions_of(tokens, count, longest_context(base));
  const text::Tokenizer tokenizer = text::load_tokenizer(at.home.find(Kind::kTokenizer, recipe.tokenizer));
  Asking asking(at, questions);
  const auto before = asking.answers(base, {});
  const auto after = recipe.lora ? asking.answers(base, result) : asking.answers(result, {});
  for (size_t i = 0; i < questions.size(); ++i)
    comparison.answers.push_back({.prompt = tokenizer.decode(questions[i].prompt),
                                  .expected = tokenizer.decode(questions[i].answer),
                                  .before = before[i],
                                  .after = after[i]});
  write_json(file, to_json(comparison));
  return comparison;
}

}  // namespace maru::pipeline
