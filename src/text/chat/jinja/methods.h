// The methods of str, list, tuple and dict. Internal to the module.
#pragma once
#include <string_view>
#include <utility>
#include <vector>

#include "text/chat/jinja/runtime.h"

namespace maru::text::jinja {

struct Method {
  std::string_view name;
  Function function;  // null: it would change the value, which the sandbox forbids
};

/// Null: the type has no such method.
const Method* find_method(const Value& value, std::string_view name);

/// A method with its value, or a function of the environment.
class BoundFunction : public Object {
 public:
  BoundFunction(Value self, std::string_view name, Function function)
      : self_(std::move(self)), name_(name), function_(function) {}
  ~BoundFunction() override { release(self_.take_heap()); }
  std::string_view type_name() const override { return "builtin_function_or_method"; }
  bool is_callable() const override { return true; }
  Value call(Call& call) override;

 private:
  Value self_;
  std::string_view name_;  // of a table that lives as long as the program
  Function function_;
};

/// str.strip and the like: what of `text` remains without `characters` (white space if null) at its ends.
enum class StripSide : uint8_t { kBoth, kLeft, kRight };
MarkedText strip(Runtime& runtime, const MarkedText& text, const Value* characters, StripSide side);
/// str.replace; at most `count` times if that is not negative.
MarkedText replace(Runtime& runtime, const MarkedText& text, const MarkedText& old, const MarkedText& replacement,
                   int64_t count);
/// Byte ranges of a text. A list of them is held while it is in use.
class Pieces {
 public:
  explicit Pieces(Runtime& runtime) : held_(runtime) {}
  void add(size_t begin, size_t end) {
    if (list_.size() % 1024 == 0) held_.raise_to((list_.size() + 1024) * sizeof(list_[0]));
    list_.emplace_back(begin, end);
  }
  std::vector<std::pair<size_t, size_t>>& list() { return list_; }
  auto begin() const { return list_.begin(); }
  auto end() const { return list_.end(); }

 private:
  Held held_;
  std::vector<std::pair<size_t, size_t>> list_;
};
/// str.splitlines.
Pieces split_lines(Runtime& runtime, const MarkedText& text, bool keep_ends);
/// A case mapping of the whole text.
MarkedText map_case(Runtime& runtime, const MarkedText& text, std::string (*map)(std::string_view));
MarkedText capitalize(Runtime& runtime, const MarkedText& text);
bool is_cased(Runtime& runtime, const MarkedText& text, bool upper);
/// Throws unless `value` is an integer.
int64_t require_int(Runtime& runtime, const Value& value, std::string_view what);
/// Throws unless `value` is a string.
const MarkedText& require_text(Runtime& runtime, const Value& value, std::string_view what);

}  // namespace maru::text::jinja
