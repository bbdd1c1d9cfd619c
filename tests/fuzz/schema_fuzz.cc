// JSON Schemas from hostile hands, and behind a zero byte bytes that choose tokens: whatever a schema that was taken
// lets an answer say is JSON when it may end.
#include "base/request_failure.h"
#include "grammar_use.h"

namespace maru::text {

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr size_t kMaxMessage = 4096;
  const auto [source, choices] = two_parts({reinterpret_cast<const char*>(data), size});
  const Result<Json> schema = parse_json(source, "schema", kRequestJson);
  if (!schema.ok()) return 0;
  try {
    const auto grammar = compile_json_schema(JsonNode::of_request(schema.value(), "schema"));
    require(grammar->digest() == compile_json_schema(JsonNode::of_request(schema.value(), "schema"))->digest());
    const Said said = say(grammar, choices);
    if (said.whole) require(parse_json(said.text, "said").ok());
  } catch (const RequestFailure& failure) {
    require(std::string_view(failure.what()).size() <= kMaxMessage);
  }
  return 0;
}

}  // namespace maru::text
