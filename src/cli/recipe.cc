#include "cli/recipe.h"

#include "base/json.h"
#include "cli/session.h"

namespace maru::cli {
namespace {

bool is_recipe_name(const std::string& word) { return word.ends_with(".yaml") || word.ends_with(".yml"); }

std::string footer_of(const CLI::App& verb, const std::string& fields) {
  for (const CLI::App* app = &verb; app != nullptr; app = app->get_parent())
    if (app->get_help_all_ptr() != nullptr && app->get_help_all_ptr()->count() > 0)
      return "Recipe keys, with their defaults:\n" + fields;
  return "--help-all lists the keys of a recipe, with their defaults.\n";
}

}  // namespace

void RecipeArguments::add_to(CLI::App* verb, const std::string& fields, std::vector<std::string>* inputs) {
  inputs_ = inputs;
  verb->add_option("recipe", words_, "RECIPE.yaml and key=value overrides, e.g. optimizer.lr=1e-3");
  const std::string before = verb->get_footer().empty() ? "" : verb->get_footer() + "\n";
  verb->footer("");
  verb->footer([verb, fields, before] { return before + footer_of(*verb, fields); });
  verb->parse_complete_callback([this] { take(words_); });
}

void RecipeArguments::take(const std::vector<std::string>& words) {
  for (const std::string& word : words) {
    const bool is_file = fs::exists(word);
    if (word.find('=') != std::string::npos && !is_file)
      overrides.push_back(word);
    else if (inputs_ != nullptr && !inputs_->empty() && !is_recipe_name(word))
      inputs_->push_back(word);
    else if (!file.empty())
      throw Failure(ErrorCode::kInvalidArgument,
                    "expected one recipe and key=value overrides, got \"" + word + "\" too");
    else if (is_file && fs::is_directory(word))
      throw Failure(ErrorCode::kInvalidArgument,
                    "\"" + word + "\" is a folder, expected RECIPE.yaml or key=value" +
                        (inputs_ != nullptr ? "; text to read is given with --input" : ""));
    else
      file = word;
  }
}

Json RecipeArguments::read() const {
  try {
    return read_recipe(file, overrides);
  } catch (const Failure& failure) {
    if (file.empty() || is_recipe_name(file) || failure.code() != ErrorCode::kInvalidArgument) throw;
    throw Failure(failure.code(), failure.error().message + "; was \"" + file + "\" meant as a recipe (YAML)?" +
                                      (inputs_ != nullptr ? " Text to read is given with --input" : ""));
  }
}

}  // namespace maru::cli
