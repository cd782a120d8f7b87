#include "class_probabilities.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace sidenet {

std::vector<double> class_probabilities(std::span<const float> logits, double temperature) {
  const float largest = *std::max_element(logits.begin(), logits.end());
  std::vector<double> result;
  double sum = 0;
  for (const float logit : logits)
    sum += result.emplace_back(std::exp((static_cast<double>(logit) - largest) / temperature));
  for (double& value : result) value /= sum;
  return result;
}

void give_answer(std::size_t answer, double probability, std::vector<double>& probabilities) {
  if (probabilities.size() < 2) return;
  probabilities[answer] = 0;
  const double others = std::accumulate(probabilities.begin(), probabilities.end(), 0.0),
               left = 1.0 - probability;
  for (double& value : probabilities)
    value =
        others > 0 ? value / others * left : left / static_cast<double>(probabilities.size() - 1);
  probabilities[answer] = probability;
}

}  // namespace sidenet
