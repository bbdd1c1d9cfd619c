// The tools that a model was shown: their names, and which of their parameters are text.
#pragma once
#include <map>
#include <string>
#include <string_view>

#include "base/json_fwd.h"

namespace maru::text {

class ToolSet {
 public:
  /// How a value that a model writes without quotes is meant.
  enum class Value : uint8_t {
    kText,  // whatever it looks like
    kTextUnlessNull,
    kJson,  // if it can be read as JSON
  };

  ToolSet() = default;
  /// `tools`: a list of {"function": {"name", "parameters": SCHEMA}}, as chat templates read them; what has another
  /// form is left out.
  explicit ToolSet(const Json& tools);
  bool contains(std::string_view name) const { return tools_.find(name) != tools_.end(); }
  /// Text where the schema does not say.
  Value kind_of(std::string_view tool, std::string_view parameter) const;

 private:
  using Parameters = std::map<std::string, Value, std::less<>>;
  std::map<std::string, Parameters, std::less<>> tools_;
};

}  // namespace maru::text
