#include "text/grammar/schema_constraints.h"

#include <algorithm>

#include "text/grammar/byte_dfa.h"

namespace maru::text::grammar {

bool requires_member(const Constraints& c, const std::string& name) {
  return std::find(c.required.begin(), c.required.end(), name) != c.required.end();
}

Schemas element_schemas(const Constraints& c, size_t i) {
  Schemas all;
  for (const ElementSchemas& list : c.lists) {
    if (i < list.prefix.size())
      all.push_back(list.prefix[i]);
    else if (list.rest)
      all.push_back(*list.rest);
  }
  return all;
}

Schemas member_schemas(const Constraints& c, const std::string& name) {
  Schemas all;
  for (const MemberSchemas& object : c.objects) {
    bool known = false;
    for (const auto& [key, schema] : object.named)
      if (key == name) all.push_back(schema), known = true;
    for (const auto& [pattern, schema] : object.patterned)
      if (accepts(*pattern, symbols_of_text(name))) all.push_back(schema), known = true;
    if (!known && object.other) all.push_back(*object.other);
  }
  return all;
}

bool equal_values(const Json& a, const Json& b) {
  if (a.is_object() && b.is_object()) {
    if (a.size() != b.size()) return false;
    for (auto it = a.begin(); it != a.end(); ++it) {
      const auto other = b.find(it.key());
      if (other == b.end() || !equal_values(*it, *other)) return false;
    }
    return true;
  }
  if (a.is_array() && b.is_array())
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](const Json& x, const Json& y) { return equal_values(x, y); });
  return a == b;
}

}  // namespace maru::text::grammar
