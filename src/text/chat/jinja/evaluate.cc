// Expressions.
#include <fmt/format.h>

#include <algorithm>

#include "text/chat/jinja/filters.h"
#include "text/chat/jinja/interpreter.h"

namespace maru::text::jinja {
namespace {

/// What errors of a call begin with.
std::string_view name_of_callee(const Expr& callee) {
  if (const auto* name = std::get_if<Name>(&callee.node)) return name->name;
  if (const auto* attribute = std::get_if<AttributeExpr>(&callee.node)) return attribute->name;
  return "call";
}

}  // namespace

Value Interpreter::eval(const Expr& expr) {
  const auto nested = runtime_.nested_run();
  runtime_.step();
  return std::visit(
      [&](const auto& node) {
        runtime_.at_line(expr.line);
        return eval(node);
      },
      expr.node);
}

Value Interpreter::eval(const Name& e) { return look_up(e.name); }

Values Interpreter::eval_all(const Exprs& exprs) {
  Values values;
  values.reserve(exprs.size());
  for (const ExprPtr& expr : exprs) values.push_back(eval(*expr));
  return values;
}

Value Interpreter::eval(const ListDisplay& e) { return runtime_.list(eval_all(e.items)); }
Value Interpreter::eval(const TupleDisplay& e) { return runtime_.tuple(eval_all(e.items)); }

Value Interpreter::eval(const DictDisplay& e) {
  const std::shared_ptr<DictData> dict = runtime_.new_dict();
  for (size_t i = 0; i < e.keys.size(); ++i) {
    Value key = eval(*e.keys[i]);
    Value value = eval(*e.values[i]);
    dict->set(runtime_, std::move(key), std::move(value));
  }
  return Runtime::dict(dict);
}

Value Interpreter::eval(const AttributeExpr& e) { return attribute_of(runtime_, eval(*e.object), e.name); }

Value Interpreter::eval(const ItemExpr& e) {
  const Value object = eval(*e.object);
  const auto* slice = std::get_if<SliceExpr>(&e.index->node);
  if (slice == nullptr) return item_of(runtime_, object, eval(*e.index));
  const auto part = [&](const ExprPtr& expr) { return expr ? eval(*expr) : Value::none(); };
  const Value begin = part(slice->begin), end = part(slice->end), step = part(slice->step);
  return slice_of(runtime_, object, begin, end, step);
}

Value Interpreter::eval(const SliceExpr&) { runtime_.fail("a slice can only stand in brackets"); }

void Interpreter::add_arguments(const Arguments& arguments, Call& call) {
  call.arguments = eval_all(arguments.positional);
  for (size_t i = 0; i < arguments.names.size(); ++i)
    call.keywords.emplace_back(runtime_.string(arguments.names[i]), eval(*arguments.values[i]));
  if (arguments.rest)
    for (Value& item : items_of(runtime_, eval(*arguments.rest))) call.arguments.push_back(std::move(item));
  if (!arguments.keyword_rest) return;
  const Value rest = eval(*arguments.keyword_rest);
  if (!rest.is_dict()) runtime_.fail("argument after ** must be a mapping, not " + std::string(type_name(rest)));
  runtime_.step_items(2 * rest.heap_as<DictData>().entries.size());
  for (const auto& [key, value] : rest.heap_as<DictData>().entries) {
    if (!key.is_string()) runtime_.fail("keywords must be strings");
    call.keywords.emplace_back(key, value);
  }
}

Value Interpreter::call(const CallExpr& e, const Value* caller) {
  const Value callee = eval(*e.callee);
  Call call{runtime_, name_of_callee(*e.callee), Value(), {}, {}};
  add_arguments(e.arguments, call);
  const Held held(runtime_, (call.arguments.size() + 2 * call.keywords.size()) * sizeof(Value));
  if (caller != nullptr) call.keywords.emplace_back(runtime_.string("caller"), *caller);
  runtime_.at_line(e.callee->line);
  if (callee.is_undefined()) fail_undefined(runtime_, callee);
  if (!callee.is(Kind::kObject) || !callee.heap_as<Object>().is_callable())
    runtime_.fail("'" + std::string(type_name(callee)) + "' object is not callable");
  return callee.heap_as<Object>().call(call);
}

Value Interpreter::eval(const FilterExpr& e) {
  Call call{runtime_, e.name, e.value ? eval(*e.value) : *block_text_, {}, {}};
  add_arguments(e.arguments, call);
  return apply_filter(call);
}

Value Interpreter::eval(const TestExpr& e) {
  Call call{runtime_, e.name, eval(*e.value), {}, {}};
  add_arguments(e.arguments, call);
  return Value::boolean(apply_test(call));
}

Value Interpreter::eval(const UnaryExpr& e) {
  const Value value = eval(*e.operand);
  if (e.op == UnaryOp::kNot) return Value::boolean(!truth(runtime_, value));
  if (e.op == UnaryOp::kMinus) return negate(runtime_, value);
  if (value.is_undefined()) fail_undefined(runtime_, value);
  if (!value.is_number()) runtime_.fail("bad operand type for unary +: '" + std::string(type_name(value)) + "'");
  return value.is(Kind::kBool) ? Value::integer(value.as_int()) : value;
}

Value Interpreter::eval(const BinaryExpr& e) {
  const Value left = eval(*e.left), right = eval(*e.right);
  return binary(runtime_, e.op, left, right);
}

Value Interpreter::eval(const LogicalExpr& e) {
  Value left = eval(*e.left);
  return truth(runtime_, left) == e.is_and ? eval(*e.right) : left;
}

bool Interpreter::compare(CompareOp op, const Value& a, const Value& b) {
  switch (op) {
    case CompareOp::kEqual: return equal(runtime_, a, b);
    case CompareOp::kNotEqual: return !equal(runtime_, a, b);
    case CompareOp::kLess: return less(runtime_, a, b, "<");
    case CompareOp::kLessEqual: return less(runtime_, a, b, "<=") || equal(runtime_, a, b);
    case CompareOp::kGreater: return less(runtime_, b, a, ">");
    case CompareOp::kGreaterEqual: return less(runtime_, b, a, ">=") || equal(runtime_, a, b);
    case CompareOp::kIn: return contains(runtime_, b, a);
    default: return !contains(runtime_, b, a);
  }
}

Value Interpreter::eval(const CompareExpr& e) {
  Value left = eval(*e.first);
  for (size_t i = 0; i < e.ops.size(); ++i) {
    Value right = eval(*e.rest[i]);
    if (!compare(e.ops[i], left, right)) return Value::boolean(false);
    left = std::move(right);
  }
  return Value::boolean(true);
}

Value Interpreter::eval(const ConcatExpr& e) {
  const Values parts = eval_all(e.parts);
  TextBuilder text(runtime_);
  for (const Value& part : parts) print(part, text);
  return text.safe(false).finish();
}

Value Interpreter::eval(const ConditionalExpr& e) {
  if (truth(runtime_, eval(*e.test))) return eval(*e.then);
  if (e.otherwise) return eval(*e.otherwise);
  return runtime_.undefined(fmt::format(
      "the inline if-expression on line {} evaluated to false and no else section was defined", runtime_.line()));
}

}  // namespace maru::text::jinja
