// The options and the output of the verbs that generate text.
#pragma once
#include <CLI/CLI.hpp>
#include <string_view>

#include "pipeline/local_model.h"

namespace maru::cli {

void add_sampling(CLI::App* verb, pipeline::Sampling& sampling);
/// To standard output, at once.
void print(std::string_view text);

}  // namespace maru::cli
