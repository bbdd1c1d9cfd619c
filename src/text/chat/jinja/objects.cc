#include "text/chat/jinja/objects.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "text/chat/jinja/methods.h"
#include "text/chat/jinja/operations.h"

namespace maru::text::jinja {
namespace {

Value bound(Runtime& runtime, const Value& self, std::string_view name, Function function) {
  return {Kind::kObject, runtime.make<BoundFunction>(0, self, name, function)};
}

class Cycler : public Object {
 public:
  explicit Cycler(Values items) : items_(std::move(items)) {}
  ~Cycler() override {
    for (Value& item : items_) release(item.take_heap());
  }
  std::string_view type_name() const override { return "Cycler"; }
  std::optional<Value> attribute(Runtime& runtime, const Value& self, std::string_view name) override {
    if (name == "current") return items_[at_];
    if (name == "next") return bound(runtime, self, "next", next);
    if (name == "reset") return bound(runtime, self, "reset", reset);
    return std::nullopt;
  }

 private:
  static Value next(Call& call) {
    call.bind({});
    auto& cycler = call.self.heap_as<Cycler>();
    const size_t at = std::exchange(cycler.at_, (cycler.at_ + 1) % cycler.items_.size());
    return cycler.items_[at];
  }
  static Value reset(Call& call) {
    call.bind({});
    call.self.heap_as<Cycler>().at_ = 0;
    return Value::none();
  }
  Values items_;
  size_t at_ = 0;
};

class Joiner : public Object {
 public:
  explicit Joiner(Value separator) : separator_(std::move(separator)) {}
  ~Joiner() override { release(separator_.take_heap()); }
  std::string_view type_name() const override { return "Joiner"; }
  bool is_callable() const override { return true; }
  Value call(Call& call) override {
    call.bind({});
    return std::exchange(used_, true) ? separator_ : call.runtime.string("");
  }

 private:
  Value separator_;
  bool used_ = false;
};

void add_entries(Runtime& runtime, const Value& from, DictData& to) {
  if (from.is_dict()) {
    for (const auto& [key, value] : from.heap_as<DictData>().entries) to.set(runtime, key, value);
    return;
  }
  for (const Value& item : items_of(runtime, from)) {
    const Values pair = items_of(runtime, item);
    if (pair.size() != 2) runtime.fail(fmt::format("dict(): expected pairs, got {} items", pair.size()));
    to.set(runtime, pair[0], pair[1]);
  }
}

// Source: Python's datetime.strftime; %f is its own, the rest is C's in the C locale.
std::string with_microseconds(const Clock& clock, const std::string& format) {
  std::string expanded;
  for (size_t i = 0; i < format.size(); ++i) {
    const std::string_view pair = std::string_view(format).substr(i, format[i] == '%' ? 2 : 1);
    expanded += pair == "%f" ? fmt::format("{:06}", clock.microseconds) : std::string(pair);
    i += pair.size() - 1;
  }
  return expanded;
}

}  // namespace

std::optional<Value> Namespace::attribute(Runtime& runtime, const Value&, std::string_view name) {
  runtime.step_items(attributes_.size());
  for (const auto& [key, value] : attributes_)
    if (key.bytes() == name) return value;
  return std::nullopt;
}

void Namespace::set(Runtime& runtime, const Value& name, Value value) {
  if (!name.is_string()) runtime.fail("namespace: expected names, got " + std::string(jinja::type_name(name)));
  if (name.bytes().starts_with('_'))
    runtime.fail("a namespace cannot hold names that begin with an underscore, got '" + name.bytes() + "'");
  runtime.step_items(attributes_.size());
  for (auto& [key, old] : attributes_)
    if (key.bytes() == name.bytes()) return void(old = std::move(value));
  runtime.charge(*this, 2 * sizeof(Value));
  attributes_.emplace_back(name, std::move(value));
}

void Namespace::clear() {
  for (auto& [key, value] : attributes_) release(value.take_heap());
  attributes_.clear();
}

void Namespace::print(Runtime&, TextBuilder& to) {
  to.add("<Namespace {");
  bool first = true;
  for (const auto& [key, value] : attributes_) {
    if (!first) to.add(", ");
    first = false;
    print_repr(key, to);
    to.add(": ");
    print_repr(value, to);
  }
  to.add("}>");
}

std::shared_ptr<DictData> dict_from(Call& call) {
  if (call.arguments.size() > 1) call.runtime.fail(std::string(call.name) + "() takes at most 1 positional argument");
  const std::shared_ptr<DictData> dict = call.runtime.new_dict();
  if (!call.arguments.empty()) add_entries(call.runtime, call.arguments[0], *dict);
  for (const auto& [name, value] : call.keywords) dict->set(call.runtime, name, value);
  return dict;
}

Value make_namespace(Call& call) {
  const auto space = call.runtime.make<Namespace>(0);
  call.runtime.keep(space);
  const std::shared_ptr<DictData> attributes = dict_from(call);
  for (const auto& [name, value] : attributes->entries) space->set(call.runtime, name, value);
  return {Kind::kObject, space};
}

Value make_dict(Call& call) { return Runtime::dict(dict_from(call)); }

Value make_cycler(Call& call) {
  if (call.arguments.empty() || !call.keywords.empty()) call.runtime.fail("cycler(): expected at least one item");
  const auto bytes = static_cast<int64_t>(call.arguments.size() * sizeof(Value));
  return {Kind::kObject, call.runtime.make<Cycler>(bytes, call.arguments)};
}

Value make_joiner(Call& call) {
  const auto a = call.bind({"sep"});
  return {Kind::kObject, call.runtime.make<Joiner>(0, a[0] ? *a[0] : call.runtime.string(", "))};
}

Value make_range(Call& call) {
  const size_t count = call.arguments.size();
  if (count == 0 || count > 3 || !call.keywords.empty()) call.runtime.fail("range(): expected 1 to 3 integers");
  std::array<int64_t, 3> n{};
  for (size_t i = 0; i < count; ++i) n[i] = require_int(call.runtime, call.arguments[i], "range()");
  return count == 1 ? call.runtime.range(0, n[0], 1) : call.runtime.range(n[0], n[1], count == 3 ? n[2] : 1);
}

Value raise_exception(Call& call) {
  const auto a = call.bind({"message"}, 1);
  call.runtime.fail(to_text(call.runtime, *a[0]).bytes);
}

Value strftime_now(Call& call) {
  const auto a = call.bind({"format"}, 1);
  const MarkedText& format = require_text(call.runtime, *a[0], "strftime_now()");
  if (format.size() > 256) call.runtime.fail("strftime_now(): expected a format of at most 256 bytes");
  call.runtime.step(static_cast<int64_t>(8 + format.size()));
  const std::string expanded = with_microseconds(call.runtime.clock(), format.bytes);
  std::array<char, 16384> text{};
  const size_t size =
      expanded.empty() ? 0 : std::strftime(text.data(), text.size(), expanded.c_str(), &call.runtime.clock().time);
  MarkedText out = MarkedText::own(std::string(text.data(), size));
  out.mark_mixed(format);
  return call.runtime.string(std::move(out));
}

Value refuse_lipsum(Call& call) {
  call.runtime.fail(ErrorCode::kUnimplemented, "lipsum() is not supported in templates: its text is random");
}

}  // namespace maru::text::jinja
