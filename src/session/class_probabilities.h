#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace sidenet {

/// softmax(logits / temperature), in double precision.
std::vector<double> class_probabilities(std::span<const float> logits, double temperature);
/// Gives class `answer` this probability; the others share the rest in proportion.
void give_answer(std::size_t answer, double probability, std::vector<double>& probabilities);

}  // namespace sidenet
