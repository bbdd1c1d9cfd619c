#include "text/langid/langid.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>

#include "text/langid/file.h"

namespace maru::text {
namespace {

constexpr size_t kWindows = 16, kWindowBytes = 1024;
constexpr size_t kLaneBytes = 16;  // weight rows are padded to this, for the vector loop

// The rows of one script's n-grams: an open-addressing table from key to row, and padded rows.
class RowTable {
 public:
  explicit RowTable(const ScriptModel& model)
      : width_((model.languages.size() + kLaneBytes - 1) / kLaneBytes * kLaneBytes),
        shift_(32 - std::bit_width(model.keys.size() * 2 + 1)),
        slots_(size_t{1} << (32 - shift_), Slot{0, -1}),
        rows_(model.keys.size() * width_) {
    for (size_t row = 0; row < model.keys.size(); ++row) {
      const size_t languages = model.languages.size();
      std::memcpy(&rows_[row * width_], &model.weights[row * languages], languages);
      size_t at = model.keys[row] >> shift_;
      while (slots_[at].row >= 0) at = (at + 1) & (slots_.size() - 1);
      slots_[at] = {model.keys[row], static_cast<int32_t>(row)};
    }
  }

  size_t width() const { return width_; }

  /// The row of an n-gram, or null.
  const int8_t* find(uint32_t key) const {
    for (size_t at = key >> shift_;; at = (at + 1) & (slots_.size() - 1)) {
      if (slots_[at].row < 0) return nullptr;
      if (slots_[at].key == key) return &rows_[static_cast<size_t>(slots_[at].row) * width_];
    }
  }

 private:
  struct Slot {
    uint32_t key;
    int32_t row;
  };
  size_t width_;
  int shift_;
  std::vector<Slot> slots_;
  std::vector<int8_t> rows_;
};

// Sums of weight rows: narrow sums are quick to add to, and are emptied into wide ones before they can overflow.
class RowSums {
 public:
  explicit RowSums(const RowTable& table) : table_(table), narrow_(table.width()), wide_(table.width()) {}

  void add(uint32_t key) {
    const int8_t* row = table_.find(key);
    if (row == nullptr) return;
    for (size_t lane = 0; lane < narrow_.size(); lane += kLaneBytes) {
      int16_t* to = &narrow_[lane];
      for (size_t i = 0; i < kLaneBytes; ++i) to[i] = static_cast<int16_t>(to[i] + row[lane + i]);
    }
    if (++pending_ == kMostPending) empty();
  }
  const std::vector<int64_t>& sums() { return empty(), wide_; }

 private:
  static constexpr int kMostPending = 256;  // 256 · 127 < 2^15, and the lowest weight of a file, -128, just fits too
  void empty() {
    for (size_t i = 0; i < wide_.size(); ++i) wide_[i] += narrow_[i];
    std::fill(narrow_.begin(), narrow_.end(), int16_t{0});
    pending_ = 0;
  }
  const RowTable& table_;
  std::vector<int16_t> narrow_;
  std::vector<int64_t> wide_;
  int pending_ = 0;
};

// How much one letter tells, in Latin letters: a Han character or a Hangul syllable stands for several sounds.
double letter_mass(const std::string& script) {
  if (script == "Hani") return 3;
  return script == "Hang" ? 2.5 : 1;
}

void softmax(std::vector<double>& logits) {
  const double highest = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (double& x : logits) sum += x = std::exp(x - highest);
  for (double& x : logits) x /= sum;
}

// Windows at equal distances; a cut inside a UTF-8 sequence only costs that letter.
std::string sample(std::string_view text) {
  std::string windows;
  const size_t stride = (text.size() - kWindowBytes) / (kWindows - 1);
  for (size_t i = 0; i < kWindows; ++i) (windows += text.substr(i * stride, kWindowBytes)) += '\n';
  return windows;
}

}  // namespace

struct LanguageIdentifier::State {
  explicit State(LangidModel content) : model(std::move(content)) {
    model_of_script.fill(-1);
    for (size_t i = 0; i < model.scripts.size(); ++i) {
      model_of_script[model.scripts[i].script] = static_cast<int>(i);
      tables.emplace_back(model.scripts[i]);
      masses.push_back(letter_mass(name_of_script(model.scripts[i].script)));
    }
  }

  std::vector<double> probabilities(std::string_view text) const;
  std::vector<double> script_probabilities(size_t script, const Words& words, double letters) const;
  std::vector<double> script_shares(const std::vector<double>& letters, double unknown) const;

  LangidModel model;
  LetterTable letters;
  std::vector<RowTable> tables;
  std::vector<double> masses;
  Script latin_script = script_of_name("Latn");
  std::array<int, 256> model_of_script{};
};

std::vector<double> LanguageIdentifier::State::script_probabilities(size_t script, const Words& words,
                                                                    double letters) const {
  const ScriptModel& part = model.scripts[script];
  if (part.languages.size() == 1) return {1.0};
  RowSums rows(tables[script]);
  for (const Word& word : words.words)
    if (word.script == part.script)
      for_each_ngram(&words.letters[word.begin], word.end - word.begin, [&](uint32_t key) { rows.add(key); });
  const std::vector<int64_t>& sums = rows.sums();
  std::vector<double> logits(part.languages.size());
  for (size_t i = 0; i < logits.size(); ++i)
    logits[i] = part.bias[i] + part.scale[i] * static_cast<double>(sums[i]) / std::sqrt(letters);
  softmax(logits);
  return logits;
}

// Latin words inside another script are mostly names and terms of a trade: they weigh less the more of the text is in
// the other script. Letters of scripts that the model does not know take their share too, for no language.
std::vector<double> LanguageIdentifier::State::script_shares(const std::vector<double>& letters, double unknown) const {
  double all = unknown, sum = unknown;
  for (const double count : letters) all += count;
  std::vector<double> shares(letters.size());
  for (size_t i = 0; i < letters.size(); ++i) {
    const bool latin = model.scripts[i].script == latin_script;
    const double own = letters[i] / all;
    sum += shares[i] = letters[i] * masses[i] * (latin ? own * own : 1);
  }
  for (double& share : shares) share /= sum;
  return shares;
}

std::vector<double> LanguageIdentifier::State::probabilities(std::string_view text) const {
  Words words = split_words(letters, text);
  if (words.words.empty()) words = split_words(letters, text, true);
  std::vector<double> counts(model.scripts.size()), result(model.languages.size());
  bool known = false;
  double unknown = 0;
  for (const Word& word : words.words) {
    const int i = model_of_script[word.script];
    known |= i >= 0;
    (i >= 0 ? counts[i] : unknown) += word.end - word.begin;
  }
  if (!known) return result;
  const std::vector<double> shares = script_shares(counts, unknown);
  for (size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] == 0) continue;
    const std::vector<double> part = script_probabilities(i, words, counts[i]);
    for (size_t j = 0; j < part.size(); ++j) result[model.scripts[i].languages[j]] += shares[i] * part[j];
  }
  return result;
}

LanguageIdentifier::LanguageIdentifier(LangidModel model) : state_(std::make_shared<State>(std::move(model))) {}

Result<LanguageIdentifier> LanguageIdentifier::parse(std::string_view bytes, std::string_view name) {
  Result<LangidModel> model = parse_langid(bytes, name);
  if (!model) return model.error();
  return LanguageIdentifier(std::move(*model));
}

LanguageIdentifier LanguageIdentifier::load(const fs::path& path) {
  return parse(MappedFile(path).text(), path.string()).value();
}

std::vector<double> LanguageIdentifier::probabilities(std::string_view text) const {
  return state_->probabilities(text);
}

std::vector<LanguageGuess> LanguageIdentifier::rank(std::string_view text) const {
  const bool is_long = text.size() > kWindows * kWindowBytes;
  const std::vector<double> probabilities = state_->probabilities(is_long ? sample(text) : text);
  std::vector<LanguageGuess> guesses;
  double named = 0, all = 0;
  for (size_t i = 0; i < probabilities.size(); ++i) {
    all += probabilities[i];
    if (probabilities[i] == 0 || answer_of(languages()[i]) == kUndetermined) continue;
    guesses.push_back({languages()[i], probabilities[i]});
    named += probabilities[i];
  }
  constexpr double kRounding = 1e-9;
  if (all > 0 && named < 1 - kRounding) guesses.push_back({std::string(kUndetermined), 1 - named});
  std::stable_sort(guesses.begin(), guesses.end(),
                   [](const auto& a, const auto& b) { return a.probability > b.probability; });
  return guesses;
}

LanguageGuess LanguageIdentifier::identify(std::string_view text) const {
  std::vector<LanguageGuess> guesses = rank(text);
  return guesses.empty() ? LanguageGuess{std::string(kUndetermined), 0} : std::move(guesses.front());
}

const std::vector<std::string>& LanguageIdentifier::languages() const { return state_->model.languages; }

std::string LanguageIdentifier::serialise() const { return serialise_langid(state_->model); }

}  // namespace maru::text
