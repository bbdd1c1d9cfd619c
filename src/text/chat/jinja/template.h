// A Jinja template: parsed once, rendered many times, from any thread. Same text as jinja2 in transformers' sandbox,
// and in addition, for every byte, whether the template wrote it or its input did.
//
// A hostile template cannot crash or hang: what it may use is limited (memory.h), and it reaches nothing but its input.
#pragma once
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json_fwd.h"
#include "text/chat/jinja/marked_text.h"
#include "text/chat/jinja/memory.h"
#include "text/chat/jinja/runtime.h"

namespace maru::text::jinja {

struct Tree;

/// A variable of a render. Both parts must live until it ends.
struct Variable {
  std::string_view name;
  const Json* value;
  bool own = false;  // its strings count as the template's own, e.g. bos_token
  /// Per element of a list: whether the strings in it are marked as generated. Empty: none are.
  std::span<const uint8_t> generated = {};
};

struct RenderOptions {
  Limits limits;
  Clock clock;
  /// Strings that count as the template's own where they are the value of "role": templates make markup of them.
  std::span<const std::string_view> own_roles;
  /// If not null: the steps the render took, also when it fails.
  int64_t* steps = nullptr;
};

class Template {
 public:
  /// `name` stands in the errors: "NAME:LINE: expected …"; `shown`, if not empty, in those of renders.
  static Result<Template> parse(std::string_view source, std::string_view name, std::string_view shown = "");
  /// Throws   kInvalidArgument for what the template refuses or does wrong, kExhausted at a limit, kDeadline at that of
  ///          time, kUnimplemented.
  MarkedText render(std::span<const Variable> variables, const RenderOptions& options = {}) const;
  /// Whether it marks what the model says with {% generation %}.
  bool marks_generation() const;

 private:
  explicit Template(std::shared_ptr<const Tree> tree) : tree_(std::move(tree)) {}
  std::shared_ptr<const Tree> tree_;
};

}  // namespace maru::text::jinja
