#include "models/weight_names.h"

#include <algorithm>

namespace maru {
namespace {

bool is_number(std::string_view word) {
  return !word.empty() && std::all_of(word.begin(), word.end(), [](char c) { return c >= '0' && c <= '9'; });
}

struct Pattern {
  std::string text;                  // with "*" in the place of numbers
  std::vector<std::string> numbers;  // what they were
};

Pattern pattern_of(const std::string& name) {
  Pattern p;
  for (size_t at = 0; at <= name.size();) {
    const size_t dot = std::min(name.find('.', at), name.size());
    const std::string word = name.substr(at, dot - at);
    if (is_number(word)) p.numbers.push_back(word);
    p.text += (at > 0 ? "." : "") + (is_number(word) ? "*" : word);
    at = dot + 1;
  }
  return p;
}

std::string fill_in(std::string_view pattern, const std::vector<std::string>& numbers) {
  std::string name;
  size_t next = 0;
  for (const char c : pattern) {
    if (c == '*' && next < numbers.size())
      name += numbers[next++];
    else
      name += c;
  }
  return name;
}

/// The rules of this layout for a tensor of theirs.
int64_t count_rules(const std::string& tensor, std::span<const WeightRule> rules, WeightLayout layout) {
  const size_t dot = tensor.rfind('.');
  if (dot == std::string::npos) return 0;
  const std::string module = pattern_of(tensor.substr(0, dot)).text;
  return std::count_if(rules.begin(), rules.end(), [&](const WeightRule& rule) {
    const std::string_view bare = rule.theirs.substr(rule.theirs.find('.') + 1);
    return rule.layout == layout && (rule.theirs == module || bare == module);
  });
}

}  // namespace

WeightPlace place_of(const std::string& parameter, std::span<const WeightRule> rules) {
  const size_t dot = parameter.rfind('.');
  const Pattern module = pattern_of(parameter.substr(0, dot));
  const std::string suffix = parameter.substr(dot);
  const auto rule =
      std::find_if(rules.begin(), rules.end(), [&](const WeightRule& r) { return r.ours == module.text; });
  if (rule == rules.end()) return {.tensor = parameter, .parts = {parameter}};
  WeightPlace place{.tensor = fill_in(rule->theirs, module.numbers) + suffix, .layout = rule->layout};
  for (const WeightRule& r : rules)
    if (r.theirs == rule->theirs) place.parts.push_back(fill_in(r.ours, module.numbers) + suffix);
  return place;
}

bool is_transposed(const std::string& tensor, std::span<const WeightRule> rules) {
  return tensor.ends_with(".weight") && count_rules(tensor, rules, WeightLayout::kTransposed) > 0;
}

int64_t interleaved_parts(const std::string& tensor, std::span<const WeightRule> rules) {
  return count_rules(tensor, rules, WeightLayout::kInterleaved);
}

}  // namespace maru
