#include "base/fields.h"

#include <algorithm>
#include <numeric>

#include "base/excerpt.h"

namespace maru {
namespace {

constexpr size_t kMaxWord = 64;  // longer ones are no slip of the pen, and the distance costs their product

size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replace = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = row[j];
      row[j] = std::min({replace, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row.back();
}

bool listed(std::string_view choices, std::string_view word) {
  for (size_t at = 0; at <= choices.size();) {
    const size_t bar = std::min(choices.find('|', at), choices.size());
    if (choices.substr(at, bar - at) == word) return true;
    at = bar + 1;
  }
  return false;
}

}  // namespace

std::string nearest(std::string_view word, const std::vector<std::string_view>& known) {
  std::string best;
  if (word.size() > kMaxWord) return best;
  size_t distance = std::max<size_t>(2, word.size() / 2) + 1;
  for (std::string_view candidate : known)
    if (const size_t d = edit_distance(word, candidate); d < distance) distance = d, best = candidate;
  return best;
}

namespace detail {

void refuse_unknown_keys(const JsonNode& node, const std::vector<std::string_view>& known) {
  for (const auto& item : node.json().items()) {
    if (std::find(known.begin(), known.end(), item.key()) != known.end()) continue;
    const std::string near = nearest(item.key(), known);
    node.refuse("unknown key \"" + excerpt(item.key()) + "\"" +
                (near.empty() ? "" : "; did you mean \"" + near + "\"?"));
  }
}

std::string read_choice(const JsonNode& node, std::string_view choices) {
  const std::string& word = node.string();
  if (choices.empty() || listed(choices, word)) return word;
  std::string known(choices);
  std::replace(known.begin(), known.end(), '|', ' ');
  node.fail("one of: " + known);
}

void merge_override(Json& root, std::string_view assignment) {
  const size_t equals = assignment.find('=');
  if (equals == std::string_view::npos || equals == 0)
    throw Failure(ErrorCode::kInvalidArgument, "override \"" + excerpt(assignment) + "\": expected key=value");
  Json* at = &root;
  std::string_view path = assignment.substr(0, equals);
  for (size_t dot; (dot = path.find('.')) != std::string_view::npos; path.remove_prefix(dot + 1)) {
    at = &(*at)[std::string(path.substr(0, dot))];
    if (!at->is_object() && !at->is_null())
      throw Failure(ErrorCode::kInvalidArgument, "override \"" + excerpt(assignment) +
                                                     "\": " + std::string(path.substr(0, dot)) + " is not a section");
  }
  (*at)[std::string(path)] = parse_yaml(assignment.substr(equals + 1), "override " + excerpt(assignment)).value();
}

}  // namespace detail

void apply_overrides(Json& recipe, const std::vector<std::string>& assignments) {
  if (recipe.is_null()) recipe = Json::object();
  for (const std::string& assignment : assignments) detail::merge_override(recipe, assignment);
}

}  // namespace maru
