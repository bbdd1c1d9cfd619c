// What the routes under /v1/maru answer, but for files of the home, which are sent as they are stored.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/fields.h"

namespace maru::api::console {

struct Status {
  std::string version, isa;
  int64_t threads = 0;
  std::string model;
  std::vector<std::string> models;
  double uptime_seconds = 0;
  int64_t choices_running = 0, choices_waiting = 0, kv_pages = 0, kv_pages_used = 0;
  static constexpr auto fields() {
    using C = Status;
    return std::tuple{field("version", &C::version, "of the code"),
                      field("isa", &C::isa, "instruction set that is computed with"),
                      field("threads", &C::threads, "that compute"),
                      field("model", &C::model, "the first that was loaded"),
                      field("models", &C::models, "all that are served"),
                      field("uptime_seconds", &C::uptime_seconds, "since the server began"),
                      field("choices_running", &C::choices_running, "of all models"),
                      field("choices_waiting", &C::choices_waiting, "of all models"),
                      field("kv_pages", &C::kv_pages, "of all models"),
                      field("kv_pages_used", &C::kv_pages_used, "of all models")};
  }
};

struct Run {
  std::string id, state = "stopped";
  int64_t step = 0, steps = 0;
  std::optional<double> loss, validation_bits_per_byte;
  std::optional<std::string> model;
  static constexpr auto fields() {
    using C = Run;
    return std::tuple{
        field("id", &C::id, "its name"),
        field("state", &C::state, "whether it goes on").one_of("running|stopped|finished"),
        field("step", &C::step, "the last that is done"),
        field("steps", &C::steps, "planned; 0: not known"),
        field("loss", &C::loss, "of the last step").unless_empty(),
        field("validation_bits_per_byte", &C::validation_bits_per_byte, "of the last validation").unless_empty(),
        field("model", &C::model, "that came of it; null: none yet")};
  }
};

/// Rows of a run behind a position.
struct RunRows {
  std::vector<Json> rows;
  std::string position;
  bool restarted = false, more = false;
  int64_t damaged = 0;
  static constexpr auto fields() {
    using C = RunRows;
    return std::tuple{field("rows", &C::rows, "as they were logged"),
                      field("position", &C::position, "behind them: what the next question gives"),
                      field("restarted", &C::restarted, "the file was written anew: these are its first rows"),
                      field("more", &C::more, "there are more rows by now"),
                      field("damaged", &C::damaged, "lines that are no row")};
  }
};

struct DatasetEntry {
  std::string id;
  std::optional<int64_t> documents_out, bytes_out;
  static constexpr auto fields() {
    using C = DatasetEntry;
    return std::tuple{field("id", &C::id, "its name"),
                      field("documents_out", &C::documents_out, "that it holds").unless_empty(),
                      field("bytes_out", &C::bytes_out, "of text").unless_empty()};
  }
};

/// As far as its files say it. What a served model's facts are besides is not known of one on disk.
struct HomeModelFacts {
  std::optional<int64_t> parameters;
  std::optional<bool> chat;
  std::optional<int64_t> context_length;
  std::optional<std::string> dtype;
  static constexpr auto fields() {
    using C = HomeModelFacts;
    return std::tuple{
        field("parameters", &C::parameters, "numbers that it learnt").unless_empty(),
        field("chat", &C::chat, "false: a base model that completes text and has not learnt turns").unless_empty(),
        field("context_length", &C::context_length, "tokens that it takes").unless_empty(),
        field("dtype", &C::dtype, "of its weights").unless_empty()};
  }
};

struct HomeModel {
  std::string id;
  HomeModelFacts facts;
  static constexpr auto fields() {
    using C = HomeModel;
    return std::tuple{field("id", &C::id, "its name"), field("facts", &C::facts, "about it")};
  }
};

}  // namespace maru::api::console
