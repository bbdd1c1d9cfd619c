// A callable that takes the pieces of a text, by reference: no allocation, no ownership.
#pragma once
#include <string_view>
#include <type_traits>

namespace maru::text {

template <class Argument>
class SinkOf {
 public:
  template <class F>
  requires(!std::is_same_v<std::remove_cvref_t<F>, SinkOf>) SinkOf(const F& f)  // NOLINT: implicit by design
      : object_(&f), call_([](const void* o, Argument argument) { (*static_cast<const F*>(o))(argument); }) {}
  void operator()(Argument argument) const { call_(object_, argument); }

 private:
  const void* object_;
  void (*call_)(const void*, Argument);
};

using PieceSink = SinkOf<std::string_view>;

}  // namespace maru::text
