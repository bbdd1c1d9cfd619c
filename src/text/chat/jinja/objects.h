// The objects of the environment: namespace, cycler, joiner, and its functions. Internal to the module.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "text/chat/jinja/runtime.h"

namespace maru::text::jinja {

/// The only thing a template can change. The runtime keeps it and clears it in the end, so that circles are freed.
class Namespace final : public Object {
 public:
  ~Namespace() override { Namespace::clear(); }
  std::string_view type_name() const override { return "Namespace"; }
  std::optional<Value> attribute(Runtime& runtime, const Value& self, std::string_view name) override;
  void print(Runtime& runtime, TextBuilder& to) override;
  /// Throws for names that begin with an underscore.
  void set(Runtime& runtime, const Value& name, Value value);
  void clear() override;

 private:
  std::vector<std::pair<Value, Value>> attributes_;
};

/// {% for %}'s `loop`. Takes items one by one, so that a loop's filter sees what the body has changed.
class LoopObject : public Object {
 public:
  using Filter = std::function<bool(const Value&)>;
  using Recurse = std::function<Value(const Value& items, int64_t depth)>;
  LoopObject(Values items, Filter filter, Recurse recurse, int64_t depth)
      : items_(std::move(items)), filter_(std::move(filter)), recurse_(std::move(recurse)), depth_(depth) {}
  ~LoopObject() override { finish(); }
  /// The next item, if there is one.
  std::optional<Value> advance();
  /// The loop is over: nothing is held any longer.
  void finish();
  std::string_view type_name() const override { return "LoopContext"; }
  std::optional<Value> attribute(Runtime& runtime, const Value& self, std::string_view name) override;
  std::optional<int64_t> length(Runtime&) override { return count(); }
  bool is_callable() const override { return true; }
  Value call(Call& call) override;
  void print(Runtime& runtime, TextBuilder& to) override;

 private:
  static Value cycle(Call& call);
  static Value changed(Call& call);
  std::optional<Value> pull();
  const std::optional<Value>& peek();
  int64_t count();
  Values items_;
  size_t next_ = 0;
  Filter filter_;
  Recurse recurse_;
  int64_t depth_, index_ = -1;
  std::optional<Value> before_, current_, after_, last_changed_;
  bool finished_ = false;
};

/// The functions of the environment.
Value make_cycler(Call& call);
Value make_joiner(Call& call);
Value make_namespace(Call& call);
Value make_range(Call& call);
Value make_dict(Call& call);
Value raise_exception(Call& call);
Value strftime_now(Call& call);
Value refuse_lipsum(Call& call);
/// dict(…) and namespace(…): a mapping or pairs, then keywords.
std::shared_ptr<DictData> dict_from(Call& call);

}  // namespace maru::text::jinja
