// report.json of a dataset: what curation kept, dropped and changed, step by step.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/fields.h"

namespace maru::data {

struct DropSample {
  std::string source, text, duplicate_of;
  static constexpr auto fields() {
    using C = DropSample;
    return std::tuple{field("source", &C::source, "where it stood"),
                      field("text", &C::text, "its first 200 characters"),
                      field("duplicate_of", &C::duplicate_of, "the source that was kept instead").unless_empty()};
  }
};

struct DropReason {
  std::string reason;
  int64_t documents = 0;
  std::vector<DropSample> samples;
  static constexpr auto fields() {
    using C = DropReason;
    return std::tuple{field("reason", &C::reason, "why they were dropped"),
                      field("documents", &C::documents, "how many"), field("samples", &C::samples, "the first three")};
  }
};

struct DataStep {
  std::string name;
  int64_t documents_in = 0, documents_out = 0;
  uint64_t bytes_in = 0, bytes_out = 0;
  std::vector<DropReason> reasons;
  std::map<std::string, int64_t> changes, unknown_formats;
  static constexpr auto fields() {
    using C = DataStep;
    return std::tuple{
        field("name", &C::name, "of the step"),
        field("documents_in", &C::documents_in, "that reached it"),
        field("documents_out", &C::documents_out, "that left it"),
        field("bytes_in", &C::bytes_in, "that reached it"),
        field("bytes_out", &C::bytes_out, "that left it"),
        field("reasons", &C::reasons, "why documents ended here, most first"),
        field("changes", &C::changes, "what was changed, and how often"),
        field("unknown_formats", &C::unknown_formats, "files that are not read, by their extension").unless_empty()};
  }
};

struct LanguageShare {
  std::string language;
  int64_t documents = 0;
  uint64_t bytes = 0;
  static constexpr auto fields() {
    using C = LanguageShare;
    return std::tuple{field("language", &C::language, "its code"), field("documents", &C::documents, "of the result"),
                      field("bytes", &C::bytes, "of the result")};
  }
};

struct SplitShare {
  std::string name;
  int64_t documents = 0;
  uint64_t bytes = 0;
  static constexpr auto fields() {
    using C = SplitShare;
    return std::tuple{field("name", &C::name, "of the split"), field("documents", &C::documents, "of the result"),
                      field("bytes", &C::bytes, "of the result")};
  }
};

struct DatasetReport {
  int64_t documents_in = 0;
  uint64_t bytes_in = 0;
  int64_t documents_out = 0;
  uint64_t bytes_out = 0;
  std::vector<DataStep> steps;
  std::vector<LanguageShare> languages;
  std::vector<SplitShare> splits;
  static constexpr auto fields() {
    using C = DatasetReport;
    return std::tuple{field("documents_in", &C::documents_in, "that were read"),
                      field("bytes_in", &C::bytes_in, "that were read"),
                      field("documents_out", &C::documents_out, "of the result"),
                      field("bytes_out", &C::bytes_out, "of the result"),
                      field("steps", &C::steps, "in their order"),
                      field("languages", &C::languages, "of the result"),
                      field("splits", &C::splits, "of the result")};
  }
};

}  // namespace maru::data
