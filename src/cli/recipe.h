// The recipe of a verb: an optional YAML file and any number of key=value overrides, as positional arguments.
#pragma once
#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "base/json_fwd.h"

namespace maru::cli {

class RecipeArguments {
 public:
  std::string file;
  std::vector<std::string> overrides;
  /// `fields` is the table of keys, from describe_fields; shown by --help-all. With `inputs`, the values of an option
  /// --input: once it was given, words that are neither a recipe nor key=value are inputs too (`--input a.txt b.txt`).
  void add_to(CLI::App* verb, const std::string& fields, std::vector<std::string>* inputs = nullptr);
  /// Sorts positional words into file, overrides and inputs. Throws kInvalidArgument for a word that is none of them.
  void take(const std::vector<std::string>& words);
  Json read() const;

 private:
  std::vector<std::string> words_;
  std::vector<std::string>* inputs_ = nullptr;
};

}  // namespace maru::cli
