#include "api/nemo/listing.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/request_failure.h"

namespace maru::api::nemo {
namespace {

using platform::EntityCondition;
using Test = EntityCondition::Test;

constexpr int64_t kMostOfAPage = 1000;

int64_t number(const http::Request& request, std::string_view name, int64_t otherwise, int64_t most) {
  const std::string_view text = request.parameter(name);
  if (text.empty()) return otherwise;
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 1 || value > most)
    refuse(fmt::format("{}: expected a number from 1 to {}", name, most), name);
  return value;
}

/// The keys of "filter[created_at][gte]" behind its first word; none where it is none of `word`.
std::vector<std::string> keys_of(std::string_view parameter, std::string_view word) {
  std::vector<std::string> keys;
  if (!parameter.starts_with(word)) return keys;
  parameter.remove_prefix(word.size());
  do {
    const size_t end = parameter.find(']');
    if (parameter.front() != '[' || end == parameter.npos)
      refuse(fmt::format("{}: expected {}[FIELD]=VALUE", word, word), word);
    keys.emplace_back(parameter.substr(1, end - 1));
    parameter.remove_prefix(end + 1);
  } while (!parameter.empty());
  return keys;
}

void check_known(const Resource& resource, const std::string& name, std::string_view word) {
  static constexpr std::string_view kOfAll[] = {"id", "created_at", "updated_at"};
  const std::vector<std::string_view> names = resource.names();
  if (std::ranges::find(names, name) != names.end() || std::ranges::find(kOfAll, name) != std::end(kOfAll)) return;
  const std::string near = nearest(name, names);
  refuse(
      fmt::format("{}[{}]: there is no such field{}", word, name, near.empty() ? "" : ", did you mean " + near + "?"),
      word);
}

/// Columns have names of their own.
std::vector<std::string> path_of(std::vector<std::string> keys) {
  if (keys.size() == 1 && keys[0] == "namespace") keys[0] = "workspace";
  return keys;
}

/// What a text may stand for: itself, a truth value, a number.
std::vector<Json> meanings(std::string_view text) {
  std::vector<Json> all{Json(text)};
  if (text == "true" || text == "True") all.emplace_back(true);
  if (text == "false" || text == "False") all.emplace_back(false);
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc() && end == text.data() + text.size() && !text.empty()) all.emplace_back(number);
  return all;
}

std::vector<std::string_view> split(std::string_view list) {
  std::vector<std::string_view> parts;
  for (size_t begin = 0; begin <= list.size();) {
    const size_t end = std::min(list.find(',', begin), list.size());
    if (end > begin) parts.push_back(list.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

/// A moment as it is kept. A day without a time is its first moment, or with `last` its last one.
std::string moment(std::string_view text, bool last, std::string_view word) {
  const bool is_day = text.size() == 10;
  const bool has_zone = text.ends_with('Z') || text.ends_with("+00:00");
  if (text.size() < 10 ||
      !std::ranges::all_of(text,
                           [](char c) {
                             return (c >= '0' && c <= '9') ||
                                    std::string_view("-:.TZ+ ").find(c) != std::string_view::npos;
                           }) ||
      (!is_day && !has_zone && text.find_last_of("+-") > 10))
    refuse(fmt::format("{}: expected a moment of UTC such as 2027-01-31T00:00:00Z", word), word);
  std::string kept(text.substr(0, text.find_first_of("Z+")));
  if (is_day) kept += last ? "T23:59:59.999" : "T00:00:00.000";
  if (kept.size() > 10) kept[10] = 'T';
  if (kept.size() == 19) kept += last ? ".999" : ".000";
  return kept + "Z";
}

bool is_time(const std::vector<std::string>& keys) {
  return keys.size() == 2 && (keys[0] == "created_at" || keys[0] == "updated_at");
}

EntityCondition time_condition(const std::vector<std::string>& keys, std::string_view value, std::string_view word) {
  const bool from = keys[1] == "gte" || keys[1] == "start" || keys[1] == "$gte";
  if (!from && keys[1] != "lte" && keys[1] != "end" && keys[1] != "$lte")
    refuse(fmt::format("{}[{}][{}]: expected gte, lte, start or end", word, keys[0], keys[1]), word);
  return {{keys[0]}, from ? Test::kAtLeast : Test::kAtMost, {moment(value, !from, word)}};
}

EntityCondition filter_condition(const Resource& resource, std::vector<std::string> keys, std::string_view value) {
  if (is_time(keys)) return time_condition(keys, value, "filter");
  // Options are a list: what one of them says stands in its text.
  if (resource.type == "customization_config" && (keys[0] == "training_type" || keys[0] == "finetuning_type"))
    return {{"training_options"}, Test::kContains, {fmt::format("\"{}\":{}", keys[0], Json(value).dump())}};
  check_known(resource, keys[0], "filter");
  if (keys == std::vector<std::string>{"base_model", "name"}) keys.pop_back();
  const bool asks_for_presence =
      keys.size() == 1 && std::ranges::find(resource.objects, keys[0]) != resource.objects.end();
  if (asks_for_presence && meanings(value).size() == 2 && meanings(value)[1].is_boolean())
    return {path_of(std::move(keys)), Test::kPresent, {meanings(value)[1]}};
  EntityCondition condition{path_of(std::move(keys)), Test::kEquals, {}};
  for (const std::string_view one : split(value))
    for (Json& meaning : meanings(one)) condition.values.push_back(std::move(meaning));
  if (condition.values.empty()) condition.values.emplace_back("");
  return condition;
}

EntityCondition search_condition(const Resource& resource, std::vector<std::string> keys, std::string_view value) {
  if (is_time(keys)) return time_condition(keys, value, "search");
  check_known(resource, keys[0], "search");
  EntityCondition condition{path_of(std::move(keys)), Test::kContains, {}};
  for (const std::string_view one : split(value)) condition.values.emplace_back(one);
  if (condition.values.empty()) condition.values.emplace_back("");
  return condition;
}

/// The same field twice: either of them. Different fields: both of them.
void add(std::vector<EntityCondition>& conditions, EntityCondition condition) {
  const bool joins = condition.test == Test::kEquals || condition.test == Test::kContains;
  for (EntityCondition& other : conditions)
    if (joins && other.test == condition.test && other.path == condition.path) {
      other.values.insert(other.values.end(), condition.values.begin(), condition.values.end());
      return;
    }
  conditions.push_back(std::move(condition));
}

void read_sort(Listing& listing, std::string_view sort) {
  listing.sort = sort.empty() ? "created_at" : sort;
  const bool descending = listing.sort.starts_with('-');
  const std::string name = listing.sort.substr(descending ? 1 : 0);
  if (name != "created_at" && name != "updated_at" && name != "name")
    refuse("sort: expected created_at, updated_at or name, with - in front for the last first", "sort");
  listing.query.order = {{{name}, descending}};
}

}  // namespace

Listing read_listing(const Resource& resource, const http::Request& request) {
  Listing listing;
  listing.page = number(request, "page", 1, int64_t{1} << 40);
  listing.page_size = number(request, "page_size", 10, kMostOfAPage);
  listing.query = {
      .type = std::string(resource.type), .offset = (listing.page - 1) * listing.page_size, .limit = listing.page_size};
  read_sort(listing, request.parameter("sort"));
  for (const auto& [name, value] : request.query) {
    if (std::vector<std::string> keys = keys_of(name, "filter"); !keys.empty()) {
      Json* shown = &listing.filter;
      for (const std::string& key : keys) {
        if (!shown->is_object() && !shown->is_null()) refuse("filter: " + key + " is asked for twice", "filter");
        shown = &(*shown)[key];
      }
      *shown = value;
      add(listing.query.conditions, filter_condition(resource, std::move(keys), value));
    } else if (keys = keys_of(name, "search"); !keys.empty()) {
      add(listing.query.conditions, search_condition(resource, std::move(keys), value));
    }
  }
  return listing;
}

Json envelope(const Listing& listing, Json data, int64_t total) {
  const auto shown = static_cast<int64_t>(data.size());
  return {{"object", "list"},
          {"data", std::move(data)},
          {"sort", listing.sort},
          {"filter", listing.filter},
          {"pagination",
           {{"page", listing.page},
            {"page_size", listing.page_size},
            {"current_page_size", shown},
            {"total_pages", (total + listing.page_size - 1) / listing.page_size},
            {"total_results", total}}}};
}

}  // namespace maru::api::nemo
