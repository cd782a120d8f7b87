// The first rows of labelled images as a model takes them, (rows, C, H, W), for exits.py and
// scaling.py: dataset_rows MODEL DATA ROWS OUT.npy
#include <algorithm>
#include <cstdio>
#include <exception>
#include <string>

#include "sidenet/npy.h"
#include "sidenet/sidenet.h"

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fprintf(stderr, "usage: %s MODEL DATA ROWS OUT.npy\n", argv[0]);
    return 2;
  }
  try {
    const sidenet::Model model = sidenet::Model::load(argv[1]);
    sidenet::DatasetOptions options;
    options.limit = std::stoll(argv[3]);
    const auto data = sidenet::Dataset::open(argv[2], options);
    if (data->rows() == 0)
      throw sidenet::Error(std::string(argv[2]) + ": expected at least one row");
    sidenet::Tensor rows;
    sidenet::for_each_batch(model, *data, data->rows(), 1,
                            [&](const sidenet::Batch& batch) { rows = batch.inputs; });
    sidenet::write_npy(argv[4], rows);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
