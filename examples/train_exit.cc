// Attaches a SideNet to a trained network: train_exit CHECKPOINT DATA TAP MODEL
#include <cstdio>

#include "sidenet/sidenet.h"

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fprintf(stderr, "usage: %s CHECKPOINT DATA TAP MODEL\n", argv[0]);
    return 2;
  }
  try {
    sidenet::ImportOptions import;
    import.size = 28;
    import.mean = {0.2860f};
    import.std = {0.3530f};
    const sidenet::Model mainnet = sidenet::Model::import_checkpoint(argv[1], import);
    sidenet::TrainOptions options;
    options.taps = {argv[3]};
    options.hidden = 32;
    options.epochs = 5;
    options.cache_dir = std::string(argv[4]) + ".cache";
    const auto trained =
        sidenet::train_sidenets(mainnet, {sidenet::Dataset::open(argv[2])}, options);
    trained.model.save(argv[4]);
    std::printf("%s: held-out accuracy %.3f\n", argv[3], trained.exits[0].holdout_accuracy);
  } catch (const sidenet::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
