#include "text/langid/examples.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "base/hash.h"
#include "base/progress.h"
#include "text/langid/corpus.h"

namespace maru::text {
namespace {

constexpr double kLatinShare = 0.9, kOtherShare = 0.5;  // of a paragraph's letters, in the language's own scripts
constexpr uint64_t kHeldOutOneIn = 10;

bool contains(const auto& values, const auto& value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

std::string label_of(const LangidConfig& config, std::string_view tag) {
  const std::string language = base_language(tag);
  for (const LangidAlias& alias : config.aliases)
    if (alias.from == tag || alias.from == language) return alias.to;
  return language;
}

// The hash of a paragraph's letters, or nothing if it is too short or in the wrong script.
std::optional<uint64_t> fitting_key(const LangidConfig& config, const LetterTable& table, std::string_view text,
                                    const std::vector<Script>& scripts) {
  const Words words = split_words(table, text);
  size_t own = 0;
  for (const Word& word : words.words)
    if (contains(scripts, word.script)) own += word.end - word.begin;
  const bool latin = contains(scripts, script_of_name("Latn"));
  const double needed = static_cast<double>(words.letters.size()) * (latin ? kLatinShare : kOtherShare);
  if (own < static_cast<size_t>(config.min_letters) || static_cast<double>(own) < needed) return std::nullopt;
  return hash64({reinterpret_cast<const char*>(words.letters.data()), words.letters.size() * sizeof(uint32_t)});
}

class Gatherer {
 public:
  Gatherer(const LangidConfig& config, const LetterTable& table) : config_(config), table_(table) {
    for (const std::string& language : config.languages) scripts_[language] = scripts_of(config, language);
  }

  // The first source whose pattern fits a file takes it.
  void find(const fs::path& corpus) {
    std::vector<bool> found(config_.sources.size());
    for (const fs::path& path : list_files(corpus)) {
      const std::string relative = path.lexically_relative(corpus).generic_string();
      for (size_t i = 0; i < found.size(); ++i) {
        std::string tag;
        if (!match_path(config_.sources[i].files, relative, tag)) continue;
        found[i] = true;
        if (const auto it = scripts_.find(label_of(config_, tag)); it != scripts_.end())
          files_.push_back({path, it->first, i});
        break;
      }
    }
    for (size_t i = 0; i < found.size(); ++i)
      if (!found[i])
        throw Failure(ErrorCode::kNotFound,
                      "source " + config_.sources[i].name + ": no file fits " + config_.sources[i].files);
    bound_files(corpus);
  }

  std::vector<LabelledParagraph> read(const Watch& watch) {
    Progress progress(watch, "reading", files_.size(), "files");
    for (const File& file : files_) {
      watch.throw_if_cancelled();
      read_file(file);
      progress.add(1);
    }
    return std::move(paragraphs_);
  }

 private:
  struct File {
    fs::path path;
    std::string language;
    size_t source;
  };
  // Some sources have thousands of small files: those whose paths have the lowest hashes are a fair sample.
  void bound_files(const fs::path& corpus) {
    const auto order = [&](const File& file) { return hash64(file.path.lexically_relative(corpus).generic_string()); };
    std::stable_sort(files_.begin(), files_.end(), [&](const File& a, const File& b) { return order(a) < order(b); });
    std::map<std::pair<std::string, size_t>, int> counts;
    std::erase_if(files_, [&](const File& one) { return ++counts[{one.language, one.source}] > config_.max_files; });
  }
  void read_file(const File& file) {
    for (std::string& text : read_paragraphs(file.path)) {
      const auto key = fitting_key(config_, table_, text, scripts_[file.language]);
      if (key) paragraphs_.push_back({std::move(text), file.language, *key, file.source, *key % kHeldOutOneIn == 0});
    }
  }

  const LangidConfig& config_;
  const LetterTable& table_;
  std::map<std::string, std::vector<Script>> scripts_;
  std::vector<File> files_;
  std::vector<LabelledParagraph> paragraphs_;
};

// Of paragraphs with the same letters, one stays: if all have one label, or the English one.
void drop_repeated(std::vector<LabelledParagraph>& paragraphs) {
  std::stable_sort(paragraphs.begin(), paragraphs.end(), [](const auto& a, const auto& b) { return a.key < b.key; });
  std::vector<LabelledParagraph> kept;
  for (size_t begin = 0, end = 0; begin < paragraphs.size(); begin = end) {
    size_t chosen = begin;
    bool several = false;
    for (end = begin; end < paragraphs.size() && paragraphs[end].key == paragraphs[begin].key; ++end) {
      several |= paragraphs[end].language != paragraphs[begin].language;
      if (paragraphs[end].language == "en") chosen = end;
    }
    if (!several || paragraphs[chosen].language == "en") kept.push_back(std::move(paragraphs[chosen]));
  }
  paragraphs = std::move(kept);
}

// Paragraphs are in order of their hashes, so the first ones are a fair sample.
void bound_each_source(std::vector<LabelledParagraph>& paragraphs, int64_t limit) {
  std::map<std::pair<std::string, size_t>, int64_t> counts;
  std::erase_if(paragraphs, [&](const auto& one) { return ++counts[{one.language, one.source}] > limit; });
}

}  // namespace

std::vector<Script> scripts_of(const LangidConfig& config, const std::string& language) {
  const auto known = [&](Script script) {
    if (script == kNoScript) throw Failure(ErrorCode::kInvalidArgument, "no script is known for language " + language);
    return script;
  };
  std::vector<Script> scripts{known(usual_script(language))};
  for (const LangidScript& extra : config.extra_scripts)
    if (extra.language == language) scripts.push_back(known(script_of_name(extra.script)));
  return scripts;
}

std::vector<LabelledParagraph> gather_paragraphs(const LangidConfig& config, const fs::path& corpus,
                                                 const LetterTable& table, const Watch& watch) {
  Gatherer gatherer(config, table);
  gatherer.find(corpus);
  std::vector<LabelledParagraph> paragraphs = gatherer.read(watch);
  drop_repeated(paragraphs);
  bound_each_source(paragraphs, config.max_paragraphs);
  std::stable_sort(paragraphs.begin(), paragraphs.end(),
                   [](const auto& a, const auto& b) { return a.language < b.language; });
  return paragraphs;
}

std::vector<std::string_view> cut_paragraph(const LangidConfig& config, std::string_view text, Random& random) {
  constexpr int kSpaceWithin = 12;  // code points to wait for a space
  std::vector<std::string_view> pieces;
  const double low = std::log(config.min_letters), high = std::log(config.max_letters);
  size_t begin = 0;
  while (begin < text.size()) {
    const int target = static_cast<int>(std::exp(low + (high - low) * random.uniform()));
    size_t end = begin;
    for (int count = 0; end < text.size(); ++end) {
      if ((text[end] & 0xC0) != 0x80) ++count;
      if (count > target + kSpaceWithin || (count > target && text[end] == ' ')) break;
    }
    pieces.push_back(text.substr(begin, end - begin));
    begin = end;
  }
  return pieces;
}

}  // namespace maru::text
