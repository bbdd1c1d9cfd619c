// The bytes of a language identification model. Layout: docs/langid.md.
#pragma once
#include "text/langid/langid.h"

namespace maru::text {

std::string serialise_langid(const LangidModel& model);
/// Types: bytes from outside; every count is checked against the bytes left before memory is taken.
Result<LangidModel> parse_langid(std::string_view bytes, std::string_view name);

}  // namespace maru::text
