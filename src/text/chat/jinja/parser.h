// Tokens to a syntax tree: the grammar of Jinja 3.1 with loop controls and {% generation %}.
#pragma once
#include <string_view>

#include "text/chat/jinja/ast.h"

namespace maru::text::jinja {

/// `name` stands in the errors.
///
/// Throws   kInvalidArgument, "NAME:LINE: expected …"; kUnimplemented for include, import, extends and autoescape,
/// which
///          a chat template on its own cannot use.
Tree parse_template(std::string_view source, std::string_view name);

}  // namespace maru::text::jinja
