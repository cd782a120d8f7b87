// classify MODEL IMAGE: prints the class. Then, as any program does, meets an Error of the library.
#include <sidenet/sidenet.h>

#include <cstdio>

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const sidenet::Model model = sidenet::Model::load(argv[1]);
  sidenet::Session session(model);
  const sidenet::Tensor image = sidenet::read_image(argv[2], model.preprocessing());
  const sidenet::Tensor row = sidenet::preprocess_image(image, model.preprocessing());
  const sidenet::Answers answers =
      session.run(row.reshape({1, row.dim(0), row.dim(1), row.dim(2)}));
  std::printf("%s\n", model.labels()[static_cast<std::size_t>(answers.index[0])].c_str());
  try {
    sidenet::Model::load("nowhere.safetensors");
  } catch (const sidenet::Error& error) {
    std::printf("caught: %s\n", error.what());
    return 0;
  }
  return 1;
}
