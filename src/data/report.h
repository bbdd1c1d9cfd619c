// What a build did: per step how many documents came, went and why, with samples. Filled in document order by one
// thread, so it is the same for any number of threads.
#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/json_fwd.h"
#include "data/dataset_report.h"

namespace maru::data {

enum class Step : uint8_t {
  kRead,
  kExtract,
  kNormalise,
  kLanguage,
  kQuality,
  kPii,
  kExactDuplicates,
  kNearDuplicates,
  kSplit,
};
inline constexpr size_t kSteps = 9;
std::string_view name_of(Step step);

struct ReasonCount {
  int64_t documents = 0;
  std::vector<DropSample> samples;  // the first three
};

struct StepCount {
  int64_t documents_in = 0, documents_out = 0;
  uint64_t bytes_in = 0, bytes_out = 0;
  std::map<std::string, ReasonCount> reasons;
  std::map<std::string, int64_t> changes;
};

struct Volume {
  int64_t documents = 0;
  uint64_t bytes = 0;
};

class DataReport {
 public:
  StepCount& operator[](Step step) { return steps_[static_cast<size_t>(step)]; }
  const StepCount& operator[](Step step) const { return steps_[static_cast<size_t>(step)]; }
  /// Counts a document that reached `step` with `bytes_in` and left it with `bytes_out`.
  void passed(Step step, uint64_t bytes_in, uint64_t bytes_out);
  /// Counts a document that ended at `step`. `text` is shortened to 200 characters.
  void dropped(Step step, uint64_t bytes_in, std::string_view reason, DropSample sample);
  void changed(Step step, std::string_view what, int64_t times);
  /// Counts a file of unknown format by its extension.
  void unknown_format(const std::string& extension) { ++unknown_formats_[extension]; }
  /// Counts a document of the result.
  void kept(const std::string& language, const std::string& split, uint64_t bytes);

  int64_t documents_out() const { return (*this)[Step::kSplit].documents_out; }
  /// The contents of report.json.
  DatasetReport contents() const;
  /// One line: what dropped how much, most first. For the error about an empty result.
  std::string reasons_text() const;

 private:
  std::array<StepCount, kSteps> steps_;
  std::map<std::string, Volume> languages_, splits_;
  std::map<std::string, int64_t> unknown_formats_;
};

/// report.json as a table for people.
std::string report_table(const Json& report);

}  // namespace maru::data
