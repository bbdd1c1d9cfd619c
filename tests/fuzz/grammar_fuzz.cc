// Regular expressions, GBNF, choices and tags from hostile hands. The first byte chooses which; behind a zero byte are
// bytes that choose tokens. What is said is UTF-8 when it may end, and the same source is the same grammar.
#include "base/request_failure.h"
#include "grammar_use.h"
#include "text/unicode/unicode.h"

namespace maru::text {
namespace {

std::vector<std::string> lines_of(std::string_view source) {
  std::vector<std::string> lines;
  for (size_t begin = 0, end = 0; begin <= source.size(); begin = end + 1) {
    end = std::min(source.size(), source.find('\n', begin));
    lines.emplace_back(source.substr(begin, end - begin));
  }
  return lines;
}

// Three lines for each tag: its begin, its end, what triggers it. What stands between is a number. They come out of
// JSON, and so are UTF-8.
std::shared_ptr<const Grammar> compile_tags(std::string_view source, uint8_t kind) {
  static const Json kInteger = Json::parse(R"({"type":"integer"})");
  if (!is_valid_utf8(source)) refuse("expected UTF-8", "tags");
  StructuralTag structure;
  const std::vector<std::string> lines = lines_of(source);
  for (size_t i = 0; i + 2 < lines.size(); i += 3) {
    structure.tags.push_back({lines[i], JsonNode::of_request(kInteger, "schema"), lines[i + 1]});
    structure.triggers.push_back(lines[i + 2]);
  }
  structure.at_least_one = (kind & 4) != 0;
  structure.only_tags = (kind & 8) != 0;
  structure.stop_after_first = (kind & 16) != 0;
  return compile_structural_tag(structure, "tags");
}

std::shared_ptr<const Grammar> compile(std::string_view source, uint8_t kind) {
  switch (kind % 4) {
    case 0: return compile_regex(source, "regex");
    case 1: return compile_gbnf(source, "grammar");
    case 2: return compile_choice(lines_of(source), "choice");
    default: return compile_tags(source, kind);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr size_t kMaxMessage = 4096;
  if (size == 0) return 0;
  const auto [source, choices] = two_parts({reinterpret_cast<const char*>(data) + 1, size - 1});
  try {
    const auto grammar = compile(source, data[0]);
    require(grammar->digest() == compile(source, data[0])->digest());
    const Said said = say(grammar, choices);
    if (said.whole) require(is_valid_utf8(said.text));
  } catch (const RequestFailure& failure) {
    require(std::string_view(failure.what()).size() <= kMaxMessage && is_valid_utf8(failure.what()));
  }
  return 0;
}

}  // namespace maru::text
