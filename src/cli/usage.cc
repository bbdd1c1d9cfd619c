#include "cli/usage.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <span>

#include "base/fields.h"

namespace maru::cli {
namespace {

std::vector<const CLI::App*> verbs_of(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App*) { return true; });
}

const CLI::App* verb_named(const CLI::App& app, const std::string& name) {
  for (const CLI::App* verb : verbs_of(app))
    if (verb->get_name() == name) return verb;
  return nullptr;
}

// The verb that the words chose, as deep as they were understood.
const CLI::App& chosen(const CLI::App& app) {
  const std::vector<CLI::App*> parsed = app.get_subcommands();
  return parsed.empty() ? app : chosen(*parsed.front());
}

std::string path_of(const CLI::App& app) {
  return app.get_parent() == nullptr ? app.get_name() : path_of(*app.get_parent()) + " " + app.get_name();
}

bool is_option(const std::string& word) { return word.size() > 1 && word[0] == '-'; }
std::string name_of_option(const std::string& word) { return word.substr(0, word.find('=')); }

// The option of this name that `app` or one above it has.
const CLI::Option* find_option(const CLI::App* app, const std::string& word) {
  for (; app != nullptr; app = app->get_parent())
    if (const CLI::Option* option = app->get_option_no_throw(name_of_option(word))) return option;
  return nullptr;
}

struct UnknownVerb {
  const CLI::App* app;  // that has no verb of this name
  std::string word;     // empty: none was given
};

// Walks the words as far as verbs are expected: the first word that is neither an option nor its value has to be one.
std::optional<UnknownVerb> unknown_verb(const CLI::App& app, std::span<const std::string> words) {
  for (size_t i = 0; i < words.size(); ++i) {
    if (is_option(words[i])) {
      const CLI::Option* option = find_option(&app, words[i]);
      i += option != nullptr && option->get_items_expected_max() > 0 && words[i].find('=') == std::string::npos;
      continue;
    }
    const CLI::App* verb = verb_named(app, words[i]);
    if (verb == nullptr) return UnknownVerb{&app, words[i]};
    if (verbs_of(*verb).empty()) return std::nullopt;
    return unknown_verb(*verb, words.subspan(i + 1));
  }
  return UnknownVerb{&app, ""};
}

std::string message_of(const UnknownVerb& unknown) {
  std::vector<std::string> names;
  for (const CLI::App* verb : verbs_of(*unknown.app)) names.push_back(verb->get_name());
  const std::string all = fmt::format("{}", fmt::join(names, ", "));
  if (unknown.word.empty()) return fmt::format("{}: expected a verb: {}", path_of(*unknown.app), all);
  std::vector<std::string_view> known(names.begin(), names.end());
  for (const char* option : {"--help", "--version"}) known.emplace_back(option);
  const std::string near = nearest(unknown.word, known);
  return fmt::format("unknown verb \"{}\"; {}", unknown.word,
                     near.empty() ? "expected one of: " + all : "did you mean \"" + near + "\"?");
}

std::string unexpected_option(const CLI::App& app, const CLI::App& root, const std::string& word) {
  std::vector<std::string> names;
  for (const CLI::App* at = &app; at != nullptr; at = at->get_parent())
    for (const CLI::Option* option : at->get_options())
      for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  const std::string near = nearest(name_of_option(word), {names.begin(), names.end()});
  if (!near.empty()) return fmt::format("unknown option {}; did you mean {}?", word, near);
  for (const CLI::App* verb : verbs_of(root))
    if (verb->get_option_no_throw(name_of_option(word)) != nullptr)
      return fmt::format("{} is an option of {}, not of {}", word, path_of(*verb), path_of(app));
  return fmt::format("unknown option {}; a text that begins with \"-\" stands behind a word \"--\"", word);
}

std::string message_of_extras(const CLI::App& app) {
  const CLI::App& verb = chosen(app);
  const std::vector<std::string> extras = app.remaining(true);
  for (const std::string& word : extras)
    if (is_option(word)) return unexpected_option(verb, app, word);
  return fmt::format("{}: unexpected \"{}\"", path_of(verb), fmt::join(extras, " "));
}

// "model is required" becomes "model is required: model by name, directory or GGUF file".
std::string with_explanation(const CLI::App& verb, const std::string& message) {
  const CLI::Option* option = verb.get_option_no_throw(message.substr(0, message.find(' ')));
  const std::string what = option == nullptr ? "" : ": " + option->get_description();
  return path_of(verb) + ": " + message + what;
}

std::string message_of_count(const std::string& message) {
  const std::string option = message.substr(0, message.find(':'));
  if (message.ends_with("missing")) return option + ": expected a value behind it";
  if (message.find("At Most") != std::string::npos)
    return fmt::format("{}: expected once, given {} times", option, message.substr(message.rfind(' ') + 1));
  return message;
}

// Names of errors are not always those of their types; the codes are.
bool is(const CLI::ParseError& error, CLI::ExitCodes code) { return error.get_exit_code() == static_cast<int>(code); }

template <class T>
CLI::Validator in_range(const char* kind, T lowest, T highest) {
  const std::string expected = fmt::format("{} from {} to {}", kind, lowest, highest);
  return CLI::Validator(
      [=](std::string& word) {
        T value{};
        const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
        const bool good =
            error == std::errc() && end == word.data() + word.size() && value >= lowest && value <= highest;
        return good ? std::string() : fmt::format("expected {}, got \"{}\"", expected, word);
      },
      expected);
}

}  // namespace

Error usage_error(const CLI::App& app, const CLI::ParseError& error, const std::vector<std::string>& words) {
  std::string message = error.what();
  if (const auto unknown = unknown_verb(app, words))
    message = message_of(*unknown);
  else if (is(error, CLI::ExitCodes::ExtrasError))
    message = message_of_extras(app);
  else if (is(error, CLI::ExitCodes::RequiredError))
    message = with_explanation(chosen(app), message);
  else if (is(error, CLI::ExitCodes::ArgumentMismatch))
    message = message_of_count(message);
  return {ErrorCode::kInvalidArgument, message};
}

std::string help_command(const CLI::App& app) { return path_of(chosen(app)) + " --help"; }

bool asks_for_json(const std::vector<std::string>& words) {
  return std::find(words.begin(), std::find(words.begin(), words.end(), "--"), "--json") !=
         std::find(words.begin(), words.end(), "--");
}

CLI::Validator number_in(double lowest, double highest) { return in_range("a number", lowest, highest); }
CLI::Validator whole_number_in(int64_t lowest, int64_t highest) { return in_range("a whole number", lowest, highest); }

}  // namespace maru::cli
