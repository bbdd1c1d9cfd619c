#include "text/langid/trainer.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <unordered_map>

#include "base/progress.h"
#include "base/random.h"
#include "text/langid/examples.h"

namespace maru::text {
namespace {

constexpr uint32_t kFewestExamples = 20;  // an n-gram in fewer examples is not considered

struct Example {
  std::string_view text;
  uint16_t label = 0;
};

// One example as numbers: its n-grams that the model keeps, counted and divided by √letters.
struct Features {
  std::vector<std::pair<uint32_t, float>> rows;
  uint16_t label = 0;
};

struct ScriptTask {
  Script script = kNoScript;
  std::vector<std::string> languages;
  std::vector<Example> examples;
};

// Keys of the n-grams of `script` in a text, sorted, repetitions included; and the letters in that script.
double collect_keys(const LetterTable& table, std::string_view text, Script script, std::vector<uint32_t>& keys) {
  const Words words = split_words(table, text);
  double letters = 0;
  keys.clear();
  for (const Word& word : words.words) {
    if (word.script != script) continue;
    letters += word.end - word.begin;
    for_each_ngram(&words.letters[word.begin], word.end - word.begin, [&](uint32_t key) { keys.push_back(key); });
  }
  std::sort(keys.begin(), keys.end());
  return letters;
}

// In how many examples of each language an n-gram occurs, for n-grams that are not rare.
class NgramCounts {
 public:
  NgramCounts(const LetterTable& table, const ScriptTask& task)
      : num_languages_(task.languages.size()), totals_(num_languages_) {
    std::unordered_map<uint32_t, uint32_t> all;
    visit(table, task, [&](uint32_t key, uint16_t) { ++all[key]; });
    for (const auto& [key, count] : all)
      if (count >= kFewestExamples) rows_.emplace(key, rows_.size());
    counts_.resize(rows_.size() * num_languages_);
    visit(table, task, [&](uint32_t key, uint16_t label) {
      if (const auto it = rows_.find(key); it != rows_.end()) ++counts_[it->second * num_languages_ + label];
    });
    for (const Example& example : task.examples) ++totals_[example.label];
  }

  // The keys that tell most about the language, and for each language those that tell it from its nearest neighbours,
  // in ascending order. `answers`: of each language; the same one need not be told apart.
  std::vector<uint32_t> best(size_t limit, const LangidConfig& config, const std::vector<std::string>& answers) const {
    std::set<uint32_t> chosen;
    take(limit, chosen, [&](size_t row) { return information(row); });
    for (size_t i = 0; i < num_languages_; ++i)
      for (const size_t j : nearest(i, static_cast<size_t>(config.neighbours), answers))
        take(static_cast<size_t>(config.ngrams_per_neighbour), chosen,
             [&](size_t row) { return pair_information(share(row, i), share(row, j)); });
    return {chosen.begin(), chosen.end()};
  }

 private:
  template <class F>
  void take(size_t limit, std::set<uint32_t>& chosen, const F& score) const {
    std::vector<std::pair<double, uint32_t>> scored;
    for (const auto& [key, row] : rows_)
      if (!chosen.contains(key)) scored.emplace_back(-score(row), key);
    limit = std::min(limit, scored.size());
    std::nth_element(scored.begin(), scored.begin() + static_cast<std::ptrdiff_t>(limit), scored.end());
    for (size_t i = 0; i < limit; ++i) chosen.insert(scored[i].second);
  }
  // By how differently their n-grams are shared out (Bray & Curtis 1957).
  std::vector<size_t> nearest(size_t language, size_t count, const std::vector<std::string>& answers) const {
    std::vector<std::pair<double, size_t>> others;
    for (size_t j = 0; j < num_languages_; ++j) {
      if (answers[j] == answers[language]) continue;
      double apart = 0, sum = 0;
      for (size_t row = 0; row < rows_.size(); ++row) {
        const double a = share(row, language), b = share(row, j);
        apart += std::abs(a - b);
        sum += a + b;
      }
      others.emplace_back(apart / std::max(sum, 1e-9), j);
    }
    std::sort(others.begin(), others.end());
    std::vector<size_t> found;
    for (size_t i = 0; i < std::min(count, others.size()); ++i) found.push_back(others[i].second);
    return found;
  }
  static double part(double p, double q) { return p > 0 ? p * std::log(p / q) : 0; }
  // Mutual information of "the n-gram occurs" and which of two languages it is, in nats.
  static double pair_information(double p, double q) {
    const double mean = (p + q) / 2;
    return (part(p, mean) + part(q, mean) + part(1 - p, 1 - mean) + part(1 - q, 1 - mean)) / 2;
  }
  template <class F>
  static void visit(const LetterTable& table, const ScriptTask& task, const F& f) {
    std::vector<uint32_t> keys;
    for (const Example& example : task.examples) {
      collect_keys(table, example.text, task.script, keys);
      keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
      for (const uint32_t key : keys) f(key, example.label);
    }
  }
  double share(size_t row, size_t language) const {
    return counts_[row * num_languages_ + language] / std::max(1.0, totals_[language]);
  }
  // Mutual information, in nats, of "the n-gram occurs" and the language, all languages being equally likely.
  double information(size_t row) const {
    double mean = 0, sum = 0;
    for (size_t i = 0; i < num_languages_; ++i) mean += share(row, i) / static_cast<double>(num_languages_);
    for (size_t i = 0; i < num_languages_; ++i) sum += part(share(row, i), mean) + part(1 - share(row, i), 1 - mean);
    return sum / static_cast<double>(num_languages_);
  }
  size_t num_languages_;
  std::unordered_map<uint32_t, size_t> rows_;
  std::vector<uint32_t> counts_;
  std::vector<double> totals_;
};

Features featurise(const LetterTable& table, const Example& example, Script script, const std::vector<uint32_t>& kept) {
  Features features{{}, example.label};
  std::vector<uint32_t> keys;
  const double letters = collect_keys(table, example.text, script, keys);
  const auto one = static_cast<float>(1 / std::sqrt(std::max(1.0, letters)));
  for (const uint32_t key : keys) {
    const auto it = std::lower_bound(kept.begin(), kept.end(), key);
    if (it == kept.end() || *it != key) continue;
    const auto row = static_cast<uint32_t>(it - kept.begin());
    if (features.rows.empty() || features.rows.back().first != row) features.rows.emplace_back(row, 0.0f);
    features.rows.back().second += one;
  }
  return features;
}

// Multinomial logistic regression; each n-gram has its own AdaGrad step.
class Regression {
 public:
  Regression(size_t rows, size_t languages)
      : languages_(languages), weights_(rows * languages), squares_(rows), bias_(languages), logits_(languages) {}

  void step(const Features& features, float rate, float l2) {
    predict(features);
    logits_[features.label] -= 1;  // now the gradient of the loss by the logits
    float norm = 0;
    for (const float g : logits_) norm += g * g;
    for (const auto& [row, x] : features.rows) {
      squares_[row] += norm * x * x;
      const float size = rate / std::sqrt(squares_[row] + 1e-6f);
      float* w = &weights_[row * languages_];
      for (size_t i = 0; i < languages_; ++i) w[i] -= size * (x * logits_[i] + l2 * w[i]);
    }
    bias_square_ += norm;
    const float size = 0.1f * rate / std::sqrt(bias_square_ + 1e-6f);
    for (size_t i = 0; i < languages_; ++i) bias_[i] -= size * logits_[i];
  }

  // Rounds each language's weights to [-127, 127] times one scale.
  void quantise(ScriptModel& model) const {
    model.bias = bias_;
    model.scale.assign(languages_, 0);
    model.weights.resize(weights_.size());
    for (size_t i = 0; i < weights_.size(); ++i) {
      float& scale = model.scale[i % languages_];
      scale = std::max(scale, std::abs(weights_[i]) / 127);
    }
    for (size_t i = 0; i < weights_.size(); ++i) {
      const float scale = model.scale[i % languages_];
      model.weights[i] = scale > 0 ? static_cast<int8_t>(std::lround(weights_[i] / scale)) : int8_t{0};
    }
  }

 private:
  void predict(const Features& features) {
    logits_ = bias_;
    for (const auto& [row, x] : features.rows) {
      const float* w = &weights_[row * languages_];
      for (size_t i = 0; i < languages_; ++i) logits_[i] += x * w[i];
    }
    const float highest = *std::max_element(logits_.begin(), logits_.end());
    float sum = 0;
    for (float& x : logits_) sum += x = std::exp(x - highest);
    for (float& x : logits_) x /= sum;
  }
  size_t languages_;
  std::vector<float> weights_, squares_, bias_, logits_;
  float bias_square_ = 0;
};

void shuffle(std::vector<uint32_t>& order, Random& random) {
  for (size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
}

// A source's paragraphs in random order; shuffled anew when all have been drawn.
class Deck {
 public:
  explicit Deck(const std::vector<std::string_view>& texts) : texts_(texts), order_(texts.size()), next_(texts.size()) {
    for (uint32_t i = 0; i < order_.size(); ++i) order_[i] = i;
  }
  std::string_view draw(Random& random) {
    if (next_ == order_.size()) shuffle(order_, random), next_ = 0;
    return texts_[order_[next_++]];
  }

 private:
  const std::vector<std::string_view>& texts_;
  std::vector<uint32_t> order_;
  size_t next_;
};

class Trainer {
 public:
  Trainer(const LangidConfig& config, const Watch& watch) : config_(config), watch_(watch) {}

  LangidModel train(const std::vector<LabelledParagraph>& paragraphs, int epochs) const {
    LangidModel model;
    std::set<std::string> languages;
    for (const LabelledParagraph& one : paragraphs) languages.insert(one.language);
    model.languages.assign(languages.begin(), languages.end());
    for (const ScriptTask& task : tasks(paragraphs)) model.scripts.push_back(fit(task, model.languages, epochs));
    return model;
  }

  const LetterTable& table() const { return table_; }

 private:
  using Texts = std::map<size_t, std::vector<std::string_view>>;  // by source

  // One task per script, in ascending order, with the languages that have text in it.
  std::vector<ScriptTask> tasks(const std::vector<LabelledParagraph>& paragraphs) const {
    std::map<Script, std::map<std::string, Texts>> texts;
    for (const LabelledParagraph& one : paragraphs) {
      if (one.held_out) continue;
      const Script script = main_script(one.text);
      const std::vector<Script> own = scripts_of(config_, one.language);
      if (std::find(own.begin(), own.end(), script) != own.end())
        texts[script][one.language][one.source].push_back(one.text);
    }
    std::vector<ScriptTask> all;
    for (const auto& [script, by_language] : texts) {
      all.push_back({script, {}, {}});
      for (const auto& [language, list] : by_language) add_examples(all.back(), language, list);
    }
    return all;
  }

  Script main_script(std::string_view text) const {
    std::map<Script, uint32_t> counts;
    for (const Word& word : split_words(table_, text).words) counts[word.script] += word.end - word.begin;
    const auto best =
        std::max_element(counts.begin(), counts.end(), [](auto& a, auto& b) { return a.second < b.second; });
    return best == counts.end() ? kNoScript : best->first;
  }

  // Draws sources by the square root of their size, so that a large one does not drown the others' style.
  void add_examples(ScriptTask& task, const std::string& language, const Texts& texts) const {
    const auto label = static_cast<uint16_t>(task.languages.size());
    task.languages.push_back(language);
    Random random(derive_seed(static_cast<uint64_t>(config_.seed), language + name_of_script(task.script)));
    std::vector<Deck> decks;
    std::vector<double> shares;
    double all = 0;
    for (const auto& [source, list] : texts) {
      decks.emplace_back(list);
      shares.push_back(config_.sources[source].weight * std::sqrt(static_cast<double>(list.size())));
      all += shares.back();
    }
    for (int left = config_.examples; left > 0;) {
      double at = random.uniform() * all;
      size_t chosen = 0;
      while (chosen + 1 < decks.size() && (at -= shares[chosen]) >= 0) ++chosen;
      for (const std::string_view piece : cut_paragraph(config_, decks[chosen].draw(random), random))
        task.examples.push_back({piece, label}), --left;
    }
  }

  ScriptModel fit(const ScriptTask& task, const std::vector<std::string>& languages, int epochs) const {
    ScriptModel model{task.script, {}, {}, {}, {}, {}};
    for (const std::string& language : task.languages) {
      const auto at = std::lower_bound(languages.begin(), languages.end(), language) - languages.begin();
      model.languages.push_back(static_cast<uint16_t>(at));
    }
    std::vector<std::string> answers;
    for (const std::string& language : task.languages) answers.emplace_back(answer_of(language));
    Regression regression(0, task.languages.size());
    if (task.languages.size() > 1) {
      const int64_t wanted =
          std::max<int64_t>(config_.min_ngrams, config_.ngrams_per_language * std::ssize(task.languages));
      model.keys = NgramCounts(table_, task).best(static_cast<size_t>(wanted), config_, answers);
      regression = descend(task, model.keys, epochs);
    }
    regression.quantise(model);
    for (size_t i = 0; i < answers.size(); ++i)  // the examples have all labels alike often
      if (answers[i] == kUndetermined) model.bias[i] += static_cast<float>(std::log(config_.unknown_prior));
    return model;
  }

  Regression descend(const ScriptTask& task, const std::vector<uint32_t>& keys, int epochs) const {
    std::vector<Features> features;
    for (const Example& example : task.examples) features.push_back(featurise(table_, example, task.script, keys));
    std::vector<uint32_t> order(features.size());
    for (uint32_t i = 0; i < order.size(); ++i) order[i] = i;
    Regression regression(keys.size(), task.languages.size());
    Random random(derive_seed(static_cast<uint64_t>(config_.seed), "order" + name_of_script(task.script)));
    const uint64_t steps = features.size() * static_cast<uint64_t>(epochs);
    Progress progress(watch_, "fitting " + name_of_script(task.script), steps, "examples");
    uint64_t done = 0;
    for (int epoch = 0; epoch < epochs; ++epoch) {
      watch_.throw_if_cancelled();
      shuffle(order, random);
      for (const uint32_t i : order) {
        const double left = 1 - static_cast<double>(done++) / static_cast<double>(steps);
        regression.step(features[i], static_cast<float>(config_.learning_rate * left), static_cast<float>(config_.l2));
      }
      progress.update(done);
    }
    return regression;
  }

  const LangidConfig& config_;
  Watch watch_;
  LetterTable table_;
};

// Mixed-up paragraphs, which the model finds unlikely for their label, and untranslated ones, which it takes for
// English.
int64_t drop_mislabelled(const LangidConfig& config, const LanguageIdentifier& judge,
                         std::vector<LabelledParagraph>& paragraphs) {
  const std::vector<std::string>& languages = judge.languages();
  const auto number = [&](const std::string& language) {
    const auto at = std::lower_bound(languages.begin(), languages.end(), language);
    return at != languages.end() && *at == language ? static_cast<size_t>(at - languages.begin()) : languages.size();
  };
  const size_t english = number("en");
  const size_t dropped = std::erase_if(paragraphs, [&](const LabelledParagraph& one) {
    if (one.held_out) return false;  // the measure stays as it is
    const std::vector<double> p = judge.probabilities(one.text);
    const bool untranslated = one.language != "en" && english < p.size() && p[english] > config.untranslated;
    return untranslated || p[number(one.language)] < config.mislabelled;
  });
  return static_cast<int64_t>(dropped);
}

}  // namespace

LangidTraining train_langid(const LangidConfig& config, const fs::path& corpus, const Watch& watch) {
  const Trainer trainer(config, watch);
  LangidTraining result;
  std::vector<LabelledParagraph> paragraphs = gather_paragraphs(config, corpus, trainer.table(), watch);
  for (int round = 0; round < config.cleaning_rounds; ++round) {
    const LanguageIdentifier judge(trainer.train(paragraphs, config.cleaning_epochs));
    result.mislabelled += drop_mislabelled(config, judge, paragraphs);
  }
  result.model = trainer.train(paragraphs, config.epochs);
  const LanguageIdentifier identifier(result.model);
  for (const LabelledParagraph& one : paragraphs) {
    if (!one.held_out) {
      ++result.trained[one.language];
      continue;
    }
    LangidAccuracy& accuracy = result.held_out[one.language];
    ++accuracy.paragraphs;
    accuracy.right += identifier.identify(one.text).language == answer_of(one.language);
  }
  return result;
}

}  // namespace maru::text
