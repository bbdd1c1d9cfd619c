// The one reader of fields of JSON from outside: a value that knows its place, so that every error names it:
// `tokenizer.json: model.vocab[3]: expected a string, got 5`. Structs that are all fields are read by fields.h.
#pragma once
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"

namespace maru {

/// Bounds of a number, both included.
struct JsonRange {
  double low = -std::numeric_limits<double>::infinity(), high = std::numeric_limits<double>::infinity();
};

class JsonNode;
using NamedNode = std::pair<std::string, JsonNode>;

/// Points to a value that must outlive it, as what it hands out must: strings, and the nodes of fields and elements.
/// Whoever reads a value as what it is not gets a Failure with the node's code.
class JsonNode {
 public:
  /// `where` stands before the path of what is inside: a file, or a file and line. `code`: of errors.
  JsonNode(const Json& json, std::string where, ErrorCode code = ErrorCode::kInvalidArgument);
  JsonNode(const Json&& gone, std::string where, ErrorCode code = ErrorCode::kInvalidArgument) = delete;
  /// What stands in the field of that name in a request, or the whole request if that is empty. Errors are
  /// RequestFailures that name the field.
  static JsonNode of_request(const Json& json, std::string field);

  const Json& json() const { return *json_; }
  /// The place in words: "tokenizer.json: model.vocab[3]".
  const std::string& where() const { return where_; }
  bool is_missing() const;
  /// Also when missing.
  bool is_null() const { return json_->is_null(); }
  bool is_string() const { return json_->is_string(); }
  bool is_object() const { return json_->is_object(); }
  bool is_array() const { return json_->is_array(); }

  /// Throws `where: message`.
  [[noreturn]] void refuse(const std::string& message) const;
  /// Throws `where: expected this, got that`, or `where: is missing, expected this`.
  [[noreturn]] void fail(const std::string& expected) const;
  /// Throws kUnimplemented: `where: this is not supported`.
  [[noreturn]] void unsupported(const std::string& what) const;

  /// A field, which may be missing; one of null always is. Throws unless this is an object or null.
  JsonNode operator[](std::string_view key) const;
  /// Element i of a list that has it.
  JsonNode at(size_t i) const;
  /// Elements of a list. Throws if it is none.
  size_t size() const;
  std::vector<JsonNode> elements() const;
  /// The node itself. Throws unless it is an object.
  const JsonNode& object() const;
  /// Names and values of an object in its order. Throws if it is none.
  std::vector<NamedNode> members() const;

  // Each kind of value as itself; with `otherwise`, that where it is null or missing.
  const std::string& string() const;
  std::string string(std::string otherwise) const { return is_null() ? std::move(otherwise) : string(); }
  std::optional<std::string> string(std::nullopt_t) const { return is_null() ? std::nullopt : std::optional(string()); }
  bool boolean() const;
  bool boolean(bool otherwise) const { return is_null() ? otherwise : boolean(); }
  std::optional<bool> boolean(std::nullopt_t) const { return is_null() ? std::nullopt : std::optional(boolean()); }
  double number(const JsonRange& range = {}) const;
  double number(double otherwise) const { return is_null() ? otherwise : number(); }
  std::optional<double> number(std::nullopt_t) const { return is_null() ? std::nullopt : std::optional(number()); }
  /// Also 3.0, as some programs write 3.
  int64_t integer(const JsonRange& range = {}) const;
  int64_t integer(int64_t otherwise, const JsonRange& range = {}) const {
    return is_null() ? otherwise : integer(range);
  }
  /// How many, or how far: digits alone, up to 2⁶⁴ - 1.
  uint64_t count() const;
  uint64_t count(uint64_t otherwise) const { return is_null() ? otherwise : count(); }

 private:
  JsonNode(const JsonNode& parent, const Json& json, std::string where);
  const Json* json_;
  std::string where_;
  std::string_view separator_;  // before the name of a field
  ErrorCode code_;
  bool of_request_ = false;
};

/// A file that holds an object.
class JsonFile {
 public:
  /// Throws   as read_json; `code` when it holds something else, and for what is wrong with its fields.
  explicit JsonFile(const std::filesystem::path& path, ErrorCode code = ErrorCode::kInvalidArgument);
  /// An empty object if there is no such file.
  static JsonFile optional(const std::filesystem::path& path);

  JsonNode root() const& { return {json_, name_, code_}; }
  JsonNode operator[](std::string_view key) const& { return root()[key]; }
  JsonNode root() const&& = delete;
  JsonNode operator[](std::string_view key) const&& = delete;

 private:
  JsonFile(Json json, std::string name, ErrorCode code);
  Json json_;
  std::string name_;
  ErrorCode code_;
};

}  // namespace maru
