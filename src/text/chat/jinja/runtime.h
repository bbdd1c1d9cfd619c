// One render: its limits, its memory, the line it is at, and the makers of values. One thread.
#pragma once
#include <chrono>
#include <ctime>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "text/chat/jinja/value.h"

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

  /// Counts work that is about to be done. Throws kExhausted at the limit of steps, kDeadline at that of time.
  void step(int64_t steps = 1) {
    if ((steps_ += steps) >= next_look_) look_at_limits();
  }
  /// Before bytes are copied, compared or searched, …
  void step_bytes(size_t bytes) { step(static_cast<int64_t>(bytes / 64)); }
  /// … are gone through character by character, …
  void step_characters(size_t bytes) { step(static_cast<int64_t>(bytes / 16)); }
  /// … or values are copied or looked at.
  void step_items(size_t count) { step(static_cast<int64_t>(count / 8)); }
  int64_t steps() const { return steps_; }
  /// Before `bytes` are put into one string or container.
  void require_room(size_t bytes);
  /// Counts bytes that live outside of values; use Held. Throws kExhausted at the limit.
  void hold(int64_t bytes);
  void give_back(int64_t bytes) { memory_->hold(-bytes); }
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
  using SteadyClock = std::chrono::steady_clock;
  void look_at_limits();

  std::string name_;
  Limits limits_;
  Clock clock_;
  std::shared_ptr<Memory> memory_;
  std::vector<std::shared_ptr<Object>> kept_;
  int64_t steps_ = 0, next_look_ = 0;
  SteadyClock::time_point deadline_ = SteadyClock::time_point::max();
  int line_ = 0, run_depth_ = 0, walk_depth_ = 0;
};

/// Bytes that are in use outside of values, counted for as long as this lives.
class Held {
 public:
  explicit Held(Runtime& runtime, size_t bytes = 0) : runtime_(runtime) { raise_to(bytes); }
  ~Held() { runtime_.give_back(bytes_); }
  Held(Held&& other) noexcept : runtime_(other.runtime_), bytes_(std::exchange(other.bytes_, 0)) {}
  void raise_to(size_t bytes) {
    const int64_t more = static_cast<int64_t>(bytes) - bytes_;
    if (more <= 0) return;
    runtime_.hold(more);
    bytes_ += more;
  }
  void release() { runtime_.give_back(std::exchange(bytes_, 0)); }

 private:
  Runtime& runtime_;
  int64_t bytes_ = 0;
};

/// Builds a string within the limits.
class TextBuilder {
 public:
  explicit TextBuilder(Runtime& runtime) : runtime_(runtime), held_(runtime) {}
  TextBuilder& add(std::string_view own) { return grow(own.size()), text_.append(own), *this; }
  TextBuilder& add(const MarkedText& text) { return add_slice(text, 0, text.size()); }
  TextBuilder& add_slice(const MarkedText& text, size_t begin, size_t end) {
    grow(end - begin, text.count_marks(begin, end));
    text_.append_slice(text, begin, end);
    return *this;
  }
  TextBuilder& add_made(std::string_view made, const MarkedText& source, size_t begin, size_t end) {
    return grow(made.size()), text_.append_made(made, source, begin, end), *this;
  }
  TextBuilder& add_repeated(std::string_view own, size_t times);
  size_t size() const { return text_.size(); }
  const MarkedText& text() const { return text_; }
  MarkedText take();
  Value finish() { return runtime_.string(take()); }
  /// What is in `source` and safe (Markup) makes the result so.
  TextBuilder& safe(bool is_safe) { return text_.safe = is_safe, *this; }
  Runtime& runtime() { return runtime_; }

 private:
  /// Before each part; a small one takes as long as kPartBytes more.
  void grow(size_t bytes, size_t marks = 0) {
    if ((unchecked_ += bytes + 8 * marks + kPartBytes) >= 4096) check(bytes);
  }
  void check(size_t bytes);
  static constexpr size_t kPartBytes = 16;
  Runtime& runtime_;
  Held held_;
  MarkedText text_;
  size_t unchecked_ = 0;
};

}  // namespace maru::text::jinja
