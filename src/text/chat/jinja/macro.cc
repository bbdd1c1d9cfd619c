// Macros and call blocks.
#include <fmt/format.h>

#include <algorithm>

#include "text/chat/jinja/interpreter.h"

namespace maru::text::jinja {

class Macro : public Object {
 public:
  Macro(Interpreter& interpreter, const Signature& signature, const Body& body, Scope* closure)
      : interpreter_(interpreter), signature_(signature), body_(body), closure_(closure) {}
  std::string_view type_name() const override { return "Macro"; }
  bool is_callable() const override { return true; }
  Value call(Call& call) override { return interpreter_.call_macro(signature_, body_, closure_, call); }
  void print(Runtime&, TextBuilder& to) override { to.add("<Macro '" + signature_.name + "'>"); }

  std::optional<Value> attribute(Runtime& runtime, const Value&, std::string_view name) override {
    if (name == "name") return runtime.string(signature_.name);
    if (name == "catch_kwargs") return Value::boolean(signature_.uses_kwargs);
    if (name == "catch_varargs") return Value::boolean(signature_.uses_varargs);
    if (name == "caller") return Value::boolean(signature_.uses_caller);
    if (name != "arguments") return std::nullopt;
    Values parameters;
    for (const std::string& parameter : signature_.parameters) parameters.push_back(runtime.string(parameter));
    return runtime.tuple(std::move(parameters));
  }

 private:
  Interpreter& interpreter_;
  const Signature& signature_;
  const Body& body_;
  Scope* const closure_;
};

Value Interpreter::make_macro(const Signature& signature, const Body& body) {
  auto macro = runtime_.make<Macro>(0, *this, signature, body, scope_);
  capture(scope_);
  return {Kind::kObject, std::move(macro)};
}

Value Interpreter::call_macro(const Signature& signature, const Body& body, Scope* closure, Call& call) {
  const auto nested = runtime_.nested_run();
  const int line = runtime_.line();
  Captured captured(*this);
  const Entered entered(*this, closure);
  bind_parameters(signature, call);
  run(body);
  runtime_.at_line(line);
  return runtime_.string(captured.take());
}

void Interpreter::bind_parameters(const Signature& signature, Call& call) {
  const auto& parameters = signature.parameters;
  const auto take_keyword = [&](std::string_view name) -> std::optional<Value> {
    runtime_.step_items(2 * call.keywords.size());
    const auto it = std::find_if(call.keywords.begin(), call.keywords.end(),
                                 [&](const auto& keyword) { return keyword.first.bytes() == name; });
    if (it == call.keywords.end()) return std::nullopt;
    Value value = std::move(it->second);
    call.keywords.erase(it);
    return value;
  };
  const size_t first_default = parameters.size() - signature.defaults.size();
  for (size_t i = 0; i < parameters.size(); ++i) {
    std::optional<Value> value;
    if (i < call.arguments.size())
      value = call.arguments[i];
    else
      value = take_keyword(parameters[i]);
    if (!value && i >= first_default) value = eval(*signature.defaults[i - first_default]);
    if (!value) value = runtime_.undefined(fmt::format("parameter '{}' was not provided", parameters[i]));
    assign_name(parameters[i], *value);
  }
  if (signature.uses_caller) {
    const std::optional<Value> caller = take_keyword("caller");
    assign_name("caller", caller && !caller->is_none() ? *caller : runtime_.undefined("No caller defined"));
  }
  if (signature.uses_kwargs) {
    const std::shared_ptr<DictData> rest = runtime_.new_dict();
    for (auto& [name, value] : call.keywords) rest->set(runtime_, name, value);
    assign_name("kwargs", Runtime::dict(rest));
  } else if (!call.keywords.empty()) {
    runtime_.fail(
        fmt::format("macro '{}' takes no keyword argument '{}'", signature.name, call.keywords[0].first.bytes()));
  }
  runtime_.step_items(call.arguments.size());
  const size_t taken = std::min(parameters.size(), call.arguments.size());
  if (signature.uses_varargs)
    assign_name("varargs",
                runtime_.tuple({call.arguments.begin() + static_cast<ptrdiff_t>(taken), call.arguments.end()}));
  else if (call.arguments.size() > taken)
    runtime_.fail(fmt::format("macro '{}' takes not more than {} argument(s)", signature.name, parameters.size()));
}

}  // namespace maru::text::jinja
