#include "base/json.h"

#include <yaml-cpp/yaml.h>

#include <charconv>
#include <string>

#include "base/file.h"

namespace maru {
namespace {

constexpr int kMaxDepth = 256;

std::string position_of(std::string_view text, size_t offset) {
  size_t line = 1, column = 1;
  for (size_t i = 0; i < std::min(offset, text.size()); ++i) {
    const bool newline = text[i] == '\n';
    line += newline;
    column = newline ? 1 : column + 1;
  }
  return std::to_string(line) + ":" + std::to_string(column);
}

// The part of nlohmann's message that says what is wrong, without its prefix and numbers.
std::string reason_of(const nlohmann::json::exception& e) {
  const std::string_view what = e.what();
  const size_t at = what.find("syntax error");
  return std::string(at == std::string_view::npos ? what.substr(std::min(what.size(), what.find("] ") + 2))
                                                  : what.substr(at));
}

template <class T>
bool parse_number(std::string_view s, T& value) {
  const auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), value);
  return error == std::errc() && end == s.data() + s.size();
}

Json plain_scalar(std::string s) {
  if (s.empty() || s == "~" || s == "null") return nullptr;
  if (s == "true" || s == "True" || s == "TRUE") return true;
  if (s == "false" || s == "False" || s == "FALSE") return false;
  const std::string_view digits = s[0] == '+' ? std::string_view(s).substr(1) : std::string_view(s);
  if (int64_t i = 0; parse_number(digits, i)) return i;
  const bool numeric = digits.find_first_not_of("0123456789.eE+-") == std::string_view::npos;
  if (double d = 0; numeric && parse_number(digits, d)) return d;
  return s;
}

Json from_yaml(const YAML::Node& node, std::string_view name, int depth) {
  if (depth > kMaxDepth)
    throw Failure(ErrorCode::kInvalidArgument, std::string(name) + ": nested more than 256 levels deep");
  switch (node.Type()) {
    case YAML::NodeType::Scalar: return node.Tag() == "!" ? Json(node.Scalar()) : plain_scalar(node.Scalar());
    case YAML::NodeType::Sequence: {
      Json array = Json::array();
      for (const YAML::Node& child : node) array.push_back(from_yaml(child, name, depth + 1));
      return array;
    }
    case YAML::NodeType::Map: {
      Json object = Json::object();
      for (const auto& pair : node) {
        const std::string key = pair.first.Scalar();
        if (object.contains(key))
          throw Failure(ErrorCode::kInvalidArgument, std::string(name) + ":" +
                                                         std::to_string(pair.first.Mark().line + 1) + ": key \"" + key +
                                                         "\" appears twice");
        object[key] = from_yaml(pair.second, name, depth + 1);
      }
      return object;
    }
    default: return nullptr;
  }
}

}  // namespace

Result<Json> parse_json(std::string_view text, std::string_view name) {
  bool too_deep = false;
  try {
    Json json = Json::parse(text, [&](int depth, Json::parse_event_t, Json&) {
      too_deep |= depth > kMaxDepth;
      return !too_deep;
    });
    if (too_deep) return {ErrorCode::kInvalidArgument, std::string(name) + ": nested more than 256 levels deep"};
    return json;
  } catch (const nlohmann::json::parse_error& e) {
    return {ErrorCode::kInvalidArgument,
            std::string(name) + ":" + position_of(text, e.byte == 0 ? 0 : e.byte - 1) + ": " + reason_of(e)};
  } catch (const nlohmann::json::exception& e) {
    return {ErrorCode::kInvalidArgument, std::string(name) + ": " + reason_of(e)};
  }
}

Json read_json(const std::filesystem::path& path) { return parse_json(read_file(path), path.string()).value(); }

void write_json(const std::filesystem::path& path, const Json& json) { write_file(path, json.dump(2) + "\n"); }

Result<Json> parse_yaml(std::string_view text, std::string_view name) {
  try {
    return from_yaml(YAML::Load(std::string(text)), name, 0);
  } catch (const YAML::Exception& e) {
    return {ErrorCode::kInvalidArgument, std::string(name) + ":" + std::to_string(e.mark.line + 1) + ":" +
                                             std::to_string(e.mark.column + 1) + ": " + e.msg};
  } catch (const Failure& e) {
    return e.error();
  }
}

Json read_yaml(const std::filesystem::path& path) {
  return parse_yaml(read_file(path, 64 << 20), path.string()).value();
}

}  // namespace maru
