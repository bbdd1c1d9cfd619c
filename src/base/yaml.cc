#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <charconv>
#include <sstream>
#include <string>
#include <unordered_map>

#include "base/excerpt.h"
#include "base/file.h"
#include "base/json.h"

namespace maru {
namespace {

constexpr size_t kMaxDepth = 256;
constexpr size_t kMaxValues = 1'000'000, kMaxScalarBytes = 64 << 20;  // after aliases have been replaced
constexpr uint64_t kMaxFileBytes = 16 << 20;                          // the library reads about 2 MB per second

template <class T>
bool parse_number(std::string_view s, T& value) {
  const auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), value);
  return error == std::errc() && end == s.data() + s.size();
}

Json plain_scalar(const std::string& s) {
  if (s.empty() || s == "~" || s == "null") return nullptr;
  if (s == "true" || s == "True" || s == "TRUE") return true;
  if (s == "false" || s == "False" || s == "FALSE") return false;
  const std::string_view digits = s[0] == '+' ? std::string_view(s).substr(1) : std::string_view(s);
  if (int64_t i = 0; parse_number(digits, i)) return i;
  const bool numeric = digits.find_first_not_of("0123456789.eE+-") == std::string_view::npos;
  if (double d = 0; numeric && parse_number(digits, d)) return d;
  return s;
}

/// Builds a Json from the events of yaml-cpp's parser: aliases are copied within a budget, which its own nodes are not.
class Builder : public YAML::EventHandler {
 public:
  explicit Builder(std::string_view name) : name_(name) {}

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ > 2) fail_more(mark);  // the library gives empty ones without end where it cannot read on
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    if (open_.empty() && documents_ > 1) return;
    if (expects_key()) fail(mark, "a key must be text, got null; quote it");
    add_scalar(mark, nullptr, anchor);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, const std::string& s) override {
    if (expects_key()) {
      if (s == "<<" && tag != "!") fail(mark, "merge keys (<<) are not read; write the keys out");
      keep(mark, anchor, s, Weight{.values = 1, .bytes = s.size(), .height = 0});
      return take_key(mark, s);
    }
    add_scalar(mark, tag == "!" || tag == "tag:yaml.org,2002:str" ? Json(s) : plain_scalar(s), anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto it = kept_.find(anchor);
    if (it == kept_.end()) fail(mark, "an alias inside the value that its anchor names");
    const auto& [value, weight] = it->second;
    if (!expects_key()) return add(mark, Json(charged(mark, value, weight)), weight);
    if (!value.is_string()) fail(mark, "a key must be text, got " + brief(value));
    take_key(mark, value.get_ref<const std::string&>());
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(mark, Json::array(), anchor);
  }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(mark, Json::object(), anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapEnd() override { close(); }

  Json root;

 private:
  struct Weight {
    size_t values = 1, bytes = 0, height = 0;
  };
  struct Open {
    Json value;
    YAML::Mark mark;
    YAML::anchor_t anchor;
    Weight weight;
    std::string key = {};
    bool has_key = false;
  };

  [[noreturn]] void fail(const YAML::Mark& mark, const std::string& why) const {
    throw Failure(ErrorCode::kInvalidArgument, std::string(name_) + ":" + std::to_string(mark.line + 1) + ": " + why);
  }

  [[noreturn]] void fail_more(const YAML::Mark& mark) const {
    fail(mark, "expected one document, got more text after its end");
  }

  bool expects_key() const { return !open_.empty() && open_.back().value.is_object() && !open_.back().has_key; }

  void take_key(const YAML::Mark& mark, const std::string& key) {
    Open& map = open_.back();
    if (map.value.contains(key)) fail(mark, "key \"" + excerpt(key) + "\" appears twice");
    map.key = key;
    map.has_key = true;
  }

  /// Counts a value before it is made.
  const Json& charged(const YAML::Mark& mark, const Json& value, const Weight& weight) {
    if (documents_ > 1) fail_more(mark);
    values_ += weight.values;
    bytes_ += weight.bytes;
    if (values_ > kMaxValues) fail(mark, "holds more than " + std::to_string(kMaxValues) + " values, aliases replaced");
    if (bytes_ > kMaxScalarBytes) fail(mark, "holds more than 64 MiB of text, aliases replaced");
    return value;
  }

  void keep(const YAML::Mark& mark, YAML::anchor_t anchor, const Json& value, const Weight& weight) {
    if (anchor != YAML::NullAnchor) kept_.try_emplace(anchor, charged(mark, value, weight), weight);
  }

  void add_scalar(const YAML::Mark& mark, Json value, YAML::anchor_t anchor) {
    const size_t bytes = value.is_string() ? value.get_ref<const std::string&>().size() : 0;
    const Weight weight{.values = 1, .bytes = bytes, .height = 0};
    keep(mark, anchor, value, weight);
    charged(mark, value, weight);
    add(mark, std::move(value), weight);
  }

  void add(const YAML::Mark& mark, Json value, const Weight& weight) {
    if (open_.size() + weight.height > kMaxDepth) fail(mark, "nested more than 256 levels deep");
    if (open_.empty()) {
      root = std::move(value);
      return;
    }
    Open& parent = open_.back();
    parent.weight.values += weight.values;
    parent.weight.bytes += weight.bytes;
    parent.weight.height = std::max(parent.weight.height, weight.height + 1);
    if (parent.value.is_array())
      parent.value.push_back(std::move(value));
    else
      parent.value[parent.key] = std::move(value);
    parent.has_key = false;
  }

  void open(const YAML::Mark& mark, Json value, YAML::anchor_t anchor) {
    if (expects_key()) fail(mark, "a key must be text, got a list or a map");
    if (open_.size() >= kMaxDepth) fail(mark, "nested more than 256 levels deep");
    charged(mark, value, Weight{});
    open_.push_back({.value = std::move(value), .mark = mark, .anchor = anchor, .weight = {.height = 1}});
  }

  void close() {
    Open done = std::move(open_.back());
    open_.pop_back();
    keep(done.mark, done.anchor, done.value, done.weight);
    add(done.mark, std::move(done.value), done.weight);
  }

  std::string_view name_;
  std::vector<Open> open_;
  std::unordered_map<YAML::anchor_t, std::pair<Json, Weight>> kept_;
  size_t values_ = 0, bytes_ = 0;
  int documents_ = 0;
};

/// The offset of the first byte that is not part of UTF-8 (Unicode 15, table 3-7), or the size.
size_t first_invalid_utf8(std::string_view text) {
  const auto byte = [&](size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0; };
  for (size_t i = 0; i < text.size();) {
    const int c = byte(i);
    const int length = c < 0x80 ? 1 : c < 0xC2 ? 0 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : c < 0xF5 ? 4 : 0;
    if (length == 0) return i;
    const int low = c == 0xE0 ? 0xA0 : c == 0xF0 ? 0x90 : 0x80, high = c == 0xED ? 0x9F : c == 0xF4 ? 0x8F : 0xBF;
    for (int k = 1; k < length; ++k)
      if (byte(i + k) < (k == 1 ? low : 0x80) || byte(i + k) > (k == 1 ? high : 0xBF)) return i;
    i += length;
  }
  return text.size();
}

Error text_error(std::string_view text, std::string_view name, size_t offset, const std::string& why) {
  const auto line = std::count(text.begin(), text.begin() + static_cast<ptrdiff_t>(offset), '\n') + 1;
  return {ErrorCode::kInvalidArgument, std::string(name) + ":" + std::to_string(line) + ": " + why};
}

/// What the library would misread without a word: other encodings, control characters (it takes U+0004 for the end of
/// the file), and runs of brackets, all of which it keeps before it looks at their depth.
Outcome check_text(std::string_view text, std::string_view name) {
  const bool wide = text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF");
  if (!wide)
    if (const size_t at = first_invalid_utf8(text); at < text.size())
      return text_error(text, name, at, "expected UTF-8 text, got other bytes");
  const size_t low = text.starts_with("\xFF\xFE") ? 0 : 1;  // of the byte that holds a UTF-16 unit's lower half
  size_t run = 0;
  for (size_t i = wide ? 2 : 0; i < text.size(); i += wide ? 2 : 1) {
    if (wide && (i + 1 == text.size() || text[i + 1 - low] != '\0')) {
      run = 0;
      continue;
    }
    const char c = text[wide ? i + low : i];
    if (static_cast<unsigned char>(c) < ' ' && c != '\t' && c != '\n' && c != '\r')
      return text_error(text, name, i, "expected text, got the control character " + std::to_string(int{c}));
    const bool space = c == ' ' || c == '\t' || c == '\n' || c == '\r';
    run = c == '[' || c == '{' ? run + 1 : space ? run : 0;
    if (run > kMaxDepth) return text_error(text, name, i, "nested more than 256 levels deep");
  }
  return Done{};
}

}  // namespace

Result<Json> parse_yaml(std::string_view text, std::string_view name) {
  if (const Outcome checked = check_text(text, name); !checked) return checked.error();
  Builder builder(name);
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {  // the second one fails
    }
    return std::move(builder.root);
  } catch (const YAML::Exception& e) {
    return {ErrorCode::kInvalidArgument, std::string(name) + ":" + std::to_string(e.mark.line + 1) + ":" +
                                             std::to_string(e.mark.column + 1) + ": " + excerpt(e.msg, 200)};
  } catch (const Failure& e) {
    return e.error();
  }
}

Json read_yaml(const std::filesystem::path& path) {
  return parse_yaml(read_file(path, kMaxFileBytes), path.string()).value();
}

}  // namespace maru
