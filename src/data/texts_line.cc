// Parsing of texts to be embedded, apart from packing because it is a parser of outside bytes. The spellings are those
// of NeMo (query, pos_doc, neg_doc; question), sentence-transformers (anchor, positive, negative, negative_1; query,
// answer; sentence1, sentence2, score or label) and FlagEmbedding (pos, neg).
#include <fmt/format.h>

#include <algorithm>

#include "base/json_node.h"
#include "data/pack.h"

namespace maru::data {
namespace {

constexpr const char* kQueries[] = {"query", "anchor", "question"};
constexpr const char* kPositives[] = {"pos_doc", "positive", "positives", "pos", "answer"};
constexpr const char* kNegatives[] = {"neg_doc", "negative", "negatives", "neg"};
constexpr const char* kScores[] = {"score", "label"};

template <size_t kCount>
std::string list_of(const char* const (&names)[kCount]) {
  std::string list;
  for (const char* name : names) list += fmt::format("{}\"{}\"", list.empty() ? "" : " or ", name);
  return list;
}

/// The one field of these names that there is; missing: none.
template <size_t kCount>
JsonNode one_of(const JsonNode& line, const char* const (&names)[kCount]) {
  JsonNode found = line[names[0]];
  for (const char* name : names) {
    const JsonNode node = line[name];
    if (node.is_missing() || node.where() == found.where()) continue;
    if (!found.is_missing()) node.refuse("says what " + found.where() + " says already");
    found = node;
  }
  return found;
}

std::string field_of(const JsonNode& line, const JsonNode& node) {
  const std::string& where = node.where();
  const std::string before = line.where();
  const std::string field = where.starts_with(before) ? where.substr(before.size()) : where;
  return field.substr(std::min(field.size(), field.find_first_not_of(": ")));
}

NamedText text_at(const JsonNode& line, const JsonNode& node) {
  const std::string& text = node.string();
  if (text.find_first_not_of(" \t\r\n") == std::string::npos) node.refuse("is empty: expected a text");
  return {text, field_of(line, node)};
}

/// A text, or a list of texts; `to` gets them.
void read_texts(const JsonNode& line, const JsonNode& node, std::vector<NamedText>& to) {
  if (!node.is_array()) return to.push_back(text_at(line, node));
  for (const JsonNode& one : node.elements()) to.push_back(text_at(line, one));
}

// negative_1, negative_2, …
bool is_numbered_negative(std::string_view key) {
  constexpr std::string_view kBegin = "negative_";
  return key.starts_with(kBegin) && key.size() > kBegin.size() &&
         key.find_first_not_of("0123456789", kBegin.size()) == std::string_view::npos;
}

void refuse_repeated(const JsonNode& line, const TextsLine& read) {
  for (const NamedText& negative : read.negatives)
    for (const NamedText& positive : read.positives)
      if (negative.text == positive.text) line.refuse(negative.field + ": is the same as " + positive.field);
}

TextsLine read_scored(const JsonNode& line, double highest) {
  const JsonNode score = one_of(line, kScores);
  if (score.is_missing()) score.fail("a number: how much sentence1 and sentence2 are about the same");
  TextsLine read{.query = text_at(line, line["sentence1"]), .positives = {text_at(line, line["sentence2"])}};
  const double value = score.number();
  if (value < 0 || value > highest)
    score.refuse(fmt::format("{} is outside 0 to {}: say what the highest score is (highest_score, --highest-score)",
                             value, highest));
  read.score = value / highest;
  return read;
}

TextsLine read_line(const JsonNode& line, double highest) {
  line.object();
  if (!line["sentence1"].is_missing() || !line["sentence2"].is_missing()) return read_scored(line, highest);
  const JsonNode query = one_of(line, kQueries), positive = one_of(line, kPositives);
  if (query.is_missing()) query.fail("a text in " + list_of(kQueries));
  if (positive.is_missing()) positive.fail("a text, or a list of them, in " + list_of(kPositives));
  TextsLine read{.query = text_at(line, query)};
  read_texts(line, positive, read.positives);
  if (read.positives.empty()) positive.fail("one text at least");
  if (const JsonNode negative = one_of(line, kNegatives); !negative.is_null())
    read_texts(line, negative, read.negatives);
  for (const auto& [key, node] : line.members())
    if (is_numbered_negative(key) && !node.is_null()) read_texts(line, node, read.negatives);
  refuse_repeated(line, read);
  return read;
}

}  // namespace

Result<TextsLine> parse_texts(std::string_view line, std::string_view where, double highest) {
  const Result<Json> json = parse_json(line, where, {.unique_keys = true});
  if (!json) return json.error();
  try {
    return read_line(JsonNode(json.value(), std::string(where)), highest);
  } catch (const Failure& failure) {
    return failure.error();
  }
}

}  // namespace maru::data
