// Which weights, program and arithmetic an answer comes from, as one short name: the same between runs, another when
// any of them is another.
#pragma once
#include <string>
#include <string_view>

#include "base/file.h"

namespace maru::serving {

/// A hash of what decides the answers of a model or an adapter on disk, without reading all of it: of the manifest
/// where there is one, which holds the hash of every file. Else of every file's name and size, of small files whole,
/// of others their head, their end and 256 places between: of weights that were tuned at least one differs.
///
/// Cost     at most some 6 MiB of each large file are read
/// Throws   what reading throws
std::string weights_identity(const fs::path& path);

/// "fp_" and 16 hexadecimal digits. `besides`: what else changes bits, e.g. instruction set and types; of an adapter
/// the fingerprint of its model.
std::string system_fingerprint(const fs::path& weights, std::string_view besides);

}  // namespace maru::serving
