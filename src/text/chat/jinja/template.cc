#include "text/chat/jinja/template.h"

#include <algorithm>

#include "base/json.h"
#include "text/chat/jinja/interpreter.h"
#include "text/chat/jinja/parser.h"
#include "text/chat/jinja/utf8.h"

namespace maru::text::jinja {
namespace {

class Converter {
 public:
  Converter(Runtime& runtime, std::span<const std::string_view> own_roles) : runtime_(runtime), own_roles_(own_roles) {}

  Value convert(const Variable& variable) {
    if (variable.generated.empty() || !variable.value->is_array()) return convert(*variable.value, variable.own);
    Values items;
    for (size_t i = 0; i < variable.value->size(); ++i) {
      generated_ = i < variable.generated.size() && variable.generated[i] != 0;
      items.push_back(convert((*variable.value)[i], variable.own));
    }
    generated_ = false;
    return runtime_.list(std::move(items));
  }

 private:
  Value convert(const Json& json, bool own) {
    const auto nested = runtime_.nested_walk();
    switch (json.type()) {
      case Json::value_t::boolean: return Value::boolean(json.get<bool>());
      case Json::value_t::number_integer: return Value::integer(json.get<int64_t>());
      case Json::value_t::number_unsigned: return unsigned_number(json.get<uint64_t>());
      case Json::value_t::number_float: return Value::real(json.get<double>());
      case Json::value_t::string: return text(json.get_ref<const std::string&>(), own);
      case Json::value_t::array: return list(json, own);
      case Json::value_t::object: return dict(json, own);
      default: return Value::none();
    }
  }

  static Value unsigned_number(uint64_t n) {
    return n <= static_cast<uint64_t>(INT64_MAX) ? Value::integer(static_cast<int64_t>(n))
                                                 : Value::real(static_cast<double>(n));
  }

  Value text(const std::string& bytes, bool own) {
    runtime_.step_bytes(bytes.size());
    MarkedText text = own ? MarkedText::own(bytes) : MarkedText::from_input(bytes);
    if (generated_) text.generated.add(0, text.size());
    return runtime_.string(std::move(text));
  }

  Value list(const Json& json, bool own) {
    Values items;
    for (const Json& item : json) items.push_back(convert(item, own));
    return runtime_.list(std::move(items));
  }

  Value dict(const Json& json, bool own) {
    const std::shared_ptr<DictData> data = runtime_.new_dict();
    for (const auto& [key, value] : json.items()) {
      const bool role = key == "role" && value.is_string() && is_own_role(value.get_ref<const std::string&>());
      data->set(runtime_, text(key, own), role ? own_role(value.get_ref<const std::string&>()) : convert(value, own));
    }
    return Runtime::dict(data);
  }

  // Who speaks is never what the model says.
  Value own_role(const std::string& role) { return runtime_.string(MarkedText::own(role)); }

  bool is_own_role(std::string_view role) const {
    return std::find(own_roles_.begin(), own_roles_.end(), role) != own_roles_.end();
  }

  Runtime& runtime_;
  std::span<const std::string_view> own_roles_;
  bool generated_ = false;
};

/// Tells how many steps a render took, however it ended.
struct StepsTold {
  const Runtime& runtime;
  int64_t* to;
  ~StepsTold() {
    if (to != nullptr) *to = runtime.steps();
  }
};

bool is_utf8(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const Character c = character_at(text, i);
    if (c.code_point < 0) return false;
    i += c.length;
  }
  return true;
}

}  // namespace

Result<Template> Template::parse(std::string_view source, std::string_view name, std::string_view shown) {
  if (!is_utf8(source)) return {ErrorCode::kInvalidArgument, std::string(name) + ": expected a template in UTF-8"};
  try {
    Tree tree = parse_template(source, name);
    if (!shown.empty()) tree.name = shown;
    return Template(std::make_shared<const Tree>(std::move(tree)));
  } catch (const Failure& failure) {
    return failure.error();
  }
}

bool Template::marks_generation() const { return tree_->marks_generation; }

MarkedText Template::render(std::span<const Variable> variables, const RenderOptions& options) const {
  Runtime runtime(tree_->name, options.limits, options.clock);
  const StepsTold told{runtime, options.steps};
  Interpreter interpreter(*tree_, runtime);
  Converter converter(runtime, options.own_roles);
  for (const Variable& variable : variables) interpreter.set_global(variable.name, converter.convert(variable));
  return interpreter.run();
}

}  // namespace maru::text::jinja
