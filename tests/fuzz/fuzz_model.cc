// A model file, told as a recipe: what loads must describe itself and answer.
#include <optional>

#include "recipe.h"
#include "sidenet/sidenet.h"

using namespace sidenet;

namespace {

constexpr std::int64_t kMaxWork = 20'000'000;  // multiply-adds: what is slower tells nothing new

void answer(const Model& model) {
  Session session(model, {.execution = {.threads = 1}});
  if (model.is_text()) {
    TokenRows rows;
    for (const std::int32_t length : {1, 3}) {
      for (std::int32_t i = 0; i < length; ++i) {
        rows.ids.push_back(i);
        rows.positions.push_back(i);
        rows.types.push_back(0);
      }
      rows.offsets.push_back(rows.tokens());
    }
    if (session.mainnet_multiply_adds({3}) < kMaxWork) session.run(rows);
    return;
  }
  Shape shape = model.input_shape();
  if (shape[1] > 64 || shape[2] > 64) shape[1] = shape[2] = 40;
  if (session.mainnet_multiply_adds(shape) > kMaxWork) return;
  shape.insert(shape.begin(), 2);
  Tensor images(DType::f32, shape);
  for (std::int64_t i = 0; i < images.size(); ++i)
    images.mutable_data<float>()[i] = static_cast<float>(i % 7) - 3;
  const Answers answers = session.run(images);
  for (const int index : answers.index)
    fuzz::expect(index >= 0 && index < static_cast<int>(model.labels().size()), "a class");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzz::Recipe recipe = fuzz::read_recipe({reinterpret_cast<const char*>(data), size});
  const std::string file = fuzz::file_of(recipe);
  std::optional<Model> model;
  fuzz::refusable("input", [&] { model = Model::load(std::as_bytes(std::span(file)), "input"); });
  if (!model) return 0;
  model->certificate_problem();
  fuzz::refusable("", [&] {
    for (const NodeInfo& node : model->nodes())
      fuzz::expect(node.multiply_adds >= 0, "multiply-adds");
    model->taps();
    model->exits();
    answer(*model);
  });
  return 0;
}
