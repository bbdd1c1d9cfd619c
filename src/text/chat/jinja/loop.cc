// {% for %}'s `loop`.
#include <fmt/format.h>

#include "text/chat/jinja/methods.h"
#include "text/chat/jinja/objects.h"
#include "text/chat/jinja/operations.h"

namespace maru::text::jinja {

std::optional<Value> LoopObject::pull() {
  while (next_ < items_.size()) {
    const Value item = items_[next_++];
    if (!filter_ || filter_(item)) return item;
  }
  return std::nullopt;
}

std::optional<Value> LoopObject::advance() {
  std::optional<Value> item = after_ ? std::exchange(after_, std::nullopt) : pull();
  if (!item) return std::nullopt;
  ++index_;
  before_ = std::exchange(current_, item);
  return item;
}

const std::optional<Value>& LoopObject::peek() {
  if (!after_) after_ = pull();
  return after_;
}

void LoopObject::finish() {
  finished_ = true;
  for (Value& item : items_) release(item.take_heap());
  for (std::optional<Value>* held : {&before_, &current_, &after_, &last_changed_}) {
    if (*held) release((*held)->take_heap());
    held->reset();
  }
  items_.clear();
  filter_ = nullptr;
  recurse_ = nullptr;
}

// With a filter, all items that are left are tested now.
int64_t LoopObject::count() {
  if (filter_) {
    Values rest;
    while (std::optional<Value> item = pull()) rest.push_back(std::move(*item));
    const auto known = static_cast<size_t>(index_ + 1 + (after_ ? 1 : 0));
    items_.assign(known, Value::none());
    items_.insert(items_.end(), rest.begin(), rest.end());
    next_ = known;
    filter_ = nullptr;
  }
  return static_cast<int64_t>(items_.size());
}

std::optional<Value> LoopObject::attribute(Runtime& runtime, const Value& self, std::string_view name) {
  if (name == "index") return Value::integer(index_ + 1);
  if (name == "index0") return Value::integer(index_);
  if (name == "first") return Value::boolean(index_ == 0);
  if (name == "last") return Value::boolean(!peek());
  if (name == "length") return Value::integer(count());
  if (name == "revindex") return Value::integer(count() - index_);
  if (name == "revindex0") return Value::integer(count() - index_ - 1);
  if (name == "depth") return Value::integer(depth_ + 1);
  if (name == "depth0") return Value::integer(depth_);
  if (name == "previtem") return index_ > 0 && before_ ? *before_ : runtime.undefined("there is no previous item");
  if (name == "nextitem") return peek() ? *peek() : runtime.undefined("there is no next item");
  const Function function = name == "cycle" ? cycle : name == "changed" ? changed : nullptr;
  if (function == nullptr) return std::nullopt;
  return Value(Kind::kObject, runtime.make<BoundFunction>(0, self, name == "cycle" ? "cycle" : "changed", function));
}

Value LoopObject::cycle(Call& call) {
  const auto& loop = call.self.heap_as<LoopObject>();
  if (call.arguments.empty() || !call.keywords.empty()) call.runtime.fail("cycle(): expected at least one item");
  const auto index = static_cast<size_t>(std::max<int64_t>(loop.index_, 0));
  return call.arguments[index % call.arguments.size()];
}

Value LoopObject::changed(Call& call) {
  auto& loop = call.self.heap_as<LoopObject>();
  const Value now = call.runtime.tuple(call.arguments);
  if (loop.last_changed_ && equal(call.runtime, *loop.last_changed_, now)) return Value::boolean(false);
  if (!loop.finished_) loop.last_changed_ = now;
  return Value::boolean(true);
}

Value LoopObject::call(Call& call) {
  const auto a = call.bind({"iterable"}, 1);
  if (!recurse_) call.runtime.fail("The loop must have the 'recursive' marker to be called recursively.");
  const Recurse recurse = recurse_;
  return recurse(*a[0], depth_ + 1);
}

void LoopObject::print(Runtime&, TextBuilder& to) { to.add(fmt::format("<LoopContext {}/{}>", index_ + 1, count())); }

}  // namespace maru::text::jinja
