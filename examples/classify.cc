// Classifies images with early exits: classify MODEL IMAGE…
#include <cstdio>

#include "sidenet/sidenet.h"

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: %s MODEL IMAGE...\n", argv[0]);
    return 2;
  }
  try {
    const sidenet::Model model = sidenet::Model::load(argv[1]);
    sidenet::Session session(model);
    for (int i = 2; i < argc; ++i) {
      const sidenet::Tensor image = sidenet::read_image(argv[i], model.preprocessing());
      const sidenet::Tensor row = sidenet::preprocess_image(image, model.preprocessing());
      const sidenet::Answers answers = session.run(sidenet::batch_of(model, {&row, 1}));
      std::printf("%s: %s (%.3f, at %s)\n", argv[i], model.labels()[answers.index[0]].c_str(),
                  answers.confidence[0], session.exit_names()[answers.exit[0]].c_str());
    }
  } catch (const sidenet::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
