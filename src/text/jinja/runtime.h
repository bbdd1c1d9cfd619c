// One render: its limits, its memory, the line it is at, and the makers of values. One thread.
#pragma once
#include <ctime>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "text/jinja/value.h"

namespace maru::text::jinja {

/// Local time for strftime_now.
struct Clock {
  std::tm time{};
  int microseconds = 0;
};
/// Now, in the machine's time zone.
Clock local_clock();

class Runtime {
 public:
  Runtime(std::string_view template_name, const Limits& limits, const Clock& clock);
  ~Runtime();
  Runtime(const Runtime&) = delete;

  /// Counts work. Throws kExhausted at the limit.
  void step(int64_t steps = 1) {
    if ((steps_ += steps) > limits_.steps) fail_exhausted("steps", limits_.steps);
  }
  /// Before `bytes` are put into one string or container.
  void require_room(size_t bytes);
  void at_line(int line) { line_ = line; }
  int line() const { return line_; }
  /// Throws kInvalidArgument: "NAME:LINE: message".
  [[noreturn]] void fail(const std::string& message) const { fail(ErrorCode::kInvalidArgument, message); }
  [[noreturn]] void fail(ErrorCode code, const std::string& message) const;
  [[noreturn]] void fail_exhausted(std::string_view what, int64_t limit) const;

  Value string(MarkedText text);
  Value string(std::string_view own) { return string(MarkedText::own(std::string(own))); }
  Value list(Values items) { return sequence(SequenceKind::kList, std::move(items)); }
  Value tuple(Values items) { return sequence(SequenceKind::kTuple, std::move(items)); }
  Value sequence(SequenceKind kind, Values items);
  Value range(int64_t start, int64_t stop, int64_t step);
  Value iterator(Values items, std::string_view name = "generator");
  Value undefined(std::string message);
  std::shared_ptr<DictData> new_dict();
  static Value dict(std::shared_ptr<DictData> data) { return Value(Kind::kDict, std::move(data)); }
  /// An object of the render; `bytes` besides its own size.
  template <class T, class... A>
  std::shared_ptr<T> make(int64_t bytes, A&&... arguments) {
    auto object = std::make_shared<T>(std::forward<A>(arguments)...);
    charge(*object, bytes + static_cast<int64_t>(sizeof(T)));
    return object;
  }
  void charge(Heap& object, int64_t bytes);
  /// Keeps an object that can hold itself, and clears it when the render ends.
  void keep(std::shared_ptr<Object> object) { kept_.push_back(std::move(object)); }

  /// Holds while a statement or expression runs, or a container is walked. Throws when nested too deeply.
  class Nested {
   public:
    Nested(Runtime& runtime, int& depth, int limit) : depth_(depth) {
      if (++depth_ > limit) {
        --depth_;
        runtime.fail(ErrorCode::kExhausted, "nested too deeply");
      }
    }
    ~Nested() { --depth_; }
    Nested(const Nested&) = delete;

   private:
    int& depth_;
  };
  Nested nested_run() { return {*this, run_depth_, limits_.depth}; }
  Nested nested_walk() { return {*this, walk_depth_, Limits::kNesting}; }

  const Limits& limits() const { return limits_; }
  const Clock& clock() const { return clock_; }

 private:
  std::string name_;
  Limits limits_;
  Clock clock_;
  std::shared_ptr<Memory> memory_;
  std::vector<std::shared_ptr<Object>> kept_;
  int64_t steps_ = 0;
  int line_ = 0, run_depth_ = 0, walk_depth_ = 0;
};

/// Builds a string within the limits.
class TextBuilder {
 public:
  explicit TextBuilder(Runtime& runtime) : runtime_(runtime) {}
  TextBuilder& add(std::string_view own) { return grow(own.size()), text_.append(own), *this; }
  TextBuilder& add(const MarkedText& text) { return grow(text.size()), text_.append(text), *this; }
  TextBuilder& add_slice(const MarkedText& text, size_t begin, size_t end) {
    return grow(end - begin), text_.append_slice(text, begin, end), *this;
  }
  TextBuilder& add_made(std::string_view made, const MarkedText& source, size_t begin, size_t end) {
    return grow(made.size()), text_.append_made(made, source, begin, end), *this;
  }
  TextBuilder& add_repeated(std::string_view own, size_t times);
  size_t size() const { return text_.size(); }
  const MarkedText& text() const { return text_; }
  MarkedText take() { return std::move(text_); }
  Value finish() { return runtime_.string(std::move(text_)); }
  /// What is in `source` and safe (Markup) makes the result so.
  TextBuilder& safe(bool is_safe) { return text_.safe = is_safe, *this; }
  Runtime& runtime() { return runtime_; }

 private:
  void grow(size_t bytes) {
    if ((unchecked_ += bytes) >= 4096) check();
  }
  void check();
  Runtime& runtime_;
  MarkedText text_;
  size_t unchecked_ = 0;
};

}  // namespace maru::text::jinja
