#include "data/report.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/json.h"
#include "base/progress.h"
#include "base/utf8.h"
#include "data/source.h"

namespace maru::data {
namespace {

constexpr size_t kSamples = 3, kSampleCharacters = 200;

constexpr std::array<std::string_view, kSteps> kStepNames = {
    "read", "extract", "normalise", "language", "quality", "pii", "exact_duplicates", "near_duplicates", "split"};

// Samples may come from undecodable files.
std::string shortened(std::string_view text) {
  const std::string valid = replace_invalid_utf8(text.substr(0, 4 * kSampleCharacters));
  size_t at = 0;
  for (size_t n = 0; n < kSampleCharacters && at < valid.size(); ++n)
    at += decode_utf8(valid.data() + at, valid.data() + valid.size()).length;
  return valid.substr(0, at);
}

std::vector<DropReason> most_first(const std::map<std::string, ReasonCount>& reasons) {
  std::vector<DropReason> list;
  for (const auto& [reason, count] : reasons) list.push_back({reason, count.documents, count.samples});
  std::stable_sort(list.begin(), list.end(), [](const auto& x, const auto& y) { return x.documents > y.documents; });
  return list;
}

template <class Share>
std::vector<Share> shares(const std::map<std::string, Volume>& volumes) {
  std::vector<Share> list;
  for (const auto& [name, volume] : volumes) list.push_back({name, volume.documents, volume.bytes});
  return list;
}

std::string counts_of(const std::map<std::string, int64_t>& counts) {
  std::string text;
  for (const auto& [name, count] : counts) text += fmt::format("{} {} {}", text.empty() ? "" : ",", count, name);
  return text;
}

std::string volumes_text(const Json& volumes, const char* key, std::string_view title) {
  std::string text = fmt::format("\n{}\n", title);
  for (const Json& v : volumes)
    text += fmt::format("  {:<18} {:>12} documents  {:>12}\n", v[key].get<std::string>(), v["documents"].get<int64_t>(),
                        short_bytes(v["bytes"].get<double>()));
  return text;
}

std::string step_text(const Json& step) {
  std::string text =
      fmt::format("{:<18} {:>12} {:>12} {:>12} {:>12}\n", step["name"].get<std::string>(),
                  step["documents_in"].get<int64_t>(), step["documents_out"].get<int64_t>(),
                  short_bytes(step["bytes_in"].get<double>()), short_bytes(step["bytes_out"].get<double>()));
  for (const Json& reason : step["reasons"]) {
    text += fmt::format("  - {:<22} {:>10}\n", reason["reason"].get<std::string>(), reason["documents"].get<int64_t>());
    if (!reason["samples"].empty()) {
      const std::string sample = reason["samples"][0]["text"].get<std::string>();
      text += fmt::format("      e.g. {}: {}\n", reason["samples"][0]["source"].get<std::string>(),
                          sample.substr(0, sample.find('\n')));
    }
  }
  if (step.contains("unknown_formats"))
    for (const auto& format : step["unknown_formats"].items())
      text += fmt::format("      not read {:<13} {:>10}\n", format.key(), format.value().get<int64_t>());
  for (const auto& change : step["changes"].items())
    text += fmt::format("  ~ {:<22} {:>10}\n", change.key(), change.value().get<int64_t>());
  return text;
}

}  // namespace

std::string_view name_of(Step step) { return kStepNames[static_cast<size_t>(step)]; }

void DataReport::passed(Step step, uint64_t bytes_in, uint64_t bytes_out) {
  StepCount& count = (*this)[step];
  ++count.documents_in;
  ++count.documents_out;
  count.bytes_in += bytes_in;
  count.bytes_out += bytes_out;
}

void DataReport::dropped(Step step, uint64_t bytes_in, std::string_view reason, DropSample sample) {
  StepCount& count = (*this)[step];
  ++count.documents_in;
  count.bytes_in += bytes_in;
  ReasonCount& of_reason = count.reasons[std::string(reason)];
  ++of_reason.documents;
  if (of_reason.samples.size() >= kSamples) return;
  sample.text = shortened(sample.text);
  of_reason.samples.push_back(std::move(sample));
}

void DataReport::changed(Step step, std::string_view what, int64_t times) {
  if (times > 0) (*this)[step].changes[std::string(what)] += times;
}

void DataReport::kept(const std::string& language, const std::string& split, uint64_t bytes) {
  for (Volume* volume : {&languages_[language], &splits_[split]}) {
    ++volume->documents;
    volume->bytes += bytes;
  }
}

DatasetReport DataReport::contents() const {
  const StepCount &first = (*this)[Step::kRead], &last = (*this)[Step::kSplit];
  DatasetReport report{.documents_in = first.documents_in,
                       .bytes_in = first.bytes_in,
                       .documents_out = last.documents_out,
                       .bytes_out = last.bytes_out,
                       .languages = shares<LanguageShare>(languages_),
                       .splits = shares<SplitShare>(splits_)};
  for (size_t i = 0; i < kSteps; ++i) {
    const StepCount& s = steps_[i];
    report.steps.push_back({std::string(kStepNames[i]), s.documents_in, s.documents_out, s.bytes_in, s.bytes_out,
                            most_first(s.reasons), s.changes});
  }
  report.steps[0].unknown_formats = unknown_formats_;
  return report;
}

std::string DataReport::reasons_text() const {
  std::vector<std::pair<int64_t, std::string>> all;
  for (size_t i = 0; i < kSteps; ++i)
    for (const auto& [reason, count] : steps_[i].reasons)
      all.emplace_back(count.documents, fmt::format("{} {} ({})", count.documents, reason, kStepNames[i]));
  std::stable_sort(all.begin(), all.end(), [](const auto& x, const auto& y) { return x.first > y.first; });
  std::string text;
  for (const auto& [count, line] : all) text += (text.empty() ? "" : ", ") + line;
  if (text.empty()) return "nothing was dropped";
  if (!unknown_formats_.empty())
    text += "; of unknown formats are" + counts_of(unknown_formats_) + "; what is read: " + known_extensions() +
            ", files without an extension, and these behind .gz, .zst and .xz";
  const auto& reasons = (*this)[Step::kRead].reasons;
  if (reasons.contains("link")) text += "; symbolic links are not followed: name what they lead to as inputs";
  return text;
}

std::string report_table(const Json& report) {
  std::string text =
      fmt::format("{:<18} {:>12} {:>12} {:>12} {:>12}\n", "step", "documents in", "out", "bytes in", "out");
  for (const Json& step : report["steps"]) text += step_text(step);
  return text + volumes_text(report["languages"], "language", "languages") +
         volumes_text(report["splits"], "name", "splits");
}

}  // namespace maru::data
