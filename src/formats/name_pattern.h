// Regular expressions over names of modules, as PEFT's rank_pattern and alpha_pattern have them: what Python's `re`
// says, executed by RE2, in time proportional to pattern times name whatever the pattern. Immutable, thread-safe.
#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"

namespace re2 {
class RE2;
}

namespace maru::formats {

class NamePattern {
 public:
  /// What RE2 and Python read alike. Refused is what RE2 does not have (look-around, back-references) or reads another
  /// way, and patterns that need more memory than a few hundred KiB. `where` begins the message.
  static Result<NamePattern> compile(std::string_view pattern, const std::string& where);

  /// Whether it matches all of the name, or what lies behind one of its dots: Python's
  /// re.match(rf"(.*\.)?({pattern})$", name).
  bool names(std::string_view name) const;

 private:
  std::shared_ptr<const re2::RE2> compiled_;
};

}  // namespace maru::formats
