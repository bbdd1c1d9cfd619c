// A callable that takes the pieces of a text, by reference: no allocation, no ownership.
#pragma once
#include <string_view>
#include <type_traits>

namespace maru::text {

class PieceSink {
 public:
  template <class F>
  requires(!std::is_same_v<std::remove_cvref_t<F>, PieceSink>) PieceSink(const F& f)  // NOLINT: implicit by design
      : object_(&f), call_([](const void* o, std::string_view piece) { (*static_cast<const F*>(o))(piece); }) {}
  void operator()(std::string_view piece) const { call_(object_, piece); }

 private:
  const void* object_;
  void (*call_)(const void*, std::string_view);
};

}  // namespace maru::text
