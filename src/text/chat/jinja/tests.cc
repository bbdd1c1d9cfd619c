// The tests of jinja2: what may stand behind "is".
#include <algorithm>
#include <array>

#include "text/chat/jinja/filters.h"
#include "text/chat/jinja/operations.h"

namespace maru::text::jinja {
namespace {

Value modulo_is(Call& call, int64_t divisor, int64_t rest) {
  call.bind({});
  const Value result = binary(call.runtime, BinaryOp::kModulo, call.self, Value::integer(divisor));
  return Value::boolean(equal(call.runtime, result, Value::integer(rest)));
}

Value is_odd(Call& call) { return modulo_is(call, 2, 1); }
Value is_even(Call& call) { return modulo_is(call, 2, 0); }

Value is_divisible_by(Call& call) {
  const auto a = call.bind({"num"}, 1);
  const Value rest = binary(call.runtime, BinaryOp::kModulo, call.self, *a[0]);
  return Value::boolean(equal(call.runtime, rest, Value::integer(0)));
}

/// A test of the value alone.
template <bool (*test)(const Value&)>
Value is(Call& call) {
  call.bind({});
  return Value::boolean(test(call.self));
}

bool defined(const Value& v) { return !v.is_undefined(); }
bool undefined(const Value& v) { return v.is_undefined(); }
bool none(const Value& v) { return v.is_none(); }
bool boolean(const Value& v) { return v.is(Kind::kBool); }
bool false_(const Value& v) { return v.is(Kind::kBool) && !v.as_bool(); }
bool true_(const Value& v) { return v.is(Kind::kBool) && v.as_bool(); }
bool integer(const Value& v) { return v.is(Kind::kInt); }
bool real(const Value& v) { return v.is(Kind::kFloat); }
bool number(const Value& v) { return v.is_number(); }
bool string(const Value& v) { return v.is_string(); }
bool mapping(const Value& v) { return v.is_dict(); }
bool escaped(const Value& v) { return v.is_string() && v.text().safe; }
bool callable(const Value& v) { return v.is_undefined() || (v.is(Kind::kObject) && v.heap_as<Object>().is_callable()); }
bool sequence(const Value& v) {
  const bool indexed = v.is_sequence() && v.heap_as<SequenceData>().sequence_kind <= SequenceKind::kRange;
  return indexed || v.is_string() || v.is_dict() || v.is_undefined();
}
bool iterable(const Value& v) {
  return v.is_sequence() || v.is_string() || v.is_dict() || v.is_undefined() || v.is(Kind::kIterator) ||
         (v.is(Kind::kObject) && v.heap_as<Object>().type_name() == "LoopContext");
}

template <bool upper>
Value is_case(Call& call) {
  call.bind({});
  return Value::boolean(is_cased(call.runtime, to_text(call.runtime, call.self), upper));
}

Value is_same(Call& call) { return Value::boolean(call.self.same_object(*call.bind({"other"}, 1)[0])); }
Value is_in(Call& call) { return Value::boolean(contains(call.runtime, *call.bind({"seq"}, 1)[0], call.self)); }

template <bool wanted>
Value is_equal(Call& call) {
  return Value::boolean(equal(call.runtime, call.self, *call.bind({"other"}, 1)[0]) == wanted);
}

template <bool swapped, bool wanted>
Value is_less(Call& call) {
  const auto a = call.bind({"other"}, 1);
  constexpr std::string_view kOp = swapped ? (wanted ? ">" : "<=") : (wanted ? "<" : ">=");
  const bool result = swapped ? less(call.runtime, *a[0], call.self, kOp) : less(call.runtime, call.self, *a[0], kOp);
  return Value::boolean(result == wanted);
}

template <Function (*find)(std::string_view)>
Value is_known(Call& call) {
  call.bind({});
  return Value::boolean(call.self.is_string() && find(call.self.bytes()) != nullptr);
}

constexpr auto kTests = std::to_array<Method>({
    {"odd", is_odd},
    {"even", is_even},
    {"divisibleby", is_divisible_by},
    {"defined", is<defined>},
    {"undefined", is<undefined>},
    {"filter", is_known<find_filter>},
    {"test", is_known<find_test>},
    {"none", is<none>},
    {"boolean", is<boolean>},
    {"false", is<false_>},
    {"true", is<true_>},
    {"integer", is<integer>},
    {"float", is<real>},
    {"lower", is_case<false>},
    {"upper", is_case<true>},
    {"string", is<string>},
    {"mapping", is<mapping>},
    {"number", is<number>},
    {"sequence", is<sequence>},
    {"iterable", is<iterable>},
    {"callable", is<callable>},
    {"sameas", is_same},
    {"escaped", is<escaped>},
    {"in", is_in},
    {"==", is_equal<true>},
    {"eq", is_equal<true>},
    {"equalto", is_equal<true>},
    {"!=", is_equal<false>},
    {"ne", is_equal<false>},
    {">", is_less<true, true>},
    {"gt", is_less<true, true>},
    {"greaterthan", is_less<true, true>},
    {"ge", is_less<false, false>},
    {">=", is_less<false, false>},
    {"<", is_less<false, true>},
    {"lt", is_less<false, true>},
    {"lessthan", is_less<false, true>},
    {"<=", is_less<true, false>},
    {"le", is_less<true, false>},
});

}  // namespace

Function find_test(std::string_view name) {
  const auto it = std::find_if(kTests.begin(), kTests.end(), [&](const Method& m) { return m.name == name; });
  return it == kTests.end() ? nullptr : it->function;
}

}  // namespace maru::text::jinja
