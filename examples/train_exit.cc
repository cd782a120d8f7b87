// Attaches a SideNet to a trained network: train_exit CHECKPOINT DATA TAP MODEL
#include <cstdio>

#include "sidenet/sidenet.h"

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fprintf(stderr, "usage: %s CHECKPOINT DATA TAP MODEL\n", argv[0]);
    return 2;
  }
  try {
    const sidenet::Model mainnet = sidenet::Model::import_checkpoint(
        argv[1], {.mean = {{0.2860f}}, .std = {{0.3530f}}, .size = 28});
    const auto trained = sidenet::train_sidenets(mainnet, {sidenet::Dataset::open(argv[2])},
                                                 {.taps = {argv[3]},
                                                  .hidden = 32,
                                                  .epochs = 5,
                                                  .cache_dir = std::string(argv[4]) + ".cache"});
    trained.model.save(argv[4]);
    std::printf("%s: held-out accuracy %.3f\n", argv[3], trained.exits[0].holdout_accuracy);
  } catch (const sidenet::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
