// A job as somebody asks for it, checked against the home: by a route, or a verb.
#pragma once
#include <string>

#include "base/fields.h"
#include "catalogue/home.h"
#include "platform/job_record.h"

namespace maru::api::jobs {

struct JobRequest {
  std::string stage, name, project, description;
  Json config = Json::object();
  int64_t cores = 0, memory_mib = 0;
  static constexpr auto fields() {
    using C = JobRequest;
    return std::tuple{
        field("stage", &C::stage,
              "what is done: curate, tokenize, pack, train, tune, evaluate, quantize, merge, import or export"),
        field("config", &C::config, "of the stage: the keys that its verb takes"),
        field("name", &C::name, "of the job, unlike any other of the workspace; empty: its id"),
        field("project", &C::project, "projects of a workspace take turns; empty: none"),
        field("description", &C::description, "for people"),
        field("cores", &C::cores,
              "that it computes on; 0: one, and of what trains, tunes, evaluates or quantizes all "
              "that jobs may have")
            .range(0, 1024),
        field("memory_mib", &C::memory_mib,
              "that it may have, MiB; 0: all that jobs may have, and an estimate decides "
              "what runs beside it")
            .range(0, 1 << 30)};
  }
};

/// Who asks, and from where relative paths count.
struct JobAsker {
  std::string workspace, by;
  fs::path directory;
  bool confined = true;  // to the home: no path leads out of it
};

/// Throws   RequestFailure naming the field; kNotFound for an input that is not there; kExists for an output that is.
platform::NewJob new_job(const catalogue::Home& home, const JobRequest& request, const JobAsker& asker);

}  // namespace maru::api::jobs
