#include "api/jobs/new_job.h"

#include <algorithm>

#include "base/excerpt.h"
#include "base/json.h"
#include "base/request_failure.h"
#include "pipeline/stages.h"

namespace maru::api::jobs {
namespace {

bool lies_in(const fs::path& path, const fs::path& directory) {
  std::error_code error;
  const fs::path root = fs::weakly_canonical(directory, error), whole = fs::weakly_canonical(path, error);
  if (error == std::errc::filename_too_long) return true;  // no file can be called so: it is text
  return !error && std::mismatch(root.begin(), root.end(), whole.begin(), whole.end()).first == root.end();
}

/// Whether a path stays among the artefacts, links and all, however its dots are read. What else lies in a home is not
/// for those who ask for jobs: keys, the database, what others' jobs say.
bool is_among_artefacts(const fs::path& path, const catalogue::Home& home) {
  const auto stays = [&](const fs::path& folder) {
    return lies_in(path, folder) && lies_in(path.lexically_normal(), folder);
  };
  return stays(home.root() / catalogue::kCorpusFolder) ||
         std::ranges::any_of(catalogue::kKinds, [&](catalogue::Kind kind) { return stays(home.folder(kind)); });
}

// Any text of a config may be taken for a path by the stage, so none may lead out; most are none, and lead nowhere.
void confine(const Json& value, const catalogue::Home& home, const fs::path& from, const std::string& field) {
  constexpr size_t kLongestPath = 4096;
  if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    const bool bad = text.find('\0') != std::string::npos;
    if (bad || (text.size() < kLongestPath && !is_among_artefacts(from / text, home)))
      refuse("'" + excerpt(text) + "' is no name of this server's home, and no path among its artefacts", field);
  }
  if (value.is_object())
    for (const auto& item : value.items()) confine(item.value(), home, from, field + "." + item.key());
  if (value.is_array())
    for (size_t i = 0; i < value.size(); ++i) confine(value[i], home, from, numbered(field, i));
}

// Where something new goes is a name: it has its place in the home, or with the job.
void confine_output(const Json& config) {
  const auto out = config.find("out");
  if (out != config.end() && out->is_string() && out->get_ref<const std::string&>().find('/') != std::string::npos)
    refuse("expected a name, without '/'", "config.out");
}

}  // namespace

platform::NewJob new_job(const catalogue::Home& home, const JobRequest& request, const JobAsker& asker) {
  const pipeline::Stage& stage = pipeline::stage_named(request.stage);
  if (!request.config.is_object()) refuse("expected an object", "config");
  if (asker.confined) confine(request.config, home, asker.directory, "config"), confine_output(request.config);
  const pipeline::StagePlan plan = pipeline::plan_stage(stage, {home, asker.directory}, request.config);
  platform::NewJob job{.workspace = asker.workspace,
                       .project = request.project,
                       .by = asker.by,
                       .name = request.name,
                       .description = request.description,
                       .stage = request.stage,
                       .directory = asker.directory.string(),
                       .config = request.config,
                       .outputs = plan.outputs,
                       .run = plan.run};
  for (const pipeline::StageInput& input : plan.inputs) job.inputs.push_back({input.name, input.sha256});
  const bool limited = request.memory_mib > 0;
  job.demand = {.cores = request.cores > 0 ? request.cores
                         : stage.heavy     ? 0
                                           : 1,
                .memory_bytes = limited ? request.memory_mib << 20 : plan.memory_bytes,
                .memory_limited = limited,
                .heavy = stage.heavy};
  return job;
}

}  // namespace maru::api::jobs
