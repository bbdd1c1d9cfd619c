// maru_langid: trains the language identifier from a recipe, and measures a model on labelled text.
//   maru_langid train RECIPE.yaml CORPUS_DIR OUTPUT_DIR     writes langid.bin and langid.json
//   maru_langid measure MODEL.bin LABELLED.jsonl…           rows {"language", "text"}; prints a table and confusions
#include <fmt/format.h>

#include <cstdio>
#include <map>
#include <span>

#include "base/byte_source.h"
#include "base/fields.h"
#include "base/hash.h"
#include "base/interrupt.h"
#include "text/langid/file.h"
#include "text/langid/trainer.h"

namespace maru::text {
namespace {

// packages.tsv in the corpus folder: package, version, SHA-256 of the package file.
Json read_inputs(const LangidConfig& config, const fs::path& corpus) {
  std::map<std::string, std::pair<std::string, std::string>> versions;
  LineReader lines(corpus / "packages.tsv");
  while (const auto line = lines.next()) {
    const size_t first = line->find('\t'), second = line->find('\t', first + 1);
    if (second == std::string_view::npos)
      throw Failure(ErrorCode::kInvalidArgument,
                    fmt::format("packages.tsv:{}: expected three columns", lines.line_number()));
    versions[std::string(line->substr(0, first))] = {std::string(line->substr(first + 1, second - first - 1)),
                                                     std::string(line->substr(second + 1))};
  }
  Json inputs = Json::array();
  for (const std::string& package : config.packages) {
    const auto it = versions.find(package);
    if (it == versions.end()) throw Failure(ErrorCode::kNotFound, "packages.tsv has no line for " + package);
    inputs.push_back(
        {{"role", "raw"}, {"package", package}, {"version", it->second.first}, {"sha256", it->second.second}});
  }
  return inputs;
}

Json notes_of(const LangidTraining& training) {
  Json languages = Json::object();
  for (const auto& [language, paragraphs] : training.trained) {
    const auto it = training.held_out.find(language);
    const LangidAccuracy accuracy = it == training.held_out.end() ? LangidAccuracy{} : it->second;
    languages[language] = {
        {"paragraphs", paragraphs}, {"held_out", accuracy.paragraphs}, {"held_out_right", accuracy.right}};
  }
  return {{"mislabelled_dropped", training.mislabelled}, {"languages", languages}};
}

void train(const fs::path& recipe, const fs::path& corpus, const fs::path& output) {
  const auto config = from_json<LangidConfig>(read_yaml(recipe), recipe.string());
  const Json inputs = read_inputs(config, corpus);
  const LangidTraining training = train_langid(config, corpus);
  const std::string bytes = serialise_langid(training.model);
  write_file(output / "langid.bin", bytes);
  const Json files = Json::array({{{"path", "langid.bin"}, {"sha256", sha256_hex(bytes)}, {"bytes", bytes.size()}}});
  write_json(output / "langid.json", {{"format", 1},
                                      {"kind", "language_identifier"},
                                      {"name", "langid"},
                                      {"seed", config.seed},
                                      {"recipe", to_json(config)},
                                      {"inputs", inputs},
                                      {"files", files},
                                      {"notes", notes_of(training)}});
  int64_t right = 0, all = 0;
  for (const auto& [language, one] : training.held_out) right += one.right, all += one.paragraphs;
  fmt::print("{} languages, {} bytes, held-out paragraphs: {} of {} right\n", training.model.languages.size(),
             bytes.size(), right, all);
}

struct Tally {
  int64_t texts = 0, right = 0;
  std::map<std::string, int64_t> mistakes;
};

void measure(const fs::path& model, std::span<char* const> files) {
  const LanguageIdentifier identifier = LanguageIdentifier::load(model);
  for (const char* file : files) {
    std::map<std::string, Tally> tallies;
    LineReader lines(file);
    while (const auto line = lines.next()) {
      const Json row = parse_json(*line, fmt::format("{}:{}", file, lines.line_number())).value();
      Tally& tally = tallies[row.at("language").get<std::string>()];
      const std::string guess = identifier.identify(row.at("text").get_ref<const std::string&>()).language;
      ++tally.texts;
      guess == row.at("language") ? ++tally.right : ++tally.mistakes[guess];
    }
    for (const auto& [language, tally] : tallies) {
      fmt::print("| {} | {} | {} | {:.2f} % |", fs::path(file).stem().string(), language, tally.texts,
                 100.0 * static_cast<double>(tally.right) / static_cast<double>(tally.texts));
      for (const auto& [guess, count] : tally.mistakes) fmt::print(" {} {}", guess, count);
      fmt::print(" |\n");
    }
  }
}

int run(int argc, char** argv) {
  const std::string verb = argc > 1 ? argv[1] : "";
  if (verb == "train" && argc == 5) return train(argv[2], argv[3], argv[4]), 0;
  if (verb == "measure" && argc > 3) return measure(argv[2], {argv + 3, argv + argc}), 0;
  fmt::print(stderr,
             "usage: maru_langid train RECIPE.yaml CORPUS_DIR OUTPUT_DIR\n"
             "       maru_langid measure MODEL.bin LABELLED.jsonl...\n");
  return 2;
}

}  // namespace
}  // namespace maru::text

int main(int argc, char** argv) {
  try {
    maru::install_interrupt_handler();
    return maru::text::run(argc, argv);
  } catch (const maru::Failure& failure) {
    fmt::print(stderr, "maru_langid: {}\n", failure.what());
    return maru::exit_code_of(failure.code());
  } catch (const std::exception& error) {
    fmt::print(stderr, "maru_langid: {}\n", error.what());
    return 1;
  }
}
