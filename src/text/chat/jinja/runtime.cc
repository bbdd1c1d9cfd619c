#include "text/chat/jinja/runtime.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "base/excerpt.h"

namespace maru::text::jinja {

Clock local_clock() {
  const auto now = std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
  const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  Clock clock{.microseconds = static_cast<int>(now.time_since_epoch().count() % 1'000'000)};
  localtime_r(&seconds, &clock.time);
  return clock;
}

Runtime::Runtime(std::string_view template_name, const Limits& limits, const Clock& clock)
    : name_(template_name), limits_(limits), clock_(clock), memory_(std::make_shared<Memory>(limits.memory_bytes)) {
  constexpr double kForever = 1e9;
  if (limits.seconds < kForever)
    deadline_ = SteadyClock::now() +
                std::chrono::duration_cast<SteadyClock::duration>(std::chrono::duration<double>(limits.seconds));
}

Runtime::~Runtime() {
  for (const std::shared_ptr<Object>& object : kept_) object->clear();
}

// Of what a template or a message wrote, which may stand in it and be as long as they like.
constexpr size_t kMostMessage = 1000;

void Runtime::fail(ErrorCode code, const std::string& message) const {
  throw Failure(code, name_ + ":" + std::to_string(line_) + ": " + excerpt(message, kMostMessage));
}

// The clock is asked once in some thousand steps: no single one takes long.
void Runtime::look_at_limits() {
  constexpr int64_t kStepsBetween = 8192;
  if (steps_ > limits_.steps) fail_exhausted("steps", limits_.steps);
  if (deadline_ != SteadyClock::time_point::max() && SteadyClock::now() > deadline_)
    fail(ErrorCode::kDeadline,
         "the template ran longer than " + std::to_string(std::llround(limits_.seconds * 1000)) + " ms");
  // A limit may be as large as numbers go.
  const bool near = limits_.steps - steps_ < kStepsBetween;
  next_look_ = near ? limits_.steps + 1 : steps_ + kStepsBetween;
}

void Runtime::hold(int64_t bytes) {
  if (bytes > memory_->room()) fail_exhausted("bytes of memory", limits_.memory_bytes);
  memory_->hold(bytes);
}

void Runtime::fail_exhausted(std::string_view what, int64_t limit) const {
  fail(ErrorCode::kExhausted, "the template used more than " + std::to_string(limit) + " " + std::string(what));
}

void Runtime::require_room(size_t bytes) {
  const auto wanted = static_cast<int64_t>(bytes);
  if (bytes > static_cast<size_t>(limits_.output_bytes)) fail_exhausted("bytes in one string", limits_.output_bytes);
  if (wanted > memory_->room()) fail_exhausted("bytes of memory", limits_.memory_bytes);
}

void Runtime::charge(Heap& object, int64_t bytes) {
  if (bytes > memory_->room()) fail_exhausted("bytes of memory", limits_.memory_bytes);
  step(1 + bytes / 64);
  memory_->charge(object, bytes);
}

Value Runtime::string(MarkedText text) {
  require_room(text.size());
  const auto marks = static_cast<int64_t>(8 * (text.input.list().size() + text.generated.list().size()));
  auto data = make<StringData>(static_cast<int64_t>(text.size()) + marks);
  data->text = std::move(text);
  return {Kind::kString, std::move(data)};
}

Value Runtime::sequence(SequenceKind kind, Values items) {
  auto data = make<SequenceData>(static_cast<int64_t>(items.size() * sizeof(Value)));
  data->sequence_kind = kind;
  data->items = std::move(items);
  return {Kind::kSequence, std::move(data)};
}

// How many numbers range(start, stop, step) has, at most one more than is allowed.
static int64_t range_length(int64_t start, int64_t stop, int64_t step) {
  const bool empty = step > 0 ? start >= stop : start <= stop;
  if (empty) return 0;
  const auto distance = step > 0 ? static_cast<uint64_t>(stop) - static_cast<uint64_t>(start)
                                 : static_cast<uint64_t>(start) - static_cast<uint64_t>(stop);
  const auto stride = step > 0 ? static_cast<uint64_t>(step) : uint64_t{0} - static_cast<uint64_t>(step);
  const uint64_t length = (distance - 1) / stride + 1;
  return static_cast<int64_t>(std::min<uint64_t>(length, Limits::kRangeItems + 1));
}

Value Runtime::range(int64_t start, int64_t stop, int64_t step) {
  if (step == 0) fail("range() arg 3 must not be zero");
  const int64_t length = range_length(start, stop, step);
  if (length > Limits::kRangeItems)
    fail("Range too big: expected at most " + std::to_string(Limits::kRangeItems) + " items");
  Values items;
  items.reserve(static_cast<size_t>(length));
  for (int64_t i = 0; i < length; ++i) items.push_back(Value::integer(start + i * step));
  Value value = sequence(SequenceKind::kRange, std::move(items));
  auto& data = value.heap_as<SequenceData>();
  data.start = start, data.stop = stop, data.step = step;
  return value;
}

Value Runtime::iterator(Values items, std::string_view name) {
  auto data = make<IteratorData>(static_cast<int64_t>(items.size() * sizeof(Value)));
  data->items = std::move(items);
  data->name = name;
  return {Kind::kIterator, std::move(data)};
}

Value Runtime::undefined(std::string message) {
  auto data = make<UndefinedData>(static_cast<int64_t>(message.size()));
  data->message = std::move(message);
  return {Kind::kUndefined, std::move(data)};
}

std::shared_ptr<DictData> Runtime::new_dict() { return make<DictData>(0); }

TextBuilder& TextBuilder::add_repeated(std::string_view own, size_t times) {
  if (own.empty() || times == 0) return *this;
  if (times > static_cast<size_t>(runtime_.limits().output_bytes) / own.size())
    runtime_.fail_exhausted("bytes in one string", runtime_.limits().output_bytes);
  const size_t bytes = own.size() * times;
  runtime_.require_room(bytes);
  grow(bytes);
  if (own.size() == 1) return text_.bytes.append(times, own[0]), *this;
  for (size_t i = 0; i < times; ++i) text_.append(own);
  return *this;
}

void TextBuilder::check(size_t bytes) {
  runtime_.step_bytes(unchecked_);
  unchecked_ = 0;
  runtime_.require_room(text_.size() + bytes);
  held_.raise_to(text_.size() + bytes + 8 * (text_.input.list().size() + text_.generated.list().size()));
}

MarkedText TextBuilder::take() {
  runtime_.step_bytes(std::exchange(unchecked_, 0));
  held_.release();
  return std::move(text_);
}

}  // namespace maru::text::jinja
