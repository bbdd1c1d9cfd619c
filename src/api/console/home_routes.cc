#include "api/console/home_routes.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <memory>
#include <optional>
#include <type_traits>

#include "base/json.h"
#include "catalogue/home.h"
#include "catalogue/run_rows.h"
#include "ledger/manifest.h"
#include "ledger/name.h"

namespace maru::api::console {
namespace {

using catalogue::Kind;

constexpr uint64_t kMaxFileBytes = 64 << 20;
constexpr int64_t kMaxRows = 10'000, kMaxPoints = 100'000;
// A run whose metrics have been silent for longer than this is taken to have stopped.
constexpr auto kSilence = std::chrono::minutes(2);

std::vector<std::string> entries_of(const catalogue::Home& home, Kind kind) {
  std::vector<std::string> names;
  for (const fs::path& folder : catalogue::folders_in(home.folder(kind)))
    if (const std::string name = folder.filename().string(); ledger::check_name("", name).ok()) names.push_back(name);
  return names;
}

/// A JSON file as it is, so that clients see what is stored.
http::Response file_response(const fs::path& file) { return {.body = read_file(file, kMaxFileBytes)}; }

/// Null where it is missing or damaged: a list does not end at one of its entries.
Json read_or_null(const fs::path& file) {
  try {
    return parse_json(read_file(file, kMaxFileBytes), file.string()).value();
  } catch (const Failure&) {
    return nullptr;
  }
}

template <class T>
http::Response list_of(const std::vector<T>& entries) {
  Json data = Json::array();
  for (const T& entry : entries) data.push_back(to_json(entry));
  return {.body = Json{{"data", std::move(data)}}.dump()};
}

/// Calls f for every finished line; one that is still being written has no newline yet.
template <class F>
void for_each_line(std::string_view text, F f) {
  for (size_t end = text.find('\n'); end != std::string_view::npos; end = text.find('\n')) {
    f(text.substr(0, end));
    text.remove_prefix(end + 1);
  }
}

bool written_lately(const fs::path& file) {
  std::error_code code;
  const auto time = fs::last_write_time(file, code);
  return !code && fs::file_time_type::clock::now() - time < kSilence;
}

/// Leaves `to` as it is where a file does not hold the field, or something else under its name.
template <class T>
void take_field(std::optional<T>& to, const Json& row, const char* name) {
  const auto it = row.is_object() ? row.find(name) : row.end();
  if (it == row.end()) return;
  if constexpr (std::is_same_v<T, bool>) {
    if (it->is_boolean()) to = it->get<T>();
  } else if constexpr (std::is_same_v<T, std::string>) {
    if (it->is_string()) to = it->get<T>();
  } else if constexpr (std::is_integral_v<T>) {
    if (it->is_number_integer()) to = it->get<T>();
  } else if (it->is_number()) {
    to = it->get<T>();
  }
}

void take_field(int64_t& to, const Json& row, const char* name) {
  std::optional<int64_t> found;
  take_field(found, row, name);
  to = found.value_or(to);
}

/// Hugging Face's names for what we call bf16, f16 and f32; anything else as it is.
std::string short_dtype(const std::string& name) {
  if (name == "bfloat16") return "bf16";
  if (name == "float16") return "f16";
  return name == "float32" ? "f32" : name;
}

class HomePages {
 public:
  explicit HomePages(const fs::path& root) : home_(root) {}

  http::Response runs() const {
    std::vector<Run> data;
    for (const std::string& name : entries_of(home_, Kind::kRun)) data.push_back(run(name));
    return list_of(data);
  }

  http::Response run_metrics(const http::Request& request) const {
    const fs::path file = named(Kind::kRun, request) / catalogue::kRunMetrics;
    const std::string_view position = request.parameter("position");
    return position.empty() ? rows_after(file, number(request, "after"))
                            : rows_behind(file, position, std::min(number(request, "points"), kMaxPoints));
  }

  http::Response datasets() const {
    std::vector<DatasetEntry> data;
    for (const std::string& name : entries_of(home_, Kind::kDataset)) {
      const Json report = read_or_null(home_.folder(Kind::kDataset) / name / catalogue::kDatasetReport);
      DatasetEntry entry{.id = name};
      take_field(entry.documents_out, report, "documents_out");
      take_field(entry.bytes_out, report, "bytes_out");
      if (report.is_object()) data.push_back(std::move(entry));
    }
    return list_of(data);
  }

  http::Response models() const {
    std::vector<HomeModel> data;
    for (const std::string& name : entries_of(home_, Kind::kModel)) {
      const Json manifest = read_or_null(home_.folder(Kind::kModel) / name / ledger::kManifestName);
      if (manifest.is_object()) data.push_back({name, model_facts(name, manifest)});
    }
    return list_of(data);
  }

  http::Response file(const http::Request& request, Kind kind, const fs::path& name) const {
    return file_response(named(kind, request) / name);
  }

 private:
  /// Where an artefact of the name in the path of a request lies, or would lie.
  fs::path named(Kind kind, const http::Request& request) const {
    ledger::check_name(std::string(catalogue::folder_of(kind)), request.arguments[0]).value();
    return home_.folder(kind) / request.arguments[0];
  }

  static int64_t number(const http::Request& request, std::string_view name) {
    const std::string_view text = request.parameter(name);
    int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (!text.empty() && (error != std::errc() || end != text.data() + text.size() || value < 0))
      throw Failure(ErrorCode::kInvalidArgument, std::string(name) + ": expected a whole number of at least 0");
    return value;
  }

  /// Rows by their number: reads the file from its beginning.
  static http::Response rows_after(const fs::path& file, int64_t after) {
    int64_t row = 0, damaged = 0;
    Json rows = Json::array();
    const MappedFile map(file);
    for_each_line(map.text(), [&](std::string_view line) {
      if (row < after || row >= after + kMaxRows) return void(++row);
      ++row;
      if (Result<Json> parsed = parse_json(line, ""); parsed.ok())
        rows.push_back(std::move(parsed).value());
      else
        ++damaged;  // still counted, so that the next question goes on behind it
    });
    const int64_t next = std::min(row, after + kMaxRows);
    return {.body = Json{{"rows", std::move(rows)}, {"next", next}, {"damaged", damaged}}.dump()};
  }

  /// Rows by where they lie: reads what the client has not seen yet.
  static http::Response rows_behind(const fs::path& file, std::string_view position, int64_t points) {
    const Result<catalogue::RowsPosition> from = catalogue::RowsPosition::parse(position);
    if (!from) throw Failure(from.error().code, "position: " + from.error().message);
    catalogue::RowsPart part = catalogue::read_rows(file, from.value(), points);
    const RunRows answer{.rows = std::move(part.rows),
                         .position = part.position.text(),
                         .restarted = part.restarted,
                         .more = part.more,
                         .damaged = part.damaged};
    return {.body = to_json(answer).dump()};
  }

  /// What /v1/models says of a served model, as far as its files say it.
  HomeModelFacts model_facts(const std::string& name, const Json& manifest) const {
    const Json config = read_or_null(home_.folder(Kind::kModel) / name / "config.json");
    const Json notes = manifest.value("notes", Json::object());
    HomeModelFacts facts;
    take_field(facts.parameters, notes, "parameters");
    take_field(facts.chat, notes, "chat");
    take_field(facts.context_length, config, "max_position_embeddings");
    for (const char* field : {"torch_dtype", "dtype"}) take_field(facts.dtype, config, field);
    if (facts.dtype) facts.dtype = short_dtype(*facts.dtype);
    return facts;
  }

  Run run(const std::string& name) const {
    const fs::path directory = home_.folder(Kind::kRun) / name, metrics = directory / catalogue::kRunMetrics,
                   plan = directory / catalogue::kRunPlan;
    Run entry{.id = name};
    take_field(entry.steps, read_or_null(plan), "steps");
    const Json newest = catalogue::newest_values(metrics, {"step", "loss", "validation_bits_per_byte"});
    take_field(entry.step, newest, "step");
    take_field(entry.loss, newest, "loss");
    take_field(entry.validation_bits_per_byte, newest, "validation_bits_per_byte");
    const bool exported = fs::exists(home_.folder(Kind::kModel) / name / ledger::kManifestName);
    if (entry.steps != 0 && entry.step == entry.steps)
      entry.state = "finished";
    else if (written_lately(metrics) || written_lately(plan))
      entry.state = "running";
    if (exported) entry.model = name;
    return entry;
  }

  catalogue::Home home_;
};

}  // namespace

void add_status_route(http::Router& router, std::function<Status()> status) {
  router.add({.pattern = "/v1/maru/status",
              .handler =
                  [status = std::move(status)](const http::Request&, const http::Wake&) {
                    return http::Reply{http::Response{.body = to_json(status()).dump()}};
                  },
              .cost = http::Cost::kQuick,
              .doc = "version, instruction set, models and uptime"});
}

void add_home_routes(http::Router& router, const fs::path& root) {
  const auto home = std::make_shared<const HomePages>(root);
  const auto add = [&](std::string pattern, std::string doc, auto answer) {
    router.add(
        {.pattern = std::move(pattern),
         .handler = [home, answer](const http::Request& r, const http::Wake&) { return http::Reply{answer(*home, r)}; },
         .doc = std::move(doc)});
  };
  add("/v1/maru/runs", "training runs", [](const HomePages& h, const http::Request&) { return h.runs(); });
  add("/v1/maru/runs/{id}/metrics",
      "rows of metrics.jsonl behind ?position=P, thinned to some ?points=N; or from row ?after=N on",
      [](const HomePages& h, const http::Request& r) { return h.run_metrics(r); });
  add("/v1/maru/datasets", "curated datasets", [](const HomePages& h, const http::Request&) { return h.datasets(); });
  add("/v1/maru/datasets/{id}/report", "what curation did",
      [](const HomePages& h, const http::Request& r) { return h.file(r, Kind::kDataset, catalogue::kDatasetReport); });
  add("/v1/maru/models", "models of this home, served or not",
      [](const HomePages& h, const http::Request&) { return h.models(); });
  add("/v1/maru/models/{id}/evaluation", "how good a model is", [](const HomePages& h, const http::Request& r) {
    return h.file(r, Kind::kModel, catalogue::evaluation_file(catalogue::kEvaluation));
  });
  add("/v1/maru/models/{id}/manifest", "what a model was made from",
      [](const HomePages& h, const http::Request& r) { return h.file(r, Kind::kModel, ledger::kManifestName); });
}

}  // namespace maru::api::console
