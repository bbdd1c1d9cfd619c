// What is said about a command line that cannot be understood, and the checks of numbers among its options.
#pragma once
#include <CLI/CLI.hpp>

#include "base/error.h"

namespace maru::cli {

/// kInvalidArgument with what was expected and what came; for a mistyped verb or option, the nearest one.
/// `words` are the arguments behind the program's name.
Error usage_error(const CLI::App& app, const CLI::ParseError& error, const std::vector<std::string>& words);
/// "maru up --help": where the verb that was meant is explained.
std::string help_command(const CLI::App& app);

/// Whether the words ask for answers in JSON; known before they are parsed, for errors of parsing.
bool asks_for_json(const std::vector<std::string>& words);

/// Option checks whose message names the range and the word: `expected a number from 0 to 1, got "x"`.
CLI::Validator number_in(double lowest, double highest);
CLI::Validator whole_number_in(int64_t lowest, int64_t highest);

}  // namespace maru::cli
