// maru keys: who may use the server of this home, and how much of it.
#include "platform/keys.h"

#include <fmt/format.h>

#include "base/json.h"
#include "catalogue/layout.h"
#include "cli/tenants.h"
#include "cli/verbs.h"
#include "platform/key_file.h"

namespace maru::cli {
namespace {

using platform::KeyInfo;
using platform::KeyRecord;
using platform::MadeKey;

constexpr int64_t kPage = 1000;

struct Options {
  std::string file, workspace, tenant;
  platform::NewKey key;
  double overlap_hours = 24;
};

/// The two words for it are one thing.
std::string workspace_of(const Options& o) {
  if (!o.workspace.empty() && !o.tenant.empty() && o.workspace != o.tenant)
    throw Failure(ErrorCode::kInvalidArgument, "--tenant is an older word for --workspace: give one of them");
  if (!o.workspace.empty()) return o.workspace;
  return o.tenant.empty() ? std::string(platform::kLocal) : o.tenant;
}

/// "60/min 10000 tokens/min 4 choices".
template <class Key>
std::string limits_of(const Key& key) {
  std::string text;
  if (key.requests_per_minute > 0) text += fmt::format(" {}/min", key.requests_per_minute);
  if (key.tokens_per_minute > 0) text += fmt::format(" {} tokens/min", key.tokens_per_minute);
  if (key.parallel_choices > 0) text += fmt::format(" {} choices", key.parallel_choices);
  return text.empty() ? " no limits" : text;
}

template <class Key>
std::string line_of(const Key& key, const std::string& workspace, bool revoked) {
  return fmt::format("{:<20} {:<14} {:<14} {}{}{}{}", key.name, key.prefix, workspace.empty() ? "-" : workspace,
                     fmt::join(key.scopes, ","), limits_of(key), key.expires.empty() ? "" : " until " + key.expires,
                     revoked ? " REVOKED" : "");
}

KeyRecord record_of(const Options& o) {
  return {.name = o.key.name,
          .hash = "",
          .prefix = "",
          .tenant = o.workspace.empty() ? o.tenant : o.workspace,
          .scopes = o.key.scopes,
          .models = o.key.models,
          .weight = o.key.weight,
          .requests_per_minute = o.key.requests_per_minute,
          .tokens_per_minute = o.key.tokens_per_minute,
          .parallel_choices = o.key.parallel_choices,
          .expires = o.key.expires};
}

void create_in_file(const Session& session, const Options& o) {
  if (!o.key.project.empty() || !o.key.member.empty())
    throw Failure(ErrorCode::kInvalidArgument, "--project and --member are of keys in a home, not in a file");
  const fs::path path = from_shell(o.file);
  const std::string key = platform::create_key(path, record_of(o));
  session.answer({{"name", o.key.name}, {"key", key}, {"file", path.string()}},
                 fmt::format("{}\nThis is the only time it is shown; {} holds its hash.", key, path.string()));
}

void show(const Session& session, const MadeKey& made, const std::string& more) {
  session.answer({{"name", made.info.name},
                  {"key", made.key},
                  {"id", made.info.id},
                  {"workspace", made.info.workspace},
                  {"expires", made.info.expires}},
                 fmt::format("{}\nThis is the only time it is shown; the home holds its hash.{}", made.key, more));
}

void create(const Session& session, const Options& o) {
  if (!o.file.empty()) return create_in_file(session, o);
  const auto home = home_database(session);
  show(session, platform::Keys(*home).create(workspace_of(o), o.key, on_the_command_line()), "");
}

void list_file(const fs::path& path, Json& rows, std::string& text) {
  for (const KeyRecord& key : platform::read_key_file(path).keys) {
    rows.push_back(to_json(key));
    text += (text.empty() ? "" : "\n") + line_of(key, key.tenant, key.disabled);
  }
}

void list_home(const Session& session, const Options& o, Json& rows, std::string& text) {
  const auto home = home_database(session);
  if (home->if_there() == nullptr) return;
  const bool one = !o.workspace.empty() || !o.tenant.empty();
  for (std::string after;;) {
    const std::vector<KeyInfo> page =
        platform::Keys(*home).list(one ? std::optional(workspace_of(o)) : std::nullopt, after, kPage);
    for (const KeyInfo& key : page) {
      rows.push_back(to_json(key));
      text += (text.empty() ? "" : "\n") + line_of(key, key.workspace, !key.revoked_at.empty());
    }
    if (static_cast<int64_t>(page.size()) < kPage) return;
    after = page.back().id;
  }
}

void list(const Session& session, const Options& o) {
  Json rows = Json::array();
  std::string text;
  const fs::path of_home = session.home / catalogue::kKeysFile;
  if (!o.file.empty()) {
    list_file(from_shell(o.file), rows, text);
  } else {
    list_home(session, o, rows, text);
    if (o.workspace.empty() && fs::exists(of_home)) list_file(of_home, rows, text);
  }
  session.answer(rows, text.empty() ? "no keys yet; `maru keys create NAME` makes one" : text);
}

/// A home from before it had a database keeps its keys in a file.
bool is_in_file_of_home(const Session& session, const std::string& name) {
  const fs::path path = session.home / catalogue::kKeysFile;
  if (!fs::exists(path)) return false;
  for (const KeyRecord& key : platform::read_key_file(path).keys)
    if (key.name == name) return true;
  return false;
}

void revoke(const Session& session, const Options& o) {
  if (!o.file.empty()) {
    platform::revoke_key(from_shell(o.file), o.key.name);
  } else {
    const auto home = home_database(session);
    try {
      platform::Keys(*home).revoke(workspace_of(o), o.key.name, on_the_command_line());
    } catch (const Failure& failure) {
      if (failure.code() != ErrorCode::kNotFound || !is_in_file_of_home(session, o.key.name)) throw;
      throw Failure(ErrorCode::kNotFound, fmt::format("{}; there is one in {}: give it with --file", failure.what(),
                                                      (session.home / catalogue::kKeysFile).string()));
    }
  }
  session.answer({{"revoked", o.key.name}}, "revoked      " + o.key.name + "; servers notice within a second");
}

void rotate(const Session& session, const Options& o) {
  const auto home = home_database(session);
  const auto overlap = std::chrono::seconds(static_cast<int64_t>(o.overlap_hours * 3600));
  show(session, platform::Keys(*home).rotate(workspace_of(o), o.key.name, overlap, on_the_command_line()),
       fmt::format("\nThe old one is known for {} hours yet.", o.overlap_hours));
}

void add_workspace_options(CLI::App* verb, const std::shared_ptr<Options>& o) {
  verb->add_option("--workspace", o->workspace, "of the key; without: local");
  verb->add_option("--tenant", o->tenant, "the same, as files of keys call it");
}

void add_create(CLI::App* keys, Session& session) {
  CLI::App* verb = keys->add_subcommand("create", "make a key; it is shown once");
  auto o = std::make_shared<Options>();
  platform::NewKey& key = o->key;
  verb->add_option("name", key.name, "of the key, unlike any other of its workspace")->required();
  verb->add_option("--file", o->file, "a file of keys (JSON) instead of the home's database");
  add_workspace_options(verb, o);
  verb->add_option("--kind", key.kind, "of who holds it: user or service");
  verb->add_option("--member", key.member, "who holds it; without: a service of the key's name");
  verb->add_option("--project", key.project, "of its workspace, that its use counts for");
  verb->add_option("--scope", key.scopes, "inference, read, write, admin, manage or *; may be repeated")
      ->allow_extra_args(false);
  verb->add_option("--model", key.models, "a model it may ask, may be repeated; without: all")->allow_extra_args(false);
  verb->add_option("--weight", key.weight, "of its workspace: with 2 it gets twice as much")
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
  CLI::App* keys = app.add_subcommand("keys", "make, list, rotate and revoke API keys");
  keys->require_subcommand(1);
  add_create(keys, session);
  auto o = std::make_shared<Options>();
  CLI::App* all = keys->add_subcommand("list", "who has a key, and its limits");
  all->callback([&session, o] { list(session, *o); });
  CLI::App* turn = keys->add_subcommand("rotate", "a new key of the same rights; the old one is known for a while yet");
  turn->add_option("--overlap-hours", o->overlap_hours, "for which the old one is known yet")
      ->check(number_in(0, 8760));
  turn->callback([&session, o] { rotate(session, *o); });
  CLI::App* gone = keys->add_subcommand("revoke", "a key is known no more");
  gone->callback([&session, o] { revoke(session, *o); });
  for (CLI::App* verb : {turn, gone}) verb->add_option("name", o->key.name, "of the key")->required();
  for (CLI::App* verb : {all, turn, gone}) add_workspace_options(verb, o);
  for (CLI::App* verb : {all, gone})
    verb->add_option("--file", o->file, "a file of keys instead of the home's database");
}

}  // namespace maru::cli
