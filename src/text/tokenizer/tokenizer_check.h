// Whether the ids of a TokenizerSpec fit together, so that what is built from it never reads outside its tables.
#pragma once
#include <string>

#include "base/error.h"
#include "text/tokenizer/tokenizer_spec.h"

namespace maru::text {

/// kInvalidArgument, naming the field, where they do not. `name` stands in the errors.
Outcome check_spec(const TokenizerSpec& spec, const std::string& name);

}  // namespace maru::text
