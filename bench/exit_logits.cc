// The logits of every exit for every row, for choose_thresholds.py: exit_logits MODEL DATA FOLDER
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "sidenet/npy.h"
#include "sidenet/sidenet.h"

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: %s MODEL DATA FOLDER\n", argv[0]);
    return 2;
  }
  try {
    const sidenet::Model model = sidenet::Model::load(argv[1]);
    const auto data = sidenet::Dataset::open(argv[2]);
    sidenet::Session session(model);
    const auto& names = session.exit_names();
    const auto classes = static_cast<std::int64_t>(model.labels().size());
    std::vector<sidenet::Tensor> logits(names.size());
    for (auto& tensor : logits)
      tensor = sidenet::Tensor(sidenet::DType::f32, {data->rows(), classes});
    sidenet::Tensor labels(sidenet::DType::i32, {data->rows()});
    sidenet::for_each_batch(model, *data, 64, 1, [&](const sidenet::Batch& batch) {
      const sidenet::AllExits all = session.run_all_exits(batch);
      for (std::size_t i = 0; i < names.size(); ++i) {
        std::memcpy(logits[i].mutable_data<float>() + batch.first * classes,
                    all.logits[i].data<float>(), all.logits[i].bytes());
      }
      std::memcpy(labels.mutable_data<std::int32_t>() + batch.first, batch.labels.data(),
                  4 * batch.labels.size());
    });
    const std::filesystem::path folder = argv[3];
    std::filesystem::create_directories(folder);
    for (std::size_t i = 0; i < names.size(); ++i)
      sidenet::write_npy((folder / (names[i] + ".npy")).string(), logits[i]);
    sidenet::write_npy((folder / "labels.npy").string(), labels);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
