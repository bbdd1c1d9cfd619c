#include "api/openai/answer_form.h"

#include <string>
#include <utility>
#include <vector>

#include "base/json_node.h"
#include "base/request_failure.h"
#include "text/grammar/compile.h"

namespace maru::api::openai {
namespace {

using Form = std::shared_ptr<const text::Grammar>;

void take_only(const JsonNode& node, const std::vector<std::string_view>& known) {
  detail::refuse_unknown_keys(node.object(), known);
}

Form schema_form(const JsonNode& node) {
  if (!node.is_string()) return text::compile_json_schema(node);
  const Result<Json> parsed = parse_json(node.string(), node.where());  // vLLM takes it as text too
  if (!parsed) node.refuse("expected a JSON Schema, or one as text");
  return text::compile_json_schema(JsonNode::of_request(parsed.value(), node.where()));
}

Form choice_form(const JsonNode& node) {
  std::vector<std::string> texts;
  for (const JsonNode& one : node.elements()) texts.push_back(one.string());
  return text::compile_choice(texts, node.where());
}

Form tag_form(const JsonNode& node) {
  text::StructuralTag structure;
  for (const JsonNode& tag : node["structures"].elements()) {
    take_only(tag, {"begin", "schema", "end"});
    structure.tags.push_back({tag["begin"].string(), tag["schema"], tag["end"].string()});
  }
  for (const JsonNode& trigger : node["triggers"].elements()) structure.triggers.push_back(trigger.string());
  structure.at_least_one = node["at_least_one"].boolean(false);
  structure.stop_after_first = node["stop_after_first"].boolean(false);
  return text::compile_structural_tag(structure, node.where());
}

Form response_format(const JsonNode& node) {
  if (node.is_null()) return nullptr;
  const std::string type = node["type"].string();
  if (type == "text") return take_only(node, {"type"}), nullptr;
  if (type == "json_object") return take_only(node, {"type"}), text::compile_json_object();
  if (type == "structural_tag") {
    take_only(node, {"type", "structures", "triggers", "at_least_one", "stop_after_first"});
    return tag_form(node);
  }
  if (type != "json_schema") node["type"].fail("one of: text json_object json_schema structural_tag");
  take_only(node, {"type", "json_schema"});
  const JsonNode named = node["json_schema"];
  take_only(named, {"name", "description", "schema", "strict"});
  if (named["schema"].is_missing()) return text::compile_json_object();
  return text::compile_json_schema(named["schema"]);
}

/// Both generations of constraints by keyword: the fields of `structured_outputs` and those with "guided_" before them.
/// White space is ours to choose, and which engine is used is nobody's business.
class Keywords {
 public:
  void take(const JsonNode& object, const std::string& prefix) {
    if (object.is_null()) return;
    for (const auto& [name, value] : object.members()) {
      if (!name.starts_with(prefix)) value.unsupported("this field");
      if (!value.is_null()) take_one(name.substr(prefix.size()), value);
    }
  }
  void take_one(const std::string& name, const JsonNode& value) {
    if (name == "json") return add(value, schema_form(value));
    if (name == "regex") return add(value, text::compile_regex(value.string(), value.where()));
    if (name == "choice") return add(value, choice_form(value));
    if (name == "grammar") return add(value, text::compile_gbnf(value.string(), value.where()));
    if (name == "json_object") return value.boolean() ? add(value, text::compile_json_object()) : void();
    if (name == "structural_tag") return take_tag(value);
    if (name == "decoding_backend" || name == "disable_fallback") return;
    if (name == "disable_any_whitespace" && value.json() == false) return;
    refuse(value.where() + ": is not supported by this server", value.where(), "unsupported_parameter");
  }
  void add(const JsonNode& field, Form form) {
    if (form == nullptr) return;
    if (form_ != nullptr)
      refuse(field.where() + ": an answer has one form, and " + first_ + " asks for another", field.where());
    form_ = std::move(form);
    first_ = field.where();
  }
  Form take() { return std::move(form_); }

 private:
  void take_tag(const JsonNode& value) {
    if (!value.is_string()) return add(value, response_format(value));
    const Result<Json> parsed = parse_json(value.string(), value.where());
    if (!parsed) value.refuse("expected a structural tag, or one as text");
    add(value, response_format(JsonNode::of_request(parsed.value(), value.where())));
  }
  Form form_;
  std::string first_;
};

}  // namespace

std::shared_ptr<const text::Grammar> read_answer_form(const CommonRequest& request) {
  Keywords keywords;
  const JsonNode format = JsonNode::of_request(request.response_format, "response_format");
  keywords.add(format, response_format(format));
  keywords.take(JsonNode::of_request(request.structured_outputs, "structured_outputs"), "");
  keywords.take(JsonNode::of_request(request.nvext, "nvext"), "guided_");
  for (const auto& [name, value] :
       {std::pair("guided_json", &request.guided_json), std::pair("guided_choice", &request.guided_choice),
        std::pair("guided_regex", &request.guided_regex), std::pair("guided_grammar", &request.guided_grammar),
        std::pair("guided_decoding_backend", &request.guided_decoding_backend)})
    if (!value->is_null())
      keywords.take_one(std::string(name).substr(std::string("guided_").size()), JsonNode::of_request(*value, name));
  return keywords.take();
}

std::optional<JsonNode> read_text_schema(const CommonRequest& request) {
  static const Json kAnyObject{{"type", "object"}};
  const JsonNode format = JsonNode::of_request(request.response_format, "response_format");
  if (format.is_null()) return std::nullopt;
  const Json& type = format["type"].json();
  const JsonNode schema = type == "json_schema" ? format["json_schema"]["schema"] : format["schema"];
  if (type != "json_schema" && type != "json_object") return std::nullopt;
  return schema.is_missing() ? JsonNode::of_request(kAnyObject, "response_format") : schema;
}

}  // namespace maru::api::openai
