// PEFT adapters by name: of a home, or a directory.
#pragma once
#include <optional>
#include <string>

#include "catalogue/home.h"

namespace maru::catalogue {

inline constexpr const char* kAdapterConfig = "adapter_config.json";
inline constexpr const char* kAdapterWeights = "adapter_model.safetensors";

/// An adapter as somebody asks for it: a name of the home or a directory, or NAME= before either.
struct NamedAdapter {
  std::string name;    // as given, else empty
  fs::path directory;  // empty: no adapter
};
/// Throws kNotFound, naming the adapters of the home.
NamedAdapter find_adapter(const Home& home, const std::string& text);

/// A directory with adapter_config.json.
bool is_adapter(const fs::path& path);
/// The directory of an adapter of the home, or of an adapter by path; nothing for anything else.
std::optional<fs::path> adapter_named(const Home& home, const std::string& name_or_path);

}  // namespace maru::catalogue
