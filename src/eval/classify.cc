#include "eval/classify.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/byte_source.h"
#include "base/json_node.h"
#include "base/progress.h"
#include "base/random.h"
#include "eval/score.h"

namespace maru::eval {
namespace {

struct Example {
  std::string text;
  size_t label;
};

// The label of a value, or labels.size() when the row belongs to none.
size_t label_of(const ClassifyConfig& config, double value) {
  size_t i = 0;
  while (i < config.labels.size() && !(value >= config.labels[i].low && value <= config.labels[i].high)) ++i;
  return i;
}

Example read_example(const ClassifyConfig& config, std::string_view line, const std::string& where) {
  const Json row = parse_json(line, where).value();
  const JsonNode node(row, where);
  return {node[config.text_field].string(), label_of(config, node[config.label_field].number())};
}

struct Drawn {
  std::vector<Example> examples;
  std::string note;
};

// As many of each label as of the rarest, or a model that always gives one answer would look good.
Drawn balanced(const ClassifyConfig& config, std::vector<std::vector<Example>>& kept, Random& random) {
  const auto rarest = std::min_element(kept.begin(), kept.end(), [](auto& a, auto& b) { return a.size() < b.size(); });
  const size_t each = rarest->size();
  const std::string& name = config.labels[static_cast<size_t>(rarest - kept.begin())].name;
  if (each == 0) throw Failure(ErrorCode::kInvalidArgument, config.file + ": no row has label " + name);
  Drawn drawn;
  for (std::vector<Example>& bucket : kept) {
    if (bucket.size() > each) drawn.note = fmt::format("{} of each label, because {} has no more", each, name);
    for (size_t i = 0; bucket.size() > each && i < each; ++i)  // a reservoir is in no random order
      std::swap(bucket[i], bucket[i + random.below(bucket.size() - i)]);
    std::move(bucket.begin(), bucket.begin() + static_cast<std::ptrdiff_t>(each), std::back_inserter(drawn.examples));
  }
  return drawn;
}

// Reservoir sampling (Vitter 1985, algorithm R) of each label, so that a file of any size needs little memory.
Drawn draw(const ClassifyConfig& config) {
  const size_t each =
      static_cast<size_t>(std::max<int64_t>(1, config.samples / static_cast<int64_t>(config.labels.size())));
  std::vector<std::vector<Example>> kept(config.labels.size());
  std::vector<uint64_t> seen(config.labels.size());
  Random random(static_cast<uint64_t>(config.seed));
  LineReader lines(config.file);
  while (const auto line = lines.next()) {
    if (line->find_first_not_of(" \t\r") == std::string_view::npos) continue;
    Example example = read_example(config, *line, fmt::format("{}:{}", config.file, lines.line_number()));
    if (example.label == config.labels.size()) continue;
    std::vector<Example>& bucket = kept[example.label];
    const uint64_t place = random.below(++seen[example.label]);
    if (bucket.size() < each)
      bucket.push_back(std::move(example));
    else if (place < each)
      bucket[place] = std::move(example);
  }
  return balanced(config, kept, random);
}

class Classifier {
 public:
  Classifier(StepMemory& memory, Decoder& model, const text::Tokenizer& tokenizer, const ClassifyConfig& config)
      : memory_(memory), model_(model), tokenizer_(tokenizer), config_(config), prior_(config.labels.size()) {
    if (config.normalise == "unconditional") prior_ = scores_of("");
  }
  size_t predict(const std::string& text) {
    std::vector<double> scores = scores_of(text);
    for (size_t i = 0; i < scores.size(); ++i) scores[i] -= prior_[i];
    return static_cast<size_t>(std::max_element(scores.begin(), scores.end()) - scores.begin());
  }

 private:
  std::vector<double> scores_of(const std::string& text) {
    std::string prompt = config_.prompt;
    if (const size_t at = prompt.find("{text}"); at != std::string::npos) prompt.replace(at, 6, text);
    std::vector<int32_t> tokens = tokenizer_.encode(prompt, {.parse_special = false});
    if (tokenizer_.bos()) tokens.insert(tokens.begin(), *tokenizer_.bos());
    if (tokens.empty())
      throw Failure(ErrorCode::kInvalidArgument,
                    config_.name +
                        ": prompt: expected words around {text}: this tokenizer has no begin token that could "
                        "stand before a label alone");
    std::vector<ScoreRequest> requests;
    for (const LabelConfig& label : config_.labels)
      requests.push_back({tokens, tokenizer_.encode(label.wording, {.parse_special = false})});
    return score(memory_, model_, requests);
  }
  StepMemory& memory_;
  Decoder& model_;
  const text::Tokenizer& tokenizer_;
  const ClassifyConfig& config_;
  std::vector<double> prior_;
};

}  // namespace

ClassifyResult classify(StepMemory& memory, Decoder& model, const text::Tokenizer& tokenizer,
                        const ClassifyConfig& config, const Watch& watch) {
  if (config.labels.size() < 2)
    throw Failure(ErrorCode::kInvalidArgument, config.name + ": labels: expected at least two");
  const Drawn drawn = draw(config);
  const std::vector<Example>& examples = drawn.examples;
  Classifier classifier(memory, model, tokenizer, config);
  Progress progress(watch, config.name, examples.size(), "samples");
  ClassifyResult result{.name = config.name,
                        .samples = static_cast<int64_t>(examples.size()),
                        .correct = 0,
                        .accuracy = {},
                        .chance = 1 / static_cast<double>(config.labels.size()),
                        .note = drawn.note};
  for (const Example& example : examples) {
    watch.throw_if_cancelled();
    result.correct += classifier.predict(example.text) == example.label;
    progress.add(1);
  }
  result.accuracy = wilson_interval(result.correct, result.samples);
  return result;
}

}  // namespace maru::eval
