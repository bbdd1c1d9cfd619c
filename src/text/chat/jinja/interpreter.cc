#include "text/chat/jinja/interpreter.h"

#include <fmt/format.h>

#include <algorithm>

#include "text/chat/jinja/filters.h"
#include "text/chat/jinja/methods.h"

namespace maru::text::jinja {
namespace {

constexpr auto kVariableBytes = static_cast<int64_t>(sizeof(std::pair<std::string_view, Value>));

}  // namespace

/// What self.NAME is: called, the block's text.
class BlockReference : public Object {
 public:
  BlockReference(Interpreter& interpreter, const Body& body) : interpreter_(interpreter), body_(body) {}
  std::string_view type_name() const override { return "BlockReference"; }
  bool is_callable() const override { return true; }
  Value call(Call& call) override { return call.bind({}), interpreter_.render_block(body_); }

 private:
  Interpreter& interpreter_;
  const Body& body_;
};

class SelfReference : public Object {
 public:
  explicit SelfReference(Interpreter& interpreter) : interpreter_(interpreter) {}
  std::string_view type_name() const override { return "TemplateReference"; }
  std::optional<Value> attribute(Runtime& runtime, const Value&, std::string_view name) override {
    const Body* block = interpreter_.block_named(name);
    if (block == nullptr) return std::nullopt;
    return Value(Kind::kObject, runtime.make<BlockReference>(0, interpreter_, *block));
  }

 private:
  Interpreter& interpreter_;
};

Interpreter::Entered::Entered(Interpreter& interpreter, Scope* parent)
    : interpreter_(interpreter), outer_(interpreter.scope_) {
  interpreter_.scope_ = interpreter_.new_scope(parent);
}

Interpreter::Entered::~Entered() {
  interpreter_.leave(interpreter_.scope_);
  interpreter_.scope_ = outer_;
}

Interpreter::Captured::Captured(Interpreter& interpreter)
    : interpreter_(interpreter), text_(interpreter.runtime_), outer_(interpreter.out_) {
  interpreter_.out_ = &text_;
}

Interpreter::Captured::~Captured() { interpreter_.out_ = outer_; }

Interpreter::Interpreter(const Tree& tree, Runtime& runtime) : tree_(tree), runtime_(runtime) { add_environment(); }

Interpreter::~Interpreter() = default;

void Interpreter::add_environment() {
  constexpr std::pair<std::string_view, Function> kFunctions[] = {
      {"range", make_range},     {"dict", make_dict},           {"namespace", make_namespace},
      {"cycler", make_cycler},   {"joiner", make_joiner},       {"raise_exception", raise_exception},
      {"lipsum", refuse_lipsum}, {"strftime_now", strftime_now}};
  for (const auto& [name, function] : kFunctions)
    set_global(name, Value(Kind::kObject, runtime_.make<BoundFunction>(0, Value(), name, function)));
}

void Interpreter::set_global(std::string_view name, Value value) {
  runtime_.step_items(globals_.variables.size());
  for (auto& [key, old] : globals_.variables)
    if (key == name) return void(old = std::move(value));
  globals_.variables.emplace_back(name, std::move(value));
}

MarkedText Interpreter::run() {
  Captured captured(*this);
  set_global("self", Value(Kind::kObject, runtime_.make<SelfReference>(0, *this)));
  const Entered entered(*this, &globals_);
  template_scope_ = scope_;
  run(tree_.body);
  MarkedText text = captured.take();
  runtime_.require_room(text.size());
  return text;
}

Scope* Interpreter::new_scope(Scope* parent) {
  runtime_.step();
  scopes_.push_back(std::make_unique<Scope>(Scope{parent, {}, false}));
  return scopes_.back().get();
}

void Interpreter::leave(Scope* scope) {
  CHECK(!scopes_.empty() && scopes_.back().get() == scope);
  if (scope->captured) kept_.push_back(std::move(scopes_.back()));
  scopes_.pop_back();
}

Value Interpreter::look_up(std::string_view name) {
  size_t looked_at = 0;
  for (const Scope* scope = scope_; scope != nullptr; scope = scope->parent) {
    looked_at += 1 + scope->variables.size();
    if (looked_at >= 16) runtime_.step_items(std::exchange(looked_at, 0));
    for (const auto& [key, value] : scope->variables)
      if (key == name) return value;
  }
  return runtime_.undefined(fmt::format("'{}' is undefined", name));
}

void Interpreter::assign_name(std::string_view name, const Value& value) {
  runtime_.step_items(scope_->variables.size());
  for (auto& [key, old] : scope_->variables)
    if (key == name) return void(old = value);
  if (scope_->captured) runtime_.charge(*kept_bytes_, kVariableBytes);
  scope_->variables.emplace_back(name, value);
}

void Interpreter::capture(Scope* innermost) {
  for (Scope* scope = innermost; scope != nullptr && !scope->captured; scope = scope->parent) {
    const auto variables = static_cast<int64_t>(scope->variables.size());
    runtime_.charge(*kept_bytes_, static_cast<int64_t>(sizeof(Scope)) + kVariableBytes * variables);
    scope->captured = true;
  }
}

void Interpreter::assign(const Target& target, const Value& value) {
  if (target.is_tuple) {
    const Values items = items_of(runtime_, value);
    if (items.size() != target.parts.size())
      runtime_.fail(fmt::format("{} values to unpack (expected {}, got {})",
                                items.size() < target.parts.size() ? "not enough" : "too many", target.parts.size(),
                                items.size()));
    for (size_t i = 0; i < items.size(); ++i) assign(target.parts[i], items[i]);
    return;
  }
  if (target.attribute.empty()) return assign_name(target.name, value);
  const Value space = look_up(target.name);
  auto* object = space.is(Kind::kObject) ? dynamic_cast<Namespace*>(space.heap()) : nullptr;
  if (object == nullptr) runtime_.fail("cannot assign attribute on non-namespace object '" + target.name + "'");
  object->set(runtime_, runtime_.string(target.attribute), value);
}

Interpreter::Flow Interpreter::run(const Body& body) {
  for (const Statement& statement : body)
    if (const Flow flow = run(statement); flow != Flow::kNormal) return flow;
  return Flow::kNormal;
}

Interpreter::Flow Interpreter::run(const Statement& statement) {
  const auto nested = runtime_.nested_run();
  runtime_.step();
  runtime_.at_line(statement.line);
  return std::visit([this](const auto& node) { return exec(node); }, statement.node);
}

Interpreter::Flow Interpreter::exec(const OutputStatement& s) {
  for (const ExprPtr& part : s.parts) {
    const Value value = eval(*part);
    runtime_.at_line(part->line);
    print(value, *out_);
  }
  return Flow::kNormal;
}

Interpreter::Flow Interpreter::exec(const IfStatement& s) {
  for (const auto& [test, body] : s.branches)
    if (truth(runtime_, eval(*test))) return run(body);
  return run(s.otherwise);
}

Interpreter::Flow Interpreter::exec(const ForStatement& s) {
  const Value iterable = eval(*s.iterable);
  return run_loop(s, iterable, 0, scope_);
}

LoopObject::Filter Interpreter::filter_of(const ForStatement& s, Scope* parent) {
  if (!s.filter) return nullptr;
  return [this, &s, parent](const Value& item) {
    const Entered entered(*this, parent);
    assign(s.target, item);
    return truth(runtime_, eval(*s.filter));
  };
}

LoopObject::Recurse Interpreter::recurse_of(const ForStatement& s, Scope* parent) {
  if (!s.recursive) return nullptr;
  return [this, &s, parent](const Value& items, int64_t depth) {
    const auto nested = runtime_.nested_run();
    Captured captured(*this);
    run_loop(s, items, depth, parent);
    return runtime_.string(captured.take());
  };
}

Interpreter::Flow Interpreter::run_loop(const ForStatement& s, const Value& iterable, int64_t depth, Scope* parent) {
  Values items = items_of(runtime_, iterable);
  const auto bytes = static_cast<int64_t>(items.size() * sizeof(Value));
  const auto loop =
      runtime_.make<LoopObject>(bytes, std::move(items), filter_of(s, parent), recurse_of(s, parent), depth);
  bool any = false;
  while (const std::optional<Value> item = loop->advance()) {
    any = true;
    const Entered entered(*this, parent);
    runtime_.at_line(s.target.line);
    assign(s.target, *item);
    assign_name("loop", Value(Kind::kObject, loop));
    if (run(s.body) == Flow::kBreak) break;
  }
  loop->finish();
  if (any) return Flow::kNormal;
  const Entered entered(*this, parent);
  return run(s.otherwise);
}

Interpreter::Flow Interpreter::exec(const SetStatement& s) {
  const Value value = eval(*s.value);
  runtime_.at_line(s.target.line);
  assign(s.target, value);
  return Flow::kNormal;
}

Value Interpreter::filtered(const Expr& filters, MarkedText text) {
  const Value value = runtime_.string(std::move(text));
  const Value* const outer = std::exchange(block_text_, &value);
  Value result = eval(filters);
  block_text_ = outer;
  return result;
}

Interpreter::Flow Interpreter::exec(const SetBlockStatement& s) {
  MarkedText text;
  Flow flow = Flow::kNormal;
  {
    Captured captured(*this);
    const Entered entered(*this, scope_);
    flow = run(s.body);
    text = captured.take();
  }
  if (flow != Flow::kNormal) return flow;
  assign(s.target, s.filter ? filtered(*s.filter, std::move(text)) : runtime_.string(std::move(text)));
  return Flow::kNormal;
}

Interpreter::Flow Interpreter::exec(const FilterStatement& s) {
  MarkedText text;
  Flow flow = Flow::kNormal;
  {
    Captured captured(*this);
    const Entered entered(*this, scope_);
    flow = run(s.body);
    text = captured.take();
  }
  if (flow == Flow::kNormal) print(filtered(*s.filter, std::move(text)), *out_);
  return flow;
}

Interpreter::Flow Interpreter::exec(const WithStatement& s) {
  const Values values = eval_all(s.values);
  const Entered entered(*this, scope_);
  for (size_t i = 0; i < values.size(); ++i) assign(s.targets[i], values[i]);
  return run(s.body);
}

Interpreter::Flow Interpreter::exec(const GenerationStatement& s) {
  MarkedText text;
  {
    Captured captured(*this);
    const Entered entered(*this, scope_);
    run(s.body);
    text = captured.take();
  }
  text.generated = {};
  text.generated.add(0, text.size());
  out_->add(text);
  return Flow::kNormal;
}

Interpreter::Flow Interpreter::exec(const BlockStatement& s) {
  const Entered entered(*this, s.scoped ? scope_ : template_scope_);
  return run(*s.body);
}

const Body* Interpreter::block_named(std::string_view name) const {
  runtime_.step_items(tree_.blocks.size());
  const auto it =
      std::find_if(tree_.blocks.begin(), tree_.blocks.end(), [&](const auto& b) { return b.first == name; });
  return it == tree_.blocks.end() ? nullptr : it->second.get();
}

Value Interpreter::render_block(const Body& body) {
  const auto nested = runtime_.nested_run();
  const int line = runtime_.line();
  Captured captured(*this);
  const Entered entered(*this, template_scope_);
  run(body);
  runtime_.at_line(line);
  return runtime_.string(captured.take());
}

Interpreter::Flow Interpreter::exec(const MacroStatement& s) {
  assign_name(s.signature.name, make_macro(s.signature, s.body));
  return Flow::kNormal;
}

Interpreter::Flow Interpreter::exec(const CallStatement& s) {
  const Value caller = make_macro(s.signature, s.body);
  print(call(std::get<CallExpr>(s.call->node), &caller), *out_);
  return Flow::kNormal;
}

}  // namespace maru::text::jinja
