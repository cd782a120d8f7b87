// The example of README.md, letter for letter: first_minute MODEL IMAGE
#include <sidenet/sidenet.h>

#include <cstdio>

int main(int, char** arguments) {
  const sidenet::Model model = sidenet::Model::load(arguments[1]);
  const sidenet::Preprocessing& to_input = model.preprocessing();
  sidenet::Session session(model);
  const sidenet::Tensor image = sidenet::read_image(arguments[2], to_input);
  const sidenet::Tensor row = sidenet::preprocess_image(image, to_input);
  const auto answers = session.run(sidenet::batch_of(model, {&row, 1}));
  std::printf("%s, sure to %.2f, answered at %s\n", model.labels()[answers.index[0]].c_str(),
              answers.confidence[0], session.exit_names()[answers.exit[0]].c_str());
}
