#include "text/grammar/schema_reader.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/excerpt.h"
#include "base/utf8.h"
#include "text/grammar/regex_parser.h"

namespace maru::text::grammar {
namespace {

const Json& false_schema() {
  static const Json kFalse = false;
  return kFalse;
}

bool is_annotation(std::string_view key) {
  static constexpr std::string_view kAnnotations[]{
      "title",       "description",     "default",          "examples",      "example",       "$comment",
      "deprecated",  "readOnly",        "writeOnly",        "$schema",       "$vocabulary",   "$defs",
      "definitions", "contentEncoding", "contentMediaType", "contentSchema", "discriminator", "externalDocs",
      "xml",         "$anchor",         "$dynamicAnchor",   "minContains",   "maxContains"};  // the last two speak of
                                                                                              // contains only
  return key.starts_with("x-") ||
         std::find(std::begin(kAnnotations), std::end(kAnnotations), key) != std::end(kAnnotations);
}

constexpr size_t kExactBoundDigits = 18;

bool is_mere_reference(const JsonNode& schema) {
  if (!schema.is_object() || !schema.json().contains("$ref")) return false;
  for (const auto& [key, value] : schema.json().items())
    if (key != "$ref" && !is_annotation(key)) return false;
  return true;
}

uint64_t count_of(const JsonNode& value) {
  const Json& json = value.json();
  if (json.is_number_unsigned()) return json.get<uint64_t>();
  if (json.is_number_float() && json.get<double>() == std::floor(json.get<double>()) && json.get<double>() >= 0 &&
      json.get<double>() < 1e15)
    return static_cast<uint64_t>(json.get<double>());
  if (!json.is_number_integer() || json.get<int64_t>() < 0) value.fail("a whole number of at least 0");
  return static_cast<uint64_t>(json.get<int64_t>());
}

// Of a URI's fragment: %25 and the like.
std::string percent_decoded(std::string_view text) {
  const auto hex = [](char c) { return std::string_view("0123456789abcdef").find(static_cast<char>(c | 0x20)); };
  std::string decoded;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool escape = text[i] == '%' && i + 2 < text.size() && hex(text[i + 1]) < 16 && hex(text[i + 2]) < 16;
    decoded += escape ? static_cast<char>(hex(text[i + 1]) * 16 + hex(text[i + 2])) : text[i];
    if (escape) i += 2;
  }
  return decoded;
}

std::string pointer_decoded(std::string_view part) {
  std::string decoded;
  for (size_t i = 0; i < part.size(); ++i) {
    const bool escape = part[i] == '~' && i + 1 < part.size() && (part[i + 1] == '0' || part[i + 1] == '1');
    decoded += escape ? (part[++i] == '0' ? '~' : '/') : part[i];
  }
  return decoded;
}

}  // namespace

const std::map<std::string_view, SchemaReader::Handler>& SchemaReader::handlers() {
  using R = SchemaReader;
  static const std::map<std::string_view, Handler> kHandlers{{"$id", &R::identifier},
                                                             {"type", &R::type},
                                                             {"const", &R::constant},
                                                             {"enum", &R::enumeration},
                                                             {"$ref", &R::reference},
                                                             {"allOf", &R::all_of},
                                                             {"anyOf", &R::any_of},
                                                             {"oneOf", &R::one_of},
                                                             {"not", &R::negation},
                                                             {"if", &R::condition},
                                                             {"then", &R::branch},
                                                             {"else", &R::branch},
                                                             {"minLength", &R::min_length},
                                                             {"maxLength", &R::max_length},
                                                             {"pattern", &R::text_pattern},
                                                             {"format", &R::format},
                                                             {"minimum", &R::minimum},
                                                             {"maximum", &R::maximum},
                                                             {"exclusiveMinimum", &R::exclusive_minimum},
                                                             {"exclusiveMaximum", &R::exclusive_maximum},
                                                             {"multipleOf", &R::multiple_of},
                                                             {"items", &R::nothing},
                                                             {"prefixItems", &R::nothing},
                                                             {"minItems", &R::min_items},
                                                             {"maxItems", &R::max_items},
                                                             {"uniqueItems", &R::unique_items},
                                                             {"properties", &R::nothing},
                                                             {"patternProperties", &R::nothing},
                                                             {"additionalProperties", &R::nothing},
                                                             {"required", &R::required},
                                                             {"minProperties", &R::min_properties},
                                                             {"maxProperties", &R::max_properties},
                                                             {"propertyNames", &R::property_names},
                                                             {"dependentRequired", &R::only_if_empty},
                                                             {"dependentSchemas", &R::only_if_empty},
                                                             {"dependencies", &R::only_if_empty},
                                                             {"unevaluatedItems", &R::only_if_true},
                                                             {"unevaluatedProperties", &R::only_if_true},
                                                             {"nullable", &R::only_if_false}};
  return kHandlers;
}

Schemas SchemaReader::simplified(const Schemas& schemas) {
  Schemas kept;
  std::set<const Json*> known;
  for (const JsonNode& given : schemas) {
    JsonNode schema = given;
    std::set<const Json*> passed;
    while (is_mere_reference(schema) && passed.insert(&schema.json()).second) schema = target_of(schema["$ref"]);
    const Json& json = schema.json();
    const bool anything = (json.is_boolean() && json.get<bool>()) || (json.is_object() && json.empty()) ||
                          is_mere_reference(schema);  // to itself, which asks nothing
    if (!anything && known.insert(&json).second) kept.push_back(std::move(schema));
  }
  return kept;
}

Constraints SchemaReader::gathered(const Schemas& schemas) {
  Constraints made(schemas.empty() ? root_ : schemas[0]);
  now_ = &made;
  seen_.clear();
  for (const JsonNode& schema : schemas) gather(schema, 0);
  now_ = nullptr;
  return made;
}

void SchemaReader::gather(const JsonNode& schema, size_t depth) {
  if (depth > kMaxDepth) schema.refuse("schemas hold at once more than " + std::to_string(kMaxDepth) + " deep");
  if (!seen_.insert(&schema.json()).second) return;
  if (schema.json().is_boolean()) {
    if (!schema.boolean()) now_->types = 0, now_->any = false;
    return;
  }
  if (!schema.is_object()) schema.fail("a schema: an object, true or false");
  const Json& json = schema.json();
  look_at(json.size() + 1, schema);
  for (auto it = json.begin(); it != json.end(); ++it) {
    if (is_annotation(it.key())) continue;
    const auto handler = handlers().find(it.key());
    if (handler == handlers().end())
      schema[it.key()].refuse("the keyword \"" + excerpt(it.key()) + "\" is not supported");
    static constexpr std::string_view kApplicators[]{"$ref", "$id", "allOf", "anyOf", "oneOf"};
    if (std::find(std::begin(kApplicators), std::end(kApplicators), it.key()) == std::end(kApplicators))
      now_->any = false;
    depth_ = depth;
    (this->*handler->second)(schema[it.key()], schema);
  }
  if (json.contains("items") || json.contains("prefixItems")) gather_elements(schema);
  for (const char* key : {"properties", "patternProperties", "additionalProperties"})
    if (json.contains(key)) return gather_members(schema);
}

// What is read again for each combination of alternatives adds up.
void SchemaReader::look_at(size_t count, const JsonNode& place) {
  looked_ += count;
  if (looked_ > kMaxKeywords) place.refuse("the schema is too large, or has too many combinations of alternatives");
}

void SchemaReader::gather_elements(const JsonNode& schema) {
  ElementSchemas list;
  if (schema["items"].is_array()) schema["items"].refuse("a list is not supported here: call it \"prefixItems\"");
  if (schema.json().contains("prefixItems")) list.prefix = schema["prefixItems"].elements();
  if (list.prefix.size() > kMaxProperties)
    schema["prefixItems"].refuse("expected at most " + std::to_string(kMaxProperties) + " schemas");
  if (schema.json().contains("items")) list.rest = schema["items"];
  now_->lists.push_back(std::move(list));
}

void SchemaReader::gather_members(const JsonNode& schema) {
  MemberSchemas object;
  object.named = schema["properties"].is_null() ? std::vector<NamedNode>() : schema["properties"].members();
  look_at(object.named.size(), schema);
  if (object.named.size() > kMaxProperties)
    schema["properties"].refuse("expected at most " + std::to_string(kMaxProperties) + " members");
  if (schema.json().contains("patternProperties"))
    for (const auto& [text, member] : schema["patternProperties"].members())
      object.patterned.emplace_back(pattern(text, member), member);
  if (schema.json().contains("additionalProperties")) object.other = schema["additionalProperties"];
  now_->objects.push_back(std::move(object));
}

void SchemaReader::identifier(const JsonNode& value, const JsonNode& schema) {
  if (&schema.json() != &root_.json()) value.refuse("\"$id\" inside of a schema is not supported");
}

void SchemaReader::type(const JsonNode& value, const JsonNode&) {
  static const std::map<std::string_view, unsigned> kTypes{
      {"null", json_types::kNull},     {"boolean", json_types::kBoolean}, {"integer", json_types::kInteger},
      {"number", json_types::kNumber}, {"string", json_types::kString},   {"array", json_types::kArray},
      {"object", json_types::kObject}};
  unsigned types = 0;
  const auto add = [&](const JsonNode& name) {
    const auto it = name.is_string() ? kTypes.find(name.string()) : kTypes.end();
    if (it == kTypes.end()) name.fail("null, boolean, integer, number, string, array or object");
    types |= it->second;
  };
  if (value.is_array())
    for (const JsonNode& name : value.elements()) add(name);
  else
    add(value);
  restrict_types(types);
}

void SchemaReader::constant(const JsonNode& value, const JsonNode&) { now_->values.push_back({&value.json()}); }

void SchemaReader::enumeration(const JsonNode& value, const JsonNode&) {
  std::vector<const Json*> list;
  if (value.size() > kMaxValues) value.refuse("expected at most " + std::to_string(kMaxValues) + " values");
  look_at(value.size(), value);
  for (size_t i = 0; i < value.size(); ++i) list.push_back(&value.json()[i]);
  now_->values.push_back(std::move(list));
}

void SchemaReader::reference(const JsonNode& value, const JsonNode&) { gather(target_of(value), depth_ + 1); }

JsonNode SchemaReader::target_of(const JsonNode& reference) {
  std::string_view text = reference.string();
  const Json& root = root_.json();
  if (root.is_object())
    if (const auto id = root.find("$id"); id != root.end() && id->is_string() &&
                                          !id->get_ref<const std::string&>().empty() &&
                                          text.starts_with(id->get_ref<const std::string&>()))
      text.remove_prefix(id->get_ref<const std::string&>().size());
  if (text.empty() || text == "#") return root_;
  if (text.starts_with('#') && !text.starts_with("#/")) return at_anchor(reference, std::string(text.substr(1)));
  if (!text.starts_with("#/"))
    reference.refuse("a reference must lead to a place in this schema (#/…), got \"" + excerpt(text) + "\"");
  return at_pointer(reference, text.substr(2));
}

JsonNode SchemaReader::at_anchor(const JsonNode& reference, const std::string& name) {
  std::vector<JsonNode> open{root_}, found;
  for (size_t i = 0; i < open.size(); ++i) {
    const JsonNode at = open[i];
    if (at.is_array())
      for (size_t k = 0; k < at.size(); ++k)
        if (at.json()[k].is_structured()) open.push_back(at.at(k));
    if (!at.is_object()) continue;
    for (const auto& [key, value] : at.json().items()) {
      const bool names = (key == "$anchor" || key == "$dynamicAnchor") && value.is_string();
      if (names && value.get_ref<const std::string&>() == name) found.push_back(at);
      if (value.is_structured() && key != "enum" && key != "const" && key != "default" && key != "examples")
        open.push_back(at[key]);
    }
  }
  if (found.size() != 1) reference.refuse("the reference must lead to one anchor, got " + std::to_string(found.size()));
  return found[0];
}

JsonNode SchemaReader::at_pointer(const JsonNode& reference, std::string_view pointer) {
  JsonNode at = root_;
  for (size_t begin = 0; begin <= pointer.size();) {
    const size_t end = std::min(pointer.find('/', begin), pointer.size());
    const std::string part = pointer_decoded(percent_decoded(pointer.substr(begin, end - begin)));
    const bool digits = !part.empty() && part.size() < 9 &&
                        std::all_of(part.begin(), part.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (at.is_array() && digits && std::stoul(part) < at.size())
      at = at.at(std::stoul(part));
    else if (at.is_object() && is_valid_utf8(part) && at.json().contains(part))
      at = at[part];
    else
      reference.refuse("the reference leads nowhere: " + brief(reference.json()));
    if (at.is_object() && at.json().contains("$id")) at["$id"].refuse("\"$id\" inside of a schema is not supported");
    begin = end + 1;
  }
  return at;
}

void SchemaReader::all_of(const JsonNode& value, const JsonNode&) {
  const size_t depth = depth_;
  for (const JsonNode& schema : value.elements()) gather(schema, depth + 1);
}

void SchemaReader::any_of(const JsonNode& value, const JsonNode&) {
  now_->alternatives.push_back({value.elements(), false, value});
}

void SchemaReader::one_of(const JsonNode& value, const JsonNode&) {
  now_->alternatives.push_back({value.elements(), true, value});
}

// Alone, neither a condition nor a branch asks anything.
void SchemaReader::condition(const JsonNode& value, const JsonNode& schema) {
  if (schema.json().contains("then") || schema.json().contains("else")) value.refuse("this keyword is not supported");
}
void SchemaReader::branch(const JsonNode& value, const JsonNode& schema) {
  if (schema.json().contains("if")) value.refuse("this keyword is not supported");
}

// What can be said without knowing all other strings, numbers or objects.
void SchemaReader::negation(const JsonNode& value, const JsonNode&) {
  const Json& json = value.json();
  if (json.is_boolean() || (json.is_object() && json.empty())) {
    if (json.is_object() || json.get<bool>()) now_->types = 0;
    return;
  }
  if (json.is_object() && json.size() == 1 && json.contains("type")) {
    const unsigned before = now_->types;
    now_->types = json_types::kAll;
    type(value["type"], value);
    const unsigned types = now_->types;
    if ((types & json_types::kNumber) == json_types::kInteger)
      value.refuse("\"not\" with the type integer is not supported");
    now_->types = before & ~types;
    return;
  }
  if (json.is_object() && json.size() == 1 && json.contains("required") && value["required"].size() == 1) {
    MemberSchemas object;
    object.named.emplace_back(value["required"].at(0).string(), JsonNode(false_schema(), value.where()));
    now_->objects.push_back(std::move(object));
    return;
  }
  value.refuse("\"not\" is not supported but for true, false, one type and one required member");
}

void SchemaReader::min_length(const JsonNode& value, const JsonNode&) {
  now_->length.min = std::max(now_->length.min, count_of(value));
}
void SchemaReader::max_length(const JsonNode& value, const JsonNode&) {
  now_->length.max = std::min(now_->length.max, count_of(value));
}

std::shared_ptr<const Dfa> SchemaReader::pattern(const std::string& text, const JsonNode& value) {
  auto& known = patterns_[text];
  if (known) return known;
  std::optional<Dfa> made;
  try {
    Regular tree;
    made = tree.dfa(tree.searched(parse_regex(tree, text)), terms_.work());
  } catch (const Failure& failure) {
    value.refuse(failure.error().message);
  }
  if (!made) value.refuse("the pattern is too large to follow");
  return known = std::make_shared<Dfa>(std::move(*made));
}

void SchemaReader::text_pattern(const JsonNode& value, const JsonNode&) {
  now_->texts.push_back(pattern(value.string(), value));
}

void SchemaReader::format(const JsonNode& value, const JsonNode&) {
  const std::string_view text = format_pattern(value.string());
  if (text.empty()) value.refuse("the format \"" + excerpt(value.string()) + "\" is not supported");
  auto& known = patterns_["format " + value.string()];
  if (!known) {
    Regular tree;
    known = std::make_shared<Dfa>(tree.dfa(parse_regex(tree, text), terms_.work()).value());
  }
  now_->texts.push_back(known);
}

void SchemaReader::bound(const JsonNode& value, const JsonNode&, bool low, bool exclusive) {
  if (!value.json().is_number()) value.fail("a number");
  const auto decimal = decimal_of(value.json());
  if (!decimal || decimal->whole.size() > kExactBoundDigits || decimal->fraction.size() > kExactBoundDigits)
    value.refuse("a bound of more than 18 digits on either side of the point is not supported");
  std::optional<Bound>& known = low ? now_->range.low : now_->range.high;
  const Bound made{*decimal, exclusive};
  const bool tighter = !known || (low ? made.value > known->value : made.value < known->value) ||
                       (made.value == known->value && exclusive);
  if (tighter) known = made;
}

void SchemaReader::multiple_of(const JsonNode& value, const JsonNode&) {
  const bool whole = value.json().is_number() && value.number() == std::floor(value.number());
  if (!value.json().is_number() || value.number() <= 0) value.fail("a number above 0");
  const uint64_t most = kMaxMultipleOf;
  if (!whole || value.number() > static_cast<double>(most))
    value.refuse("\"multipleOf\" is supported for whole numbers up to " + std::to_string(most) + ", got " +
                 brief(value.json()));
  const auto n = static_cast<uint64_t>(value.number());
  const uint64_t before = std::max<uint64_t>(now_->range.multiple_of, 1);
  const uint64_t both = std::lcm(before, n);
  if (both > most) value.refuse("\"multipleOf\" of several schemas is supported up to " + std::to_string(most));
  now_->range.multiple_of = both;
}

void SchemaReader::min_items(const JsonNode& value, const JsonNode&) {
  now_->elements.min = std::max(now_->elements.min, count_of(value));
}
void SchemaReader::max_items(const JsonNode& value, const JsonNode&) {
  now_->elements.max = std::min(now_->elements.max, count_of(value));
}
void SchemaReader::unique_items(const JsonNode& value, const JsonNode&) {
  if (value.boolean()) now_->unique = value;
}

void SchemaReader::required(const JsonNode& value, const JsonNode&) {
  look_at(value.size(), value);
  for (const JsonNode& name : value.elements()) {
    if (!requires_member(*now_, name.string())) now_->required.push_back(name.string());
    if (now_->required.size() > kMaxProperties)
      value.refuse("expected at most " + std::to_string(kMaxProperties) + " required members");
  }
}
void SchemaReader::min_properties(const JsonNode& value, const JsonNode&) {
  now_->members.min = std::max(now_->members.min, count_of(value));
}
void SchemaReader::max_properties(const JsonNode& value, const JsonNode&) {
  now_->members.max = std::min(now_->members.max, count_of(value));
}
void SchemaReader::property_names(const JsonNode& value, const JsonNode&) { now_->names.push_back(value); }

void SchemaReader::only_if_empty(const JsonNode& value, const JsonNode&) {
  if (!value.is_object() || !value.json().empty()) value.refuse("this keyword is not supported");
}
void SchemaReader::only_if_true(const JsonNode& value, const JsonNode&) {
  const Json& json = value.json();
  const bool anything = (json.is_boolean() && json.get<bool>()) || (json.is_object() && json.empty());
  if (!anything) value.refuse("this keyword is not supported but with true");
}
void SchemaReader::only_if_false(const JsonNode& value, const JsonNode&) {
  if (value.boolean()) value.refuse("this keyword is not supported: add \"null\" to the types");
}

}  // namespace maru::text::grammar
