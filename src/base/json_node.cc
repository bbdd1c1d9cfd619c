#include "base/json_node.h"

#include <cmath>

#include "base/excerpt.h"
#include "base/request_failure.h"

namespace maru {
namespace {

constexpr double kMost = 9e18;  // bounds beyond it are those of 64 bits

const Json& missing() {
  static const Json kMissing;
  return kMissing;
}

std::string range_text(const JsonRange& range) {
  const auto number = [](double d) {
    return d == std::floor(d) && std::abs(d) < 1e15 ? std::to_string(static_cast<int64_t>(d)) : Json(d).dump();
  };
  const bool low = range.low > -kMost, high = range.high < kMost;
  if (!low && !high) return "";
  if (!high) return " of at least " + number(range.low);
  if (!low) return " of at most " + number(range.high);
  return " from " + number(range.low) + " to " + number(range.high);
}

bool inside(double value, const JsonRange& range) { return value >= range.low && value <= range.high; }

bool is_whole(const Json& json) {
  if (json.is_number_unsigned())
    return json.get<uint64_t>() <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
  if (!json.is_number_float()) return json.is_number_integer();
  const auto value = json.get<double>();
  return value == std::floor(value) && std::abs(value) < 9e15;
}

}  // namespace

JsonNode::JsonNode(const Json& json, std::string where, ErrorCode code)
    : json_(&json), where_(std::move(where)), separator_(where_.empty() ? "" : ": "), code_(code) {}

JsonNode::JsonNode(const JsonNode& parent, const Json& json, std::string where)
    : json_(&json), where_(std::move(where)), separator_("."), code_(parent.code_), of_request_(parent.of_request_) {}

JsonNode JsonNode::of_request(const Json& json, std::string field) {
  JsonNode node(json, std::move(field));
  node.separator_ = node.where_.empty() ? "" : ".";
  node.of_request_ = true;
  return node;
}

bool JsonNode::is_missing() const { return json_ == &missing(); }

void JsonNode::refuse(const std::string& message) const {
  const std::string text = where_.empty() ? message : where_ + ": " + message;
  if (of_request_) maru::refuse(text, where_);
  throw Failure(code_, text);
}

void JsonNode::fail(const std::string& expected) const {
  refuse(is_missing() ? "is missing, expected " + expected : "expected " + expected + ", got " + brief(*json_));
}

void JsonNode::unsupported(const std::string& what) const {
  throw Failure(ErrorCode::kUnimplemented, where_ + ": " + excerpt(what, 200) + " is not supported");
}

JsonNode JsonNode::operator[](std::string_view key) const {
  if (!is_null()) object();
  const auto it = json_->find(key);
  return {*this, it == json_->end() ? missing() : *it, where_ + std::string(separator_) + excerpt(key)};
}

JsonNode JsonNode::at(size_t i) const { return {*this, (*json_)[i], numbered(where_, i)}; }

size_t JsonNode::size() const {
  if (!is_array()) fail("a list");
  return json_->size();
}

std::vector<JsonNode> JsonNode::elements() const {
  std::vector<JsonNode> all;
  for (size_t i = 0; i < size(); ++i) all.push_back(at(i));
  return all;
}

const JsonNode& JsonNode::object() const {
  if (!is_object()) fail("an object");
  return *this;
}

std::vector<NamedNode> JsonNode::members() const {
  std::vector<NamedNode> all;
  for (const auto& item : object().json_->items()) all.emplace_back(item.key(), (*this)[item.key()]);
  return all;
}

const std::string& JsonNode::string() const {
  if (!is_string()) fail("a string");
  return json_->get_ref<const std::string&>();
}

bool JsonNode::boolean() const {
  if (!json_->is_boolean()) fail("true or false");
  return json_->get<bool>();
}

double JsonNode::number(const JsonRange& range) const {
  if (!json_->is_number() || !inside(json_->get<double>(), range)) fail("a number" + range_text(range));
  return json_->get<double>();
}

int64_t JsonNode::integer(const JsonRange& range) const {
  if (!is_whole(*json_) || !inside(json_->get<double>(), range)) fail("a whole number" + range_text(range));
  return json_->get<int64_t>();
}

uint64_t JsonNode::count() const {
  const bool digits = json_->is_number_unsigned() || (json_->is_number_integer() && json_->get<int64_t>() >= 0);
  if (!digits) fail("a whole number of at least 0");
  return json_->get<uint64_t>();
}

JsonFile::JsonFile(const std::filesystem::path& path, ErrorCode code)
    : JsonFile(read_json(path), path.string(), code) {}

JsonFile::JsonFile(Json json, std::string name, ErrorCode code)
    : json_(std::move(json)), name_(std::move(name)), code_(code) {
  root().object();
}

JsonFile JsonFile::optional(const std::filesystem::path& path) {
  constexpr auto kCode = ErrorCode::kInvalidArgument;
  return std::filesystem::exists(path) ? JsonFile(path, kCode) : JsonFile(Json::object(), path.string(), kCode);
}

}  // namespace maru
