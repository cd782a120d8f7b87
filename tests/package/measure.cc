// measure MODEL DATA: prints the rows evaluated. Errors come from the study, and go through it.
#include <sidenet/sidenet.h>

#include <cstdio>

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const sidenet::Model model = sidenet::Model::load(argv[1]);
  const auto data = sidenet::Dataset::open(argv[2], {.limit = 20});
  const auto policy = sidenet::ExitPolicy::uniform(0.9);
  std::printf("%d rows\n", static_cast<int>(sidenet::evaluate(model, *data, policy).rows));
  try {
    sidenet::ExitPolicy elsewhere;
    elsewhere.always_exit = "nowhere";
    sidenet::evaluate(model, *data, elsewhere);
  } catch (const sidenet::Error& error) {
    std::printf("caught: %s\n", error.what());
  }
  try {
    sidenet::evaluate(model, *data, policy, {},
                      [](const sidenet::Progress&) { throw sidenet::Error("enough"); });
  } catch (const sidenet::Error& error) {
    std::printf("caught: %s\n", error.what());
    return 0;
  }
  return 1;
}
