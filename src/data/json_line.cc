#include "data/json_line.h"

#include <algorithm>

#include "base/json.h"
#include "base/utf8.h"
#include "data/charset_convert.h"

namespace maru::data {
namespace {

std::string_view trimmed(std::string_view s) {
  constexpr std::string_view kBlanks = " \t\r";
  const size_t begin = std::min(s.find_first_not_of(kBlanks), s.size());
  return s.substr(begin, s.find_last_not_of(kBlanks) + 1 - begin);
}

// Whether a line is not JSON because its value goes on, or began, on another line.
bool is_part_of_a_value(std::string_view line) {
  int64_t depth = 0;
  bool quoted = false;
  for (size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (quoted && c == '\\') {
      ++i;
    } else if (c == '"') {
      quoted = !quoted;
    } else if (!quoted) {
      depth += c == '{' || c == '[';
      depth -= c == '}' || c == ']';
    }
  }
  return !quoted && (depth != 0 || line.ends_with(','));
}

// A word outside strings.
bool has_word(std::string_view line, std::string_view word) {
  bool quoted = false;
  for (size_t i = 0; i < line.size(); ++i) {
    if (quoted && line[i] == '\\')
      ++i;
    else if (line[i] == '"')
      quoted = !quoted;
    else if (!quoted && line.substr(i).starts_with(word))
      return true;
  }
  return false;
}

std::string hint_for(std::string_view line) {
  for (const std::string_view word : {"NaN", "Infinity"})
    if (has_word(line, word)) return "; " + std::string(word) + " is not JSON, expected a number or null";
  if (is_part_of_a_value(trimmed(line)))
    return "; expected one JSON object on each line, this one is a part of a value that takes several lines";
  return "";
}

std::string shown(const Json& json, const std::string& field) {
  if (json.is_array()) return "an array; each of its elements must stand on a line of its own";
  if (!json.is_object()) return json.type_name();
  if (const auto it = json.find(field); it != json.end()) return "\"" + field + "\" as " + it->type_name();
  std::string keys;
  for (const auto& entry : json.items()) {
    keys += (keys.empty() ? "the fields " : ", ") + entry.key();
    if (entry.value().is_object() && entry.value().contains(field)) keys += " (with a \"" + field + "\" inside)";
    if (keys.size() > 200) break;
  }
  return keys.empty() ? "no fields" : keys;
}

Error invalid(std::string_view where, const std::string& what) {
  return {ErrorCode::kInvalidArgument, std::string(where) + ": " + what};
}

}  // namespace

Result<DocumentLine> read_document_line(std::string_view line, std::string_view where, const std::string& text_field,
                                        double max_replaced) {
  if (line.starts_with("\xEF\xBB\xBF")) line.remove_prefix(3);
  if (line.starts_with("\xFF\xFE") || line.starts_with("\xFE\xFF") || line.find('\0') != std::string_view::npos)
    return invalid(where, "looks like UTF-16, expected JSON Lines in UTF-8");
  DocumentLine result;
  std::string mended;
  if (!is_valid_utf8(line)) {
    ConvertedText converted = *convert_from("utf-8", line);
    const auto characters = static_cast<double>(count_code_points(converted.text));
    if (static_cast<double>(converted.replaced) > max_replaced * characters) return result;
    result.replaced = converted.replaced;
    mended = std::move(converted.text);
    line = mended;
  }
  Result<Json> json = parse_json(line, where, {.unique_keys = true});
  if (!json) return Error{json.error().code, json.error().message + hint_for(line)};
  const auto it = json->is_object() ? json->find(text_field) : json->end();
  if (!json->is_object() || it == json->end() || !it->is_string())
    return invalid(where, "expected an object with a string \"" + text_field + "\", got " + shown(*json, text_field));
  result.text = it->get<std::string>();
  return result;
}

}  // namespace maru::data
