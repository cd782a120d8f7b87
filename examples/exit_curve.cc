// Compute against accuracy over thresholds: exit_curve MODEL DATA
#include <cstdio>

#include "sidenet/sidenet.h"

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: %s MODEL DATA\n", argv[0]);
    return 2;
  }
  try {
    const sidenet::Model model = sidenet::Model::load(argv[1]);
    const auto data = sidenet::Dataset::open(argv[2], {.limit = 500});
    std::printf("threshold  accuracy  compute  ms/row\n");
    for (const double threshold : {0.7, 0.9, 0.99, 2.0}) {
      const auto result = sidenet::evaluate(model, *data, sidenet::ExitPolicy::uniform(threshold));
      std::printf("%9.2f  %7.1f%%  %6.1f%%  %6.3f\n", threshold, 100 * result.accuracy,
                  100 * result.compute_ratio, result.ms_per_row);
    }
  } catch (const sidenet::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
