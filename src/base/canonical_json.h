// JSON in the one form that is hashed and signed: the JSON Canonicalization Scheme (RFC 8785). Whoever parses a signed
// object and writes it again, in whatever program, can find this form.
#pragma once
#include <string>

#include "base/json_fwd.h"

namespace maru {

/// No white space, keys in the order of their UTF-16 code units, numbers as ECMAScript writes them.
///
/// Throws   kInvalidArgument for what has no such form: text that is not UTF-8, numbers that are not finite, and whole
///          numbers beyond 2⁵³ - 1, which programs read differently.
std::string canonical_json(const Json& json);

}  // namespace maru
