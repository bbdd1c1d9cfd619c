// json.dumps as transformers calls it.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "text/chat/jinja/operations.h"
#include "text/chat/jinja/utf8.h"

namespace maru::text::jinja {
namespace {

class JsonWriter {
 public:
  JsonWriter(Runtime& runtime, const JsonStyle& style) : runtime_(runtime), style_(style), out_(runtime) {}

  Value run(const Value& value) {
    write(value);
    return out_.finish();
  }

 private:
  void write(const Value& value) {
    runtime_.step();
    switch (value.kind()) {
      case Kind::kNone: return void(out_.add("null"));
      case Kind::kBool: return void(out_.add(value.as_bool() ? "true" : "false"));
      case Kind::kInt: return void(out_.add(std::to_string(value.as_int())));
      case Kind::kFloat: return void(out_.add(real(value.as_real())));
      case Kind::kString: return write_string(value.text());
      case Kind::kDict: return write_dict(value.heap_as<DictData>());
      case Kind::kSequence:
        if (value.is_list() || value.is_tuple()) return write_list(value.items());
        [[fallthrough]];
      default: runtime_.fail("Object of type " + std::string(type_name(value)) + " is not JSON serializable");
    }
  }

  static std::string real(double value) {
    if (std::isnan(value)) return "NaN";
    return std::isinf(value) ? (value < 0 ? "-Infinity" : "Infinity") : float_repr(value);
  }

  void write_string(const MarkedText& text) {
    runtime_.step_characters(text.size());
    out_.add("\"");
    size_t done = 0;
    for (size_t i = 0; i < text.size();) {
      const Character c = character_at(text.bytes, i);
      if (const std::string made = escaped(c.code_point); !made.empty()) {
        out_.add_slice(text, done, i).add_made(made, text, i, i + c.length);
        done = i + c.length;
      }
      i += c.length;
    }
    out_.add_slice(text, done, text.size()).add("\"");
  }

  /// Empty: the character stands for itself.
  std::string escaped(int32_t c) const {
    switch (c) {
      case '"': return "\\\"";
      case '\\': return "\\\\";
      case '\n': return "\\n";
      case '\r': return "\\r";
      case '\t': return "\\t";
      case '\b': return "\\b";
      case '\f': return "\\f";
      default: break;
    }
    const bool ascii = c < 0x7f, control = c >= 0 && c < 0x20;
    if (!control && (ascii || !style_.ensure_ascii)) return "";
    if (c < 0x10000) return fmt::format("\\u{:04x}", c);
    return fmt::format("\\u{:04x}\\u{:04x}", 0xD7C0 + (c >> 10), 0xDC00 + (c & 0x3FF));
  }

  /// A line break and the indentation, where there is one.
  void break_line() {
    if (!style_.indent) return;
    out_.add("\n");
    for (int i = 0; i < level_; ++i) out_.add(*style_.indent);
  }

  template <class Items, class Write>
  void write_all(const Items& items, std::string_view open, std::string_view close, const Write& write_one) {
    const auto nested = runtime_.nested_walk();
    out_.add(open);
    ++level_;
    bool first = true;
    for (const auto& item : items) {
      if (!first) out_.add(style_.item_separator);
      first = false;
      break_line();
      write_one(item);
    }
    --level_;
    if (!first) break_line();
    out_.add(close);
  }

  void write_list(const Values& items) {
    write_all(items, "[", "]", [&](const Value& item) { write(item); });
  }

  void write_dict(const DictData& dict) {
    runtime_.step_items(dict.entries.size());
    std::vector<const std::pair<Value, Value>*> entries;
    for (const auto& entry : dict.entries) entries.push_back(&entry);
    if (style_.sort_keys)
      std::stable_sort(entries.begin(), entries.end(),
                       [&](const auto* a, const auto* b) { return less(runtime_, a->first, b->first); });
    write_all(entries, "{", "}", [&](const auto* entry) {
      write_key(entry->first);
      out_.add(style_.key_separator);
      write(entry->second);
    });
  }

  void write_key(const Value& key) {
    if (key.is_string()) return write_string(key.text());
    if (!key.is_number() && !key.is_none())
      runtime_.fail("keys must be str, int, float, bool or None, not " + std::string(type_name(key)));
    out_.add("\"");
    write(key);
    out_.add("\"");
  }

  Runtime& runtime_;
  const JsonStyle& style_;
  TextBuilder out_;
  int level_ = 0;
};

}  // namespace

Value to_json_text(Runtime& runtime, const Value& value, const JsonStyle& style) {
  return JsonWriter(runtime, style).run(value);
}

}  // namespace maru::text::jinja
