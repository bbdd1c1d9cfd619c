// Work on inputs of any size, for tests/run_growth, which counts instructions at N and at 2 N under callgrind:
//   growth_tool            lists the cases and their N
//   growth_tool CASE N     makes the input, then does the work once inside growth_work(), where the counting is
// A case is one line of kCases. Its input is what a stranger would send; its work must not throw.
#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "api/anthropic/request.h"
#include "base/fields.h"
#include "base/json.h"
#include "data/charset.h"
#include "data/encoding.h"
#include "data/json_line.h"
#include "data/markdown.h"
#include "data/markup.h"
#include "data/normalise.h"

namespace maru {
namespace {

std::string repeat(std::string_view unit, size_t count, const std::string& head = "", const std::string& tail = "") {
  std::string text = head;
  for (size_t i = 0; i < count; ++i) text += unit;
  return text + tail;
}

template <class Unit>
std::string each(size_t count, const std::string& head, const std::string& tail, const Unit& unit) {
  std::string text = head;
  for (size_t i = 0; i < count; ++i) text += unit(i);
  return text + tail;
}

size_t json(const std::string& text) {
  const Result<Json> parsed = parse_json(text, "growth");
  return parsed.ok() ? parsed.value().dump().size() : parsed.error().message.size();
}

size_t yaml(const std::string& text) {
  const Result<Json> parsed = parse_yaml(text, "growth");
  return parsed.ok() ? parsed.value().dump().size() : parsed.error().message.size();
}

struct NoFields {
  int64_t steps = 1;
  static constexpr auto fields() { return std::tuple{field("steps", &NoFields::steps, "")}; }
};

/// What a request or a recipe with fields that nobody knows costs.
size_t unknown_field(const std::string& text) {
  const Json json = parse_json(text, "growth").value();
  try {
    return static_cast<size_t>(from_json<NoFields>(json, "growth").steps);
  } catch (const Failure& failure) {
    return failure.error().message.size();
  }
}

/// Two objects compared, merged, copied and emptied by key from the back.
size_t object_work(const std::string& text) {
  Json a = parse_json(text, "growth").value();
  const Json b = a;
  a.merge_patch(b);
  size_t found = a == b ? 1 : 0;
  for (const auto& [name, value] : b.items()) found += a.contains(name) && a[name] == value ? 1 : 0;
  return found;
}

size_t html(const std::string& text) {
  const auto page = data::extract_html(text);
  return page.ok() ? page.value().text.size() : page.error().message.size();
}

size_t xml(const std::string& text) {
  const auto page = data::extract_xml(text);
  return page.ok() ? page.value().text.size() : page.error().message.size();
}

size_t markdown(const std::string& text) { return data::markdown_to_text(text).size(); }
size_t rst(const std::string& text) { return data::rst_to_text(text).size(); }
size_t normal(const std::string& text) { return data::normalise(text).size(); }
size_t charset(const std::string& text) { return data::declared_charset(text).size(); }

size_t decode(const std::string& bytes) {
  const auto decoded = data::decode_text(bytes, "");
  return decoded.ok() ? decoded.value().text.size() : decoded.error().message.size();
}

size_t json_line(const std::string& line) {
  const auto read = data::read_document_line(line, "growth:1", "text", 0.005);
  return read.ok() ? read.value().text->size() : read.error().message.size();
}

size_t messages(const std::string& body) {
  return api::anthropic::read_conversation(api::anthropic::parse_messages_request(body)).messages.dump().size();
}

struct Case {
  const char* name;
  size_t size;
  std::string (*make)(size_t n);
  size_t (*work)(const std::string& input);
};

std::string nested_siblings(size_t n) {  // every parent grows again after its first, large child is complete
  const std::string open = repeat("{\"a\":", 200), close = repeat(",\"b\":0,\"c\":0,\"d\":0,\"e\":0}", 200);
  return open + "[" + repeat("1,", n, "", "1]") + close;
}

const std::vector<Case>& cases() {
  static const auto attribute = [](size_t i) { return fmt::format(" a{}=b", i); };
  static const auto key = [](size_t i) { return "\"k" + std::to_string(i) + "\":" + std::to_string(i) + ","; };
  static const std::vector<Case> kCases{
      {"json_empty_objects", 20000, [](size_t n) { return repeat("{},", n, "[", "{}]"); }, json},
      {"json_empty_lists", 20000, [](size_t n) { return repeat("[],", n, "[", "[]]"); }, json},
      {"json_many_keys", 20000, [](size_t n) { return each(n, "{", "\"z\":0}", key); }, json},
      {"json_keys_walked", 20000, [](size_t n) { return each(n, "{", "\"z\":0}", key); }, object_work},
      {"json_duplicate_keys", 20000, [](size_t n) { return repeat("\"a\":{\"b\":1},", n, "{", "\"z\":0}"); }, json},
      {"json_objects_of_17", 1000, [](size_t n) { return repeat(each(17, "{", "\"z\":0},", key), n, "[", "0]"); },
       json},
      {"json_nested_lists", 100,
       [](size_t n) { return repeat(repeat("[", 250) + repeat("]", 250) + ",", n, "[", "0]"); }, json},
      {"json_large_first_child", 20000, nested_siblings, json},
      {"json_escapes", 20000, [](size_t n) { return repeat("\\ud83d\\ude00\\n\\u0001", n, "\"", "\""); }, json},
      {"json_long_number", 100000, [](size_t n) { return repeat("9", n, "[0.", "]"); }, json},
      {"json_long_exponent", 100000, [](size_t n) { return repeat("0", n, "[1e", "1]"); }, json},
      {"json_open_string", 100000, [](size_t n) { return repeat("a", n, "[\""); }, json},
      {"json_error_at_the_end", 20000, [](size_t n) { return repeat("{},\n", n, "[", "nan]"); }, json},
      {"json_open_brackets", 100000, [](size_t n) { return repeat("[", n); }, json},
      {"json_spaces", 200000, [](size_t n) { return repeat(" ", n, "[", "]"); }, json},
      {"fields_long_name", 200000, [](size_t n) { return repeat("a", n, "{\"", "\":1}"); }, unknown_field},
      {"fields_large_value", 50000, [](size_t n) { return repeat("[{}],", n, "{\"steps\":[", "0]}"); }, unknown_field},
      {"yaml_flow_list", 4000, [](size_t n) { return repeat("[a, {b: c}], ", n, "[", "0]"); }, yaml},
      {"yaml_block_list", 4000, [](size_t n) { return repeat("- a: 1\n  b: [2]\n", n); }, yaml},
      {"yaml_keys", 4000,
       [](size_t n) { return each(n, "", "", [](size_t i) { return fmt::format("k{}: {}\n", i, i); }); }, yaml},
      {"yaml_anchors", 4000,
       [](size_t n) { return each(n, "", "", [](size_t i) { return fmt::format("k{}: [&a{} x, *a{}]\n", i, i, i); }); },
       yaml},
      {"yaml_aliases", 10000, [](size_t n) { return repeat("*a, ", n, "a: &a {b: c}\nd: [", "0]"); }, yaml},
      {"yaml_open_brackets", 50000, [](size_t n) { return repeat("[a, ", n); }, yaml},
      {"yaml_open_maps", 50000, [](size_t n) { return repeat("{a: ", n); }, yaml},
      {"yaml_dashes", 50000, [](size_t n) { return repeat("- ", n); }, yaml},
      {"yaml_block_text", 10000, [](size_t n) { return repeat("  line\n\n", n, "a: |\n"); }, yaml},
      {"yaml_plain_lines", 10000, [](size_t n) { return repeat("  line\n", n, "a: b\n"); }, yaml},
      {"yaml_quoted", 20000, [](size_t n) { return repeat("\\u00e9\\n", n, "a: \"", "\""); }, yaml},
      {"yaml_comments", 10000, [](size_t n) { return repeat("# a: [\n", n); }, yaml},
      {"yaml_tags", 4000, [](size_t n) { return repeat("- !a &b c\n", n); }, yaml},
      {"html_attributes", 5000, [](size_t n) { return each(n, "<p", ">a", attribute); }, html},
      {"html_equal_attributes", 5000, [](size_t n) { return repeat(" a=b", n, "<p", ">a"); }, html},
      {"html_tags_of_the_root", 5000,
       [](size_t n) { return each(n, "<p>a", "", [](size_t i) { return fmt::format("<html a{}=b>", i); }); }, html},
      {"html_cells", 5000, [](size_t n) { return repeat("<td>a", n, "<main><table><tr>"); }, html},
      {"html_rows", 3000, [](size_t n) { return repeat("<tr><td>a<td>b", n, "<main><table>"); }, html},
      {"html_tables_in_tables", 5000, [](size_t n) { return repeat("<table><tr><td>a", n); }, html},
      {"html_deep", 10000, [](size_t n) { return repeat("<div>", n); }, html},
      {"html_unclosed", 3000, [](size_t n) { return repeat("<b><p>a</i>", n); }, html},
      {"html_misnested", 3000, [](size_t n) { return repeat("<p>a</i>", n, repeat("<i>", 100)); }, html},
      {"html_items", 3000, [](size_t n) { return repeat("<li>a", n, "<ul>"); }, html},
      {"html_links", 3000, [](size_t n) { return repeat("<a href=x>a", n); }, html},
      {"html_signs_as_links", 3000, [](size_t n) { return repeat("<a href='#x'><b>¶</b></a>", n); }, html},
      {"html_entities", 10000, [](size_t n) { return repeat("&lt;&x", n, "<p>"); }, html},
      {"html_angles", 20000, [](size_t n) { return repeat("<", n); }, html},
      {"html_open_comments", 10000, [](size_t n) { return repeat("<!--", n); }, html},
      {"html_open_sections", 3000, [](size_t n) { return repeat("<![CDATA[", n, "<p>"); }, html},
      {"html_open_quotes", 10000, [](size_t n) { return repeat("<a b=\"", n); }, html},
      {"html_classes", 10000, [](size_t n) { return repeat("navBar ", n, "<p class='", "'>a"); }, html},
      {"html_styles", 10000, [](size_t n) { return repeat("display;/*", n, "<p style='", "'>a"); }, html},
      {"html_regions", 3000, [](size_t n) { return repeat("<div class=nav><h2>a</h2></div>", n); }, html},
      {"html_regions_around", 3000, [](size_t n) { return repeat("<h2>a</h2>", n, repeat("<div class=nav>", 200)); },
       html},
      {"html_ruby", 3000, [](size_t n) { return repeat("<ruby>a<rt>b</rt></ruby>", n); }, html},
      {"xml_attributes", 5000, [](size_t n) { return each(n, "<page", ">a</page>", attribute); }, xml},
      {"xml_entities", 3000,
       [](size_t n) { return repeat("&a;", n, "<!DOCTYPE a [<!ENTITY a 'bbbbbbbb'>]><page><p>", "</p></page>"); }, xml},
      {"xml_sections", 3000,
       [](size_t n) { return repeat("<section><title>a</title></section>", n, "<page>", "</page>"); }, xml},
      {"markdown_brackets", 50000, [](size_t n) { return repeat("[", n); }, markdown},
      {"markdown_images", 20000, [](size_t n) { return repeat("![](", n); }, markdown},
      {"markdown_links", 5000, [](size_t n) { return repeat("[a[b](c)](d) ", n); }, markdown},
      {"markdown_tags", 20000, [](size_t n) { return repeat("<a", n); }, markdown},
      {"markdown_codes", 20000, [](size_t n) { return repeat("``a`{{<{%", n); }, markdown},
      {"markdown_headings", 10000, [](size_t n) { return repeat("# a\n", n); }, markdown},
      {"rst_roles", 20000, [](size_t n) { return repeat(":`b`", n, "a"); }, rst},
      {"rst_directives", 10000, [](size_t n) { return repeat(".. note::\n\n", n); }, rst},
      {"rst_literals", 10000, [](size_t n) { return repeat("a::\n\n  b\n", n); }, rst},
      {"normalise_marks", 20000, [](size_t n) { return repeat("\u0301\u0316", n, "e"); }, normal},
      {"normalise_jamo", 20000, [](size_t n) { return repeat("\u1112\u1161\u11ab", n); }, normal},
      {"charset_open_tags", 20000, [](size_t n) { return repeat("<a b ", n); }, charset},
      {"charset_metas", 10000, [](size_t n) { return repeat("<meta content=charset>", n); }, charset},
      {"charset_scripts", 10000, [](size_t n) { return repeat("<script></s", n); }, charset},
      {"decode_bad_bytes", 50000, [](size_t n) { return repeat("가\xff", n); }, decode},
      {"decode_korean", 50000, [](size_t n) { return repeat("\xBE\xC8\xB3\xE7 ", n); }, decode},
      {"json_line_text", 50000, [](size_t n) { return repeat("가", n, "{\"text\": \"", "\"}"); }, json_line},
      {"json_line_cut", 50000, [](size_t n) { return repeat("[\"a\",", n); }, json_line},
      {"messages_of_one_role", 5000,
       [](size_t n) {
         const std::string turn = R"({"role":"user","content":")" + std::string(100, 'a') + "\"}";
         return repeat(turn + ",", n, R"({"model":"m","max_tokens":1,"messages":[)", turn + "]}");
       },
       messages},
  };
  return kCases;
}

}  // namespace
}  // namespace maru

/// Not inlined and not mangled: callgrind counts what happens below it.
extern "C" __attribute__((noinline)) size_t growth_work(size_t (*work)(const std::string&), const std::string& input) {
  const size_t result = work(input);
  asm volatile("" ::: "memory");
  return result;
}

int main(int argc, char** argv) {
  if (argc != 3) {
    for (const auto& one : maru::cases()) fmt::print("{} {}\n", one.name, one.size);
    return argc == 1 ? 0 : 2;
  }
  for (const auto& one : maru::cases()) {
    if (std::string_view(argv[1]) != one.name) continue;
    const std::string input = one.make(std::strtoull(argv[2], nullptr, 10));
    fmt::print("{} bytes, {}\n", input.size(), growth_work(one.work, input));
    return 0;
  }
  fmt::print(stderr, "no case {}; without arguments all are listed\n", argv[1]);
  return 2;
}
