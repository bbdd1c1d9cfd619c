// Trains the language identifier: selects n-grams by mutual information, fits multinomial logistic regression per
// script by AdaGrad, drops mislabelled paragraphs by the first models' judgement, fits again, and quantises to 8 bits.
// The result depends on the recipe and the corpus alone.
#pragma once
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "base/fields.h"
#include "base/file.h"
#include "base/watch.h"
#include "text/langid/langid.h"

namespace maru::text {

struct LangidSource {
  std::string name, licence, files;
  double weight = 1;
  static constexpr auto fields() {
    return std::tuple{
        field("name", &LangidSource::name, "package or data set"),
        field("licence", &LangidSource::licence, "licence of its text"),
        field("files", &LangidSource::files, "path pattern with * ** {language}"),
        field("weight", &LangidSource::weight, "how often it is drawn, beside the root of its size").range(0.01, 100)};
  }
};

struct LangidAlias {
  std::string from, to;
  static constexpr auto fields() {
    return std::tuple{field("from", &LangidAlias::from, "language tag in paths"),
                      field("to", &LangidAlias::to, "language code to use")};
  }
};

struct LangidScript {
  std::string language, script;
  static constexpr auto fields() {
    return std::tuple{field("language", &LangidScript::language, "language code"),
                      field("script", &LangidScript::script, "a further script it is written in, e.g. Latn")};
  }
};

struct LangidConfig {
  std::vector<std::string> packages;
  std::vector<LangidSource> sources;
  std::vector<std::string> languages;
  std::vector<LangidAlias> aliases;
  std::vector<LangidScript> extra_scripts;
  int64_t seed = 1;
  int min_letters = 15, max_letters = 300;
  int max_files = 400, max_paragraphs = 4000;
  int examples = 6000;
  int ngrams_per_language = 560, min_ngrams = 2000;
  int neighbours = 2, ngrams_per_neighbour = 60;
  double unknown_prior = 0.2;
  int epochs = 10;
  double learning_rate = 0.5, l2 = 1e-4;
  int cleaning_rounds = 2, cleaning_epochs = 3;
  double mislabelled = 0.1, untranslated = 0.3;
  static constexpr auto fields() {
    using C = LangidConfig;
    return std::tuple{
        field("packages", &C::packages, "Debian packages and treebanks whose content is the corpus"),
        field("sources", &C::sources, "which files hold which language"),
        field("languages", &C::languages, "ISO 639 codes to learn; others are ignored"),
        field("aliases", &C::aliases, "other tags for the same language"),
        field("extra_scripts", &C::extra_scripts, "further scripts of a language"),
        field("seed", &C::seed, "of sampling and shuffling"),
        field("min_letters", &C::min_letters, "shortest paragraph and example").range(1, 1000),
        field("max_letters", &C::max_letters, "longest example").range(1, 10000),
        field("max_files", &C::max_files, "read per source and language").range(1, 1e9),
        field("max_paragraphs", &C::max_paragraphs, "per source and language").range(1, 1e9),
        field("examples", &C::examples, "per language, script and epoch").range(1, 1e9),
        field("ngrams_per_language", &C::ngrams_per_language, "n-grams kept per language of a script").range(1, 1e6),
        field("min_ngrams", &C::min_ngrams, "n-grams kept for a script with few languages").range(1, 1e6),
        field("neighbours", &C::neighbours, "nearest languages that each is told from by n-grams of its own")
            .range(0, 100),
        field("ngrams_per_neighbour", &C::ngrams_per_neighbour, "further n-grams kept for each").range(0, 1e6),
        field("unknown_prior", &C::unknown_prior,
              "how often a text is in a group that is no language, to a language's 1")
            .range(1e-6, 1),
        field("epochs", &C::epochs, "passes over the examples").range(1, 1000),
        field("learning_rate", &C::learning_rate, "AdaGrad step, falling to zero").range(0, 10),
        field("l2", &C::l2, "weight decay").range(0, 1),
        field("cleaning_rounds", &C::cleaning_rounds, "fits whose judgement cleans the labels").range(0, 100),
        field("cleaning_epochs", &C::cleaning_epochs, "passes of those fits").range(1, 1000),
        field("mislabelled", &C::mislabelled, "drop paragraphs whose label is less likely").range(0, 1),
        field("untranslated", &C::untranslated, "drop paragraphs that are English with more than this").range(0, 1)};
  }
};

struct LangidAccuracy {
  int64_t paragraphs = 0, right = 0;
};

struct LangidTraining {
  LangidModel model;
  std::map<std::string, LangidAccuracy> held_out;  // a tenth of the paragraphs, by hash, not trained on
  std::map<std::string, int64_t> trained;          // paragraphs per language
  int64_t mislabelled = 0;                         // paragraphs dropped by the first models
};

/// `corpus`: the folder that the sources' patterns are relative to.
/// Throws: kInvalidArgument, kNotFound, kDataLoss; kCancelled on Ctrl-C.
/// Source: Cavnar & Trenkle 1994 (n-grams with word boundaries); Duchi, Hazan & Singer 2011 (AdaGrad).
LangidTraining train_langid(const LangidConfig& config, const fs::path& corpus, const Watch& watch = {});

}  // namespace maru::text
