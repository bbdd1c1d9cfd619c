// maru list: what this home holds, and what depends on what.
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/fields.h"
#include "base/json.h"
#include "base/progress.h"
#include "catalogue/listing.h"
#include "cli/verbs.h"

namespace maru::cli {
namespace {

using catalogue::Entry;

// All that was made from an artefact may be much; here is enough to know where
// to look.
constexpr size_t kShown = 4;

std::string label_of(const Entry& entry) { return fmt::format("{}/{}", folder_of(entry.kind), entry.name); }

Json json_of(const Entry& e) {
  Json json{{"kind", folder_of(e.kind)},
            {"name", e.name},
            {"path", e.path.string()},
            {"bytes", e.bytes},
            {"made", e.made == 0 ? Json() : Json(fmt::format("{:%FT%TZ}", fmt::gmtime(e.made)))},
            {"from", e.from},
            {"foreign", e.foreign},
            {"dependents", e.dependents}};
  if (!e.obstacle.empty()) json["error"] = e.obstacle;
  return json;
}

std::string some_of(const std::vector<std::string>& labels) {
  const size_t shown = std::min(labels.size(), kShown);
  const std::string text =
      fmt::format("{}", fmt::join(labels.begin(), labels.begin() + static_cast<long>(shown), ", "));
  return shown == labels.size() ? text : text + fmt::format(" and {} more", labels.size() - shown);
}

std::string line_of(const Entry& e, size_t width) {
  std::string line = fmt::format("{:<{}}  {:>10}", label_of(e), width, short_bytes(static_cast<double>(e.bytes)));
  line += e.made == 0 ? fmt::format("  {:16}", "") : fmt::format("  {:%F %R}", fmt::localtime(e.made));
  if (!e.obstacle.empty()) return line + "  " + e.obstacle;
  if (!e.from.empty()) line += "  from " + some_of(e.from);
  if (!e.foreign.empty()) line += "  foreign: " + some_of(e.foreign);
  if (!e.dependents.empty()) line += "  needed by " + some_of(e.dependents);
  return line;
}

std::optional<Kind> kind_named(const std::string& word) {
  if (word.empty()) return std::nullopt;
  if (const auto kind = catalogue::kind_of_folder(word)) return kind;
  std::vector<std::string_view> known;
  for (const Kind kind : catalogue::kKinds) known.push_back(folder_of(kind));
  const std::string near = nearest(word, known);
  throw Failure(ErrorCode::kInvalidArgument,
                fmt::format("unknown kind \"{}\"; {}", word,
                            near.empty() ? fmt::format("expected one of: {}", fmt::join(known, ", "))
                                         : "did you mean \"" + near + "\"?"));
}

}  // namespace

void add_list(CLI::App& app, Session& session) {
  CLI::App* verb = app.add_subcommand("list", "what this home holds: size, age, origin, what depends on it");
  auto kind = std::make_shared<std::string>();
  verb->add_option("kind", *kind, "datasets, tokenizers, models, adapters or runs; without it, all");
  verb->callback([&session, kind] {
    const std::vector<Entry> entries = catalogue::list(session.catalogue(), kind_named(*kind));
    size_t width = 0;
    for (const Entry& entry : entries) width = std::max(width, label_of(entry).size());
    Json rows = Json::array();
    std::vector<std::string> lines;
    for (const Entry& entry : entries) rows.push_back(json_of(entry)), lines.push_back(line_of(entry, width));
    const std::string nothing = kind->empty() ? "nothing yet; `maru up` makes a model" : "no " + *kind + " yet";
    session.answer(rows, lines.empty() ? nothing : fmt::format("{}", fmt::join(lines, "\n")));
  });
}

}  // namespace maru::cli
