#include "pipeline/examples.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "base/json.h"
#include "catalogue/lineage.h"
#include "data/tuning_form.h"
#include "formats/token_dataset.h"
#include "ledger/manifest.h"
#include "text/tokenizer/files/load_tokenizer.h"

namespace maru::pipeline {
namespace {

/// A place for tokens that nobody keeps.
class ShortLivedDirectory {
 public:
  ShortLivedDirectory() : path_((fs::temp_directory_path() / "maru-show-XXXXXX").string()) {
    if (::mkdtemp(path_.data()) == nullptr)
      throw Failure(ErrorCode::kInternal, path_ + ": cannot make a directory for what is shown");
  }
  ~ShortLivedDirectory() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  ShortLivedDirectory(const ShortLivedDirectory&) = delete;
  fs::path path() const { return path_; }

 private:
  std::string path_;
};

std::string role_of(double value, bool scored) {
  if (scored) return fmt::format("score {:.3g}", value);
  return value == data::kQueryValue ? "query" : value == data::kPositiveValue ? "positive" : "negative";
}

// Texts are bare: nothing is predicted of them, and nothing stands around them.
Example text_of(const text::Tokenizer& tokenizer, const formats::TokenDataset& dataset, int64_t i, bool scored) {
  const formats::TokenDocument document = dataset.document(i);
  std::vector<int32_t> ids(static_cast<size_t>(document.tokens.size()));
  document.tokens.copy_to(ids);
  return {.document = i,
          .tokens = document.tokens.size(),
          .pieces = {{tokenizer.decode(ids), false}},
          .role = role_of(document.value, scored)};
}

Example example_of(const text::Tokenizer& tokenizer, const formats::TokenDataset& dataset, int64_t i) {
  const formats::TokenDocument document = dataset.document(i);
  std::vector<int32_t> ids(static_cast<size_t>(document.tokens.size()));
  document.tokens.copy_to(ids);
  Example example{.document = i, .tokens = document.tokens.size()};
  for (size_t begin = 0; begin < ids.size();) {
    const auto learned = [&](size_t at) { return !dataset.has_mask() || document.mask[static_cast<int64_t>(at)]; };
    size_t end = begin + 1;
    while (end < ids.size() && learned(end) == learned(begin)) ++end;
    example.pieces.push_back({tokenizer.decode(std::span(ids).subspan(begin, end - begin)), learned(begin)});
    example.learned += learned(begin) ? static_cast<int64_t>(end - begin) : 0;
    begin = end;
  }
  return example;
}

ExampleFigures figures_of(const formats::TokenDataset& train, const fs::path& directory) {
  ExampleFigures figures{.documents = train.num_documents(), .tokens = train.num_tokens()};
  figures.held_out = formats::TokenDataset(directory, "held_out").num_documents();
  figures.learned = train.has_mask() ? 0 : train.num_tokens();
  for (int64_t i = 0; i < train.num_documents(); ++i) {
    figures.longest = std::max(figures.longest, train.begin_of(i + 1) - train.begin_of(i));
    if (!train.has_mask()) continue;
    const formats::TokenDocument document = train.document(i);
    for (int64_t t = 0; t < document.tokens.size(); ++t) figures.learned += document.mask[t] != 0;
  }
  return figures;
}

Examples read(const fs::path& directory, const fs::path& tokenizer_files, const ExamplesConfig& config) {
  const formats::TokenDataset train(directory, "train");
  const text::Tokenizer tokenizer = text::load_tokenizer(tokenizer_files);
  Examples examples{figures_of(train, directory), {}};
  const Json notes = ledger::read_manifest(directory).notes;
  examples.figures.pairs = notes.is_object() && notes.contains("pairs");
  examples.figures.texts = notes.is_object() && notes.contains("texts");
  if (examples.figures.texts) examples.figures.learned = 0;
  if (config.first < 0 || config.first >= train.num_documents())
    throw Failure(ErrorCode::kInvalidArgument, fmt::format("{}: there is no document {}: expected 0 to {}", config.data,
                                                           config.first, train.num_documents() - 1));
  for (int64_t i = config.first; i < std::min(train.num_documents(), config.first + config.count); ++i)
    examples.shown.push_back(examples.figures.texts ? text_of(tokenizer, train, i, notes.value("scored", false))
                                                    : example_of(tokenizer, train, i));
  return examples;
}

Examples read_file(const Workplace& at, const ExamplesConfig& config) {
  if (config.tokenizer.empty())
    throw Failure(ErrorCode::kInvalidArgument,
                  config.data + ": is a file: --tokenizer says what turns it into tokens, a model or a tokenizer");
  const fs::path tokenizer = at.home.find(Kind::kTokenizer, config.tokenizer);
  const ShortLivedDirectory place;
  const data::PackOptions options{
      .tokenizer = tokenizer, .output = place.path() / "tokens", .home = at.home.root(), .watch = at.watch};
  const data::ChatPackConfig pack{.inputs = {config.data}, .held_out = 0, .highest_score = config.highest_score};
  switch (data::form_of_files(pack.inputs)) {
    case data::TuningForm::kChats: data::pack_chats(pack, options, at.machine.pool()); break;
    case data::TuningForm::kPreferences:
    case data::TuningForm::kLabelled: data::pack_preferences(pack, options, at.machine.pool()); break;
    case data::TuningForm::kPrompts: data::pack_prompts(pack, options, at.machine.pool()); break;
    case data::TuningForm::kTexts: data::pack_texts(pack, options, at.machine.pool()); break;
  }
  return read(options.output, tokenizer, config);
}

bool is_artefact(const fs::path& path) { return fs::exists(path / ledger::kManifestName); }

}  // namespace

Examples examples_of(const Workplace& at, const ExamplesConfig& config) {
  if (fs::exists(config.data) && !is_artefact(config.data)) return read_file(at, config);
  const fs::path directory = at.home.find(Kind::kDataset, config.data);
  if (!fs::exists(directory / formats::kTokenIndexName))
    throw Failure(ErrorCode::kInvalidArgument,
                  fmt::format("{}: is not packed: expected tokens, as maru data pack makes them ({}/tokens-TOKENIZER)",
                              directory.string(), config.data));
  const fs::path tokenizer = catalogue::input_of(directory, "tokenizer");
  if (!config.tokenizer.empty()) return read(directory, at.home.find(Kind::kTokenizer, config.tokenizer), config);
  if (tokenizer.empty() || !fs::exists(tokenizer))
    throw Failure(ErrorCode::kNotFound, directory.string() + ": the tokenizer that it was packed with is not here");
  return read(directory, tokenizer, config);
}

}  // namespace maru::pipeline
