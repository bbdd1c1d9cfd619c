// The option --adapter of the verbs that use a model.
#pragma once
#include <CLI/CLI.hpp>
#include <string>

namespace maru::cli {

inline void add_adapter_option(CLI::App* verb, std::string& text) {
  verb->add_option("--adapter", text, "a PEFT adapter by name or directory, used beside the weights; NAME=… names it");
}

}  // namespace maru::cli
