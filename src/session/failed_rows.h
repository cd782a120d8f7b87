#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "sidenet/session.h"

namespace sidenet {

/// Why a row has no answer, for a message that has the row's name in front.
inline std::string why_no_answer(const std::string& exit) {
  return "no answer: the logits of exit " + exit + " are not numbers (NaN or infinite)";
}

/// Throws Error where a row of these has no answer, with `name` of its number in front.
void refuse_failed_rows(const Answers& answers, const Session& session,
                        const std::function<std::string(std::int64_t)>& name);
void refuse_failed_rows(const AllExits& all, const Session& session,
                        const std::function<std::string(std::int64_t)>& name);

}  // namespace sidenet
