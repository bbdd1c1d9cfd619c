// The architectures this build knows: families/all.cc lists them.
#pragma once
#include "models/family.h"

namespace maru {

/// In the order in which architectures are tried for a configuration that names none.
std::span<const Family* const> all_families();

/// Throws kUnimplemented naming the architectures there are.
const Family& find_family(std::string_view name, const std::string& where);
/// By its class with a score in place of the head; throws likewise.
const Family& find_family_of_scorer(std::string_view name, const std::string& where);
/// Whether a config.json is that of a decoder with a score in place of its head.
bool is_scorer_config(const Json& config);
/// The one that the configuration names, or else the first with its features; see config_to_hugging_face.
const Family& family_of(const DecoderConfig& config);

}  // namespace maru
