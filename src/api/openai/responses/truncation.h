// A conversation that is too long for the model, without its beginning.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>

#include "base/json.h"

namespace maru::api::openai {

/// Tokens that are left to the answer where a conversation is cut: as many as are wanted, but at most half of the
/// context; an eighth of it where nothing is said.
int64_t room_for_answer(std::optional<int64_t> wanted, int64_t max_context);

/// Of `items` (items.h) the most turns of the end that fit: the first that is kept is a message of the user, so that
/// no call is torn from its result; messages of the system and the developer all stay. All of them where all fit; the
/// last turn where nothing does. `left_out`: how many are gone.
///
/// Cost     as many calls of fits() as the binary logarithm of the number of turns, and two.
Json cut_to_fit(const Json& items, const std::function<bool(const Json&)>& fits, size_t& left_out);

}  // namespace maru::api::openai
