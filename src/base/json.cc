#include "base/json.h"

#include <algorithm>
#include <array>
#include <string>

#include "base/excerpt.h"
#include "base/file.h"

namespace maru {
namespace {

std::string position_of(std::string_view text, size_t offset) {
  const std::string_view before = text.substr(0, offset);
  const size_t newline = before.rfind('\n');
  const size_t column = newline == std::string_view::npos ? before.size() : before.size() - newline - 1;
  return std::to_string(std::count(before.begin(), before.end(), '\n') + 1) + ":" + std::to_string(column + 1);
}

/// What the writer may have meant by a word that JSON does not have, or "".
std::string hint_for(std::string_view at) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 11> kWords{{
      {"NaN", "a number; NaN is not JSON (null is)"},
      {"nan", "a number; nan is not JSON (null is)"},
      {"Infinity", "a number; Infinity is not JSON"},
      {"inf", "a number; inf is not JSON"},
      {"None", "null; None is Python's"},
      {"True", "true in lower case"},
      {"False", "false in lower case"},
      {"undefined", "null; undefined is JavaScript's"},
      {"'", "a string in double quotes"},
      {"//", "a value; JSON has no comments"},
      {"#", "a value; JSON has no comments"},
  }};
  if (at.starts_with('-')) at.remove_prefix(1);
  for (const auto& [word, expected] : kWords)
    if (at.starts_with(word)) return "; expected " + std::string(expected);
  return "";
}

/// From the beginning of the word that stands there to the end of the line.
std::string_view word_at(std::string_view text, size_t at) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-'; };
  for (int back = 0; back < 16 && at > 0 && at < text.size() && letter(text[at - 1]); ++back) --at;
  return text.substr(at, text.substr(at, 80).find('\n'));
}

/// Text that is in another encoding altogether, by its first bytes, or "".
std::string_view encoding_of(std::string_view text) {
  if (text.starts_with("\xFE\xFF") || text.starts_with("\xFF\xFE")) return "UTF-16 (by its byte order mark)";
  if (text.size() >= 2 && (text[0] == '\0') != (text[1] == '\0')) return "UTF-16 or UTF-32 (by its zero bytes)";
  if (text.starts_with(std::string_view("\0\0\xFE\xFF", 4)) || text.starts_with(std::string_view("\0\0\0", 3)))
    return "UTF-32 (by its zero bytes)";
  return "";
}

/// Builds a Json from the events of nlohmann's parser. Its own builder looks through a parent for every child.
class Builder {
 public:
  using number_integer_t = Json::number_integer_t;
  using number_unsigned_t = Json::number_unsigned_t;
  using number_float_t = Json::number_float_t;
  using string_t = Json::string_t;
  using binary_t = Json::binary_t;

  Builder(std::string_view text, std::string_view name, const JsonLimits& limits)
      : text_(text), name_(name), limits_(limits) {}

  bool null() { return add(nullptr) != nullptr; }
  bool boolean(bool value) { return add(value) != nullptr; }
  bool number_integer(int64_t value) { return add(value) != nullptr; }
  bool number_unsigned(uint64_t value) { return add(value) != nullptr; }
  bool number_float(double value, const std::string&) { return add(value) != nullptr; }
  bool string(std::string& value) { return add(std::move(value)) != nullptr; }
  bool binary(binary_t&) { return false; }
  bool start_object(size_t) { return open(Json::value_t::object); }
  bool start_array(size_t) { return open(Json::value_t::array); }
  bool end_object() { return close(); }
  bool end_array() { return close(); }

  bool key(std::string& key) {
    const auto [at, added] = open_.back()->get_ptr<Json::object_t*>()->emplace(std::move(key), nullptr);
    slot_ = &at->second;
    if (!added && limits_.unique_keys) return refuse("key \"" + excerpt(at->first) + "\" appears twice");
    return true;
  }

  bool parse_error(size_t position, const std::string& last, const nlohmann::json::exception& e) {
    std::string reason(std::string_view(e.what()).substr(std::string_view(e.what()).find("] ") + 2));
    if (const size_t at = reason.find("syntax error"); at != reason.npos) reason.erase(0, at);
    // The library quotes all that it has read of the token, which may be megabytes of a string, and not even UTF-8.
    const std::string quoted = "; last read: '" + last + "'";
    if (const size_t at = reason.find(quoted); at != reason.npos) reason.erase(at, quoted.size());
    const size_t at = std::min(position == 0 ? 0 : position - 1, text_.size());
    const std::string_view word = word_at(text_, at);
    error_ = {ErrorCode::kInvalidArgument, std::string(name_) + ":" + position_of(text_, at) + ": " +
                                               excerpt(reason, 200) + hint_for(word) +
                                               (word.empty() ? "" : "; at " + brief(Json(word), 24))};
    return false;
  }

  Json root;
  const Error& error() const { return error_; }

 private:
  bool refuse(const std::string& why) {
    error_ = {ErrorCode::kInvalidArgument, std::string(name_) + ": " + why};
    return false;
  }

  template <class T>
  Json* add(T&& value) {
    if (++values_ > limits_.max_values)
      return refuse("holds more than " + std::to_string(limits_.max_values) + " values"), nullptr;
    if (open_.empty()) return &(root = Json(std::forward<T>(value)));
    if (auto* list = open_.back()->get_ptr<Json::array_t*>()) return &list->emplace_back(std::forward<T>(value));
    return &(*slot_ = Json(std::forward<T>(value)));
  }

  bool open(Json::value_t type) {
    if (open_.size() >= limits_.max_depth)
      return refuse("nested more than " + std::to_string(limits_.max_depth) + " levels deep");
    Json* added = add(type);
    if (added != nullptr) open_.push_back(added);  // stays where it is: only the innermost one grows
    return added != nullptr;
  }

  bool close() {
    open_.pop_back();
    return true;
  }

  std::string_view text_, name_;
  const JsonLimits& limits_;
  std::vector<Json*> open_;
  Json* slot_ = nullptr;  // of the innermost object's last key
  int64_t values_ = 0;
  Error error_;
};

/// Writes what fits; false once it does not.
bool write_brief(const Json& json, size_t limit, std::string& to) {
  if (to.size() > limit) return false;
  if (json.is_string()) {
    const std::string& text = json.get_ref<const std::string&>();
    const size_t room = limit + 8;  // whatever does not fit is cut by the caller
    to += Json(text.substr(0, room)).dump(-1, ' ', false, Json::error_handler_t::replace);
    return text.size() <= room;
  }
  if (!json.is_structured()) return to += json.dump(), true;
  const bool object = json.is_object();
  to += object ? '{' : '[';
  for (auto it = json.begin(); it != json.end(); ++it) {
    if (it != json.begin()) to += ',';
    if (object) {
      if (!write_brief(it.key(), limit, to)) return false;
      to += ':';
    }
    if (!write_brief(*it, limit, to)) return false;
  }
  to += object ? '}' : ']';
  return true;
}

}  // namespace

Result<Json> parse_json(std::string_view text, std::string_view name, const JsonLimits& limits) {
  if (const std::string_view other = encoding_of(text); !other.empty())
    return {ErrorCode::kInvalidArgument, std::string(name) + ": expected JSON in UTF-8, got " + std::string(other)};
  if (const size_t at = text.find('\0'); at != text.npos)  // the library takes it for the end, and all after it away
    return {ErrorCode::kInvalidArgument,
            std::string(name) + ":" + position_of(text, at) + ": expected JSON, got a zero byte"};
  Builder builder(text, name, limits);
  if (!Json::sax_parse(text, &builder)) return builder.error();
  return std::move(builder.root);
}

Json read_json(const std::filesystem::path& path, const JsonLimits& limits) {
  return parse_json(read_file(path), path.string(), limits).value();
}

void write_json(const std::filesystem::path& path, const Json& json) { write_file(path, json.dump(2) + "\n"); }

std::string brief(const Json& json, size_t limit) {
  std::string text;
  const bool whole = write_brief(json, limit, text);
  if (whole && text.size() <= limit) return text;
  size_t end = std::min(text.size(), limit - 3);
  while (end > 0 && end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  text = text.substr(0, end) + "…";
  if (json.is_string()) text += " (" + std::to_string(json.get_ref<const std::string&>().size()) + " bytes)";
  if (json.is_structured()) text += " (" + std::to_string(json.size()) + " entries)";
  return text;
}

}  // namespace maru
