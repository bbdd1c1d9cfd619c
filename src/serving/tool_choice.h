// What of its tools a model may call, must call, or not.
#pragma once
#include <cstdint>
#include <string>

#include "base/json.h"

namespace maru::serving {

struct ToolChoice {
  enum class Kind : uint8_t {
    kAuto,      // the model decides
    kNone,      // it is not shown the tools
    kRequired,  // it must call one
    kNamed,     // it must call this one
  };
  Kind kind = Kind::kAuto;
  std::string name;  // with kNamed
};

/// Throws   RequestFailure naming "tool_choice": a call is wanted and there are no tools, or none of that name.
void check_tool_choice(const ToolChoice& choice, const Json& tools);

}  // namespace maru::serving
