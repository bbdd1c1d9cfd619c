// One rule for the names of datasets, tokenizers, runs, models and adapters, wherever they come from: an option, a
// recipe or the path of a request. A name is joined to a folder of the home; what it must not do is lead out of it.
#pragma once
#include <string_view>

#include "base/error.h"

namespace maru::ledger {

/// What a file system allows is 255; the rest is for what stands before and behind a name ("evaluation-", ".tmp-PID").
inline constexpr size_t kMaxNameBytes = 200;

/// kInvalidArgument, saying which part of the rule is broken: one part of a path ('/' and '\' are no characters of a
/// name), not empty, no dot in front, at most kMaxNameBytes, UTF-8 without control characters and without those that
/// turn the direction of writing, and no name that Maru gives to what it is still writing (base/temporary.h).
/// `kind` is for the message: "models".
Outcome check_name(std::string_view kind, std::string_view name);

}  // namespace maru::ledger
