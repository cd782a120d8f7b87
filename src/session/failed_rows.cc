#include "failed_rows.h"

#include <cmath>

#include "confidence.h"
#include "sidenet/error.h"

namespace sidenet {

void refuse_failed_rows(const Answers& answers, const Session& session,
                        const std::function<std::string(std::int64_t)>& name) {
  for (const std::int64_t row : answers.failed)
    throw Error(name(row) + ": " + session.why_failed(answers, row));
}

void refuse_failed_rows(const AllExits& all, const Session& session,
                        const std::function<std::string(std::int64_t)>& name) {
  for (std::size_t exit = 0; exit < all.logits.size(); ++exit) {
    const Tensor& logits = all.logits[exit];
    const std::int64_t classes = logits.dim(1);
    for (std::int64_t row = 0; row < logits.dim(0); ++row) {
      const float* values = logits.data<float>() + row * classes;
      if (!std::isnan(
              confidence_of(values, static_cast<int>(classes), 1, Confidence::max_probability)))
        continue;
      throw Error(name(row) + ": " + why_no_answer(session.exit_names()[exit]));
    }
  }
}

}  // namespace sidenet
