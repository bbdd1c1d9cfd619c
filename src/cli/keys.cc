// maru keys: who may use the server of this home, and how much of it.
#include <fmt/format.h>

#include "base/json.h"
#include "catalogue/layout.h"
#include "cli/verbs.h"
#include "platform/key_file.h"

namespace maru::cli {
namespace {

using platform::KeyRecord;

struct Options {
  std::string file;
  KeyRecord key;
};

fs::path file_of(const Session& session, const Options& o) {
  return o.file.empty() ? session.home / catalogue::kKeysFile : from_shell(o.file);
}

void create(const Session& session, const Options& o) {
  const fs::path path = file_of(session, o);
  const std::string key = platform::create_key(path, o.key);
  session.answer({{"name", o.key.name}, {"key", key}, {"file", path.string()}},
                 fmt::format("{}\nThis is the only time it is shown; {} holds its hash.", key, path.string()));
}

/// "60/min 10000 tokens/min 4 choices".
std::string limits_of(const KeyRecord& key) {
  std::string text;
  if (key.requests_per_minute > 0) text += fmt::format(" {}/min", key.requests_per_minute);
  if (key.tokens_per_minute > 0) text += fmt::format(" {} tokens/min", key.tokens_per_minute);
  if (key.parallel_choices > 0) text += fmt::format(" {} choices", key.parallel_choices);
  return text.empty() ? " no limits" : text;
}

std::string line_of(const KeyRecord& key) {
  return fmt::format("{:<20} {:<14} {:<14} {}{}{}{}", key.name, key.prefix, key.tenant.empty() ? "-" : key.tenant,
                     fmt::join(key.scopes, ","), limits_of(key), key.expires.empty() ? "" : " until " + key.expires,
                     key.disabled ? " REVOKED" : "");
}

void list(const Session& session, const Options& o) {
  const fs::path path = file_of(session, o);
  platform::KeyList keys;
  if (!o.file.empty() || fs::exists(path)) keys = platform::read_key_file(path);
  Json rows = Json::array();
  std::string text;
  for (const KeyRecord& key : keys.keys) {
    rows.push_back(to_json(key));
    text += (text.empty() ? "" : "\n") + line_of(key);
  }
  session.answer(rows, text.empty() ? "no keys yet; `maru keys create NAME` makes one" : text);
}

void revoke(const Session& session, const Options& o) {
  platform::revoke_key(file_of(session, o), o.key.name);
  session.answer({{"revoked", o.key.name}}, "revoked      " + o.key.name + "; servers notice within a second");
}

void add_create(CLI::App* keys, Session& session) {
  CLI::App* verb = keys->add_subcommand("create", "make a key; it is shown once");
  auto o = std::make_shared<Options>();
  KeyRecord& key = o->key;
  verb->add_option("name", key.name, "of the key, unlike any other")->required();
  verb->add_option("--file", o->file, "the file of keys (JSON); without: keys.json of this home");
  verb->add_option("--tenant", key.tenant, "whose key it is: tenants take turns; without: the key is its own");
  verb->add_option("--scope", key.scopes, "inference, read, write, manage or *; may be repeated")
      ->allow_extra_args(false);
  verb->add_option("--model", key.models, "a model it may ask, may be repeated; without: all")->allow_extra_args(false);
  verb->add_option("--weight", key.weight, "of its tenant: with 2 it gets twice as much")
      ->check(number_in(0.001, 1000));
  verb->add_option("--requests-per-minute", key.requests_per_minute, "0: no limit")
      ->check(whole_number_in(0, 1'000'000'000));
  verb->add_option("--tokens-per-minute", key.tokens_per_minute, "of prompts and answers; 0: no limit")
      ->check(whole_number_in(0, 1'000'000'000'000));
  verb->add_option("--parallel-choices", key.parallel_choices, "running and waiting; 0: as the server says")
      ->check(whole_number_in(0, 1 << 20));
  verb->add_option("--expires", key.expires, "UTC: 2027-01-31 or 2027-01-31T12:00:00Z");
  verb->callback([&session, o] { create(session, *o); });
}

}  // namespace

void add_keys(CLI::App& app, Session& session) {
  CLI::App* keys = app.add_subcommand("keys", "make, list and revoke API keys");
  keys->require_subcommand(1);
  add_create(keys, session);
  auto o = std::make_shared<Options>();
  CLI::App* all = keys->add_subcommand("list", "who has a key, and its limits");
  all->callback([&session, o] { list(session, *o); });
  CLI::App* gone = keys->add_subcommand("revoke", "a key is known no more");
  gone->add_option("name", o->key.name, "of the key")->required();
  gone->callback([&session, o] { revoke(session, *o); });
  for (CLI::App* verb : {all, gone})
    verb->add_option("--file", o->file, "the file of keys; without: keys.json of this home");
}

}  // namespace maru::cli
