// What clients are told about a served model.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "base/fields.h"

namespace maru::serving {

struct ModelFacts {
  std::optional<int64_t> parameters, context_length;
  std::optional<std::string> dtype;
  std::optional<bool> chat, loaded;
  std::string adapter;
  static constexpr auto fields() {
    using C = ModelFacts;
    return std::tuple{
        field("parameters", &C::parameters, "numbers that it learnt").unless_empty(),
        field("context_length", &C::context_length, "tokens that it takes").unless_empty(),
        field("dtype", &C::dtype, "of its weights").unless_empty(),
        field("chat", &C::chat, "false: a base model that completes text and has not learnt turns").unless_empty(),
        field("loaded", &C::loaded, "false: it is loaded when somebody asks for it; absent: it stays").unless_empty(),
        field("adapter", &C::adapter, "beside its weights").unless_empty()};
  }
};

}  // namespace maru::serving
